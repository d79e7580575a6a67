"""The manifest that the demo writes is one that `migaga up` takes, and what it tells is understood."""

from __future__ import annotations

import stat
from dataclasses import replace
from pathlib import Path

from migaga_emulator.scenarios.up import BotPlan, Moment, Pod, read_moment
from migaga_operator.local.picture import BotRow, Picture, PodRow
from migaga_operator.local.store import Ref
from migaga_operator.local.wanted import read_wanted, secret_data

PLAN = BotPlan(123456789012345678, "t0ken", "sqlite+aiosqlite:////x/demo.db", ("games", "probe"), 3, {"PROBE_URL": "u"})
POD = Pod("demo-a-b", "2", "Running", True, 4_711, "127.16.0.2")


def test_the_manifest_is_a_right_one(tmp_path: Path) -> None:
    path = tmp_path / "bot.json"
    PLAN.changed(MIGAGA_ENV_VERSION="2").write(path)
    found = read_wanted([path])
    spec = found.specs[Ref("BotDeployment", "default", "demo")]
    assert (spec.application_id, spec.replicas, spec.shard_modules) == ("123456789012345678", 3, ("games", "probe"))
    assert {item.name: item.value for item in spec.pod.env} == {"PROBE_URL": "u", "MIGAGA_ENV_VERSION": "2"}
    assert secret_data(found.data[Ref("Secret", "default", "demo")])["token"] == b"t0ken"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_what_is_told_is_understood() -> None:
    bot = BotRow("demo", 3, 3, 3, 4, 4, 2, "True", "AllShardsConnected", "", "")
    row = PodRow("demo-a-b", "demo", "2", "Running", True, 0, 4_711, "127.16.0.2", (0, 1))
    assert read_moment(Picture((bot,), (row,)).as_json()) == Moment(True, (POD,))
    assert read_moment({"bots": "?", "pods": [1]}) == Moment(False, ())


def test_a_fleet_is_at_rest_when_all_its_pods_are_ready_and_of_the_revision() -> None:
    moment = Moment(True, (POD, replace(POD, name="demo-a-c")))
    assert moment.is_at_rest(2, 2)
    assert not moment.is_at_rest(3, 2)
    assert not moment.is_at_rest(2, 1)
    assert not replace(moment, is_ready=False).is_at_rest(2, 2)
    for other in (replace(POD, ready=False), replace(POD, state="Terminating"), replace(POD, revision="1")):
        assert not Moment(True, (POD, other)).is_at_rest(2, 2)
