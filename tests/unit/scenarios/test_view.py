"""A table on a terminal, plain lines anywhere else."""

from __future__ import annotations

import asyncio
import io

from migaga_emulator.ledger.figures import LedgerReport
from migaga_emulator.scenarios.view import COLUMNS, LiveView, Row, aligned


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def row(time: float, events: int = 1_234) -> Row:
    return Row(time, "killed", "15/16", 100, events, 199.6, "10/11", 250.2, 501.0, 7, 0)


def test_without_a_terminal_there_are_no_control_characters_and_a_line_every_five_seconds() -> None:
    stream = io.StringIO()
    view = LiveView(stream)
    view.say("begins")
    for second in range(1, 13):
        view.show(row(second))
    text = stream.getvalue()
    assert all(character == "\n" or character.isprintable() for character in text)
    lines = text.splitlines()
    assert lines[0] == "begins"
    assert lines[1].split() == " ".join(COLUMNS).split()
    assert [line.split()[0] for line in lines[2:]] == ["1", "6", "11"]
    assert "1,234" in lines[2]
    assert "15/16" in lines[2]


def test_on_a_terminal_the_table_is_redrawn_in_place_and_what_is_said_stays() -> None:
    stream = Terminal()
    view = LiveView(stream)
    view.show(row(1))
    view.show(row(2))
    assert "\x1b[2F\x1b[J" in stream.getvalue()
    view.say("SIGKILL to process 7")
    before = len(stream.getvalue())
    view.show(row(3))
    assert "\x1b" not in stream.getvalue()[before:]


async def test_where_nothing_is_shown_nothing_is_read() -> None:
    async def read() -> LedgerReport:
        raise AssertionError("the ledger was read for nobody")

    view = LiveView(None)
    before = asyncio.all_tasks()
    async with view.table(read, lambda report, seconds, rate: row(seconds)):
        assert asyncio.all_tasks() == before
    view.say("nothing")


def test_numbers_stand_under_their_columns() -> None:
    header, line = aligned(COLUMNS), aligned(("1 s", "x", *["0"] * (len(COLUMNS) - 2)))
    assert len(header) == len(line)
