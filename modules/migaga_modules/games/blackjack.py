"""Blackjack: cards, hands and the rules of the dealer. Called by the command `blackjack` and its buttons.

A card is two or three characters: rank and suit, `A♠`, `10♦`. An ace counts 11 or 1, as fits best. The dealer draws to
17 and stands on every 17.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum
from random import Random

RANKS = ("A", "2", "3", "4", "5", "6", "7", "8", "9", "10", "J", "Q", "K")
SUITS = ("♠", "♥", "♦", "♣")
TARGET = 21
DEALER_STANDS = 17


class State(Enum):
    """Where a game stands. The value is what the database holds."""

    PLAYING = "playing"
    BLACKJACK = "blackjack"
    WON = "won"
    LOST = "lost"
    BUST = "bust"
    PUSH = "push"
    ABANDONED = "abandoned"


RESULTS = {
    State.PLAYING: "Hit or stand?",
    State.BLACKJACK: "Blackjack, **you win!** 🎉",
    State.WON: "**You win!** 🎉",
    State.LOST: "**The dealer wins.**",
    State.BUST: "Over 21: bust, **the dealer wins.**",
    State.PUSH: "A push: **nobody wins.**",
    State.ABANDONED: "This game has ended because nobody played on. Start a new one whenever you like.",
}


@dataclass(frozen=True, slots=True)
class Game:
    """One game. Cards are drawn from the end of `deck`."""

    player: tuple[str, ...]
    dealer: tuple[str, ...]
    deck: tuple[str, ...]
    state: State = State.PLAYING


def value(hand: Sequence[str]) -> int:
    """Best value of a hand: every ace counts 11 while that stays within 21."""
    ranks = [card[:-1] for card in hand]
    total = sum(1 if rank == "A" else 10 if rank in {"J", "Q", "K"} else int(rank) for rank in ranks)
    return total + 10 if "A" in ranks and total + 10 <= TARGET else total


def shuffled(random: Random) -> list[str]:
    """Shuffle one full deck of 52 cards."""
    deck = [rank + suit for suit in SUITS for rank in RANKS]
    random.shuffle(deck)
    return deck


def deal(deck: Sequence[str]) -> Game:
    """Deal two cards each, in turn, from the end of the deck. 21 in two cards ends the game at once."""
    player, dealer = (deck[-1], deck[-3]), (deck[-2], deck[-4])
    game = Game(player, dealer, tuple(deck[:-4]))
    if value(player) != TARGET:
        return game
    return replace(game, state=State.PUSH if value(dealer) == TARGET else State.BLACKJACK)


def hit(game: Game) -> Game:
    """Give the player a card; over 21 loses, exactly 21 stands by itself."""
    if game.state is not State.PLAYING:
        return game
    grown = replace(game, player=(*game.player, game.deck[-1]), deck=game.deck[:-1])
    if value(grown.player) > TARGET:
        return replace(grown, state=State.BUST)
    return stand(grown) if value(grown.player) == TARGET else grown


def stand(game: Game) -> Game:
    """Let the dealer draw to 17 and decide the game."""
    if game.state is not State.PLAYING:
        return game
    dealer, deck = list(game.dealer), list(game.deck)
    while value(dealer) < DEALER_STANDS:
        dealer.append(deck.pop())
    return Game(game.player, tuple(dealer), tuple(deck), _decide(value(game.player), value(dealer)))


def _decide(player: int, dealer: int) -> State:
    if dealer > TARGET or player > dealer:
        return State.WON
    return State.LOST if player < dealer else State.PUSH


def abandon(game: Game) -> Game:
    """End a game that nobody plays on; one that has ended stays as it is."""
    return replace(game, state=State.ABANDONED) if game.state is State.PLAYING else game


def describe(game: Game) -> str:
    """Render a game for a message. While it goes on, only the dealer's first card is shown."""
    if game.state is State.PLAYING:
        dealer = f"{game.dealer[0]} 🂠"
    else:
        dealer = f"{' '.join(game.dealer)} (**{value(game.dealer)}**)"
    player = f"{' '.join(game.player)} (**{value(game.player)}**)"
    return f"🃏 **Blackjack**\nDealer: {dealer}\nYou: {player}\n{RESULTS[game.state]}"
