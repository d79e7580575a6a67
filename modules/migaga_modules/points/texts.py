"""What the commands of points say. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from migaga.api import Emoji, escape_markdown
from migaga_modules.points.amounts import Standing, format_amount
from migaga_modules.points.money import Change, Receipt


def label(amount: Decimal, name: str, emoji: Emoji | None) -> str:
    """Write an amount with what points are called here: `💎 **1,234.5** gems`."""
    text = f"**{format_amount(amount)}** {escape_markdown(name)}"
    return text if emoji is None else f"{emoji} {text}"


def _what_happened(change: Change, what: str) -> str:
    if change.moderator_id is None:
        return f"<@{change.sender_id}> gifted {what} to <@{change.receiver_id}>"
    if change.sender_id is None:
        return f"<@{change.moderator_id}> gave {what} to <@{change.receiver_id}>"
    return f"<@{change.moderator_id}> took {what} from <@{change.sender_id}>"


def describe_receipt(receipt: Receipt, name: str, emoji: Emoji | None) -> str:
    """Say what was changed, why, and what everybody concerned has now. Under 2,000 characters."""
    change = receipt.change
    why = f" ({escape_markdown(change.reason)})" if change.reason else ""
    balances = [
        f"<@{user}> now has **{format_amount(balance)}**"
        for user, balance in (
            (change.sender_id, receipt.sender_balance),
            (change.receiver_id, receipt.receiver_balance),
        )
        if user is not None and balance is not None
    ]
    return f"{_what_happened(change, label(change.amount, name, emoji))}{why}.\n{', '.join(balances)}."


def describe_standings(standings: Sequence[Standing], mention: str, name: str, emoji: Emoji | None) -> str:
    """Write a leaderboard, a line for each rank.

    Args:
        standings: in order.
        mention: `<@{}>` for members, `<@&{}>` for teams.
        name: what points are called.
        emoji: shown before amounts.
    """
    lines = [f"**#{each.rank}** {mention.format(each.id)}: {label(each.total, name, emoji)}" for each in standings]
    return "\n".join(lines) or "Nobody has any yet."
