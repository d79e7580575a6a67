"""Where the programs of the cluster tests are looked for."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.support import cluster_tools
from tests.support.cluster_tools import FAMILIES, ToolsMissingError, find_tools

KUBERNETES = next(family for family in FAMILIES if family.name == "kubernetes")


def put_programs(folder: Path, *names: str, version: str = "v1.36.0") -> Path:
    """Make programs that tell a version."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).write_text(f"#!/bin/sh\necho {name} {version}\n")
        (folder / name).chmod(0o755)
    return folder


@pytest.fixture(autouse=True)
def _empty_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIGAGA_TOOLS", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    monkeypatch.delenv("KUBEBUILDER_ASSETS", raising=False)


def fill_cache() -> None:
    """Put all programs into the cache."""
    for family in FAMILIES:
        put_programs(cluster_tools.cache_folder(family), *family.packages)


def test_what_is_missing_is_named_with_the_ways_to_get_it() -> None:
    with pytest.raises(ToolsMissingError, match=r"no etcd, kube-apiserver(?s:.*)make test-tools(?s:.*)KUBEBUILDER"):
        find_tools()


def test_a_family_is_taken_as_a_whole_from_the_named_folder_then_path_then_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill_cache()
    assert find_tools()["kubectl"].parent == cluster_tools.cache_folder(KUBERNETES)
    put_programs(tmp_path / "path", "kubectl", "kube-apiserver")
    assert find_tools()["kubectl"].parent == cluster_tools.cache_folder(KUBERNETES)
    put_programs(tmp_path / "path", *KUBERNETES.packages)
    assert find_tools()["kubectl"].parent == tmp_path / "path"
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(put_programs(tmp_path / "named", *KUBERNETES.packages)))
    assert find_tools()["kubectl"].parent == tmp_path / "named"
    assert find_tools()["etcd"].parent.parent == tmp_path / "cache"


def test_what_is_too_old_is_not_taken_from_path(tmp_path: Path) -> None:
    fill_cache()
    put_programs(tmp_path / "path", *KUBERNETES.packages, version="v1.29.9")
    assert find_tools()["kubectl"].parent == cluster_tools.cache_folder(KUBERNETES)


def test_without_go_nothing_fails_but_in_ci(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["cluster-tools"])
    monkeypatch.delenv("CI", raising=False)
    assert cluster_tools.main() == 0
    assert "Go is not installed" in capsys.readouterr().err
    monkeypatch.setenv("CI", "true")
    assert cluster_tools.main() == 1


def test_another_version_has_another_place_in_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = cluster_tools.cache_folder(KUBERNETES)
    (tmp_path / "kubernetes").mkdir()
    (tmp_path / "kubernetes" / "go.mod").write_text("module other")
    (tmp_path / "kubernetes" / "go.sum").write_text("")
    monkeypatch.setattr(cluster_tools, "MODULES", tmp_path)
    assert cluster_tools.cache_folder(KUBERNETES) != before
    assert os.fspath(before.parent) == os.environ["MIGAGA_TOOLS"]
