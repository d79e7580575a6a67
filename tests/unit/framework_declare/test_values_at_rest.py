"""Options as they are stored, custom ids as they come back, emoji as people write them, docstrings taken apart."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from enum import Enum

import hikari
import pytest
from hypothesis import given
from hypothesis import strategies as st

from migaga.api import BaseModule, ChannelId, Context, Emoji, GuildOptions, UserError, component, option
from migaga.framework.convert import plain_value
from migaga.framework.custom_ids import component_arguments, make_custom_id, split_custom_id
from migaga.framework.declare import read_module
from migaga.framework.docstrings import read_docstring
from migaga.framework.errors import WrongArgument
from migaga.framework.options import read_options
from migaga.framework.spec import OptionSpec
from migaga.framework.values import encode


class Colour(Enum):
    RED = "red"


class Options(GuildOptions):
    text: str = option("a", "X", max_length=3)
    number: int = option(1, "X", min=0, max=9)
    real: float = option(0.5, "X")
    amount: Decimal = option(Decimal("1.5"), "X")
    flag: bool = option(False, "X")
    time: timedelta = option(timedelta(hours=1), "X")
    emoji: Emoji = option(Emoji("⭐"), "X")
    colour: Colour = option(Colour.RED, "X")
    log: ChannelId | None = option(None, "X")


SPECS: dict[str, OptionSpec] = {spec.name: spec for spec in read_options(Options)}
VALUES: dict[str, object] = {
    "text": "abc",
    "number": 9,
    "real": 2.25,
    "amount": Decimal("99999999999999999999.01"),
    "flag": True,
    "time": timedelta(minutes=90),
    "emoji": Emoji("x1", hikari.Snowflake(100000000000000001), True),
    "colour": Colour.RED,
    "log": hikari.Snowflake(18446744073709551615),
}


def test_options_left_alone_are_the_defaults() -> None:
    options = Options.load({})
    assert (options.text, options.number, options.time, options.log) == ("a", 1, timedelta(hours=1), None)
    assert options == Options()


def test_options_come_back_from_the_database_as_they_were() -> None:
    stored = {name: encode(SPECS[name], value) for name, value in VALUES.items()}
    assert Options.load(stored) == Options(**VALUES)
    assert repr(Options.load(stored)).startswith("Options(text='abc', number=9")


@pytest.mark.parametrize(
    ("name", "stored"),
    [
        *(("text", "too long"), ("number", "9"), ("number", True), ("number", 10), ("amount", "x"), ("time", "1h")),
        *(("emoji", "x"), ("colour", "green"), ("flag", 1), ("text", None), ("log", "general"), ("real", [])),
    ],
)
def test_a_stored_value_that_no_longer_fits_counts_as_not_set(name: str, stored: object) -> None:
    assert Options.load({name: stored, "gone": 1}) == Options()


def test_an_unknown_option_is_a_fault_of_the_caller() -> None:
    with pytest.raises(TypeError, match="no option 'nope'"):
        Options(nope=1)


def test_options_of_a_base_class_count() -> None:
    class More(Options):
        extra: str = option("x", "X")

    assert [spec.name for spec in read_options(More)] == [*SPECS, "extra"]
    assert More().text == "a"


def test_text_becomes_an_option_with_a_clear_error() -> None:
    assert plain_value(SPECS["log"], "<#300000000000000001>") == hikari.Snowflake(300000000000000001)
    assert plain_value(SPECS["amount"], "2.50") == Decimal("2.50")
    with pytest.raises(WrongArgument, match="`number` must be at most 9"):
        plain_value(SPECS["number"], "10")


class Pressed(BaseModule):
    @component("press")
    async def press(self, ctx: Context, text: str, number: int, who: hikari.Snowflake, when: bool = False) -> None: ...


[PRESS] = read_module(Pressed).components


@given(st.text(max_size=8, alphabet=st.characters(exclude_categories=["Cs"])), st.integers(0, 2**53), st.booleans())
def test_a_custom_id_comes_back_as_it_was_made(text: str, number: int, flag: bool) -> None:
    who = hikari.Snowflake(100000000000000001)
    try:
        made = make_custom_id("pressed", "press", (text, number, who, flag))
    except ValueError as error:
        # Letters of other scripts take up to nine characters each.
        if "100" not in str(error):
            raise
        return
    found = split_custom_id(made)
    assert found is not None
    assert found[:2] == ("pressed", "press")
    assert component_arguments(PRESS, found[2]) == {"text": text, "number": number, "who": who, "when": flag}


@pytest.mark.parametrize("given_texts", [("a",), ("a", "x", "1"), ("a", "1", "x"), ("a", "1", "1" * 18, "yes", "more")])
def test_a_custom_id_that_no_longer_fits_is_told_politely(given_texts: tuple[str, ...]) -> None:
    with pytest.raises(UserError, match="older version"):
        component_arguments(PRESS, given_texts)


def test_custom_ids_of_others_are_left_alone() -> None:
    assert split_custom_id("") is None
    assert split_custom_id("whatever") is None
    assert split_custom_id(":x") is None


def test_a_custom_id_over_discords_limit_is_refused() -> None:
    with pytest.raises(ValueError, match="101 characters, Discord allows 100"):
        make_custom_id("m", "n", ("x" * 97,))
    with pytest.raises(ValueError, match="cannot hold"):
        make_custom_id("m", "n", (object(),))


@pytest.mark.parametrize(
    "text",
    [
        "👍",
        "👍🏽",
        "❤️",
        "❤",
        "🇨🇭",
        "1️⃣",
        "#⃣",
        "👨‍👩‍👧‍👦",
        "🏳️‍🌈",
        "🏴󠁧󠁢󠁥󠁮󠁧󠁿",
        "🫠",
        "<:name:100000000000000001>",
        "<a:n_1:100000000000000001>",
    ],
)
def test_emoji_are_recognised_and_written_back(text: str) -> None:
    emoji = Emoji.parse(text)
    assert str(emoji) == text
    assert emoji.url.startswith("https://")
    assert str(emoji.to_hikari()) == text


@pytest.mark.parametrize(
    "text", ["", "a", "1", "#", ":smile:", "👍👍", "👍 👎", "🇨", "<:n:1>", "<:name:x>", "<@100000000000000001>"]
)
def test_other_texts_are_no_emoji(text: str) -> None:
    with pytest.raises(ValueError, match="not an emoji"):
        Emoji.parse(text)


def test_pictures_of_animated_emoji_move() -> None:
    assert Emoji.parse("<a:dance:100000000000000001>").url.endswith("100000000000000001.gif")
    assert Emoji.parse("<:stand:100000000000000001>").url.endswith(".png")


def test_docstrings_are_taken_apart() -> None:
    doc = read_docstring(
        """Give points.

        More about it.

        Args:
            who (hikari.User): The person
                who gets them.
            amount: How many: exactly.

        Returns:
            Nothing.

        Example:
            !give
        """
    )
    assert doc.summary == "Give points."
    assert doc.help == "Give points.\n\nMore about it."
    assert doc.arguments == {"who": "The person who gets them.", "amount": "How many: exactly."}
    assert read_docstring(None).summary == ""


@given(st.text())
def test_no_docstring_fails(text: str) -> None:
    read_docstring(text)
