"""What people say to the bot in the demo, and what it must answer, written down here and nowhere in the bot.

Each conversation is a list of steps; one guild holds one of them. `{owner}`, `{anna}` and `{ben}` stand for the ids of
people, in what is said as in what is expected.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Who = Literal["owner", "anna", "ben"]


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that somebody says, runs or presses, and the answer that it must get."""

    who: Who
    how: Literal["says", "slash", "press"]
    what: str
    """The text, the path of the slash command, or the label of a button under the last answer."""
    options: Mapping[str, str] = field(default_factory=dict)
    """Values of the slash command."""
    answer: tuple[str, ...] = ()
    """The whole text of the answer: one of these."""
    embed: tuple[str, ...] = ()
    """Texts that all stand in the answer's embed, each a whole title, description or value of a field."""


def says(who: Who, what: str, /, *answer: str, embed: tuple[str, ...] = ()) -> Step:
    """A text command."""
    return Step(who, "says", what, {}, answer, embed)


def slash(who: Who, what: str, /, *answer: str, embed: tuple[str, ...] = (), **options: str) -> Step:
    """A slash command. The `_` in names of options stands for `-`."""
    return Step(who, "slash", what, {name.replace("_", "-"): value for name, value in options.items()}, answer, embed)


def press(who: Who, label: str, *answer: str) -> Step:
    """A button under the last answer."""
    return Step(who, "press", label, {}, answer)


POINTS = (
    says(
        "owner",
        "!points give <@{anna}> 10 for helping",
        "<@{owner}> gave **10** points to <@{anna}> (for helping).\n<@{anna}> now has **10**.",
    ),
    slash(
        "anna",
        "points gift",
        "<@{anna}> gifted **2.5** points to <@{ben}>.\n<@{anna}> now has **7.5**, <@{ben}> now has **2.5**.",
        member="{ben}",
        amount="2.5",
    ),
    says("ben", "!inventory", "<@{ben}> has **2.5** points, rank **#2**."),
    slash("ben", "points gift", "You have only **2.5** points.", member="{anna}", amount="5"),
    slash(
        "anna",
        "points leaderboard",
        embed=("Leaderboard: points", "**#1** <@{anna}>: **7.5** points\n**#2** <@{ben}>: **2.5** points"),
    ),
)

GAMES = (
    says("anna", "!roll 3d1", "🎲 `3d1`: (1, 1, 1) = **3**"),
    slash("ben", "roll", "🎲 `4d1k2+5`: (1, 1, ~~1~~, ~~1~~) + 5 = **7**", notation="4d1k2+5"),
    slash("anna", "rps", "Rock, paper or scissors?"),
    press(
        "anna",
        "Rock",
        "🪨 rock against my 🪨 rock: **It's a tie!**",
        "🪨 rock against my 📄 paper: **I win!**",
        "🪨 rock against my ✂️ scissors: **You win!**",
    ),
    says("ben", "!dice 2d1-1", "🎲 `2d1-1`: (1, 1) - 1 = **1**"),
)

CUSTOM_COMMANDS = (
    says("owner", "!addcommand greet Hello, dear guest!", "Added `!greet`."),
    says("ben", "!greet", "Hello, dear guest!"),
    slash("owner", "addcommand", "`!greet` has 2 responses now.", name="greet", response="Welcome!"),
    says("anna", "!GREET", "Hello, dear guest!", "Welcome!"),
    slash("owner", "deletecommand", "`greet` has 2 responses. Which one shall go?", name="greet"),
    # The buttons go, the question stays; what was done is told in a further message.
    press("owner", "All 2", "`greet` has 2 responses. Which one shall go?"),
    slash("anna", "search", "No custom command has `greet` in its name.", term="greet"),
)

CONFIG = (
    says("owner", "!config prefix ?", embed=("`?`",)),
    says("anna", "?roll 2d1", "🎲 `2d1`: (1, 1) = **2**"),
    slash("owner", "config points-name", embed=("gems",), name="gems"),
    says("ben", "?inventory", "<@{ben}> has **0** gems, rank **#1**."),
)

PEOPLE = (
    slash("anna", "info", embed=("User: Person 3", "<@{ben}>", "`{ben}`"), who="{ben}"),
    says("ben", "!avatar", embed=("Avatar of Person 3",)),
    says("ben", "!info <@{anna}>", embed=("User: Person 2", "`{anna}`")),
    slash("ben", "rps", "Rock, paper or scissors?"),
    press(
        "ben",
        "Scissors",
        "✂️ scissors against my 🪨 rock: **I win!**",
        "✂️ scissors against my 📄 paper: **You win!**",
        "✂️ scissors against my ✂️ scissors: **It's a tie!**",
    ),
)

CONVERSATIONS = (POINTS, GAMES, CUSTOM_COMMANDS, CONFIG, PEOPLE)
