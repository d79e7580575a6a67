"""Tell Discord the fleet's application commands, once per fleet and only when they have changed.

Every process calls `register_commands` when it has loaded its modules; the digest in the database says who was first.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256

import hikari
from hikari.impl import special_endpoints

from migaga.common.errors import MigagaError
from migaga.framework.slash import Json, Payload, command_payloads, payload_owners
from migaga.framework.spec import ModuleSpec
from migaga.storage.catalogue import Catalogue
from migaga.storage.database import Database
from migaga.storage.process_lock import process_lock

_LOCK_TIMEOUT = 60.0
"""Seconds to wait for another process that is telling Discord."""


class RegistrationError(MigagaError):
    """Discord refuses the commands. The message names each and why."""


class _Payload(special_endpoints.SlashCommandBuilder):
    """A command whose JSON is already made: hikari only has to send it."""

    def __init__(self, payload: Payload) -> None:
        super().__init__(name=str(payload["name"]), description=str(payload.get("description", "")))
        self._payload = payload

    def build(self, entity_factory: hikari.api.EntityFactory, /) -> Payload:
        """Return the JSON."""
        return self._payload


def digest_of(payloads: Sequence[Payload]) -> bytes:
    """Return 32 bytes that differ when what Discord is told differs. The order of commands does not count."""
    texts = sorted(json.dumps(payload, sort_keys=True, ensure_ascii=False) for payload in payloads)
    return sha256("\n".join(texts).encode()).digest()


async def register_commands(
    rest: hikari.api.RESTClient,
    application: hikari.Snowflakeish,
    database: Database,
    modules: Sequence[ModuleSpec],
) -> bool:
    """Replace the bot's global commands by those of the modules, when they are not the same already.

    Args:
        rest: To call Discord with.
        application: The bot's application id.
        database: Holds the digest of what Discord was told last.
        modules: The modules that run.

    Returns:
        Whether Discord was told.

    Raises:
        RegistrationError: Discord refuses a command.
        UnavailableError: another process has been telling Discord for a minute.
    """
    payloads = command_payloads(modules)
    digest = digest_of(payloads)
    catalogue = Catalogue(database)
    if await catalogue.registered_digest() == digest:
        return False
    # Several processes start at once with the same commands: the first tells Discord, the others see its digest.
    async with process_lock(database, "commands", _LOCK_TIMEOUT, "telling Discord the commands"):
        if await catalogue.registered_digest() == digest:
            return False
        try:
            await rest.set_application_commands(application, [_Payload(payload) for payload in payloads])
        except hikari.BadRequestError as error:
            raise RegistrationError(_explain(error, payloads, payload_owners(modules))) from error
        await catalogue.set_registered_digest(digest)
    return True


def _explain(error: hikari.BadRequestError, payloads: Sequence[Payload], owners: Sequence[str]) -> str:
    faults = list(explain_errors(error.errors or {}, payloads, owners))
    if not faults:
        return f"Discord refuses the bot's commands: {error.message}"
    return "Discord refuses the bot's commands:\n" + "\n".join(f"  {fault}" for fault in faults)


def explain_errors(errors: Mapping[str, object], payloads: Sequence[Payload], owners: Sequence[str]) -> Iterator[str]:
    """Translate Discord's tree of errors: which command of which module, which part of it, why.

    Args:
        errors: `{"0": {"options": {"1": {"name": {"_errors": [{"code": ..., "message": ...}]}}}}}`.
        payloads: What was sent.
        owners: What each payload is, as `payload_owners` says.
    """
    for key, inner in errors.items():
        index = int(key) if key.isdecimal() else -1
        if 0 <= index < len(payloads) and isinstance(inner, Mapping):
            for path, message in _leaves(inner, payloads[index]):
                yield f"{' '.join((owners[index], *path))}: {message}"
        elif isinstance(inner, Mapping):
            yield from (f"{' '.join((key, *path))}: {message}" for path, message in _leaves(inner, None))
        elif isinstance(inner, list):
            yield from _messages(inner)


def _leaves(errors: Mapping[str, object], sent: Json) -> Iterator[tuple[tuple[str, ...], str]]:
    for key, inner in errors.items():
        if key == "_errors":
            yield from (((), message) for message in _messages(inner))
        elif isinstance(inner, Mapping):
            part = _part(sent, key)
            name = str(part["name"]) if isinstance(part, dict) and "name" in part else key
            # `options 1` is one thing for the reader: the option's name.
            label = () if key in {"options", "choices"} and isinstance(part, list) else (repr(name),)
            for path, message in _leaves(inner, part):
                yield (*label, *path), message


def _part(sent: Json, key: str) -> Json:
    if isinstance(sent, dict):
        return sent.get(key)
    if isinstance(sent, list) and key.isdecimal() and int(key) < len(sent):
        return sent[int(key)]
    return None


def _messages(errors: object) -> Iterator[str]:
    for error in errors if isinstance(errors, list) else ():
        yield str(error.get("message", error)) if isinstance(error, Mapping) else str(error)
