"""A pod begins, is asked, is restarted and ends, as real processes."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import pytest
from tests.integration.operator_node.house import (
    FOREVER,
    LISTEN,
    House,
    condition,
    container,
    open_house,
    pod,
    state,
    until,
    waits_for,
)

from migaga_operator.json_types import as_list, at_path

STUBBORN = """
import signal, subprocess, sys
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import signal\\nwhile True: signal.pause()"])
print(child.pid, flush=True)
while True: signal.pause()
"""


async def test_a_pod_is_ready_when_its_probe_says_so_and_gone_when_it_was_deleted(house: House, tmp_path: Path) -> None:
    probe = {"httpGet": {"path": "/ready", "port": "http"}, "periodSeconds": 1}
    blocked = tmp_path / "ready"
    blocked.touch()
    ports = [{"name": "http", "containerPort": 8080}]
    runs = container(LISTEN, str(tmp_path), ports=ports, readinessProbe=probe)
    await house.node.sync([pod("one", runs)])
    running = await house.told.until("one", lambda change: change.status["phase"] == "Running")
    assert condition(running, "Ready") == "False"
    assert state(running, "started") is True
    blocked.unlink()
    ready = await house.ready()
    assert ready.status["podIP"] != "127.0.0.1"
    assert [condition(ready, kind) for kind in ("PodScheduled", "Initialized", "ContainersReady")] == ["True"] * 3
    assert ready.annotations["migaga.dev/pid"] is not None
    began = len(house.told.changes)
    blocked.touch()
    await house.told.until("one", lambda change: condition(change, "Ready") == "False", skip=began)
    blocked.unlink()
    await house.node.sync([pod("one", runs, leaves=True)])
    gone = await house.gone()
    assert gone.status["phase"] == "Succeeded"
    assert state(gone, "state", "terminated", "exitCode") == 0
    assert gone.annotations["migaga.dev/pid"] is None
    assert not list((tmp_path / "pods").iterdir())


async def test_what_does_not_end_is_killed_with_everything_that_it_started(house: House) -> None:
    await house.node.sync([pod("one", container(STUBBORN))])
    await house.ready()
    child = int(await _first_line(house.log()))
    await house.node.sync([pod("one", container(STUBBORN), leaves=True, terminationGracePeriodSeconds=1)])
    gone = await house.gone()
    assert gone.status["phase"] == "Failed"
    assert state(gone, "state", "terminated", "exitCode") == 137
    assert state(gone, "state", "terminated", "signal") == 9
    await until(lambda: not _runs(child))


async def test_sigterm_is_told_as_143(house: House) -> None:
    await house.node.sync([pod("one", container(FOREVER))])
    await house.ready()
    await house.node.sync([])
    gone = await house.gone()
    assert state(gone, "state", "terminated", "exitCode") == 143


async def test_a_container_that_fails_is_restarted_with_pauses_and_tells_the_end_of_its_log(house: House) -> None:
    code = "print('why it failed')\nraise SystemExit(78)"
    runs = container(code, terminationMessagePolicy="FallbackToLogsOnError")
    await house.node.sync([pod("one", runs)])
    waiting = await house.told.until(
        "one", lambda change: state(change, "restartCount") == 2 and waits_for("CrashLoopBackOff")(change)
    )
    assert state(waiting, "lastState", "terminated", "exitCode") == 78
    assert state(waiting, "lastState", "terminated", "message") == "why it failed"
    assert "restarting failed container=main" in str(state(waiting, "state", "waiting", "message"))
    assert waiting.status["phase"] == "Running"


async def test_a_killed_process_is_started_again_at_once(house: House) -> None:
    await house.node.sync([pod("one", container(FOREVER))])
    ready = await house.ready()
    os.kill(int(ready.annotations["migaga.dev/pid"] or 0), signal.SIGKILL)
    again = await house.told.until("one", lambda change: state(change, "restartCount") == 1)
    assert state(again, "lastState", "terminated", "exitCode") == 137
    later = await house.told.until(
        "one", lambda change: state(change, "restartCount") == 1 and change.annotations["migaga.dev/pid"] is not None
    )
    assert later.annotations != ready.annotations
    assert later.status["podIP"] == ready.status["podIP"]


async def test_a_failed_liveness_probe_restarts_the_container(house: House, tmp_path: Path) -> None:
    probe = {
        "exec": {"command": ["test", "!", "-e", str(tmp_path / "sick")]},
        "periodSeconds": 1,
        "failureThreshold": 1,
    }
    await house.node.sync([pod("one", container(FOREVER, livenessProbe={**probe, "timeoutSeconds": 30}))])
    await house.ready()
    (tmp_path / "sick").touch()
    restarted = await house.told.until("one", lambda change: state(change, "restartCount") == 1)
    assert state(restarted, "lastState", "terminated", "exitCode") == 143


async def test_liveness_is_not_asked_before_the_startup_probe_has_succeeded(house: House, tmp_path: Path) -> None:
    started = {"exec": {"command": ["test", "-e", str(tmp_path / "begun")]}, "periodSeconds": 1, "failureThreshold": 50}
    alive = {"exec": {"command": ["touch", str(tmp_path / "asked")]}, "periodSeconds": 1, "timeoutSeconds": 30}
    runs = container(FOREVER, startupProbe={**started, "timeoutSeconds": 30}, livenessProbe=alive)
    await house.node.sync([pod("one", runs)])
    running = await house.told.until("one", lambda change: change.status["phase"] == "Running")
    assert state(running, "started") is False
    await asyncio.sleep(1.5)
    assert not (tmp_path / "asked").exists()
    (tmp_path / "begun").touch()
    ready = await house.ready()
    assert state(ready, "started") is True


async def test_a_pod_that_is_to_run_once_ends_by_itself(house: House) -> None:
    await house.node.sync(
        [pod("good", container("pass"), restartPolicy="Never"), pod("bad", container("1/0"), restartPolicy="Never")]
    )
    good = await house.told.until("good", lambda change: change.status["phase"] == "Succeeded")
    bad = await house.told.until("bad", lambda change: change.status["phase"] == "Failed")
    assert state(good, "state", "terminated", "reason") == "Completed"
    assert state(bad, "state", "terminated", "exitCode") == 1
    assert not good.gone
    await house.node.sync([])
    assert (await house.gone("bad")).status["phase"] == "Failed"


async def test_a_command_that_is_not_there_is_told(house: House) -> None:
    await house.node.sync([pod("one", {"name": "main", "image": "python", "command": ["no-such-command"]})])
    waiting = await house.told.until("one", waits_for("CrashLoopBackOff"))
    assert state(waiting, "lastState", "terminated", "reason") == "StartError"
    assert "no-such-command" in str(state(waiting, "lastState", "terminated", "message"))


async def test_init_containers_run_one_after_the_other_and_sidecars_beside(house: House, tmp_path: Path) -> None:
    note = "import sys\nwith open(sys.argv[1], 'a') as opened: opened.write(sys.argv[2])"
    order = str(tmp_path / "order")
    inits = [
        container(note, order, "a", name="first"),
        container(FOREVER, name="side", restartPolicy="Always"),
        container(note, order, "b", name="second"),
    ]
    await house.node.sync([pod("one", container(note + f"\n{FOREVER}", order, "c"), initContainers=inits)])
    ready = await house.ready()
    done = as_list(ready.status["initContainerStatuses"])
    assert [at_path(item, "state", "terminated", "exitCode") for item in done] == [0, None, 0]
    assert at_path(done[1], "state", "running")
    await until(lambda: (tmp_path / "order").read_text() == "abc")
    await house.node.sync([])
    gone = await house.gone()
    assert at_path(as_list(gone.status["initContainerStatuses"])[1], "state", "terminated", "exitCode") == 143


async def test_the_hook_runs_before_sigterm(house: House, tmp_path: Path) -> None:
    marked = tmp_path / "marked"
    code = (
        "import os, signal, sys\n"
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(3 if os.path.exists(sys.argv[1]) else 4))\n"
        f"print('here', flush=True)\n{FOREVER.partition(chr(10))[2]}"
    )
    hook = {"preStop": {"exec": {"command": ["touch", str(marked)]}}}
    await house.node.sync([pod("one", container(code, str(marked), lifecycle=hook))])
    await house.ready()
    assert await _first_line(house.log()) == "here"
    await house.node.sync([])
    assert state(await house.gone(), "state", "terminated", "exitCode") == 3


async def test_a_second_deletion_can_only_make_it_sooner(house: House) -> None:
    runs = container(STUBBORN)
    await house.node.sync([pod("one", runs, terminationGracePeriodSeconds=3000)])
    await house.ready()
    await _first_line(house.log())
    for grace in (3000, 1, 3000):
        await house.node.sync([pod("one", runs, leaves=True, terminationGracePeriodSeconds=grace)])
    assert state(await house.gone(), "state", "terminated", "exitCode") == 137


async def test_a_pod_that_had_ended_before_is_not_run_again(house: House) -> None:
    status = {"phase": "Succeeded", "containerStatuses": [{"name": "main", "restartCount": 0}]}
    await house.node.sync([{**pod("one", container("1/0")), "status": status}])
    await house.node.sync([{**pod("one", container("1/0"), leaves=True), "status": status}])
    gone = await house.gone()
    assert gone.status == status
    assert len(house.told.of("one")) == 1


async def test_a_fault_of_the_node_fails_its_pod_and_no_other(house: House, caplog: pytest.LogCaptureFixture) -> None:
    house.images.known["broken"] = "no path"  # type: ignore[assignment]  # what the node cannot expect
    await house.node.sync([pod("bad", {**container(FOREVER), "image": "broken"}), pod("one", container(FOREVER))])
    bad = await house.told.until("bad", lambda change: change.status["phase"] == "Failed")
    assert bad.status["reason"] == "NodeFault"
    assert "pod default/bad cannot be run" in caplog.text
    await house.ready()
    await house.node.sync([])
    await asyncio.gather(house.gone("bad"), house.gone())


async def test_a_node_that_closes_ends_its_pods_and_says_that_nobody_wished_it(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        await house.node.sync([pod("one", container(FOREVER)), pod("two", container(FOREVER))])
        await asyncio.gather(house.ready("one"), house.ready("two"))
    for name in ("one", "two"):
        last = house.told.of(name)[-1]
        assert (last.status["phase"], last.status["reason"], last.gone) == ("Failed", "Terminated", False)
        assert state(last, "state", "terminated", "exitCode") == 143


async def _first_line(path: Path) -> str:
    await until(lambda: "\n" in path.read_text())
    return path.read_text().splitlines()[0]


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split(") ")[1][0] != "Z"
    except OSError:
        return False
