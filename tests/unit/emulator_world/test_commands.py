from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.emulator_world.conftest import Json, JsonObject

from migaga_emulator.rules import Rules
from migaga_emulator.world.command_schema import characters, read_command, valid_name
from migaga_emulator.world.errors import DiscordError, Problems
from migaga_emulator.world.fields import Body

BASE: JsonObject = {"name": "ping", "description": "d"}
OPTION: JsonObject = {"type": 3, "name": "a", "description": "d"}


def faults(command: JsonObject) -> JsonObject:
    problems = Problems()
    read_command(Body(command, problems), Rules())
    try:
        problems.raise_if_any()
    except DiscordError as error:
        return error.errors or {}
    return {}


def first(tree: Json, *path: str | int) -> str:
    for part in path:
        tree = tree[str(part)]
    return str(tree["_errors"][0]["code"])


@pytest.mark.parametrize(
    ("change", "path", "code"),
    [
        ({"name": "Ping"}, ("name",), "APPLICATION_COMMAND_INVALID_NAME"),
        ({"name": "pi ng"}, ("name",), "APPLICATION_COMMAND_INVALID_NAME"),
        ({"name": ""}, ("name",), "BASE_TYPE_REQUIRED"),
        ({"name": "x" * 33}, ("name",), "BASE_TYPE_BAD_LENGTH"),
        ({"name": "pi!"}, ("name",), "APPLICATION_COMMAND_INVALID_NAME"),
        ({"description": ""}, ("description",), "BASE_TYPE_REQUIRED"),
        ({"description": "x" * 101}, ("description",), "BASE_TYPE_BAD_LENGTH"),
        ({"type": 7}, ("type",), "BASE_TYPE_CHOICES"),
        ({"default_member_permissions": "all"}, ("default_member_permissions",), "NUMBER_TYPE_COERCE"),
        ({"name_localizations": {"xx": "a"}}, ("name_localizations", "xx"), "ENUM_TYPE_COERCE"),
        ({"name_localizations": {"de": "A"}}, ("name_localizations", "de"), "APPLICATION_COMMAND_INVALID_NAME"),
        ({"options": [OPTION] * 26}, ("options",), "BASE_TYPE_MAX_LENGTH"),
        ({"options": [OPTION, OPTION]}, ("options", 1, "name"), "APPLICATION_COMMAND_OPTIONS_NAME_INVALID"),
        ({"options": [OPTION | {"type": 12}]}, ("options", 0, "type"), "BASE_TYPE_CHOICES"),
        (
            {"options": [OPTION, OPTION | {"name": "b", "required": True}]},
            ("options", 1),
            "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID",
        ),
        (
            {"options": [OPTION, {"type": 1, "name": "s", "description": "d"}]},
            ("options",),
            "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID",
        ),
        (
            {"options": [OPTION | {"choices": [{"name": str(n), "value": "v"} for n in range(26)]}]},
            ("options", 0, "choices"),
            "BASE_TYPE_MAX_LENGTH",
        ),
        (
            {"options": [OPTION | {"choices": [{"name": "x" * 101, "value": "v"}]}]},
            ("options", 0, "choices", 0, "name"),
            "BASE_TYPE_BAD_LENGTH",
        ),
        (
            {"options": [OPTION | {"type": 4, "choices": [{"name": "a", "value": "v"}]}]},
            ("options", 0, "choices", 0, "value"),
            "NUMBER_TYPE_COERCE",
        ),
        (
            {"options": [OPTION | {"choices": [{"name": "a", "value": 1}]}]},
            ("options", 0, "choices", 0, "value"),
            "STRING_TYPE_CONVERT",
        ),
        (
            {"options": [OPTION | {"autocomplete": True, "choices": [{"name": "a", "value": "a"}]}]},
            ("options", 0, "choices"),
            "APPLICATION_COMMAND_OPTION_AUTOCOMPLETE_CHOICES",
        ),
        (
            {"options": [OPTION | {"min_value": 1}]},
            ("options", 0, "min_value"),
            "APPLICATION_COMMAND_OPTION_BOUND_INVALID",
        ),
        (
            {
                "options": [
                    {
                        "type": 1,
                        "name": "s",
                        "description": "d",
                        "options": [{"type": 1, "name": "t", "description": "d"}],
                    }
                ]
            },
            ("options", 0, "options", 0, "type"),
            "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID",
        ),
        (
            {"options": [{"type": 2, "name": "g", "description": "d", "options": []}]},
            ("options", 0, "options"),
            "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID",
        ),
    ],
)
def test_a_faulty_command_is_refused_where_it_is_wrong(
    change: JsonObject, path: tuple[str | int, ...], code: str
) -> None:
    assert first(faults(BASE | change), *path) == code


@pytest.mark.parametrize("command", [BASE, {"name": "Wave At", "type": 2}, {"name": "Quote It!", "type": 3}])
def test_a_right_command_passes(command: JsonObject) -> None:
    assert faults(command) == {}


def test_a_context_menu_has_no_description() -> None:
    assert "description" in faults({"name": "Wave", "type": 2, "description": "d"})


def test_more_than_8000_characters_are_refused() -> None:
    choices = [{"name": f"{n:099}", "value": f"{n:0100}"} for n in range(25)]
    big = BASE | {"options": [OPTION | {"name": name, "choices": choices} for name in ("a", "b")]}
    assert characters(big) > 8000
    assert first(faults(big)) == "APPLICATION_COMMAND_TOO_LARGE"


@given(st.text(max_size=40))
def test_valid_names_are_short_lower_case_and_without_spaces(name: str) -> None:
    if valid_name(name):
        assert 1 <= len(name) <= 32
        assert name == name.lower()
        assert not any(character.isspace() for character in name)


@pytest.mark.parametrize("name", ["ping", "größe", "日本", "a-b_c", "हिन्दी"])
def test_names_of_any_script_are_valid(name: str) -> None:
    assert valid_name(name)
