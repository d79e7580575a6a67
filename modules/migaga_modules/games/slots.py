"""The slot machine: three reels, and what they pay. Called by the command `slots`."""

from __future__ import annotations

from random import Random

SYMBOLS = ("🍒", "🍋", "🍇", "🔔", "⭐", "💎", "7️⃣")

Reels = tuple[str, str, str]


def spin(random: Random) -> Reels:
    """Draw one symbol for each reel."""
    return random.choice(SYMBOLS), random.choice(SYMBOLS), random.choice(SYMBOLS)


def describe(reels: Reels) -> str:
    """Render the machine and say how it went: three alike win, two alike are a small win."""
    match len(set(reels)):
        case 1:
            result = "Three of a kind, **you win!** 🎉"
        case 2:
            result = "Two of a kind, a small win!"
        case _:
            result = "No luck this time."
    return f"**[ {' | '.join(reels)} ]**\n{result}"
