"""Checks the first answer to an interaction: which kind fits which interaction, and what a kind must hold."""

from __future__ import annotations

from migaga_emulator.world.command_schema import STRING, read_choices
from migaga_emulator.world.components import read_modal
from migaga_emulator.world.errors import Problems
from migaga_emulator.world.fields import Body
from migaga_emulator.world.wire import JsonObject

ANSWERS_OF: dict[int, tuple[int, ...]] = {
    2: (4, 5, 9),
    3: (4, 5, 6, 7, 9),
    4: (8,),
    5: (4, 5, 6, 7),
}
"""Kinds of answers by type of interaction: command, component, autocomplete, modal."""


def read_answer(data: JsonObject, allowed: tuple[int, ...]) -> int:
    """The kind of an answer. Raises 50035 for a kind that does not fit and for faulty choices or modals.

    What a message must hold is checked where the message is made.
    """
    problems = Problems()
    body = Body(data, problems)
    kind = body.choice("type", allowed, required=True)
    inner = body.body("data", required=kind in (4, 8, 9))
    if inner is not None and kind == 9:
        read_modal(inner)
    if inner is not None and kind == 8:
        _read_suggestions(inner)
    problems.raise_if_any()
    return kind or 0


def _read_suggestions(inner: Body) -> None:
    inner.required("choices")
    choices = [item for item in inner.array("choices") if isinstance(item, dict)]
    if all(isinstance(item.get("value"), str) for item in choices):
        read_choices(inner, "choices", STRING)
        return
    for choice in inner.bodies("choices", maximum=25):
        choice.text("name", minimum=1, maximum=100, required=True)
        choice.required("value")
