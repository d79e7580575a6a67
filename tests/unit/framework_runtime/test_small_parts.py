"""Cooldowns, edits, limits of messages, reports, services: the parts that decide without waiting."""

from __future__ import annotations

from collections import deque
from datetime import UTC, datetime, timedelta

import hikari
import pytest
from hypothesis import given
from hypothesis import strategies as st

from migaga.common.errors import UnavailableError
from migaga.framework.context import audit_reason
from migaga.framework.cooldowns import Cooldowns, cooldown_key
from migaga.framework.edits import Edits
from migaga.framework.errors import UserError, WrongArgument
from migaga.framework.outgoing import Outgoing, ReplyError, reply_nonce
from migaga.framework.reports import explain
from migaga.framework.services import Services, UnknownServiceError
from migaga.framework.spec import Cooldown
from migaga.storage.task_runs import next_due

MINUTE = timedelta(minutes=1)


@given(uses=st.integers(1, 5), steps=st.lists(st.integers(0, 50), max_size=60))
def test_there_are_never_more_uses_than_allowed_in_any_window(uses: int, steps: list[int]) -> None:
    cooldown, cooldowns, now = Cooldown(uses, MINUTE), Cooldowns(), 0.0
    made: deque[float] = deque()
    for step in steps:
        now += step
        wait = cooldowns.use("key", cooldown, now)
        recent = [time for time in made if time > now - 60]
        assert (wait == 0) == (len(recent) < uses)
        if wait == 0:
            made.append(now)
        else:
            assert 0 < wait <= 60
            assert cooldowns.use("key", cooldown, now + wait) == 0
            made.append(now + wait)
            now += wait


def test_a_refund_takes_the_last_use_back() -> None:
    cooldowns, cooldown = Cooldowns(), Cooldown(1, MINUTE)
    assert cooldowns.use("key", cooldown, 0) == 0
    cooldowns.refund("key")
    assert cooldowns.use("key", cooldown, 1) == 0
    assert cooldowns.use("key", cooldown, 2) == pytest.approx(59)
    cooldowns.refund("unknown")


@pytest.mark.parametrize(
    ("scope", "same"),
    [("user", (1, 9, 9)), ("member", (1, 2, 9)), ("channel", (9, 9, 3)), ("guild", (9, 2, 9)), ("bot", (9, 9, 9))],
)
def test_a_scope_says_who_shares_a_cooldown(scope: str, same: tuple[int, int, int]) -> None:
    cooldown = Cooldown(1, MINUTE, scope)  # type: ignore[arg-type]  # one of the literals

    def key(user: int, guild: int, channel: int) -> object:
        return cooldown_key(cooldown, "m.h", user_id=user, guild_id=guild, channel_id=channel)

    assert key(1, 2, 3) == key(*same)
    assert scope == "bot" or key(1, 2, 3) != key(7, 7, 7)


def message(at: float, content: str, *, edited: float | None) -> dict[str, object]:
    snowflake = (int(at * 1_000) - 1_420_070_400_000) << 22
    edited_at = None if edited is None else datetime.fromtimestamp(edited, UTC).isoformat()
    return {"id": str(snowflake), "content": content, "edited_timestamp": edited_at}


def test_an_edit_runs_a_command_only_while_it_is_fresh_changed_and_not_answered() -> None:
    start = 1_790_000_000.0
    edits = Edits()
    fresh = message(start + 10, "!a", edited=start + 20)
    number = int(str(fresh["id"]))
    assert not edits.may_run(fresh, 0)
    edits.seen(0, int(str(message(start, "hi", edited=None)["id"])), None)
    assert edits.may_run(fresh, 0)
    assert not edits.may_run(fresh, 1)
    assert not edits.may_run(message(start + 10, "!a", edited=None), 0)
    assert not edits.may_run(message(start + 10, "!a", edited=start + 700), 0)
    assert not edits.may_run(message(start - 10, "!a", edited=start + 20), 0)
    edits.begin(number, "!a")
    assert not edits.may_run(message(start + 10, "!b", edited=start + 20), 0)
    edits.wrong_use(number)
    assert not edits.may_run(message(start + 10, "!a", edited=start + 20), 0)
    assert edits.may_run(message(start + 10, "!b", edited=start + 20), 0)


def row(count: int) -> hikari.impl.MessageActionRowBuilder:
    made = hikari.impl.MessageActionRowBuilder()
    for number in range(count):
        made.add_interactive_button(hikari.ButtonStyle.PRIMARY, f"x:{number}", label="x")
    return made


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (Outgoing("x" * 2001), "2001 characters"),
        (Outgoing(" \n"), "it is empty"),
        (Outgoing("x", components=[row(1)] * 6), "6 rows"),
        (Outgoing("x", components=[row(6)]), "row 1 of components has 6"),
        (Outgoing("x", embeds=[hikari.Embed(title="x")] * 11), "11 embeds"),
        (Outgoing("x", embeds=[hikari.Embed(description="x" * 3001)] * 2), "6002 characters together"),
        (Outgoing("x", attachments=[hikari.Bytes(b"x", "x")] * 11), "11 attachments"),
    ],
)
def test_what_discord_would_refuse_is_refused_before(wrong: Outgoing, reason: str) -> None:
    with pytest.raises(ReplyError, match=reason):
        wrong.check(new=True)


def test_an_edit_may_say_nothing_and_a_full_message_is_fine() -> None:
    Outgoing().check(new=False)
    Outgoing("x" * 2000, components=[row(5)] * 5).check(new=True)


@given(key=st.text(max_size=200), handler=st.text(max_size=60), number=st.integers(0, 99))
def test_a_nonce_fits_and_differs_for_each_message(key: str, handler: str, number: int) -> None:
    nonce = reply_nonce(key, handler, number)
    assert 0 < len(nonce) <= 25
    assert nonce == reply_nonce(key, handler, number)
    assert nonce != reply_nonce(key, handler, number + 1)


@pytest.mark.parametrize(
    ("error", "outcome", "said"),
    [
        (WrongArgument("n", "x", "`n` must be a number."), "wrong_use", "`n` must be a number.\nUsage: `!x <n>`"),
        (UserError("No."), "refused", "No."),
        (UnavailableError("db"), "unavailable", "database cannot be reached"),
        (hikari.ForbiddenError("u", {}, "", "Missing Access", 50001), "refused", "cannot see that channel"),
        (hikari.ForbiddenError("u", {}, "", "?", 1), "refused", "lack a permission"),
        (hikari.NotFoundError("u", {}, "", "Unknown Role", 10011), "refused", "I cannot find the role"),
        (hikari.NotFoundError("u", {}, "", "Unknown interaction", 10062), "expired", ""),
        (hikari.BadRequestError("u", {}, "", "old", 50034), "refused", "older than two weeks"),
        (hikari.BadRequestError("u", {}, "", "Invalid Form Body", 50035), "error", "reference"),
        (hikari.InternalServerError("u", 503, {}, "down"), "error", "Discord has a problem"),
        (KeyError("x"), "error", "reference"),
    ],
)
def test_errors_become_sentences(error: Exception, outcome: str, said: str) -> None:
    found = explain(error, "`!x <n>`")
    assert found.outcome == outcome
    assert said in found.message
    assert (found.reference is not None) == ("reference" in said)


def test_services_are_found_in_the_module_and_then_in_the_process() -> None:
    process, module = Services(), None
    process.provide(int, 1)
    module = Services(process)
    module.provide(str, "own")
    assert (module.get(int), module.get(str)) == (1, "own")
    assert not process.has(str)
    with pytest.raises(UnknownServiceError, match=r"self\.services\.provide\(float, value\)"):
        module.get(float)


class _Person:
    username = "anna"
    id = 42


@given(st.text(max_size=700))
def test_a_reason_is_one_short_line_that_names_the_person(text: str) -> None:
    reason = audit_reason(text, _Person())  # type: ignore[arg-type]  # only name and id are looked at
    assert len(reason) <= 512
    assert reason.endswith("(by anna, 42)")
    assert "\n" not in reason


@given(
    every=st.timedeltas(timedelta(seconds=1), timedelta(days=9)), late=st.timedeltas(timedelta(0), timedelta(days=99))
)
def test_the_next_time_is_in_the_future_in_whole_steps(every: timedelta, late: timedelta) -> None:
    due = datetime(2026, 1, 1, tzinfo=UTC)
    found = next_due(due, every, due + late)
    assert due + late < found <= due + late + every
    assert (found - due) % every == timedelta(0)
