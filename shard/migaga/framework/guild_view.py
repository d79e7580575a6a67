"""A guild as the bot sees it: made of raw payloads, kept up to date by raw events. `guilds.py` keeps them."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Flag, auto

from hikari import Permissions

from migaga.framework.permissions import ChannelView, RoleView, base_permissions, channel_permissions
from migaga.framework.rawguild import Payload, read_channel, read_role, when


class Part(Flag):
    """What is known of a guild. Each is one call of Discord's REST API."""

    BASICS = auto()
    """Name, owner, roles, emojis."""
    CHANNELS = auto()
    ME = auto()
    """The bot's own roles and time-out."""


EVERYTHING = Part.BASICS | Part.CHANNELS | Part.ME


@dataclass(slots=True, eq=False)
class GuildView:
    """One guild as the bot sees it. Events keep it up to date in place. Authors get one that is known as a whole."""

    id: int
    name: str
    owner_id: int
    roles: dict[int, RoleView] = field(default_factory=dict)
    channels: dict[int, ChannelView] = field(default_factory=dict)
    """Channels and active threads."""
    emoji_ids: frozenset[int] = frozenset()
    my_roles: tuple[int, ...] = ()
    """Roles of the bot itself."""
    my_timeout: float = 0.0
    """Until when the bot is timed out, in seconds since the epoch."""
    parts: Part = field(default=EVERYTHING, repr=False)
    """What of it is known."""

    def base_permissions(self, member_id: int, member_roles: tuple[int, ...]) -> Permissions:
        """Return what a member may do in the guild, without channel overwrites."""
        return base_permissions(
            guild_id=self.id,
            owner_id=self.owner_id,
            roles=self.roles,
            member_id=member_id,
            member_roles=member_roles,
        )

    def permissions_in(
        self, channel_id: int, member_id: int, member_roles: tuple[int, ...], *, timed_out: bool = False
    ) -> Permissions:
        """Return what a member may do in a channel or thread; none when the channel is unknown."""
        channel = self.channels.get(channel_id)
        if channel is None:
            return Permissions.NONE
        return channel_permissions(
            guild_id=self.id,
            owner_id=self.owner_id,
            roles=self.roles,
            channel=channel,
            parent=self.channels.get(channel.parent_id or 0),
            member_id=member_id,
            member_roles=member_roles,
            timed_out=timed_out,
        )


def read_guild(payload: Payload, me: int, parts: Part = EVERYTHING) -> GuildView:
    """Make a view of a raw guild with its roles, channels, threads, emojis and the bot's own member."""
    view = GuildView(id=int(payload["id"]), name="", owner_id=0, parts=Part(0))
    fill(view, payload, me, parts)
    return view


def fill(view: GuildView, payload: Payload, me: int, parts: Part) -> None:
    """Take parts of a view from a raw guild."""
    if Part.BASICS in parts:
        view.name, view.owner_id = str(payload.get("name", "")), int(payload["owner_id"])
        view.roles = {int(role["id"]): read_role(role) for role in payload.get("roles", ())}
        view.emoji_ids = frozenset(int(emoji["id"]) for emoji in payload.get("emojis", ()))
    if Part.CHANNELS in parts:
        # REST lists no threads: those that events have brought stay.
        threads = [channel for channel in view.channels.values() if channel.is_thread]
        listed = [read_channel(one) for one in (*payload.get("channels", ()), *payload.get("threads", ()))]
        view.channels = {channel.id: channel for channel in (*threads, *listed)}
    if Part.ME in parts:
        for member in payload.get("members", ()):
            _read_me(view, member, me)
    view.parts |= parts


def _read_me(view: GuildView, member: Payload, me: int) -> None:
    if int(member["user"]["id"]) != me:
        return
    view.my_roles = tuple(int(role) for role in member.get("roles", ()))
    view.my_timeout = when(member.get("communication_disabled_until"))


def apply(view: GuildView, name: str, payload: Payload, me: int) -> None:
    """Apply one raw event to a view. Each event carries the whole new object, so repeating one changes nothing."""
    if name.startswith("GUILD_ROLE_"):
        _apply_role(view, name, payload)
    elif name.startswith(("CHANNEL_", "THREAD_")):
        _apply_channel(view, name, payload)
    elif name == "GUILD_UPDATE":
        view.name = str(payload.get("name", view.name))
        view.owner_id = int(payload.get("owner_id", view.owner_id))
    elif name == "GUILD_EMOJIS_UPDATE":
        view.emoji_ids = frozenset(int(emoji["id"]) for emoji in payload.get("emojis", ()))
    elif name == "GUILD_MEMBER_UPDATE":
        _read_me(view, payload, me)


def _apply_role(view: GuildView, name: str, payload: Payload) -> None:
    if name == "GUILD_ROLE_DELETE":
        view.roles.pop(int(payload["role_id"]), None)
    else:
        role = read_role(payload["role"])
        view.roles[role.id] = role


def _apply_channel(view: GuildView, name: str, payload: Payload) -> None:
    if name in ("CHANNEL_CREATE", "CHANNEL_UPDATE", "THREAD_CREATE", "THREAD_UPDATE"):
        view.channels[int(payload["id"])] = read_channel(payload)
    elif name == "THREAD_DELETE":
        view.channels.pop(int(payload["id"]), None)
    elif name == "CHANNEL_DELETE":
        _forget_channel(view.channels, int(payload["id"]))
    elif name == "THREAD_LIST_SYNC":
        for thread in payload.get("threads", ()):
            view.channels[int(thread["id"])] = read_channel(thread)


def _forget_channel(channels: dict[int, ChannelView], channel_id: int) -> None:
    """Forget a channel and its threads, for which Discord sends no events of their own."""
    channels.pop(channel_id, None)
    for thread in [c.id for c in channels.values() if c.is_thread and c.parent_id == channel_id]:
        del channels[thread]
