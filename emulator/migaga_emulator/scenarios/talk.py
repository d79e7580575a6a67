"""Holds conversations with the bot and compares its answers with what was written down. Called by the scenarios."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from migaga_emulator.control.client import ControlClient
from migaga_emulator.control.person import Person
from migaga_emulator.control.shapes import Answer
from migaga_emulator.control.transport import ControlError
from migaga_emulator.scenarios.conversations import Step

TEXT_ANSWER_WITHIN = 60.0
"""Seconds. A text command may be written while no process lives; then it waits for the next one."""
APART = 0.03
"""Seconds between two people who come in: those who waited do not all press in the same instant."""
CONTENT_WITHIN = 15.0
"""Seconds until an interaction's answer has its content. That it was acknowledged within 3, the ledger checks."""


@dataclass(slots=True)
class Tally:
    """What became of the commands."""

    sent: int = 0
    answered: int = 0
    """Answered with the right content."""
    wrong: list[str] = field(default_factory=list)
    """What was wrong, a line each."""


class Gate:
    """Lets people press and run slash commands only while a process lives; Discord forgets them after 3 s otherwise."""

    def __init__(self) -> None:
        self._open = asyncio.Event()
        self._turn = asyncio.Lock()
        self._inside = 0
        self._empty = asyncio.Event()
        self._empty.set()

    def open(self) -> None:
        """Let people in."""
        self._open.set()

    def shut(self) -> None:
        """Let nobody in any more."""
        self._open.clear()

    async def close(self) -> None:
        """Let nobody in any more, and wait until those inside have their answers."""
        self.shut()
        await self._empty.wait()

    async def __aenter__(self) -> None:
        async with self._turn:
            await asyncio.sleep(APART)
            await self._open.wait()
        self._inside += 1
        self._empty.clear()

    async def __aexit__(self, *_: object) -> None:
        self._inside -= 1
        if not self._inside:
            self._empty.set()


class Conversation:
    """One conversation in one channel."""

    def __init__(
        self, control: ControlClient, gate: Gate, channel: int, people: Mapping[str, Person], tally: Tally
    ) -> None:
        self._control = control
        self._gate = gate
        self._channel = channel
        self._people = people
        self._tally = tally
        self._ids = {name: str(person.id) for name, person in people.items()}
        self._last: Answer | None = None

    async def hold(self, steps: Sequence[Step], pause: float) -> None:
        """Go through the steps, one answer after the other, `pause` seconds apart."""
        for exchange in exchanges(steps):
            if len(exchange) == 1 and exchange[0].how == "says":
                await self._take(exchange[0])
            else:
                async with self._gate:
                    for step in exchange:
                        await self._take(step)
            await asyncio.sleep(pause)

    async def _take(self, step: Step) -> None:
        self._tally.sent += 1
        try:
            answer = await self._ask(step)
        except ControlError as error:
            self._tally.wrong.append(f"{step.what!r} in channel {self._channel}: {error}")
            return
        self._last = answer
        complaint = judge(step, answer, self._ids)
        if complaint:
            self._tally.wrong.append(f"{step.what!r} in channel {self._channel}: {complaint}")
        else:
            self._tally.answered += 1

    async def _ask(self, step: Step) -> Answer:
        person = self._people[step.who]
        what = step.what.format(**self._ids)
        if step.how == "says":
            asked = await person.expect(self._channel, what)
            return await self._control.wait_for_message(asked.id, timeout=TEXT_ANSWER_WITHIN)
        if step.how == "press":
            message = self._last.message.id if self._last and self._last.message else 0
            return await person.press(self._channel, message, what, wait=CONTENT_WITHIN)
        options = {name: value.format(**self._ids) for name, value in step.options.items()}
        return await person.slash(self._channel, what, options, wait=CONTENT_WITHIN)


def exchanges(steps: Sequence[Step]) -> list[list[Step]]:
    """Group what belongs together: a question that the bot asks back is pressed while the same process lives."""
    grouped: list[list[Step]] = []
    for step in steps:
        if step.how == "press" and grouped:
            grouped[-1].append(step)
        else:
            grouped.append([step])
    return grouped


def judge(step: Step, answer: Answer, ids: Mapping[str, str]) -> str:
    """Say what is wrong with an answer; empty when it is right."""
    if not answer.answered:
        return "no answer"
    expected = [text.format(**ids) for text in step.answer]
    if expected and answer.content not in expected:
        return f"answered {answer.content!r} instead of {' or '.join(map(repr, expected))}"
    shown = embed_texts(answer)
    missing = [text for text in (text.format(**ids) for text in step.embed) if text not in shown]
    return f"the embed {shown} lacks {missing}" if missing else ""


def embed_texts(answer: Answer) -> list[str]:
    """All titles, descriptions and values of fields of an answer's embeds."""
    texts: list[str] = []
    for embed in answer.embeds:
        texts.extend(str(embed[name]) for name in ("title", "description") if name in embed)
        fields = embed.get("fields")
        texts.extend(str(each["value"]) for each in (fields if isinstance(fields, list) else []))
    return texts
