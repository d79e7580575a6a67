"""Options that the configuration sets for all guilds: checked at the start, used where a guild has set nothing."""

from __future__ import annotations

import enum
from datetime import timedelta
from decimal import Decimal

import hikari
import pytest

from migaga.api import BaseModule, ChannelId, GuildOptions, option
from migaga.common.errors import ConfigError
from migaga.framework.declare import read_module
from migaga.framework.option_defaults import check_defaults


class Colour(enum.Enum):
    """A choice."""

    RED = "red"
    BLUE = "blue"


class Painter(BaseModule):
    """Paints."""

    class Options(GuildOptions):
        """What guilds choose."""

        greeting: str = option("Hello", "What to say", max_length=10)
        stars: int = option(5, "How many", min=1, max=9)
        log: ChannelId | None = option(None, "Where to log")
        pause: timedelta = option(timedelta(minutes=1), "How long to wait")
        price: Decimal = option(Decimal(1), "What it costs")
        colour: Colour = option(Colour.RED, "Which colour")


SPEC = read_module(Painter)


def load(**values: object) -> Painter.Options:
    """The options of a guild that has set nothing."""
    return Painter.Options.load(check_defaults({"painter": values}, [SPEC])["painter"])


def test_values_are_taken_as_json_has_them_and_as_people_write_them() -> None:
    options = load(greeting="Ahoy", stars=7, log="123456789012345678", pause=90, price="2.5", colour="blue")
    assert (options.greeting, options.stars, options.pause) == ("Ahoy", 7, timedelta(seconds=90))
    assert (options.log, options.price, options.colour) == (
        hikari.Snowflake(123456789012345678),
        Decimal("2.5"),
        Colour.BLUE,
    )
    assert load(pause="2m", stars="3", log=None) == Painter.Options(pause=timedelta(minutes=2), stars=3)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"star": 3}, 'Did you mean "stars"'),
        ({"stars": 10}, "at most 9"),
        ({"stars": "many"}, "painter.stars"),
        ({"stars": None}, "cannot be unset"),
        ({"greeting": ["a"]}, "painter.greeting"),
        ({"greeting": "a" * 11}, "at most 10 characters"),
        ({"colour": "green"}, "must be one of"),
    ],
)
def test_what_does_not_fit_ends_the_start_with_the_reason(values: dict[str, object], words: str) -> None:
    with pytest.raises(ConfigError, match=r"\[Modules\] Options: painter\.") as refused:
        check_defaults({"painter": values}, [SPEC])
    assert words in str(refused.value)


def test_options_of_modules_that_run_elsewhere_are_nobodys_business_here() -> None:
    assert check_defaults({"starboard": {"stars": 3}, "painter": {}}, [SPEC]) == {}
