"""Files of volumes, logs and images."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from migaga.common.errors import ConfigError
from migaga_operator.node import logs
from migaga_operator.node.downward import Facts
from migaga_operator.node.filling import fill
from migaga_operator.node.images import ImageFile, read_image
from migaga_operator.node.logs import bound, last_lines
from migaga_operator.node.objects import MissingError, ObjectRef
from migaga_operator.node.volumes import File, read_volume, volume_files


def shown(folder: Path) -> dict[str, str]:
    """Return what people see: names that do not begin with two dots."""
    files = (path for path in folder.glob("[!.]*/**/*") if path.is_file())
    tops = (path for path in folder.iterdir() if path.is_file() and not path.name.startswith(".."))
    return {str(path.relative_to(folder)): path.read_text() for path in (*tops, *files)}


def test_a_volume_changes_by_one_rename(tmp_path: Path) -> None:
    assert fill(tmp_path, {"a": File(b"1", 0o644), "sub/b": File(b"1", 0o644)})
    assert (shown(tmp_path), os.readlink(tmp_path / "a")) == ({"a": "1", "sub/b": "1"}, "..data/a")
    before = os.readlink(tmp_path / "..data")
    assert not fill(tmp_path, {"a": File(b"1", 0o644), "sub/b": File(b"1", 0o644)})
    assert os.readlink(tmp_path / "..data") == before
    assert fill(tmp_path, {"a": File(b"2", 0o644), "c": File(b"2", 0o644)})
    assert shown(tmp_path) == {"a": "2", "c": "2"}
    # A reader that opened the folder of `..data` before has lost it, and nothing else is left behind.
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        [os.readlink(tmp_path / "..data"), "..data", "a", "c"]
    )


def test_files_are_for_their_owner_alone(tmp_path: Path) -> None:
    fill(tmp_path, {"a": File(b"1", 0o777), "b": File(b"1", 0)})
    assert ((tmp_path / "a").stat().st_mode & 0o777, (tmp_path / "b").stat().st_mode & 0o777) == (0o700, 0o400)
    assert not fill(tmp_path, {"a": File(b"1", 0o777), "b": File(b"1", 0)})


def test_what_a_process_wrote_into_its_volume_stays(tmp_path: Path) -> None:
    fill(tmp_path, {"a": File(b"1", 0o644)})
    (tmp_path / "own").mkdir()
    fill(tmp_path, {"b": File(b"1", 0o644)})
    assert (tmp_path / "own").is_dir()


SECRET = {ObjectRef("Secret", "s"): {"k": b"v", "l": b"w", "..evil": b""}}


@pytest.mark.parametrize(
    ("body", "files"),
    [
        ({"secret": {"secretName": "s"}}, {"k": b"v", "l": b"w"}),
        ({"secret": {"secretName": "s", "items": [{"key": "k", "path": "x/y"}]}}, {"x/y": b"v"}),
        ({"secret": {"secretName": "s", "items": [{"key": "k", "path": "../y"}]}}, {}),
        ({"secret": {"secretName": "s", "items": [{"key": "z", "path": "z"}], "optional": True}}, {}),
        ({"secret": {"secretName": "none", "optional": True}}, {}),
        (
            {"projected": {"sources": [
                {"secret": {"name": "s", "items": [{"key": "k", "path": "k"}]}},
                {"downwardAPI": {"items": [{"path": "name", "fieldRef": {"fieldPath": "metadata.name"}}]}},
            ]}},
            {"k": b"v", "name": b"one"},
        ),
        ({"emptyDir": {}}, {}),
    ],
)  # fmt: skip
def test_the_files_of_volumes(body: dict[str, object], files: dict[str, bytes]) -> None:
    volume = read_volume({"name": "v", **body})
    assert volume is not None
    found = volume_files(volume, Facts(name="one"), SECRET, {})
    assert {path: file.content for path, file in found.items()} == files


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"secret": {"secretName": "none"}}, 'secret "none" not found'),
        ({"configMap": {"name": "none"}}, 'configmap "none" not found'),
        ({"secret": {"secretName": "s", "items": [{"key": "z", "path": "z"}]}}, 'key "z" in secret default/s'),
        ({"projected": {"sources": [{"serviceAccountToken": {"path": "token"}}]}}, "no token can be had"),
    ],
)
def test_what_a_volume_lacks_is_named(body: dict[str, object], said: str) -> None:
    volume = read_volume({"name": "v", **body})
    assert volume is not None
    with pytest.raises(MissingError, match=said):
        volume_files(volume, Facts(), SECRET, {})


def test_the_end_of_a_log_is_short_and_shows_no_secret(tmp_path: Path) -> None:
    path = tmp_path / "0.log"
    path.write_text("\n".join(f"line {number}" for number in range(10_000)) + "\nmysql://me:hunter22@host/db\n")
    text = last_lines(path)
    assert text.endswith("mysql://me:***@host/db")
    assert len(text.splitlines()) <= 80
    assert last_lines(tmp_path / "none") == ""


def test_logs_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "LARGEST", 10)
    for number in range(6):
        (tmp_path / f"{number}.log").write_text("x" * 11)
        os.utime(tmp_path / f"{number}.log", (number, number))
    bound(tmp_path)
    assert sorted(path.name for path in tmp_path.glob("*.log")) == ["3.log", "4.log", "5.log"]
    assert (tmp_path / "5.log").stat().st_size == 0
    assert (tmp_path / "5.old").read_text() == "x" * 11


def test_the_logs_of_pods_that_are_gone_are_kept_for_a_while(tmp_path: Path) -> None:
    (tmp_path / "runs").mkdir()
    for number in range(53):
        (tmp_path / f"pod{number}").mkdir()
        logs.close(tmp_path / f"pod{number}")
        os.utime(tmp_path / f"pod{number}/ended", (number, number))
    logs.close(tmp_path / "none")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["runs", *(f"pod{at}" for at in range(3, 53))])


async def test_a_list_of_images_may_change_any_time(tmp_path: Path) -> None:
    images = ImageFile(tmp_path / "images.json")
    with pytest.raises(ConfigError, match=r"images\.json cannot be read"):
        await images.find("a")
    (tmp_path / "images.json").write_text(json.dumps({"a": None, "b": str(tmp_path / "b")}))
    found = await images.find("a")
    assert found is not None
    assert found.root is None
    assert await images.find("c") is None
    with pytest.raises(ConfigError, match="is not there"):
        await images.find("b")
    (tmp_path / "b").mkdir()
    (tmp_path / "b/image.json").write_text("{")
    with pytest.raises(ConfigError, match="is no JSON"):
        await images.find("b")


def test_an_image_says_what_to_run(tmp_path: Path) -> None:
    (tmp_path / "image.json").write_text(json.dumps({"Env": ["A=b=c", "nothing", 5], "Cmd": ["x"], "Entrypoint": None}))
    image = read_image(tmp_path)
    assert (image.environment, image.command, image.entrypoint) == ({"A": "b=c"}, ("x",), ())
