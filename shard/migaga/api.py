"""The public names: what module authors import."""

from __future__ import annotations

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
from migaga.framework.emoji import Emoji
from migaga.framework.errors import NotAllowed, UserError, WrongArgument
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
from migaga.framework.spec import Choice, Cooldown

__all__ = [
    "Autocomplete",
    "BaseModule",
    "ChannelId",
    "ChannelTypes",
    "Choice",
    "Choices",
    "Cooldown",
    "Describe",
    "Emoji",
    "GuildOptions",
    "Inject",
    "Length",
    "NotAllowed",
    "Range",
    "Rest",
    "RoleId",
    "UserError",
    "UserId",
    "WrongArgument",
    "autocomplete",
    "command",
    "component",
    "group",
    "listen",
    "message_command",
    "modal",
    "option",
    "task",
    "user_command",
]
