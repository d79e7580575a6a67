"""Rock, paper, scissors: the rules. Called by the command `rps` and its buttons."""

from __future__ import annotations

from enum import Enum
from random import Random


class Hand(Enum):
    """What a player shows. The value is the word that people write."""

    ROCK = "rock"
    PAPER = "paper"
    SCISSORS = "scissors"


EMOJI = {Hand.ROCK: "🪨", Hand.PAPER: "📄", Hand.SCISSORS: "✂️"}

_BEATS = {Hand.ROCK: Hand.SCISSORS, Hand.PAPER: Hand.ROCK, Hand.SCISSORS: Hand.PAPER}


class Outcome(Enum):
    """How a round ended for the person. The value goes into the reply."""

    WON = "You win!"
    LOST = "I win!"
    TIED = "It's a tie!"


def play(person: Hand, bot: Hand) -> Outcome:
    """Decide a round."""
    if person is bot:
        return Outcome.TIED
    return Outcome.WON if _BEATS[person] is bot else Outcome.LOST


def draw(random: Random) -> Hand:
    """Choose the bot's hand."""
    return random.choice(list(Hand))


def describe(person: Hand, bot: Hand) -> str:
    """Render a round for a message."""
    return f"{EMOJI[person]} {person.value} against my {EMOJI[bot]} {bot.value}: **{play(person, bot).value}**"
