"""The words of a text command, and which command they call."""

from __future__ import annotations

import hikari
import pytest
from hypothesis import given
from hypothesis import strategies as st

from migaga.api import BaseModule, Context, command, group, user_command
from migaga.framework.declare import read_module
from migaga.framework.errors import UnknownSubcommand, UserError
from migaga.framework.matching import CommandIndex, leaf_options, slash_path
from migaga.framework.parse import rest_of, split_words

BOT = 123456789012345678


class Points(BaseModule):
    points = group("points", "Points")
    board = points.group("board", "Boards")

    @points.command(aliases=["points add", "grant"])
    async def give(self, ctx: Context) -> None:
        """Give."""

    @points.command(text="points")
    async def show(self, ctx: Context) -> None:
        """Show."""

    @board.command()
    async def create(self, ctx: Context) -> None:
        """Create."""

    @command(as_text=False)
    async def silent(self, ctx: Context) -> None:
        """Slash only."""

    @command(slash=False)
    async def spoken(self, ctx: Context) -> None:
        """Text only."""

    @user_command("Show Points")
    async def menu(self, ctx: Context, target: hikari.User) -> None: ...


class Games(BaseModule):
    game = group("game", "Games")

    @game.command("start")
    async def begin(self, ctx: Context) -> None:
        """Start."""


INDEX = CommandIndex([read_module(Points), read_module(Games)])


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("", []),
        ("  a  b\tc\nd ", ["a", "b", "c", "d"]),
        ('"two words" x', ["two words", "x"]),
        ("“two words” x", ["two words", "x"]),
        ("„two words“ ”a b”", ["two words", "a b"]),
        ("«two words»", ["two words"]),
        ('"he said \\"hi\\" then"', ['he said "hi" then']),
        ('\\"a b\\"', ['"a', 'b"']),
        ('"never closed', ['"never', "closed"]),
        ('5" pipe"', ['5"', 'pipe"']),
        ('""', [""]),
        ('"a"b', ['"a"b']),
        ("it's", ["it's"]),
        ("```py\na b\n``` c", ["```py\na b\n```", "c"]),
        ("```never closed", ["```never", "closed"]),
    ],
)
def test_a_line_is_split_into_words(line: str, words: list[str]) -> None:
    assert [word.text for word in split_words(line)] == words


@pytest.mark.parametrize(
    ("line", "rest"),
    [
        ("a b  c ", "a b  c"),
        ('"two words"', "two words"),
        ('"two words" more', '"two words" more'),
        ("```py\nx = 1\n```", "```py\nx = 1\n```"),
    ],
)
def test_the_rest_of_a_line_is_kept_as_it_was_written(line: str, rest: str) -> None:
    assert rest_of(line, split_words(line)[0]) == rest


@given(st.text())
def test_splitting_never_fails_and_loses_no_position(line: str) -> None:
    words = split_words(line)
    covered = set().union(*(range(word.start, word.end) for word in words))
    assert all(line[index].isspace() for index in range(len(line)) if index not in covered)
    assert [word.start for word in words] == sorted(word.start for word in words)


@given(st.lists(st.text(alphabet=st.characters(exclude_characters='"“”„«»\\`', exclude_categories=["Cs"]))))
def test_what_is_quoted_comes_back_as_it_was(texts: list[str]) -> None:
    line = " ".join(f'"{text}"' for text in texts)
    assert [word.text for word in split_words(line)] == texts


@pytest.mark.parametrize(
    ("content", "handler", "arguments"),
    [
        ("!points give @a 3", "give", "@a 3"),
        ("!POINTS Give x", "give", "x"),
        ("!points add x", "give", "x"),
        ("!grant", "give", ""),
        ("!points", "show", ""),
        ("!points 5", "show", "5"),
        ("!points  board   create  a b", "create", "a b"),
        ("!points\ngive\nx", "give", "x"),
        ("?grant", "give", ""),
        (f"<@{BOT}> grant x", "give", "x"),
        (f"<@!{BOT}>grant x", "give", "x"),
        ("hey grant", "give", ""),
        ("HEY grant", "give", ""),
        ("!spoken", "spoken", ""),
    ],
)
def test_the_longest_text_name_wins(content: str, handler: str, arguments: str) -> None:
    match = INDEX.match_text(content, ["!", "?", "hey"], BOT)
    assert match is not None
    assert (match.command.handler, match.arguments) == (handler, arguments)


@pytest.mark.parametrize(
    "content",
    ["", "!", "hello", "! grant", "!!grant", "!nothing", "!silent", "<@99999999999999999> grant", "points give"],
)
def test_other_messages_call_nothing(content: str) -> None:
    assert INDEX.match_text(content, ["!"], BOT) is None


def test_an_unknown_subcommand_is_told_the_nearest() -> None:
    with pytest.raises(UnknownSubcommand) as refused:
        INDEX.match_text("!game strat", ["!"], BOT)
    assert (refused.value.group, refused.value.given, refused.value.known) == (("game",), "strat", ("start",))
    assert "Did you mean `!game start`" in str(refused.value)


def test_a_group_alone_lists_its_commands() -> None:
    with pytest.raises(UnknownSubcommand) as refused:
        INDEX.match_text("!game", ["!"], BOT)
    assert "`start`" in str(refused.value)
    assert refused.value.given is None


@given(st.text(), st.lists(st.text(max_size=5), max_size=3))
def test_matching_raises_nothing_but_answers(content: str, prefixes: list[str]) -> None:
    for text in (content, f"!points {content}", f"!game {content}"):
        try:
            INDEX.match_text(text, [*prefixes, "!"], BOT)
        except UserError as answer:
            told = str(answer)
            if not told or len(told) >= 2_000:
                raise


def test_interactions_name_their_command_by_path() -> None:
    leaf = {"name": "amount", "type": 4, "value": 3}
    data = {
        "name": "points",
        "type": 1,
        "options": [
            {"name": "board", "type": 2, "options": [{"name": "create", "type": 1, "options": [leaf]}]},
        ],
    }
    assert slash_path(data) == ("points", "board", "create")
    assert leaf_options(data) == (leaf,)
    found = INDEX.match_slash(data)
    assert found is not None
    assert found[1].handler == "create"
    assert INDEX.match_slash({"name": "gone"}) is None


def test_menus_are_found_by_type_and_name() -> None:
    found = INDEX.match_menu({"name": "Show Points", "type": 2})
    assert found is not None
    assert found[1].handler == "menu"
    assert INDEX.match_menu({"name": "Show Points", "type": 3}) is None


def test_help_finds_commands_by_either_name() -> None:
    for name in ("points give", "Points  Add", "grant"):
        found = INDEX.by_text_name(name)
        assert found is not None
        assert found[1].handler == "give"
    assert INDEX.by_text_name("silent") is not None
    assert INDEX.by_text_name("nothing") is None
    assert INDEX.nearest_name("points giev") == "points give"
