"""What Discord is told about commands, and what its answer means."""

from __future__ import annotations

from typing import Annotated, Literal

import hikari
import pytest

from migaga.api import (
    Autocomplete,
    AutocompleteContext,
    BaseModule,
    Context,
    Describe,
    Length,
    Range,
    autocomplete,
    command,
    group,
    message_command,
    user_command,
)
from migaga.framework.builtin.core import load_core
from migaga.framework.clashes import find_clashes
from migaga.framework.declare import read_module
from migaga.framework.loader import LoadedModule, LoadResult, without_clashes
from migaga.framework.register import digest_of, explain_errors
from migaga.framework.slash import command_payloads, payload_owners, payload_size
from migaga.framework.sources import Source
from migaga.framework.spec import ModuleSpec

BAN, KICK = hikari.Permissions.BAN_MEMBERS, hikari.Permissions.KICK_MEMBERS


class Points(BaseModule):
    points = group("points", "Points of members")
    board = points.group("board", "Boards")

    @points.command(permissions=BAN | KICK)
    async def give(
        self,
        ctx: Context,
        who: hikari.Member,
        size: Literal["s", "m"],
        level: Annotated[int, Range(1, 10)],
        note: Annotated[str, Length(1, 5), Autocomplete("notes")] = "",
    ) -> None:
        """Give points."""

    @board.command(permissions=BAN, nsfw=True)
    async def create(self, ctx: Context, channel: hikari.GuildTextChannel) -> None:
        """Create a board."""

    @command(guild_only=False, localisations={"de": ("hallo", "Grüssen")})
    async def hello(self, ctx: Context, who: Annotated[str, Describe("Who", {"de": ("wer", "Wer")})] = "") -> None:
        """Greet."""

    @command(owner_only=True)
    async def stop_bot(self, ctx: Context) -> None:
        """Stop."""

    @command(slash=False)
    async def spoken(self, ctx: Context) -> None:
        """Text only."""

    @user_command("Show", localisations={"de": "Zeigen"})
    async def show(self, ctx: Context, target: hikari.User) -> None: ...

    @message_command("Quote", permissions=KICK)
    async def quote(self, ctx: Context, target: hikari.Message) -> None: ...

    @autocomplete
    async def notes(self, ctx: AutocompleteContext, value: str) -> list[str]:
        return []


class More(BaseModule):
    points = group("points", "Ignored: the first description stays")

    @points.command(permissions=BAN)
    async def reset(self, ctx: Context) -> None:
        """Reset."""


POINTS, MORE = read_module(Points), read_module(More)


def test_a_group_is_one_command_whatever_module_adds_to_it() -> None:
    payloads = command_payloads([POINTS, MORE])
    assert payloads[0] == {
        "type": 1,
        "name": "points",
        "description": "Points of members",
        "default_member_permissions": str(int(BAN)),
        "nsfw": True,
        "contexts": [0],
        "integration_types": [0],
        "options": [
            {
                "type": 1,
                "name": "give",
                "description": "Give points.",
                "options": [
                    {"type": 6, "name": "who", "description": "Who: member", "required": True},
                    {
                        "type": 3,
                        "name": "size",
                        "description": "Size: text",
                        "required": True,
                        "choices": [{"name": "s", "value": "s"}, {"name": "m", "value": "m"}],
                    },
                    {
                        "type": 4,
                        "name": "level",
                        "description": "Level: whole number",
                        "required": True,
                        "min_value": 1,
                        "max_value": 10,
                    },
                    {
                        "type": 3,
                        "name": "note",
                        "description": "Note: text",
                        "required": False,
                        "autocomplete": True,
                        "min_length": 1,
                        "max_length": 5,
                    },
                ],
            },
            {"type": 1, "name": "reset", "description": "Reset.", "options": []},
            {
                "type": 2,
                "name": "board",
                "description": "Boards",
                "options": [
                    {
                        "type": 1,
                        "name": "create",
                        "description": "Create a board.",
                        "options": [
                            {
                                "type": 7,
                                "name": "channel",
                                "description": "Channel: channel",
                                "required": True,
                                "channel_types": [0],
                            }
                        ],
                    }
                ],
            },
        ],
    }
    assert payload_owners([POINTS, MORE])[0] == "/points (module points, more)"


def test_commands_say_where_and_for_whom_they_are() -> None:
    by_name = {str(payload["name"]): payload for payload in command_payloads([POINTS])}
    assert by_name["hello"]["contexts"] == [0, 1]
    assert by_name["hello"]["default_member_permissions"] is None
    assert by_name["hello"]["name_localizations"] == {"de": "hallo"}
    assert by_name["hello"]["description_localizations"] == {"de": "Grüssen"}
    assert by_name["stop-bot"]["default_member_permissions"] == "0"
    assert "spoken" not in by_name


def test_menus_have_no_description() -> None:
    by_name = {str(payload["name"]): payload for payload in command_payloads([POINTS])}
    assert by_name["Show"] == {
        "type": 2,
        "name": "Show",
        "default_member_permissions": None,
        "contexts": [0],
        "integration_types": [0],
        "name_localizations": {"de": "Zeigen"},
    }
    assert by_name["Quote"]["type"] == 3
    assert by_name["Quote"]["default_member_permissions"] == str(int(KICK))


def test_the_digest_changes_with_the_commands_and_not_with_their_order() -> None:
    payloads = command_payloads([POINTS, MORE])
    assert digest_of(payloads) == digest_of(payloads[::-1])
    assert digest_of(payloads) != digest_of(command_payloads([POINTS]))
    assert len(digest_of(payloads)) == 32


def test_discords_errors_are_told_by_command_and_part() -> None:
    payloads, owners = command_payloads([POINTS, MORE]), payload_owners([POINTS, MORE])
    leaf = {"_errors": [{"code": "BASE_TYPE_BAD_LENGTH", "message": "Must be between 1 and 32 in length."}]}
    errors = {
        "0": {"options": {"0": {"options": {"2": {"name": leaf}}}}},
        "1": {"description": leaf},
        "_errors": [{"code": "X", "message": "Too many."}],
    }
    assert list(explain_errors(errors, payloads, owners)) == [
        "/points (module points, more) 'give' 'level' 'name': Must be between 1 and 32 in length.",
        "/hello (module points) 'description': Must be between 1 and 32 in length.",
        "Too many.",
    ]


@pytest.mark.parametrize(
    ("made", "told"),
    [
        ({"text": "hello"}, "the text command 'hello' is taken by the module 'points'"),
        ({"name": "hello"}, "the slash command 'hello' is taken by the module 'points'"),
        ({"name": "points", "text": "x"}, "'points' would be a command and a group"),
    ],
)
def test_a_later_module_cannot_take_an_earlier_ones_names(made: dict[str, str], told: str) -> None:
    class Late(BaseModule):
        @command(made.get("name"), text=made.get("text"), slash="name" in made)
        async def later(self, ctx: Context) -> None:
            """X."""

    clashes = find_clashes(read_module(Late), [POINTS])
    assert any(told in clash.reason for clash in clashes), clashes


def test_modules_that_share_a_group_do_not_clash() -> None:
    assert find_clashes(MORE, [POINTS]) == []


def test_the_frameworks_own_name_is_not_to_be_had() -> None:
    class Core(BaseModule):
        pass

    assert find_clashes(read_module(Core), [])


def test_discords_limits_hold_over_all_modules() -> None:
    def crowd(number: int, count: int) -> type[BaseModule]:
        body: dict[str, object] = {"__doc__": "Many commands."}
        for index in range(count):

            async def handler(self: BaseModule, ctx: Context) -> None:
                """Do it."""

            handler.__qualname__ = f"c{index}"
            body[f"c{index}"] = command(f"c{number}-{index}")(handler)
        return type(f"Crowd{number}", (BaseModule,), body)

    first, second = read_module(crowd(1, 60)), read_module(crowd(2, 41))
    assert find_clashes(first, []) == []
    [clash] = find_clashes(second, [first])
    assert clash.reason == "the bot would have 101 slash commands with 'c2-0', 'c2-1', 'c2-10', 'c2-11', 'c2-12', ..."


@pytest.mark.parametrize("kind", ["user", "message"])
def test_a_context_menu_has_fifteen_entries(kind: str) -> None:
    decorator, target = (user_command, hikari.User) if kind == "user" else (message_command, hikari.Message)

    def menus(letter: str, count: int) -> ModuleSpec:
        body: dict[str, object] = {}
        for index in range(count):

            async def handler(self: BaseModule, ctx: Context, target: object) -> None: ...

            handler.__annotations__["target"] = target
            body[f"c{index}"] = decorator(f"{letter} {index}")(handler)
        return read_module(type(f"Menus{letter}", (BaseModule,), body))

    first = menus("A", 14)
    assert find_clashes(first, []) == []
    assert find_clashes(menus("B", 1), [first]) == []
    [clash] = find_clashes(menus("B", 2), [first])
    assert clash.reason == f"the context menu of a {kind} would have 16 entries with 'B 0', 'B 1'"
    assert find_clashes(POINTS, [first]) == []


def test_a_command_with_all_that_is_in_it_has_8000_characters() -> None:
    shared = group("many", "Many words")

    def crowd(letter: str, count: int) -> ModuleSpec:
        body: dict[str, object] = {"shared": shared}
        for index in range(count):

            async def handler(self: BaseModule, ctx: Context, word: str) -> None: ...

            handler.__annotations__["word"] = Literal["x" * 50, "y" * 50]
            handler.__doc__ = "D" * 100 + f"\n\nArgs:\n    word: {'W' * 100}"
            body[f"c{index}"] = shared.command(
                f"{letter}-{index:02}", localisations={"de": (f"{letter}-{index:02}x", "kurz")}
            )(handler)
        return read_module(type(f"Crowd{letter}", (BaseModule,), body))

    # Each: 5 + 100 of the command (the longest of its names), 4 + 100 of the option, 2 * (50 + 50) of its choices.
    first, second = crowd("a", 12), crowd("b", 12)
    assert [payload_size(payload) for payload in command_payloads([first])] == [12 * 409 + 14]
    assert find_clashes(first, []) == []
    [clash] = find_clashes(second, [first])
    assert "the slash command 'many' would have 9,830 characters" in clash.reason
    assert find_clashes(POINTS, [first, second]) == []


def test_a_command_of_the_framework_cannot_be_had() -> None:
    class Helper(BaseModule):
        @command("help")
        async def helping(self, ctx: Context) -> None:
            """Help."""

    helper = LoadedModule(read_module(Helper), Helper, Source("helper", "built-in", "helper"))
    result = without_clashes(LoadResult((helper,), ()), [load_core().spec])
    assert result.modules == ()
    assert "the slash command 'help' is taken by the module 'core'" in result.failures[0].reason
