"""POST /control/act: one person does one thing, as in Discord's client. What they may not do is refused."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from migaga.common.text import nearest
from migaga_emulator.control import views
from migaga_emulator.control.context import Context, Request, Route
from migaga_emulator.control.given import ControlFault, Given
from migaga_emulator.control.reading import interaction_result, message_result
from migaga_emulator.world.drafts import Upload
from migaga_emulator.world.members import MemberChange
from migaga_emulator.world.state import Guild, Interaction, Message, User

COMMON = ("as", "do", "wait")
NO_WAIT = -1.0


@dataclass(frozen=True, slots=True)
class Doing:
    """One action: who does it and with what."""

    context: Context
    user: User
    given: Given

    @property
    def guild(self) -> Guild:
        """The guild that is named."""
        return self.context.world.core.guild(self.given.id("guild"))

    @property
    def here(self) -> tuple[int, int, int]:
        """Person, channel and message."""
        return self.user.id, self.given.id("channel"), self.given.id("message")

    def bot_id(self) -> int:
        """The bot that is named, or the only one."""
        return self.context.bot(self.given.optional_id("bot")).user.id


Outcome: TypeAlias = Interaction | Message | dict[str, object]
Action: TypeAlias = tuple[Callable[[Doing], Outcome], tuple[str, ...]]
"""What carries it out, and the fields it takes besides `as`, `do` and `wait`."""

DONE: dict[str, object] = {"done": True}


async def act(context: Context, request: Request) -> object:
    """Do it. With `wait` (seconds) the answer to a command or interaction comes in the same response."""
    name = request.body_values.get("do")
    if not isinstance(name, str) or name not in ACTIONS:
        close = nearest(name, ACTIONS) if isinstance(name, str) else None
        hint = f"did you mean {close!r}?" if close else f"one of {', '.join(ACTIONS)}"
        raise ControlFault(400, f"'do' is {name!r}: {hint}")
    carry_out, fields = ACTIONS[name]
    given = request.body(*COMMON, *fields)
    wait = given.seconds("wait") if given.has("wait") else NO_WAIT
    doing = Doing(context, context.world.core.user(given.id("as")), given)
    outcome = carry_out(doing)
    if isinstance(outcome, Interaction):
        return await interaction_result(context, outcome.id, max(wait, 0.0))
    if isinstance(outcome, Message):
        return await _posted(doing, outcome, wait)
    return outcome


async def _posted(doing: Doing, message: Message, wait: float) -> object:
    """A message, and with `command` the answer of the bot."""
    context, shown = doing.context, views.message(message)
    if not doing.given.boolean("command") and wait == NO_WAIT:
        return shown
    bot_id = doing.bot_id()
    context.answers.expect(message.id, message.channel_id, bot_id, context.world.clock.monotonic())
    answer = await message_result(context, message.id, max(wait, 0.0)) if wait != NO_WAIT else None
    return shown if answer is None else shown | {"answer": answer}


def _post(doing: Doing) -> Outcome:
    given = doing.given
    return doing.context.world.people.post(
        doing.user.id,
        given.id("channel"),
        given.text("content", ""),
        reply_to=given.optional_id("reply_to"),
        uploads=_uploads(given),
    )


def _dm(doing: Doing) -> Outcome:
    text, uploads = doing.given.text("content", ""), _uploads(doing.given)
    return doing.context.world.people.dm(doing.user.id, doing.bot_id(), text, uploads=uploads)


def _edit(doing: Doing) -> Outcome:
    return doing.context.world.people.edit(*doing.here, doing.given.text("content"))


def _delete(doing: Doing) -> Outcome:
    doing.context.world.people.delete(*doing.here)
    return DONE


def _react(doing: Doing) -> Outcome:
    doing.context.world.people.react(*doing.here, doing.given.text("emoji"))
    return DONE


def _unreact(doing: Doing) -> Outcome:
    doing.context.world.people.unreact(*doing.here, doing.given.text("emoji"))
    return DONE


def _type(doing: Doing) -> Outcome:
    doing.context.world.people.type_in(doing.user.id, doing.given.id("channel"))
    return DONE


def _join(doing: Doing) -> Outcome:
    return views.member(doing.context.world.people.join(doing.user.id, doing.given.id("guild")))


def _leave(doing: Doing) -> Outcome:
    doing.context.world.people.leave(doing.user.id, doing.given.id("guild"))
    return DONE


def _boost(doing: Doing) -> Outcome:
    on = doing.given.boolean("on", default=True)
    return views.member(doing.context.world.people.boost(doing.user.id, doing.given.id("guild"), on=on))


def _nick(doing: Doing) -> Outcome:
    nick = doing.given.optional_text("nick")
    return views.member(doing.context.world.people.set_nick(doing.user.id, doing.given.id("guild"), nick))


def _avatar(doing: Doing) -> Outcome:
    avatar = doing.given.optional_text("avatar")
    return views.member(doing.context.world.people.set_avatar(doing.user.id, doing.given.id("guild"), avatar))


def _rename(doing: Doing) -> Outcome:
    given = doing.given
    doing.context.world.people.rename(
        doing.user.id, username=given.optional_text("username"), avatar=given.optional_text("avatar")
    )
    return views.user(doing.user)


def _open_dm(doing: Doing) -> Outcome:
    return {"channel": str(doing.context.world.people.dm_channel(doing.user.id, doing.bot_id()).id)}


def _slash(doing: Doing) -> Outcome:
    given = doing.given
    return doing.context.world.people.use.slash(
        doing.user.id, doing.bot_id(), given.id("channel"), given.text("command"), given.object("options")
    )


def _autocomplete(doing: Doing) -> Outcome:
    given = doing.given
    return doing.context.world.people.use.autocomplete(
        doing.user.id,
        doing.bot_id(),
        given.id("channel"),
        given.text("command"),
        focused=given.text("focused"),
        values=given.object("options"),
    )


def _user_menu(doing: Doing) -> Outcome:
    given = doing.given
    return doing.context.world.people.use.user_menu(
        doing.user.id, doing.bot_id(), given.id("channel"), given.text("command"), given.id("target")
    )


def _message_menu(doing: Doing) -> Outcome:
    given = doing.given
    return doing.context.world.people.use.message_menu(
        doing.user.id, doing.bot_id(), given.id("channel"), given.text("command"), given.id("message")
    )


def _press(doing: Doing) -> Outcome:
    return doing.context.world.people.use.press(*doing.here, doing.given.text("component"))


def _select(doing: Doing) -> Outcome:
    given = doing.given
    return doing.context.world.people.use.choose(*doing.here, given.text("component"), given.texts("values"))


def _submit(doing: Doing) -> Outcome:
    given = doing.given
    return doing.context.world.people.use.submit(doing.user.id, given.id("interaction"), given.object("values"))


def _ban(doing: Doing) -> Outcome:
    given = doing.given
    doing.context.world.members.ban(
        doing.user,
        doing.guild,
        given.id("target"),
        delete_seconds=given.number("delete_seconds", 0),
        reason=given.optional_text("reason"),
    )
    return DONE


def _unban(doing: Doing) -> Outcome:
    target, reason = doing.given.id("target"), doing.given.optional_text("reason")
    doing.context.world.members.unban(doing.user, doing.guild, target, reason)
    return DONE


def _kick(doing: Doing) -> Outcome:
    target, reason = doing.given.id("target"), doing.given.optional_text("reason")
    doing.context.world.members.kick(doing.user, doing.guild, target, reason)
    return DONE


def _give_role(doing: Doing) -> Outcome:
    doing.context.world.members.add_role(doing.user, doing.guild, doing.given.id("target"), doing.given.id("role"))
    return DONE


def _take_role(doing: Doing) -> Outcome:
    doing.context.world.members.remove_role(doing.user, doing.guild, doing.given.id("target"), doing.given.id("role"))
    return DONE


def _timeout(doing: Doing) -> Outcome:
    seconds = doing.given.seconds("seconds")
    until = doing.context.world.clock.time() + seconds if seconds else None
    wanted = MemberChange(frozenset({"timeout"}), timeout_until=until)
    return views.member(doing.context.world.members.edit(doing.user, doing.guild, doing.given.id("target"), wanted))


def _delete_role(doing: Doing) -> Outcome:
    doing.context.world.roles.delete(doing.user, doing.guild, doing.given.id("role"))
    return DONE


def _delete_channel(doing: Doing) -> Outcome:
    world = doing.context.world
    world.channels.delete(doing.user, world.core.channel(doing.given.id("channel")))
    return DONE


def _uploads(given: Given) -> list[Upload] | None:
    files = given.objects("files", "name", "type", "base64")
    made = []
    for number, item in enumerate(files):
        try:
            data = base64.b64decode(item.text("base64"), validate=True)
        except binascii.Error as error:
            raise ControlFault(400, f"'base64' of file {number} is no base64: {error}") from error
        made.append(Upload(str(number), item.text("name"), item.text("type", "application/octet-stream"), data))
    return made or None


_PLACE = ("channel", "message")
_ASK = ("channel", "bot", "command", "options")
_ON = ("guild", "target", "reason")
ACTIONS: dict[str, Action] = {
    "post": (_post, ("channel", "content", "reply_to", "files", "command", "bot")),
    "dm": (_dm, ("bot", "content", "files", "command")),
    "open_dm": (_open_dm, ("bot",)),
    "edit": (_edit, (*_PLACE, "content", "command", "bot")),
    "delete": (_delete, _PLACE),
    "react": (_react, (*_PLACE, "emoji")),
    "unreact": (_unreact, (*_PLACE, "emoji")),
    "type": (_type, ("channel",)),
    "slash": (_slash, _ASK),
    "autocomplete": (_autocomplete, (*_ASK, "focused")),
    "user_menu": (_user_menu, ("channel", "bot", "command", "target")),
    "message_menu": (_message_menu, ("channel", "bot", "command", "message")),
    "press": (_press, (*_PLACE, "component")),
    "select": (_select, (*_PLACE, "component", "values")),
    "submit": (_submit, ("interaction", "values")),
    "join": (_join, ("guild",)),
    "leave": (_leave, ("guild",)),
    "boost": (_boost, ("guild", "on")),
    "nick": (_nick, ("guild", "nick")),
    "avatar": (_avatar, ("guild", "avatar")),
    "rename": (_rename, ("username", "avatar")),
    "ban": (_ban, (*_ON, "delete_seconds")),
    "unban": (_unban, _ON),
    "kick": (_kick, _ON),
    "timeout": (_timeout, ("guild", "target", "seconds")),
    "give_role": (_give_role, ("guild", "target", "role")),
    "take_role": (_take_role, ("guild", "target", "role")),
    "delete_role": (_delete_role, ("guild", "role")),
    "delete_channel": (_delete_channel, ("channel",)),
}

ROUTES: tuple[Route, ...] = (("POST", "/act", act),)
