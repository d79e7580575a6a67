"""What watches did not tell."""

from __future__ import annotations

import asyncio

from tests.unit.operator_control.town import MY_BOT, Town

from migaga_operator.control.audit import LAG_SECONDS, Audit, Scope
from migaga_operator.control.seen import BotKey
from migaga_operator.kube.kinds import WATCHED
from migaga_operator.local.store import Ref


def audit_of(town: Town, woken: list[BotKey]) -> Audit:
    return Audit(town.seen, town, Scope(WATCHED, ["bots"]), clock=town.clock, wake=woken.append)


async def compare(town: Town, audit: Audit, *, watch: bool) -> None:
    """Compare once, with or without watches that tell in the meantime."""
    task = asyncio.create_task(audit.compare())
    for _ in range(20):
        await asyncio.sleep(0)
    if watch:
        town.watch()
    town.clock.move(LAG_SECONDS)
    await task


async def test_a_deletion_that_no_watch_told_is_found() -> None:
    town, woken = Town(), list[BotKey]()
    town.write_bot()
    town.watch()
    await town.look()
    town.watch()
    audit = audit_of(town, woken)
    town.store.remove(Ref("Deployment", "bots", "my-bot"))
    await compare(town, audit, watch=False)
    assert woken == [MY_BOT]
    assert not audit.lagging
    await town.look()
    assert town.found("Deployment")


async def test_a_change_that_no_watch_tells_means_that_the_watch_is_dead() -> None:
    town = Town()
    town.write_bot()
    town.watch()
    audit = audit_of(town, [])
    town.write("BotDeployment", "my-bot", ("spec", "mode"), "Paused")
    await compare(town, audit, watch=False)
    assert [str(ref) for ref in audit.lagging] == ["BotDeployment bots/my-bot"]
    town.watch()
    await compare(town, audit, watch=True)
    assert not audit.lagging


async def test_a_watch_that_tells_late_is_not_dead() -> None:
    town = Town()
    town.write_bot()
    town.watch()
    audit = audit_of(town, [])
    town.write("BotDeployment", "my-bot", ("spec", "mode"), "Paused")
    await compare(town, audit, watch=True)
    assert not audit.lagging


async def test_nothing_begins_before_everything_is_known() -> None:
    town = Town()
    town.write_bot()
    audit = audit_of(town, [])
    town.is_away = True
    waiting = asyncio.create_task(audit.until_complete())
    for step in ("away", "untold", "told"):
        for _ in range(20):
            await asyncio.sleep(0)
        assert not audit.is_complete, step
        town.is_away = False
        if step == "told":
            town.watch()
        town.clock.move(2.0)
    await waiting
    assert audit.is_complete


async def test_an_empty_cluster_is_known_at_once() -> None:
    audit = audit_of(Town(), [])
    await audit.until_complete()
    assert audit.is_complete
