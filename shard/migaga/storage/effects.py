"""Effects that must happen once, although an event may be handled again."""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import blake2b

from sqlalchemy.ext.asyncio import AsyncSession

from migaga.storage.portable import insert_ignore
from migaga.storage.tables import effect

_KEY_LENGTH = 160
_NAME_LENGTH = 64


async def once(session: AsyncSession, key: str, module: str, handler: str) -> bool:
    """Note in the caller's transaction that an effect happens now; tell whether it is the first time.

    False means that another transaction with the same key **has committed**: one that still runs is waited for. A
    lock time-out or a deadlock is raised, never taken for done: roll back and try again (`portable.retrying`).

    Args:
        session: The transaction in which the effect's rows are written too.
        key: The event's key, and what of it. Long ones are kept as a digest.
        module: The module's name.
        handler: The handler's name.
    """
    row = {
        "key": _short(key, _KEY_LENGTH),
        "module": _short(module, _NAME_LENGTH),
        "handler": _short(handler, _NAME_LENGTH),
        "created_at": datetime.now(UTC),
    }
    return await insert_ignore(session, effect, row)


def _short(text: str, limit: int) -> str:
    return text if len(text) <= limit else blake2b(text.encode(), digest_size=32).hexdigest()
