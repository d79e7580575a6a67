"""Images of a fleet's processes that differ: two releases of a module with another schema each, and bad ones.

Here an image is a folder: of modules, and of what Python loads at its start. It is written when a scenario asks for it.
Called by `runner.py` and `rollout.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from migaga_emulator.scenarios.processes import BotConfig

NOTES = "notes"
"""A module whose tables change from one release to the next."""
FAULTY = "faulty"

_NOTES = '''"""Notes every message in the database. Release {release}."""

import hikari
import sqlalchemy as sa

from migaga.api import NAMING, BaseModule, EventContext, Snowflake, Text, listen

metadata = sa.MetaData(naming_convention=NAMING)
NOTES = sa.Table(
    "notes_messages",
    metadata,
    sa.Column("message_id", Snowflake, primary_key=True, autoincrement=False, comment="Message"),
    sa.Column("guild_id", Snowflake, nullable=True, comment="Guild, if it has one"),
{columns}    comment="Messages that were seen",
)
{tables}

class Notes(BaseModule):
    """Notes messages."""

    load_by_default = False
    metadata = metadata

    @listen(hikari.ShardPayloadEvent)
    async def note(self, event: hikari.ShardPayloadEvent, context: EventContext) -> None:
        """Note a message, once."""
        if event.name != "MESSAGE_CREATE":
            return
        if await context.once():
            row = {{"message_id": int(event.payload["id"]), "guild_id": context.guild_id}}
{statements}
'''
_OLD = {
    "release": "1",
    "columns": "",
    "tables": "",
    "statements": "            await context.db.execute(sa.insert(NOTES).values(row))",
}
_NEW = {
    "release": "2",
    "columns": '    sa.Column("words", sa.Integer, nullable=False, server_default="0", comment="Number of words"),\n',
    "tables": """AUTHORS = sa.Table(
    "notes_authors",
    metadata,
    sa.Column("message_id", Snowflake, primary_key=True, autoincrement=False, comment="Message"),
    sa.Column("name", Text(100), nullable=False, comment="Who wrote it"),
    comment="Who wrote the messages",
)
""",
    "statements": """            words = len(str(event.payload.get("content", "")).split())
            await context.db.execute(sa.insert(NOTES).values(row | {"words": words}))
            author = str(event.payload["author"]["username"])
            await context.db.execute(sa.insert(AUTHORS).values(message_id=row["message_id"], name=author))""",
}
_MIGRATION = '''"""Tables of release {release}."""

import sqlalchemy as sa
from alembic import op

from migaga.api import Snowflake, Text

revision = "notes_000{release}"
down_revision = {before}
branch_labels = None
depends_on = None


def upgrade() -> None:
{steps}


def downgrade() -> None:
{steps_back}
'''
_FIRST = """    op.create_table(
        "notes_messages",
        sa.Column("message_id", Snowflake, primary_key=True, autoincrement=False, comment="Message"),
        sa.Column("guild_id", Snowflake, nullable=True, comment="Guild, if it has one"),
        comment="Messages that were seen",
    )"""
_FIRST_BACK = '    op.drop_table("notes_messages")'
_SECOND_BACK = """    op.drop_table("notes_authors")
    op.drop_column("notes_messages", "words")"""
_SECOND = """    # The release before writes rows without it, beside this one.
    column = sa.Column("words", sa.Integer, nullable=False, server_default="0", comment="Number of words")
    op.add_column("notes_messages", column)
    op.create_table(
        "notes_authors",
        sa.Column("message_id", Snowflake, primary_key=True, autoincrement=False, comment="Message"),
        sa.Column("name", Text(100), nullable=False, comment="Who wrote it"),
        comment="Who wrote the messages",
    )"""
_MIGRATIONS = ((_FIRST, _FIRST_BACK), (_SECOND, _SECOND_BACK))
_FAULTY = '''"""Does not survive its first event."""

import os
import time

import hikari
from migaga.api import BaseModule, listen


class Faulty(BaseModule):
    """A release that should not have been."""

    load_by_default = False

    @listen(hikari.ShardPayloadEvent)
    async def fail(self, event: hikari.ShardPayloadEvent) -> None:
        """End the process, or never come back."""
        if event.name != "RESUMED":
            {fault}
'''
_NO_GATEWAY = '''"""The network of this image lets nothing through to Discord's gateway."""

import aiohttp


def refuse(self, *args, **kwargs):
    raise aiohttp.ClientConnectionError("the network is unreachable")


aiohttp.ClientSession.ws_connect = refuse
'''


def with_notes(config: BotConfig, folder: Path) -> BotConfig:
    """The same with the first release of the module `notes`."""
    first = _write_notes(folder / "images" / "release-1", _MIGRATIONS[:1], _OLD)
    _write_notes(folder / "images" / "release-2", _MIGRATIONS, _NEW)
    return replace(config, modules=(*config.modules, NOTES), module_directories=(*config.module_directories, first))


def newer(config: BotConfig) -> BotConfig:
    """The same with the second release of the module `notes`, whose schema is another one."""
    return _with_release(config, "release-2")


def older(config: BotConfig) -> BotConfig:
    """The same with the first release of the module `notes`."""
    return _with_release(config, "release-1")


def _with_release(config: BotConfig, name: str) -> BotConfig:
    *others, notes = config.module_directories
    return replace(config, module_directories=(*others, notes.parent / name))


def _write_notes(folder: Path, migrations: Sequence[tuple[str, str]], parts: Mapping[str, str]) -> Path:
    versions = folder / NOTES / "migrations" / "versions"
    versions.mkdir(parents=True, exist_ok=True)
    (folder / NOTES / "__init__.py").write_text(_NOTES.format(**parts))
    for number, (steps, back) in enumerate(migrations, start=1):
        before = f'"notes_000{number - 1}"' if number > 1 else "None"
        text = _MIGRATION.format(release=number, before=before, steps=steps, steps_back=back)
        (versions / f"notes_000{number}.py").write_text(text)
    return folder


@dataclass(frozen=True, slots=True)
class Image:
    """A bad image."""

    name: str
    summary: str
    """What is wrong with it."""
    change: Callable[[BotConfig, Path], BotConfig] = lambda config, folder: config
    """What it makes of the settings; the folder is the scenario's."""
    environment: Callable[[Path], Mapping[str, str]] = lambda folder: {}


def _without_gateway(folder: Path) -> Mapping[str, str]:
    image = folder / "images" / "no-gateway"
    image.mkdir(parents=True, exist_ok=True)
    (image / "sitecustomize.py").write_text(_NO_GATEWAY)
    return {"PYTHONPATH": str(image)}


def _faulty(fault: str, name: str) -> Callable[[BotConfig, Path], BotConfig]:
    def change(config: BotConfig, folder: Path) -> BotConfig:
        image = folder / "images" / name
        image.mkdir(parents=True, exist_ok=True)
        (image / f"{FAULTY}.py").write_text(_FAULTY.format(fault=fault))
        modules, directories = (*config.modules, FAULTY), (*config.module_directories, image)
        return replace(config, modules=modules, module_directories=directories)

    return change


def _with_wrong_setting(config: BotConfig, folder: Path) -> BotConfig:
    return replace(config, intents="GUILDS GULID_MESSAGES")


BAD = (
    Image("gateway", "cannot reach Discord's gateway", environment=_without_gateway),
    Image("crash", "dies of the first event that it handles", _faulty("os._exit(139)", "crash")),
    Image("hang", "stands still at the first event that it handles", _faulty("time.sleep(3_600)", "hang")),
    Image("setting", "ends at once because of a wrong setting", _with_wrong_setting),
)
