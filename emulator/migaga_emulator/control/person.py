"""One person, from the control client: everything that people do. Made by `ControlClient.person`."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from migaga_emulator.control.shapes import Answer, MemberInfo, MessageInfo, read
from migaga_emulator.control.transport import Transport

WAIT_S = 3.5
"""Default time for an answer: Discord's 3 s and a little."""


@dataclass(frozen=True, slots=True)
class File:
    """A file to send."""

    name: str
    data: bytes
    type: str = "application/octet-stream"


class Person:
    """Acts as one person. What Discord or its client would refuse raises `ControlError`."""

    def __init__(self, transport: Transport, user_id: int, bot: int | None = None) -> None:
        self._transport = transport
        self.id = user_id
        self.bot = bot
        """The bot that commands are for; may stay None while there is one bot only."""

    async def post(
        self, channel: int, content: str, *, reply_to: int | None = None, files: Sequence[File] = ()
    ) -> MessageInfo:
        """Write a message."""
        return read(
            MessageInfo, await self._do("post", channel=channel, content=content, reply_to=reply_to, files=_sent(files))
        )

    async def command(
        self,
        channel: int,
        content: str,
        *,
        reply_to: int | None = None,
        files: Sequence[File] = (),
        wait: float = WAIT_S,
    ) -> Answer:
        """Write a text command and wait for what the bot says to it. `answered` is False when it said nothing."""
        told = await self._do(
            "post",
            channel=channel,
            content=content,
            reply_to=reply_to,
            files=_sent(files),
            command=True,
            bot=self.bot,
            wait=wait,
        )
        return read(Answer, told["answer"])

    async def expect(self, channel: int, content: str) -> MessageInfo:
        """Write a text command without waiting; `ControlClient.wait_for_message` waits for its answer."""
        told = await self._do("post", channel=channel, content=content, command=True, bot=self.bot)
        return read(MessageInfo, told)

    async def dm(self, content: str) -> MessageInfo:
        """Write to the bot directly."""
        return read(MessageInfo, await self._do("dm", content=content, bot=self.bot))

    async def dm_command(self, content: str, *, wait: float = WAIT_S) -> Answer:
        """Write a text command to the bot directly and wait for the answer."""
        told = await self._do("dm", content=content, bot=self.bot, command=True, wait=wait)
        return read(Answer, told["answer"])

    async def open_dm(self) -> int:
        """The id of the direct message channel with the bot."""
        return int(str((await self._do("open_dm", bot=self.bot))["channel"]))

    async def edit(self, channel: int, message: int, content: str) -> MessageInfo:
        """Change one's own message."""
        return read(MessageInfo, await self._do("edit", channel=channel, message=message, content=content))

    async def delete(self, channel: int, message: int) -> None:
        """Delete a message."""
        await self._do("delete", channel=channel, message=message)

    async def react(self, channel: int, message: int, emoji: str) -> None:
        """React with a character or `name:id`."""
        await self._do("react", channel=channel, message=message, emoji=emoji)

    async def unreact(self, channel: int, message: int, emoji: str) -> None:
        """Take one's own reaction away."""
        await self._do("unreact", channel=channel, message=message, emoji=emoji)

    async def type_in(self, channel: int) -> None:
        """Begin to type."""
        await self._do("type", channel=channel)

    async def slash(
        self, channel: int, command: str, options: Mapping[str, object] | None = None, *, wait: float = WAIT_S
    ) -> Answer:
        """Run "name", "name sub" or "name group sub" with values by option name."""
        return await self._ask("slash", wait, channel=channel, command=command, options=options, bot=self.bot)

    async def autocomplete(
        self,
        channel: int,
        command: str,
        focused: str,
        options: Mapping[str, object] | None = None,
        *,
        wait: float = WAIT_S,
    ) -> Answer:
        """Type into an option; `choices` of the answer are the suggestions."""
        return await self._ask(
            "autocomplete", wait, channel=channel, command=command, focused=focused, options=options, bot=self.bot
        )

    async def user_menu(self, channel: int, command: str, target: int, *, wait: float = WAIT_S) -> Answer:
        """Run a user command on somebody."""
        return await self._ask("user_menu", wait, channel=channel, command=command, target=target, bot=self.bot)

    async def message_menu(self, channel: int, command: str, message: int, *, wait: float = WAIT_S) -> Answer:
        """Run a message command on a message."""
        return await self._ask("message_menu", wait, channel=channel, command=command, message=message, bot=self.bot)

    async def press(self, channel: int, message: int, component: str, *, wait: float = WAIT_S) -> Answer:
        """Press a button, by custom id or label."""
        return await self._ask("press", wait, channel=channel, message=message, component=component)

    async def select(
        self, channel: int, message: int, component: str, values: Sequence[str], *, wait: float = WAIT_S
    ) -> Answer:
        """Choose in a select menu: option values, labels or ids."""
        return await self._ask(
            "select", wait, channel=channel, message=message, component=component, values=list(values)
        )

    async def submit(self, interaction: int, values: Mapping[str, object], *, wait: float = WAIT_S) -> Answer:
        """Send off the modal that an interaction was answered with."""
        return await self._ask("submit", wait, interaction=interaction, values=values)

    async def join(self, guild: int) -> MemberInfo:
        """Join a guild."""
        return read(MemberInfo, await self._do("join", guild=guild))

    async def leave(self, guild: int) -> None:
        """Leave a guild."""
        await self._do("leave", guild=guild)

    async def boost(self, guild: int, *, on: bool = True) -> MemberInfo:
        """Begin or stop boosting."""
        return read(MemberInfo, await self._do("boost", guild=guild, on=on))

    async def set_nick(self, guild: int, nick: str | None) -> MemberInfo:
        """Change one's own nick; None takes it away."""
        return read(MemberInfo, await self._do("nick", guild=guild, nick=nick))

    async def set_avatar(self, guild: int, avatar: str | None) -> MemberInfo:
        """Change one's avatar in a guild (a hash)."""
        return read(MemberInfo, await self._do("avatar", guild=guild, avatar=avatar))

    async def rename(self, username: str) -> None:
        """Change one's user name everywhere."""
        await self._do("rename", username=username)

    async def ban(self, guild: int, target: int, *, reason: str | None = None, delete_seconds: int = 0) -> None:
        """As a moderator: ban."""
        await self._do("ban", guild=guild, target=target, reason=reason, delete_seconds=delete_seconds)

    async def unban(self, guild: int, target: int) -> None:
        """As a moderator: lift a ban."""
        await self._do("unban", guild=guild, target=target)

    async def kick(self, guild: int, target: int, *, reason: str | None = None) -> None:
        """As a moderator: kick."""
        await self._do("kick", guild=guild, target=target, reason=reason)

    async def time_out(self, guild: int, target: int, seconds: float) -> MemberInfo:
        """As a moderator: time out; 0 ends it."""
        return read(MemberInfo, await self._do("timeout", guild=guild, target=target, seconds=seconds))

    async def give_role(self, guild: int, target: int, role: int) -> None:
        """As a moderator: give a role."""
        await self._do("give_role", guild=guild, target=target, role=role)

    async def take_role(self, guild: int, target: int, role: int) -> None:
        """As a moderator: take a role away."""
        await self._do("take_role", guild=guild, target=target, role=role)

    async def delete_role(self, guild: int, role: int) -> None:
        """As a moderator: delete a role."""
        await self._do("delete_role", guild=guild, role=role)

    async def delete_channel(self, channel: int) -> None:
        """As a moderator: delete a channel."""
        await self._do("delete_channel", channel=channel)

    async def _ask(self, what: str, wait: float, **values: object) -> Answer:
        return read(Answer, await self._do(what, wait=wait, **values))

    async def _do(self, what: str, **values: object) -> Mapping[str, object]:
        told = await self._transport.post("/act", **({"as": self.id, "do": what} | values))
        return told if isinstance(told, Mapping) else {}


def _sent(files: Sequence[File]) -> list[dict[str, str]] | None:
    sent = [{"name": f.name, "type": f.type, "base64": base64.b64encode(f.data).decode()} for f in files]
    return sent or None
