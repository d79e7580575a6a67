"""People who use commands, menus, buttons and forms while a scenario runs: every kind of interaction, with its answer.

The module `probe_answers` answers them; what it must say is written down here. Called by `runner.py`.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from migaga_emulator.control.client import ControlClient
from migaga_emulator.control.person import Person
from migaga_emulator.control.shapes import Answer, GuildInfo
from migaga_emulator.control.transport import ControlError
from migaga_emulator.scenarios.stage import COMMAND_CHANNEL, MEASURED, Stage
from migaga_emulator.scenarios.talk import Gate

WAIT = 4.0
"""Seconds until an answer has its content; that it was acknowledged within 3, the ledger checks."""
WORDS = ("apple", "pear", "plum", "an orange", "two kiwis")
SUGGESTED = {"a": ["apple"], "p": ["pear", "plum"], "x": []}
MODULE = "probe_answers"
BOARD = "Press, pick or fill in."


@dataclass(frozen=True, slots=True)
class Ask:
    """One thing that somebody asks; guild and member are positions in the scenario's lists."""

    kind: str
    guild: int
    member: int
    word: str


def asks(guilds: int, members: int, seed: int) -> Iterator[Ask]:
    """What people ask, without end, decided by the seed: each kind in turn."""
    chance = random.Random(seed)
    while True:
        for kind in chance.sample(KINDS, len(KINDS)):
            word = chance.choice(tuple(SUGGESTED) if kind == "autocomplete" else WORDS)
            yield Ask(kind, chance.randrange(guilds), chance.randrange(members), word)


@dataclass(frozen=True, slots=True)
class Heard:
    """The last answer that somebody got, and what is wrong with it; empty when it is right."""

    answer: Answer
    complaint: str


def excuse_nothing(answer: Answer) -> bool:
    """No answer is excused for not being the right one."""
    return False


class Asker:
    """Lets people ask, and compares what they are told."""

    def __init__(
        self,
        control: ControlClient,
        stage: Stage,
        gate: Gate,
        *,
        excuses: Callable[[Answer], bool] = excuse_nothing,
    ) -> None:
        """`excuses` says whether an answer that is not the right one is as good, such as an apology in an outage."""
        self._stage = stage
        self._gate = gate
        self._excuses = excuses
        # The last one is the visitor, who comes and goes.
        self._people = [control.person(user.id) for user in stage.crowd.users[:-1]]
        self.wrong: list[str] = []
        """What was wrong, a line each. No answer at all is the ledger's business."""

    async def run(self, rate: float, seed: int, end: asyncio.Event) -> None:
        """Begin `rate` asks in a second until `end` is set; return when the last has its answer."""
        loop = asyncio.get_running_loop()
        start = loop.time()
        async with asyncio.TaskGroup() as group:
            for number, ask in enumerate(asks(len(self._stage.crowd.guilds), len(self._people), seed)):
                if (ahead := start + number / rate - loop.time()) > 0:
                    await asyncio.sleep(ahead)
                if end.is_set():
                    return
                group.create_task(self._ask(ask), name=f"ask {number}: {ask.kind}")

    async def _ask(self, ask: Ask) -> None:
        person, guild = self._people[ask.member], self._stage.crowd.guilds[ask.guild]
        async with self._gate:
            complaint = ""
            try:
                heard = await _ASKED[ask.kind](person, guild, ask.word, self._stage)
                if heard.complaint and not self._excuses(heard.answer):
                    complaint = heard.complaint
            except ControlError as error:
                complaint = str(error)
        if complaint:
            now = datetime.now(UTC).time().isoformat(timespec="milliseconds")
            self.wrong.append(f"{ask.kind} {ask.word!r} in guild {guild.id} until {now}: {complaint}")


def compare(answer: Answer, expected: str) -> str:
    """Say what is wrong with an answer; empty when it is right, or when there is none."""
    if not answer.answered or answer.content == expected:
        return ""
    return f"answered {answer.content!r} instead of {expected!r}"


def heard(answer: Answer, expected: str) -> Heard:
    """Compare an answer with the right one."""
    return Heard(answer, compare(answer, expected))


async def _slash(person: Person, guild: GuildInfo, word: str, stage: Stage) -> Heard:
    answer = await person.slash(guild.channel(COMMAND_CHANNEL), "repeat", {"word": word}, wait=WAIT)
    return heard(answer, f"You said {word}.")


async def _autocomplete(person: Person, guild: GuildInfo, word: str, stage: Stage) -> Heard:
    channel = guild.channel(COMMAND_CHANNEL)
    answer = await person.autocomplete(channel, "repeat", "word", {"word": word}, wait=WAIT)
    shown = [str(choice.get("value")) for choice in answer.choices]
    right = not answer.answered or shown == SUGGESTED[word]
    return Heard(answer, "" if right else f"suggested {shown} instead of {SUGGESTED[word]}")


async def _user_menu(person: Person, guild: GuildInfo, word: str, stage: Stage) -> Heard:
    target = stage.crowd.users[0].id
    return heard(
        await person.user_menu(guild.channel(COMMAND_CHANNEL), "Greet", target, wait=WAIT), f"Hello, <@{target}>!"
    )


async def _message_menu(person: Person, guild: GuildInfo, word: str, stage: Stage) -> Heard:
    message = stage.measured[guild.id]
    answer = await person.message_menu(guild.channel(COMMAND_CHANNEL), "Measure", message, wait=WAIT)
    return heard(answer, f"{len(MEASURED)} characters")


async def _button(person: Person, guild: GuildInfo, word: str, stage: Stage) -> Heard:
    board = await _board(person, guild)
    if (message := _shown(board)) is None:
        return board
    return heard(await person.press(guild.channel(COMMAND_CHANNEL), message, "Press", wait=WAIT), "Pressed 7.")


async def _select(person: Person, guild: GuildInfo, word: str, stage: Stage) -> Heard:
    board = await _board(person, guild)
    if (message := _shown(board)) is None:
        return board
    channel = guild.channel(COMMAND_CHANNEL)
    return heard(await person.select(channel, message, f"{MODULE}:pick", ["plum"], wait=WAIT), "Picked plum.")


async def _form(person: Person, guild: GuildInfo, word: str, stage: Stage) -> Heard:
    board = await _board(person, guild)
    if (message := _shown(board)) is None:
        return board
    shown = await person.press(guild.channel(COMMAND_CHANNEL), message, "Form", wait=WAIT)
    if shown.modal is None:
        return heard(shown, "a form")
    values = dict.fromkeys(text_inputs(shown.modal), word)
    return heard(await person.submit(shown.id, values, wait=WAIT), f"Welcome, {word}!")


async def _board(person: Person, guild: GuildInfo) -> Heard:
    """Ask for a new board."""
    return heard(await person.slash(guild.channel(COMMAND_CHANNEL), "board", wait=WAIT), BOARD)


def _shown(board: Heard) -> int | None:
    """The message of a board; None when there is no answer, or another one."""
    answer = board.answer
    return answer.message.id if answer.answered and not board.complaint and answer.message is not None else None


def text_inputs(found: object) -> list[str]:
    """The custom ids of all text inputs in a modal, in order."""
    if isinstance(found, list):
        return [custom_id for item in found for custom_id in text_inputs(item)]
    if not isinstance(found, Mapping):
        return []
    if found.get("type") == 4:
        return [str(found["custom_id"])]
    return text_inputs(found.get("components")) + text_inputs(found.get("component"))


_ASKED: Mapping[str, Callable[[Person, GuildInfo, str, Stage], Awaitable[Heard]]] = {
    "slash": _slash,
    "autocomplete": _autocomplete,
    "user_menu": _user_menu,
    "message_menu": _message_menu,
    "button": _button,
    "select": _select,
    "form": _form,
}
KINDS = tuple(_ASKED)
