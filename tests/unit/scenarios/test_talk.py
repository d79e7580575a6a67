"""Answers are compared with what was written down: text, embeds, forms, suggestions."""

from __future__ import annotations

import asyncio

import pytest

from migaga_emulator.control.shapes import Answer, MessageInfo
from migaga_emulator.scenarios.asks import compare, text_inputs
from migaga_emulator.scenarios.conversations import CONVERSATIONS, press, says, slash
from migaga_emulator.scenarios.talk import Gate, exchanges, judge

IDS = {"owner": "1", "anna": "2", "ben": "3"}


def answer(content: str = "", *, answered: bool = True, embeds: tuple[dict[str, object], ...] = ()) -> Answer:
    message = MessageInfo(9, 8, 7, content, embeds, (), 0, {})
    return Answer(5, answered, answered, False, 4, False, False, 0.1, message, (), (), None)


def test_the_right_text_is_right_with_names_filled_in() -> None:
    assert judge(says("anna", "!x", "Hello, <@{ben}>!"), answer("Hello, <@3>!"), IDS) == ""


def test_one_of_several_texts_is_enough() -> None:
    assert judge(press("anna", "Rock", "a", "b"), answer("b"), IDS) == ""


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        (answer(answered=False), "no answer"),
        (answer("Bye"), "answered 'Bye' instead of 'Hello, <@3>!'"),
        (answer("Hello, <@{ben}>!"), "instead of"),
    ],
)
def test_what_is_wrong_is_said(given: Answer, complaint: str) -> None:
    assert complaint in judge(says("anna", "!x", "Hello, <@{ben}>!"), given, IDS)


def test_texts_are_looked_for_in_every_part_of_an_embed() -> None:
    step = slash("anna", "info", embed=("Title", "<@{ben}>"))
    fields = [{"name": "Who", "value": "<@3>"}]
    assert judge(step, answer(embeds=({"title": "Title", "fields": fields},)), IDS) == ""
    assert "lacks ['<@3>']" in judge(step, answer(embeds=({"title": "Title"},)), IDS)


def test_a_question_and_the_button_under_it_are_one_exchange() -> None:
    steps = [says("anna", "a"), slash("anna", "b"), press("anna", "c"), says("anna", "d")]
    assert [len(group) for group in exchanges(steps)] == [1, 2, 1]


def test_every_step_of_the_demo_has_an_answer_to_compare_with() -> None:
    assert all(step.answer or step.embed for steps in CONVERSATIONS for step in steps)


async def test_a_closed_gate_waits_for_those_inside_and_lets_nobody_in() -> None:
    gate, inside, leave = Gate(), asyncio.Event(), asyncio.Event()

    async def visit() -> None:
        async with gate:
            inside.set()
            await leave.wait()

    gate.open()
    async with asyncio.TaskGroup() as group:
        group.create_task(visit())
        await inside.wait()
        closing = group.create_task(gate.close())
        await asyncio.sleep(0)
        assert not closing.done()
        late = group.create_task(visit())
        leave.set()
        await closing
        assert not late.done()
        gate.open()


def test_an_interaction_without_an_answer_is_the_ledgers_business() -> None:
    assert compare(answer(answered=False), "x") == ""
    assert compare(answer("x"), "x") == ""
    assert compare(answer("y"), "x") == "answered 'y' instead of 'x'"


def test_the_inputs_of_a_form_are_found_in_rows_and_in_labels() -> None:
    row = {"type": 1, "components": [{"type": 4, "custom_id": "a"}]}
    label = {"type": 18, "component": {"type": 4, "custom_id": "b"}}
    assert text_inputs({"title": "Form", "components": [row, label]}) == ["a", "b"]
