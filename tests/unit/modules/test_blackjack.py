"""The rules of blackjack."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migaga_modules.games.blackjack import (
    RANKS,
    RESULTS,
    SUITS,
    Game,
    State,
    abandon,
    deal,
    describe,
    hit,
    shuffled,
    stand,
    value,
)

CARDS = st.builds(str.__add__, st.sampled_from(RANKS), st.sampled_from(SUITS))


def stacked(*cards: str) -> list[str]:
    """A deck from which these cards are drawn in this order: player, dealer, player, dealer, then the rest."""
    return list(reversed(cards))


@pytest.mark.parametrize(
    ("hand", "worth"),
    [
        ("A♠ K♠", 21),
        ("A♠ A♥", 12),
        ("A♠ A♥ 9♦", 21),
        ("A♠ A♥ K♦", 12),
        ("A♠ 5♥ 5♦", 21),
        ("A♠ 6♥ 5♦", 12),
        ("10♠ J♠ Q♠", 30),
        ("A♠ A♥ A♦ A♣", 14),
        ("2♠ 3♠", 5),
    ],
)
def test_an_ace_counts_as_fits_best(hand: str, worth: int) -> None:
    assert value(hand.split()) == worth


@given(st.lists(CARDS, min_size=1, max_size=11))
def test_the_value_of_a_hand_is_the_best_of_all_ways_to_count_its_aces(hand: list[str]) -> None:
    ways = {0}
    for card in hand:
        rank = card[:-1]
        worth = (1, 11) if rank == "A" else (10,) if rank in "JQK" else (int(rank),)
        ways = {way + each for way in ways for each in worth}
    fitting = [way for way in ways if way <= 21]
    assert value(hand) == (max(fitting) if fitting else min(ways))


def test_a_deck_has_each_card_once() -> None:
    assert sorted(shuffled(random.Random(1))) == sorted(rank + suit for rank in RANKS for suit in SUITS)


def test_cards_are_dealt_in_turn() -> None:
    game = deal(stacked("2♠", "3♠", "4♠", "5♠", "6♠"))
    assert game == Game(("2♠", "4♠"), ("3♠", "5♠"), ("6♠",), State.PLAYING)


@pytest.mark.parametrize(
    ("cards", "state"),
    [("A♠ 2♠ K♠ 3♠", State.BLACKJACK), ("A♠ A♥ K♠ K♥", State.PUSH), ("2♠ A♥ 3♠ K♥", State.PLAYING)],
)
def test_21_with_two_cards_ends_the_game_at_once(cards: str, state: State) -> None:
    assert deal(stacked(*cards.split())).state is state


@pytest.mark.parametrize(
    ("cards", "state", "dealer"),
    [
        ("10♠ 10♥ 9♠ 8♥", State.WON, 18),
        ("10♠ 10♥ 8♠ 9♥", State.LOST, 19),
        ("10♠ 10♥ 8♠ 8♥", State.PUSH, 18),
        ("10♠ 10♥ 2♠ 6♥ K♦", State.WON, 26),
        ("10♠ 10♥ 8♠ 6♥ 5♦", State.LOST, 21),
        ("10♠ A♥ 8♠ 6♥ K♦", State.WON, 17),  # stands on a soft 17: the king stays in the deck
        ("10♠ A♥ 8♠ 5♥ K♦ 2♦", State.PUSH, 18),  # a soft 16 draws, and its ace then counts 1
    ],
)
def test_the_dealer_draws_to_17(cards: str, state: State, dealer: int) -> None:
    game = stand(deal(stacked(*cards.split())))
    assert (game.state, value(game.dealer)) == (state, dealer)


def test_over_21_loses_without_the_dealer_drawing() -> None:
    game = hit(deal(stacked("10♠", "2♥", "9♠", "3♥", "5♦")))
    assert game == Game(("10♠", "9♠", "5♦"), ("2♥", "3♥"), (), State.BUST)


def test_a_third_card_that_makes_21_stands_by_itself() -> None:
    game = hit(deal(stacked("10♠", "10♥", "9♠", "8♥", "2♦")))
    assert (game.state, value(game.player)) == (State.WON, 21)


@given(st.integers(), st.lists(st.sampled_from([hit, stand, abandon]), max_size=12))
def test_a_game_keeps_all_its_cards_and_never_changes_once_it_has_ended(seed: int, moves: list[type]) -> None:
    game = deal(shuffled(random.Random(seed)))
    for move in moves:
        ended = game.state is not State.PLAYING
        after = move(game)
        assert not ended or after == game
        game = after
    assert len({*game.player, *game.dealer, *game.deck}) == 52


def test_the_second_card_of_the_dealer_is_hidden_until_the_end() -> None:
    game = deal(stacked("10♠", "10♥", "9♠", "8♥"))
    assert "8♥" not in describe(game)
    assert describe(stand(game)) == ("🃏 **Blackjack**\nDealer: 10♥ 8♥ (**18**)\nYou: 10♠ 9♠ (**19**)\n**You win!** 🎉")


def test_every_state_has_a_text() -> None:
    assert set(RESULTS) == set(State)
