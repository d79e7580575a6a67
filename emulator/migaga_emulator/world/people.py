"""People: what a person does in Discord's client. Called by the control API, tests and scenarios, with plain ids."""

from __future__ import annotations

from migaga_emulator.world import payloads
from migaga_emulator.world.channels import Channels
from migaga_emulator.world.core import Core
from migaga_emulator.world.drafts import Upload, read_draft, read_new_draft
from migaga_emulator.world.guilds import Guilds
from migaga_emulator.world.invites import Invites
from migaga_emulator.world.invocations import Invocations
from migaga_emulator.world.members import MemberChange, Members
from migaga_emulator.world.messages import Messages
from migaga_emulator.world.pins import Pins
from migaga_emulator.world.reactions import Reactions
from migaga_emulator.world.state import Channel, Member, Message
from migaga_emulator.world.wire import JsonObject

JOINED, BOOSTED = 7, 8


class People:
    """Acts as persons: everything is checked as for a person, and raises `DiscordError` or `PersonRefused`."""

    def __init__(
        self,
        core: Core,
        *,
        guilds: Guilds,
        channels: Channels,
        members: Members,
        messages: Messages,
        reactions: Reactions,
        invites: Invites,
        pins: Pins,
        invocations: Invocations,
    ) -> None:
        self._core = core
        self._guilds = guilds
        self._channels = channels
        self._members = members
        self._messages = messages
        self._reactions = reactions
        self._invites = invites
        self._pins = pins
        self.use = invocations

    def post(
        self,
        user_id: int,
        channel_id: int,
        content: str,
        *,
        reply_to: int | None = None,
        uploads: list[Upload] | None = None,
        nonce: str | None = None,
    ) -> Message:
        """Write a message."""
        body: JsonObject = {"content": content}
        if reply_to is not None:
            body["message_reference"] = {"message_id": str(reply_to)}
        if nonce is not None:
            body |= {"nonce": nonce, "enforce_nonce": True}
        draft = read_new_draft(body, self._core.rules, uploads)
        return self._messages.post(self._core.user(user_id), self._core.channel(channel_id), draft)

    def edit(self, user_id: int, channel_id: int, message_id: int, content: str) -> Message:
        """Change one's own message."""
        channel = self._core.channel(channel_id)
        draft = read_draft({"content": content}, self._core.rules)
        return self._messages.edit(self._core.user(user_id), channel, self._messages.get(channel, message_id), draft)

    def delete(self, user_id: int, channel_id: int, message_id: int) -> None:
        """Delete a message: one's own, or as a moderator any."""
        self._messages.delete(self._core.user(user_id), self._core.channel(channel_id), message_id)

    def react(self, user_id: int, channel_id: int, message_id: int, emoji: str) -> None:
        """React. `emoji`: a character, or `name:id`."""
        channel = self._core.channel(channel_id)
        message = self._messages.get(channel, message_id)
        self._reactions.add(self._core.user(user_id), channel, message, emoji)

    def unreact(self, user_id: int, channel_id: int, message_id: int, emoji: str) -> None:
        """Take one's own reaction away."""
        channel = self._core.channel(channel_id)
        message = self._messages.get(channel, message_id)
        self._reactions.remove(self._core.user(user_id), channel, message, emoji, user_id)

    def type_in(self, user_id: int, channel_id: int) -> None:
        """Begin to type."""
        self._reactions.typing(self._core.user(user_id), self._core.channel(channel_id))

    def join(self, user_id: int, guild_id: int) -> Member:
        """Join a guild; its system channel, when it has one, says so."""
        guild = self._core.guild(guild_id)
        known = user_id in guild.members
        member = self._members.join(guild, self._core.user(user_id))
        if not known:
            self._announce(guild_id, user_id, JOINED)
        return member

    def accept(self, user_id: int, code: str) -> Member:
        """Join a guild by an invite. Raises 10006 for a code that is no longer good."""
        guild = self._core.guild(self._invites.get(code).guild_id)
        if user_id not in guild.members:
            self._invites.use(code)
        return self.join(user_id, guild.id)

    def pin(self, user_id: int, channel_id: int, message_id: int) -> None:
        """Pin a message."""
        channel = self._core.channel(channel_id)
        self._pins.pin(self._core.user(user_id), channel, self._messages.get(channel, message_id))

    def unpin(self, user_id: int, channel_id: int, message_id: int) -> None:
        """Take a pin away."""
        channel = self._core.channel(channel_id)
        self._pins.unpin(self._core.user(user_id), channel, self._messages.get(channel, message_id))

    def leave(self, user_id: int, guild_id: int) -> None:
        """Leave a guild."""
        self._members.leave(self._core.guild(guild_id), user_id)

    def boost(self, user_id: int, guild_id: int, *, on: bool = True) -> Member:
        """Begin or stop boosting a guild."""
        guild = self._core.guild(guild_id)
        known = self._core.member(guild, user_id).premium_since is not None
        member = self._members.boost(guild, user_id, on)
        if on and not known:
            self._announce(guild_id, user_id, BOOSTED)
        return member

    def set_nick(self, user_id: int, guild_id: int, nick: str | None) -> Member:
        """Change one's own nick; None takes it away."""
        wanted = MemberChange(frozenset(("nick",)), nick=nick)
        return self._members.edit(self._core.user(user_id), self._core.guild(guild_id), user_id, wanted)

    def set_avatar(self, user_id: int, guild_id: int, avatar: str | None) -> Member:
        """Change one's avatar in a guild (a hash)."""
        guild = self._core.guild(guild_id)
        member = self._core.member(guild, user_id)
        before = payloads.member(member)
        member.avatar = avatar
        self._members.changed(guild, member, before)
        return member

    def rename(self, user_id: int, *, username: str | None = None, avatar: str | None = None) -> None:
        """Change one's user name or avatar everywhere."""
        self._guilds.rename_user(self._core.user(user_id), username=username, avatar=avatar)

    def dm(self, user_id: int, bot_id: int, content: str, *, uploads: list[Upload] | None = None) -> Message:
        """Write to a bot directly."""
        return self.post(user_id, self.dm_channel(user_id, bot_id).id, content, uploads=uploads)

    def dm_channel(self, user_id: int, bot_id: int) -> Channel:
        """The direct message channel of a person and a bot."""
        return self._channels.dm(self._core.bots[bot_id], self._core.user(user_id))

    def _announce(self, guild_id: int, user_id: int, kind: int) -> None:
        channel = self._core.guild(guild_id).system_channel_id
        if channel is not None and channel in self._core.channels:
            self._messages.system(self._core.channel(channel), self._core.user(user_id), kind)
