"""The public names: what module authors import."""

from __future__ import annotations

from migaga.common.text import escape_markdown
from migaga.framework.context import AutocompleteContext, Context, EventContext, TaskContext
from migaga.framework.decorators import (
    autocomplete,
    command,
    component,
    group,
    listen,
    message_command,
    modal,
    task,
    user_command,
)
from migaga.framework.dialogue import TextField
from migaga.framework.emoji import Emoji
from migaga.framework.errors import NotAllowed, UserError, WrongArgument
from migaga.framework.guild_settings import GuildSettings
from migaga.framework.guild_view import GuildView
from migaga.framework.markers import (
    Autocomplete,
    ChannelTypes,
    Choices,
    Describe,
    Inject,
    Length,
    Range,
    Rest,
)
from migaga.framework.module import BaseModule
from migaga.framework.options import ChannelId, GuildOptions, RoleId, UserId, option
from migaga.framework.permissions import RoleView
from migaga.framework.prefixes import MAX_PREFIX, check_prefix, is_invisible
from migaga.framework.replies import Reply
from migaga.framework.scope import Application
from migaga.framework.spec import Choice, Cooldown
from migaga.framework.uncalled import TextNames, UnknownCommandEvent
from migaga.framework.waiting import Unanswered
from migaga.storage.database import Database
from migaga.storage.portable import delete_batch, execute_count, insert_ignore, lock_rows, retrying, upsert
from migaga.storage.tables import NAMING
from migaga.storage.types import Amount, Digest, Folded, Json, Snowflake, Text, UtcDateTime, fold

__all__ = [
    "MAX_PREFIX",
    "NAMING",
    "Amount",
    "Application",
    "Autocomplete",
    "AutocompleteContext",
    "BaseModule",
    "ChannelId",
    "ChannelTypes",
    "Choice",
    "Choices",
    "Context",
    "Cooldown",
    "Database",
    "Describe",
    "Digest",
    "Emoji",
    "EventContext",
    "Folded",
    "GuildOptions",
    "GuildSettings",
    "GuildView",
    "Inject",
    "Json",
    "Length",
    "NotAllowed",
    "Range",
    "Reply",
    "Rest",
    "RoleId",
    "RoleView",
    "Snowflake",
    "TaskContext",
    "Text",
    "TextField",
    "TextNames",
    "Unanswered",
    "UnknownCommandEvent",
    "UserError",
    "UserId",
    "UtcDateTime",
    "WrongArgument",
    "autocomplete",
    "check_prefix",
    "command",
    "component",
    "delete_batch",
    "escape_markdown",
    "execute_count",
    "fold",
    "group",
    "insert_ignore",
    "is_invisible",
    "listen",
    "lock_rows",
    "message_command",
    "modal",
    "option",
    "retrying",
    "task",
    "upsert",
    "user_command",
]
