"""Slots, and rock, paper, scissors."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migaga_modules.games import rps, slots
from migaga_modules.games.rps import Hand, Outcome


@pytest.mark.parametrize(
    ("reels", "words"),
    [
        (("🍒", "🍒", "🍒"), "you win!"),
        (("🍒", "🍋", "🍒"), "small win"),
        (("🍋", "🍒", "🍒"), "small win"),
        (("🍒", "🍋", "💎"), "No luck"),
    ],
)
def test_slots_pay_for_what_is_alike(reels: slots.Reels, words: str) -> None:
    assert slots.describe(reels).startswith(f"**[ {reels[0]} | {reels[1]} | {reels[2]} ]**\n")
    assert words in slots.describe(reels)


@given(st.integers())
def test_reels_show_known_symbols(seed: int) -> None:
    assert set(slots.spin(random.Random(seed))) <= set(slots.SYMBOLS)


@pytest.mark.parametrize(
    ("person", "bot", "outcome"),
    [
        (Hand.ROCK, Hand.SCISSORS, Outcome.WON),
        (Hand.PAPER, Hand.ROCK, Outcome.WON),
        (Hand.SCISSORS, Hand.PAPER, Outcome.WON),
        (Hand.SCISSORS, Hand.ROCK, Outcome.LOST),
        (Hand.ROCK, Hand.ROCK, Outcome.TIED),
    ],
)
def test_what_beats_what(person: Hand, bot: Hand, outcome: Outcome) -> None:
    assert rps.play(person, bot) is outcome


@given(st.sampled_from(Hand), st.sampled_from(Hand))
def test_a_round_is_fair(person: Hand, bot: Hand) -> None:
    opposite = {Outcome.WON: Outcome.LOST, Outcome.LOST: Outcome.WON, Outcome.TIED: Outcome.TIED}
    assert rps.play(bot, person) is opposite[rps.play(person, bot)]


def test_a_round_names_both_hands() -> None:
    assert rps.describe(Hand.ROCK, Hand.PAPER) == "🪨 rock against my 📄 paper: **I win!**"


@given(st.integers())
def test_the_bot_shows_one_of_the_three(seed: int) -> None:
    assert rps.draw(random.Random(seed)) in Hand
