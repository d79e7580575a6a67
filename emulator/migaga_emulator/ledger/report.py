"""Adds up what the ledger knows of one bot. Used by the control API."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from migaga_emulator.ledger.answers import AnswerBook, Asked, TextCommand
from migaga_emulator.ledger.book import BotLedger
from migaga_emulator.ledger.figures import CommandTotals, InteractionTotals, Latency, LedgerReport
from migaga_emulator.rules import Rules


def latency(ordered: Sequence[float]) -> Latency:
    """Quantiles of sorted seconds; each is a value that occurred."""
    if not ordered:
        return Latency(0, 0.0, 0.0, 0.0)
    last = len(ordered) - 1
    return Latency(len(ordered), ordered[round(last * 0.5)], ordered[round(last * 0.99)], ordered[last])


def interaction_totals(asked: Sequence[Asked], rules: Rules, now: float) -> InteractionTotals:
    """Count interactions; `now` is wall clock."""
    answered = sum(1 for item in asked if item.acknowledged)
    late = sum(1 for item in asked if item.late and not item.acknowledged)
    pending = sum(
        1
        for item in asked
        if not item.acknowledged and not item.late and now - item.interaction.created_at <= rules.interaction_answer_s
    )
    return InteractionTotals(len(asked), answered, late, len(asked) - answered - late - pending, pending)


def command_totals(commands: Sequence[TextCommand]) -> CommandTotals:
    """Count text commands."""
    answered = sum(1 for command in commands if command.answers)
    return CommandTotals(len(commands), answered, len(commands) - answered)


def make_report(
    bot_id: int,
    ledger: BotLedger,
    answers: AnswerBook,
    rules: Rules,
    *,
    now: float,
    wall: float,
    sessions: Sequence[bool],
) -> LedgerReport:
    """The report of one bot. `sessions`: for each that exists, whether it is connected."""
    totals = ledger.events.totals()
    return LedgerReport(
        bot=str(bot_id),
        sent=totals.sent,
        handled=totals.handled,
        lost=totals.lost,
        repeated=totals.repeated,
        unexpected=totals.unexpected,
        undeliverable=totals.undeliverable,
        by_type=ledger.events.by_type(),
        per_session_handled=dict(ledger.events.per_session_handled),
        latency=latency(ledger.events.latencies()),
        identifies=ledger.identifies,
        identifies_rejected=_sum(ledger.identifies_rejected),
        identifies_rejected_by=dict(ledger.identifies_rejected),
        resumes=ledger.resumes,
        resumes_failed=_sum(ledger.resumes_failed),
        resumes_failed_by=dict(ledger.resumes_failed),
        resumes_elsewhere=ledger.resumes_elsewhere,
        closes=dict(ledger.closes),
        gaps=ledger.gaps.totals(now),
        sessions=len(sessions),
        sessions_connected=sum(sessions),
        interactions=interaction_totals(answers.interactions(bot_id), rules, wall),
        commands=command_totals(answers.commands(bot_id)),
    )


def _sum(counts: Counter[str]) -> int:
    return sum(counts.values())
