"""Arguments of both forms become the same values, and wrong ones say what was given and why it does not fit."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from enum import Enum
from typing import Annotated, Literal, cast

import hikari
import pytest
from hypothesis import given
from hypothesis import strategies as st

from migaga.api import BaseModule, Context, Emoji, Length, Range, Rest, UserError, WrongArgument, command
from migaga.framework.binding import bind_slash, bind_text, from_slash
from migaga.framework.declare import read_module
from migaga.framework.durations import parse_duration
from migaga.framework.spec import CommandSpec
from migaga.framework.usage import explain, slash_usage, text_usage

GUILD = hikari.Snowflake(900000000000000000)


class Colour(Enum):
    RED = "red"
    DARK_BLUE = "blue"


class Kinds(BaseModule):
    @command
    async def nothing(self, ctx: Context) -> None:
        """X."""

    @command
    async def text(self, ctx: Context, first: str, rest: str = "none") -> None:
        """X."""

    @command
    async def short(self, ctx: Context, text: Annotated[str, Length(2, 4)]) -> None:
        """X."""

    @command
    async def whole(self, ctx: Context, number: Annotated[int, Range(1, 10_000)], more: int | None = None) -> None:
        """X."""

    @command
    async def free(self, ctx: Context, number: int) -> None:
        """X."""

    @command
    async def real(self, ctx: Context, number: float) -> None:
        """X."""

    @command
    async def amount(self, ctx: Context, amount: Annotated[Decimal, Range(0)]) -> None:
        """X."""

    @command
    async def flag(self, ctx: Context, flag: bool) -> None:
        """X."""

    @command
    async def wait(self, ctx: Context, time: timedelta) -> None:
        """X."""

    @command
    async def emoji(self, ctx: Context, emoji: Emoji) -> None:
        """X."""

    @command
    async def colour(self, ctx: Context, colour: Colour, size: Literal[1, 2] = 1) -> None:
        """X."""

    @command
    async def flake(self, ctx: Context, thing: hikari.Snowflake) -> None:
        """X."""

    @command
    async def member(self, ctx: Context, who: hikari.Member, note: Annotated[str, Rest()] = "") -> None:
        """X."""

    @command
    async def role(self, ctx: Context, times: int, role: hikari.Role) -> None:
        """X."""

    @command
    async def channel(self, ctx: Context, channel: hikari.GuildTextChannel) -> None:
        """X."""

    @command
    async def either(self, ctx: Context, whom: hikari.User | hikari.Role) -> None:
        """X."""

    @command
    async def file(self, ctx: Context, picture: hikari.Attachment, note: str = "") -> None:
        """X."""


COMMANDS: dict[str, CommandSpec] = {command.path[0]: command for command in read_module(Kinds).commands}


class Thing(hikari.Unique):
    """Something with an id and a name."""

    id = hikari.Snowflake(0)

    def __init__(self, number: int, name: str) -> None:
        self.id = hikari.Snowflake(number)
        self.name = name


ANNA, TWIN, OTHER = (
    Thing(100000000000000001, "Anna"),
    Thing(100000000000000002, "Twin"),
    Thing(100000000000000003, "Twin"),
)
ROLE = Thing(200000000000000001, "Dark Knights")


def channel(number: int, name: str, kind: hikari.ChannelType) -> hikari.PartialChannel:
    app = cast(hikari.RESTAware, object())
    return hikari.PartialChannel(app=app, id=hikari.Snowflake(number), name=name, type=kind)


TEXT = channel(300000000000000001, "general", hikari.ChannelType.GUILD_TEXT)
VOICE = channel(300000000000000002, "voice", hikari.ChannelType.GUILD_VOICE)


def named(things: Sequence[object], text: str) -> list[object]:
    return [thing for thing in things if text in {str(thing.id), thing.name}]  # type: ignore[attr-defined]  # fakes


class People:
    """A small guild."""

    async def user(self, guild_id: hikari.Snowflake | None, text: str) -> list[hikari.User]:
        return named([ANNA, TWIN, OTHER], text)  # type: ignore[return-value]  # fakes

    async def member(self, guild_id: hikari.Snowflake | None, text: str) -> list[hikari.Member]:
        return named([ANNA, TWIN, OTHER], text)  # type: ignore[return-value]  # fakes

    async def role(self, guild_id: hikari.Snowflake | None, text: str) -> list[hikari.Role]:
        return named([ROLE], text)  # type: ignore[return-value]  # fakes

    async def channel(self, guild_id: hikari.Snowflake | None, text: str) -> list[hikari.PartialChannel]:
        return named([TEXT, VOICE], text)  # type: ignore[return-value]  # fakes


async def bind(name: str, line: str) -> list[object]:
    return list((await bind_text(COMMANDS[name], line, GUILD, People())).values())


GOOD: list[tuple[str, str, list[object]]] = [
    ("nothing", "", []),
    ("text", "a", ["a", "none"]),
    ("text", '"a b" c  d', ["a b", "c  d"]),
    ("text", 'a "b c"', ["a", "b c"]),
    ("short", "abcd", ["abcd"]),
    ("whole", "1,000", [1000, None]),
    ("whole", "+5 -7", [5, -7]),
    ("real", "-1.5", [-1.5]),
    ("real", ".5", [0.5]),
    ("amount", "1,234.50", [Decimal("1234.50")]),
    ("amount", "0.1", [Decimal("0.1")]),
    ("amount", "99999999999999999999.01", [Decimal("99999999999999999999.01")]),
    ("flag", "YES", [True]),
    ("flag", "off", [False]),
    ("wait", "3 hours and 2 minutes", [timedelta(hours=3, minutes=2)]),
    ("wait", "1h30m", [timedelta(minutes=90)]),
    ("emoji", "👍🏽", [Emoji("👍🏽")]),
    ("emoji", "<a:dance:100000000000000009>", [Emoji("dance", hikari.Snowflake(100000000000000009), True)]),
    ("colour", "Red", [Colour.RED, 1]),
    ("colour", "blue 2", [Colour.DARK_BLUE, 2]),
    ("colour", '"dark blue"', [Colour.DARK_BLUE, 1]),
    ("flake", "<#300000000000000001>", [hikari.Snowflake(300000000000000001)]),
    ("member", "<@!100000000000000001> hello  you", [ANNA, "hello  you"]),
    ("member", "@Anna", [ANNA, ""]),
    ("member", "100000000000000001", [ANNA, ""]),
    ("role", "3 Dark Knights", [3, ROLE]),
    ("role", '3 "Dark Knights"', [3, ROLE]),
    ("role", "3 <@&200000000000000001>", [3, ROLE]),
    ("channel", "#general", [TEXT]),
    ("channel", "<#300000000000000001>", [TEXT]),
    ("either", "<@&200000000000000001>", [ROLE]),
    ("either", "Anna", [ANNA]),
    ("either", "<@100000000000000001>", [ANNA]),
    ("either", "100000000000000001", [ANNA]),
]


@pytest.mark.parametrize(("name", "line", "values"), GOOD, ids=[f"{name} {line}" for name, line, _ in GOOD])
async def test_a_line_of_text_becomes_values(name: str, line: str, values: list[object]) -> None:
    assert await bind(name, line) == values


BAD = [
    ("nothing", "surplus", ["takes nothing", "`surplus`"]),
    ("text", "", ["`first` is missing"]),
    ("short", "a", ["at least 2", "has 1"]),
    ("short", "abcde", ["at most 4", "has 5"]),
    ("whole", "x", ["`number`", "whole number", "`x`"]),
    ("whole", "1.5", ["whole number"]),
    ("whole", "0", ["at least 1"]),
    ("whole", "10001", ["at most 10,000"]),
    ("whole", "1 2 3", ["more than", "`3`"]),
    ("free", "9007199254740993", ["at most 9,007,199,254,740,992"]),
    ("free", "9" * 5_000, ["whole number"]),
    ("free", "٣", ["whole number"]),
    ("real", "nan", ["number", "`nan`"]),
    ("real", "inf", ["`inf`"]),
    ("real", "1e9", ["`1e9`"]),
    ("amount", "NaN", ["amount", "`NaN`"]),
    ("amount", "1e5", ["`1e5`"]),
    ("amount", "1,00", ["`1,00`"]),
    ("amount", "-1", ["at least 0"]),
    ("flag", "maybe", ["`yes` or `no`"]),
    ("wait", "soon", ["duration", "`soon`"]),
    ("wait", "-5m", ["duration"]),
    ("emoji", ":smile:", ["emoji", "`:smile:`"]),
    ("emoji", "👍👍", ["emoji"]),
    ("emoji", "7", ["emoji"]),
    ("colour", "green", ["Red, Dark blue", "`green`"]),
    ("colour", "red 3", ["1, 2", "`3`"]),
    ("flake", "99999999999999999999", ["id"]),
    ("flake", "abc", ["`thing`", "id"]),
    ("member", "Nobody", ["no member", "`Nobody`"]),
    ("member", "<@100000000000000099>", ["no member"]),
    ("member", "Twin", ["2 fit", "100000000000000002", "100000000000000003"]),
    ("role", "3 Gone Role", ["no role", "`Gone Role`"]),
    ("channel", "voice", ["text channel"]),
    ("file", "", ["`picture`", "attach a file"]),
]


@pytest.mark.parametrize(("name", "line", "told"), BAD, ids=[f"{name} {line[:30]}" for name, line, _ in BAD])
async def test_a_wrong_argument_is_named_with_what_was_given(name: str, line: str, told: list[str]) -> None:
    with pytest.raises(WrongArgument) as refused:
        await bind(name, line)
    missing = [part for part in told if part not in str(refused.value)]
    assert not missing, f"{missing} not in: {refused.value}"


async def test_what_was_given_cannot_leave_its_code_span_or_ping() -> None:
    with pytest.raises(WrongArgument) as refused:
        await bind("whole", "`@everyone`" + "x" * 3_000)
    assert "`'@everyone'" in refused.value.reason
    assert len(refused.value.reason) < 200


@given(st.sampled_from(sorted(COMMANDS)), st.text())
def test_no_text_raises_anything_but_an_answer(name: str, line: str) -> None:
    try:
        asyncio.run(bind(name, line))
    except UserError as answer:
        if not str(answer):
            raise


def resolved(**things: dict[hikari.Snowflake, object]) -> hikari.ResolvedOptionData:
    empty: dict[str, dict[hikari.Snowflake, object]] = {
        kind: {} for kind in ("attachments", "channels", "members", "messages", "roles", "users")
    }
    return hikari.ResolvedOptionData(**(empty | things))  # type: ignore[arg-type]  # fakes


SLASH: list[tuple[str, str | int | float | bool, object]] = [
    ("text", "a b", "a b"),
    ("whole", 5, 5),
    ("real", 3, 3.0),
    ("amount", "1.10", Decimal("1.10")),
    ("flag", True, True),
    ("wait", "90s", timedelta(seconds=90)),
    ("emoji", "⭐", Emoji("⭐")),
    ("colour", "blue", Colour.DARK_BLUE),
    ("flake", "300000000000000001", hikari.Snowflake(300000000000000001)),
    ("member", int(ANNA.id), ANNA),
    ("role", int(ROLE.id), None),
]


@pytest.mark.parametrize(("name", "given_value", "value"), SLASH[:-1])
def test_an_interactions_option_becomes_the_same_value(
    name: str, given_value: str | int | float | bool, value: object
) -> None:
    known = resolved(members={ANNA.id: ANNA})
    assert from_slash(COMMANDS[name].parameters[0], given_value, known) == value


@pytest.mark.parametrize(
    ("name", "given_value", "told"),
    [
        ("whole", 0, "at least 1"),
        ("whole", "x", "whole number"),
        ("short", "a", "at least 2"),
        ("amount", "1e5", "amount"),
        ("emoji", "nope", "emoji"),
        ("colour", "green", "one of"),
        ("member", int(TWIN.id), "not a member"),
    ],
)
def test_a_wrong_option_of_an_interaction_is_told_likewise(
    name: str, given_value: str | int | float | bool, told: str
) -> None:
    with pytest.raises(WrongArgument, match=told):
        from_slash(COMMANDS[name].parameters[0], given_value, resolved(members={ANNA.id: ANNA}))


def test_options_that_were_left_out_have_their_defaults() -> None:
    given_option = hikari.CommandInteractionOption(name="first", type=hikari.OptionType.STRING, value="x", options=None)
    assert bind_slash(COMMANDS["text"], [given_option], None) == {"first": "x", "rest": "none"}
    with pytest.raises(WrongArgument, match="`first` is missing"):
        bind_slash(COMMANDS["text"], [], None)


def test_usage_shows_both_forms() -> None:
    assert text_usage(COMMANDS["text"]) == "!text <first> [rest...]"
    assert text_usage(COMMANDS["colour"], "?") == "?colour <Red|Dark blue> [1|2]"
    assert text_usage(COMMANDS["file"]) == "!file <picture: a file> [note...]"
    assert text_usage(COMMANDS["flake"], "hey") == "hey flake <thing>"
    assert text_usage(COMMANDS["flake"], "<@123456789012345678>") == "<@123456789012345678> flake <thing>"
    assert slash_usage(COMMANDS["text"]) == "/text first: [rest:]"
    error = WrongArgument("first", None, "`first` is missing.")
    assert explain(error, COMMANDS["text"]) == "`first` is missing.\nUsage: `!text <first> [rest...]`"
    assert explain(error, COMMANDS["text"], is_slash=True).endswith("Usage: `/text first: [rest:]`")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90", None),
        ("", None),
        ("90s", 90),
        ("1h30m", 5400),
        ("1 h 30 min", 5400),
        ("an hour", 3600),
        ("half an hour", 1800),
        ("1.5 hours", 5400),
        ("2 days, 3 hours, and 1 second", 183601),
        ("1:30", 90),
        ("1:30:00", 5400),
        ("3 HOURS", 10800),
        ("a week", 604800),
        ("3 parsecs", None),
        ("3 hours and", None),
        ("9999999 years", None),
        ("1:75", None),
    ],
)
def test_durations_are_read_as_people_write_them(text: str, seconds: int | None) -> None:
    assert parse_duration(text) == (None if seconds is None else timedelta(seconds=seconds))


@given(st.text(alphabet="0123456789 .:,andhmsywekoru"))
def test_reading_durations_never_fails(text: str) -> None:
    found = parse_duration(text)
    assert found is None or timedelta(0) <= found <= timedelta(days=36_500)


@given(st.integers(0, 36_000), st.integers(0, 23), st.integers(0, 59), st.integers(0, 59))
def test_durations_written_in_full_come_back(days: int, hours: int, minutes: int, seconds: int) -> None:
    text = f"{days} days, {hours} hours, {minutes} minutes and {seconds} seconds"
    assert parse_duration(text) == timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
