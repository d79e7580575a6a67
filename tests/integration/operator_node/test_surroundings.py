"""What a pod finds around it: Secrets, ConfigMaps, files that change, images, the downward API, its address."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from tests.integration.operator_node.house import FOREVER, House, container, pod, state, until, waits_for

from migaga.common.errors import UnavailableError
from migaga_operator.node.addresses import Addresses

SHOW = f"""
import json, os, sys
print(json.dumps([dict(os.environ), sys.argv, os.getcwd()]), flush=True)
{FOREVER}
"""
FOLLOW = """
import sys, time
seen = None
while True:
    pair = tuple(open(f"{sys.argv[1]}/{name}").read() for name in ("a", "b"))
    if pair != seen:
        print(*pair, flush=True)
        seen = pair
    time.sleep(0.01)
"""
"""Prints what two files of a volume hold, whenever that changes."""
SECRET_VOLUME = {"name": "files", "secret": {"secretName": "pair"}}


async def shown(house: House, name: str = "one") -> tuple[Mapping[str, str], list[str], str]:
    """Return environment, arguments and folder of a pod that runs SHOW."""
    await house.ready(name)
    log = house.log(name)
    await until(lambda: "\n" in log.read_text())
    environment, arguments, folder = json.loads(log.read_text())
    return environment, arguments, folder


async def test_a_pod_has_what_its_spec_says_and_nothing_of_the_node(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIGAGA_ENV_TOKEN", "of somebody else")
    house.shelf.secrets["default/db"] = {"url": b"sqlite://"}
    house.shelf.config_maps["default/more"] = {"COLOUR": b"red"}
    env = [
        {"name": "URL", "valueFrom": {"secretKeyRef": {"name": "db", "key": "url"}}},
        {"name": "BOTH", "value": "$(URL) $(COLOUR) $$(URL) $(NONE)"},
        {"name": "APP", "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['app']"}}},
        {"name": "CPU", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu", "divisor": "1m"}}},
    ]
    runs = container(
        SHOW,
        "--at=$(URL)",
        env=env,
        envFrom=[{"configMapRef": {"name": "more"}}, {"secretRef": {"name": "none", "optional": True}}],
        resources={"limits": {"cpu": "1500m"}},
    )
    await house.node.sync([pod("one", runs)])
    environment, arguments, folder = await shown(house)
    assert environment["BOTH"] == "sqlite:// red $(URL) $(NONE)"
    assert (environment["APP"], environment["CPU"]) == ("one", "1500")
    assert environment["POD_IP"] == (await house.ready()).status["podIP"]
    assert arguments[1:] == ["--at=sqlite://"]
    assert environment["HOME"] == folder
    assert environment["PATH"].startswith(f"{sys.prefix}/bin:")
    assert "MIGAGA_ENV_TOKEN" not in environment


async def test_a_missing_secret_is_named_and_the_pod_goes_on_when_it_comes(house: House) -> None:
    env = [{"name": "URL", "valueFrom": {"secretKeyRef": {"name": "db", "key": "url"}}}]
    await house.node.sync([pod("one", container(SHOW, env=env))])
    waiting = await house.told.until("one", waits_for("CreateContainerConfigError"))
    assert 'secret "db" not found' in str(state(waiting, "state", "waiting", "message"))
    house.shelf.secrets["default/db"] = {"other": b"x"}
    await house.told.until("one", lambda change: 'key "url"' in str(state(change, "state", "waiting", "message")))
    house.shelf.secrets["default/db"] = {"url": b"here"}
    environment, _, _ = await shown(house)
    assert environment["URL"] == "here"


async def test_a_missing_volume_keeps_the_pod_from_beginning(house: House) -> None:
    mounts = [{"name": "files", "mountPath": "/etc/files"}]
    runs = container(SHOW, "/etc/files/a", "/etc/files-of-others", volumeMounts=mounts)
    await house.node.sync([pod("one", runs, volumes=[SECRET_VOLUME])])
    waiting = await house.told.until("one", lambda change: bool(state(change, "state", "waiting", "message")))
    assert state(waiting, "state", "waiting", "reason") == "ContainerCreating"
    assert 'secret "pair" not found' in str(state(waiting, "state", "waiting", "message"))
    house.shelf.secrets["default/pair"] = {"a": b"1"}
    _, arguments, _ = await shown(house)
    assert Path(arguments[1]).read_bytes() == b"1"
    assert arguments[2] == "/etc/files-of-others"


async def test_mounted_files_change_together_while_the_pod_runs(house: House) -> None:
    house.shelf.secrets["default/pair"] = {"a": b"1", "b": b"1"}
    runs = container(FOLLOW, "/etc/files", volumeMounts=[{"name": "files", "mountPath": "/etc/files/"}])
    await house.node.sync([pod("one", runs, volumes=[SECRET_VOLUME])])
    await house.ready()
    log = house.log()
    for turn in range(1, 20):
        house.shelf.secrets["default/pair"] = {"a": str(turn).encode(), "b": str(turn).encode()}
        house.node.objects_changed()
        await until(lambda said=f"{turn} {turn}\n": said in log.read_text())  # type: ignore[misc]
    # Two reads may fall into two versions, but b is never older than a, and no file is ever missing.
    pairs = [tuple(map(int, line.split())) for line in log.read_text().splitlines()]
    assert all(len(pair) == 2 and pair[0] <= pair[1] for pair in pairs)


async def test_a_secret_that_goes_leaves_its_files_and_new_labels_reach_theirs(house: House) -> None:
    house.shelf.secrets["default/pair"] = {"a": b"1"}
    told = {
        "name": "told",
        "downwardAPI": {"items": [{"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}}]},
    }
    token = {"name": "token", "projected": {"sources": [{"serviceAccountToken": {"path": "token"}}]}}
    mounts = [{"name": item, "mountPath": f"/{item}"} for item in ("files", "told", "token", "scratch", "tmp")]
    mounts[-1]["mountPath"] = "/tmp"
    volumes = [SECRET_VOLUME, told, token, {"name": "scratch", "emptyDir": {}}, {"name": "tmp"}]
    runs = container(SHOW, *(f"/{item['name']}" for item in mounts), volumeMounts=mounts)
    await house.node.sync([pod("one", runs, volumes=volumes)])
    environment, arguments, _ = await shown(house)
    files, labels, tokens, scratch, tmp = map(Path, arguments[1:])
    assert labels.joinpath("labels").read_text() == 'app="one"'
    assert tokens.joinpath("token").read_text() == "a-token"
    assert house.shelf.wishes[0].pod_uid == "uid-one"
    assert environment["TMPDIR"] == str(tmp)
    assert list(scratch.iterdir()) == []
    assert files.stat().st_mode & 0o077 == 0 or files.parents[1].stat().st_mode & 0o077 == 0
    del house.shelf.secrets["default/pair"]
    changed = pod("one", runs, volumes=volumes)
    changed["metadata"] = {"name": "one", "namespace": "default", "uid": "uid-one", "labels": {"app": "two"}}
    await house.node.sync([changed])
    await until(lambda: labels.joinpath("labels").read_text() == 'app="two"')
    assert files.joinpath("a").read_bytes() == b"1"


async def test_an_unknown_image_is_waited_for(house: House, tmp_path: Path) -> None:
    runs = {**container(FOREVER), "image": "later"}
    await house.node.sync([pod("one", runs)])
    waiting = await house.told.until("one", waits_for("ErrImagePull"))
    assert "image not found" in str(state(waiting, "state", "waiting", "message"))
    await house.told.until("one", waits_for("ImagePullBackOff"))
    house.images.known["later"] = None
    house.node.objects_changed()
    ready = await house.ready()
    assert state(ready, "image") == "later"


async def test_an_image_is_a_folder_tree_with_a_command_and_an_environment_of_its_own(
    house: House, tmp_path: Path
) -> None:
    root = tmp_path / "image"
    (root / "opt/app/bin").mkdir(parents=True)
    (root / "data").mkdir()
    program = root / "opt/app/bin/show"
    program.write_text(f"#!{sys.executable}\n{SHOW}")
    program.chmod(0o755)
    config = {
        "Env": ["PATH=/opt/app/bin:/usr/bin", "APP=/opt/app", "OTHER=/nowhere"],
        "Entrypoint": ["show"],
        "Cmd": ["--data", "/data/x"],
        "WorkingDir": "/data",
    }
    (root / "image.json").write_text(json.dumps({"config": config}))
    house.images.known["own"] = root
    await house.node.sync([pod("one", {"name": "main", "image": "own"})])
    environment, arguments, folder = await shown(house)
    assert arguments == [str(program), "--data", "/data/x"]
    assert folder == str(root / "data")
    assert (environment["APP"], environment["OTHER"]) == (str(root / "opt/app"), "/nowhere")
    assert environment["PATH"].split(":")[0] == str(root / "opt/app/bin")


async def test_a_volume_of_a_kind_that_cannot_be_made_is_named(house: House) -> None:
    claim = {"name": "claim", "persistentVolumeClaim": {"claimName": "disk"}}
    await house.node.sync([pod("one", container(FOREVER), volumes=[claim])])
    waiting = await house.told.until("one", lambda change: bool(state(change, "state", "waiting", "message")))
    assert "persistentVolumeClaim" in str(state(waiting, "state", "waiting", "message"))


async def test_a_source_that_does_not_answer_only_delays(house: House) -> None:
    house.shelf.is_away = True
    house.shelf.secrets["default/db"] = {"url": b"here"}
    env = [{"name": "URL", "valueFrom": {"secretKeyRef": {"name": "db", "key": "url"}}}]
    await house.node.sync([pod("one", container(SHOW, env=env))])
    await house.told.until("one", lambda change: "locked" in str(state(change, "state", "waiting", "message")))
    house.shelf.is_away = False
    environment, _, _ = await shown(house)
    assert environment["URL"] == "here"


async def test_a_report_that_nobody_took_is_made_again(house: House) -> None:
    house.told.refusals = 3
    await house.node.sync([pod("one", container(FOREVER))])
    await house.ready()
    house.told.refusals = 2
    await house.node.sync([])
    await house.gone()


@pytest.mark.parametrize(
    "nonsense",
    [
        None,
        {},
        {"metadata": {"name": "x", "uid": "y"}},
        {"metadata": [], "spec": {"containers": 5}},
        {"metadata": {"name": "x", "uid": "y"}, "spec": {"containers": [{"name": "../../x"}]}},
    ],
)
async def test_what_is_no_pod_is_left_out(house: House, nonsense: object) -> None:
    await house.node.sync([nonsense, pod("one", container(FOREVER))])
    await house.ready()
    assert {change.name for change in house.told.changes} == {"one"}


async def test_pods_have_addresses_of_their_own_that_do_not_come_again_soon(house: House) -> None:
    await house.node.sync([pod("one", container(FOREVER)), pod("two", container(FOREVER))])
    addresses = [(await house.ready(name)).status["podIP"] for name in ("one", "two")]
    await house.node.sync([])
    await asyncio.gather(house.gone("one"), house.gone("two"))
    await house.node.sync([pod("three", container(FOREVER))])
    assert len({*addresses, (await house.ready("three")).status["podIP"]}) == 3


def test_a_network_belongs_to_one_process() -> None:
    with Addresses.claim() as held:
        number = int(str(held.network).split(".")[1])
        with pytest.raises(UnavailableError, match=f"127.{number}.0.0/16 is used by another process"):
            Addresses.claim(number)
    with Addresses.claim(number) as again:
        first, second = again.take(), again.take()
        again.give_back(first)
        assert again.take() not in {first, second}


async def test_pods_end_with_a_node_that_is_killed(tmp_path: Path) -> None:
    code = (
        "import asyncio, pathlib, sys\n"
        "from tests.integration.operator_node.house import *\n"
        "async def main():\n"
        "    async with open_house(pathlib.Path(sys.argv[1])) as house:\n"
        "        await house.node.sync([pod('one', container(FOREVER))])\n"
        "        print((await house.ready()).annotations['migaga.dev/pid'], flush=True)\n"
        "        await asyncio.Event().wait()\n"
        "asyncio.run(main())\n"
    )
    node = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", code, str(tmp_path)), stdout=asyncio.subprocess.PIPE, cwd=Path(__file__).parents[3]
    )
    assert node.stdout is not None
    pid = int(await node.stdout.readline())
    os.kill(pid, 0)
    node.send_signal(signal.SIGKILL)
    await node.wait()
    await until(lambda: not Path(f"/proc/{pid}").exists())
