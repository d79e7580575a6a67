"""Checks message components and modals as Discord does: rows, buttons, selects, inputs, and the newer layouts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from migaga_emulator.world.fields import Body
from migaga_emulator.world.wire import JsonObject, objects

ROW, BUTTON, STRING_SELECT, TEXT_INPUT = 1, 2, 3, 4
SELECTS = (3, 5, 6, 7, 8)
LABEL = 18
_V2 = (9, 10, 11, 12, 13, 14, 17)
_MAX_V2 = 40


@dataclass(slots=True)
class _Reading:
    """What has to be unique or counted over a whole message."""

    v2: bool
    modal: bool = False
    custom_ids: set[str] = field(default_factory=set)
    count: int = 0


def read_components(body: Body, *, v2: bool) -> list[JsonObject]:
    """The components of a message body, numbered as Discord does; faults are noted in the body's problems."""
    reading = _Reading(v2)
    rows: list[JsonObject] = []
    for item in body.bodies("components", maximum=_MAX_V2 if v2 else 5):
        allowed = (ROW, *_V2) if v2 else (ROW,)
        if item.choice("type", allowed, required=True) is not None:
            _read(item, reading)
        rows.append(dict(item.data))
    if reading.count > _MAX_V2:
        body.fault("components", "BASE_TYPE_MAX_LENGTH", f"Must be {_MAX_V2} or fewer in length.")
    return _numbered(rows)


def read_modal(body: Body) -> None:
    """Check what is needed to open a modal: title, custom id, one to five rows or labels."""
    body.text("custom_id", minimum=1, maximum=100, required=True)
    body.text("title", minimum=1, maximum=45, required=True)
    reading = _Reading(v2=False, modal=True)
    for item in body.bodies("components", minimum=1, maximum=5, required=True):
        kind = item.choice("type", (ROW, LABEL, 10), required=True)
        if kind == LABEL:
            _read_label(item, reading)
        elif kind == ROW:
            for child in item.bodies("components", minimum=1, maximum=1, required=True):
                if child.choice("type", (TEXT_INPUT,), required=True):
                    _read_input(child, reading, labelled=False)


def walk(components: object) -> Iterator[JsonObject]:
    """Every component of a message or modal, outer before inner."""
    for item in objects(components):
        yield item
        yield from walk(item.get("components"))
        for key in ("component", "accessory"):
            yield from walk([item.get(key)])


def _read(item: Body, reading: _Reading) -> None:
    reading.count += 1
    kind = item.data.get("type")
    if kind == ROW:
        _read_row(item, reading)
    elif kind == BUTTON:
        _read_button(item, reading)
    elif kind in SELECTS:
        _read_select(item, reading)
    elif kind == 10:
        item.text("content", minimum=1, maximum=4000, required=True)
    elif kind in (9, 17):
        _read_layout(item, reading)


def _read_layout(item: Body, reading: _Reading) -> None:
    maximum = 3 if item.data.get("type") == 9 else None
    for child in item.bodies("components", minimum=1, maximum=maximum, required=True):
        allowed = (10,) if item.data.get("type") == 9 else (ROW, *_V2)
        if child.choice("type", allowed, required=True) is not None:
            _read(child, reading)
    if item.data.get("type") == 9:
        accessory = item.body("accessory", required=True)
        if accessory is not None and accessory.choice("type", (BUTTON, 11), required=True) == BUTTON:
            _read(accessory, reading)


def _read_row(item: Body, reading: _Reading) -> None:
    children = list(item.bodies("components", minimum=1, maximum=5, required=True))
    for child in children:
        if child.choice("type", (BUTTON, *SELECTS), required=True) is not None:
            _read(child, reading)
    if len(children) > 1 and any(child.data.get("type") in SELECTS for child in children):
        message = "The sum of component widths within this row exceeds the maximum of 5."
        item.fault("components", "COMPONENT_LAYOUT_WIDTH_EXCEEDED", message)


def _read_button(item: Body, reading: _Reading) -> None:
    style = item.choice("style", (1, 2, 3, 4, 5, 6), required=True)
    item.text("label", maximum=80)
    item.boolean("disabled")
    if style == 5:
        item.text("url", minimum=1, maximum=512, required=True)
        if item.given("custom_id"):
            message = "A custom id and url cannot both be specified"
            item.fault("custom_id", "BUTTON_COMPONENT_CUSTOM_ID_URL_MUTUALLY_EXCLUSIVE", message)
    elif style == 6:
        item.snowflake("sku_id", required=True)
    elif style is not None:
        _read_custom_id(item, reading)
        if item.given("url"):
            message = "A url can only be specified for a link button"
            item.fault("url", "BUTTON_COMPONENT_INVALID_URL", message)
    if style != 6 and not item.data.get("label") and not item.given("emoji"):
        item.fault("label", "BUTTON_COMPONENT_EMPTY", "A button must have a label or an emoji")


def _read_select(item: Body, reading: _Reading) -> None:
    _read_custom_id(item, reading)
    item.text("placeholder", maximum=150)
    smallest = item.integer("min_values", minimum=0, maximum=25)
    largest = item.integer("max_values", minimum=1, maximum=25)
    if smallest is not None and largest is not None and smallest > largest:
        item.fault("min_values", "SELECT_COMPONENT_MIN_VALUES_TOO_LARGE", "Min values is larger than max values")
    if item.data.get("type") != STRING_SELECT:
        return
    options = list(item.bodies("options", minimum=1, maximum=25, required=True))
    values: set[str] = set()
    for option in options:
        _read_option(option, values)
    if largest is not None and options and largest > len(options):
        message = f"Must have at least {largest} options"
        item.fault("max_values", "SELECT_COMPONENT_MAX_VALUES_TOO_LARGE", message)


def _read_option(option: Body, values: set[str]) -> None:
    option.text("label", minimum=1, maximum=100, required=True)
    option.text("description", maximum=100)
    value = option.text("value", minimum=1, maximum=100, required=True)
    if value is None:
        return
    if value in values:
        option.fault("value", "SELECT_COMPONENT_OPTION_VALUE_DUPLICATED", "The specified option value is already used")
    values.add(value)


def _read_label(item: Body, reading: _Reading) -> None:
    item.text("label", minimum=1, maximum=45, required=True)
    item.text("description", maximum=100)
    child = item.body("component", required=True)
    if child is None:
        return
    kind = child.choice("type", (TEXT_INPUT, *SELECTS, 19, 21, 22, 23), required=True)
    if kind == TEXT_INPUT:
        _read_input(child, reading, labelled=True)
    elif kind in SELECTS:
        _read_select(child, reading)
    elif kind is not None:
        _read_custom_id(child, reading)


def _read_input(item: Body, reading: _Reading, *, labelled: bool) -> None:
    _read_custom_id(item, reading)
    item.choice("style", (1, 2), required=True)
    if not labelled:
        item.text("label", minimum=1, maximum=45, required=True)
    smallest = item.integer("min_length", minimum=0, maximum=4000)
    largest = item.integer("max_length", minimum=1, maximum=4000)
    if smallest is not None and largest is not None and smallest > largest:
        item.fault("min_length", "TEXT_INPUT_COMPONENT_BAD_LENGTH", "Min length is larger than max length")
    item.boolean("required")
    item.text("value", maximum=4000)
    item.text("placeholder", maximum=100)


def _read_custom_id(item: Body, reading: _Reading) -> None:
    value = item.text("custom_id", minimum=1, maximum=100, required=True)
    if value is None:
        return
    if value in reading.custom_ids:
        item.fault("custom_id", "COMPONENT_CUSTOM_ID_DUPLICATED", "Component custom id cannot be duplicated")
    reading.custom_ids.add(value)


def _numbered(rows: list[JsonObject]) -> list[JsonObject]:
    """Components get numbers from 1 in the order of the message, but those that came with one."""
    taken = {str(item["id"]) for item in walk(rows) if item.get("id")}
    number = 0
    for item in walk(rows):
        if item.get("id"):
            continue
        number += 1
        while str(number) in taken:
            number += 1
        item["id"] = number
    return rows
