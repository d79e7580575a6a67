"""The image's rules that can be read off the Dockerfile; there is no container engine in the tests."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "Dockerfile").read_text("utf-8").replace("\\\n", " ")
BUILD, FINAL = (stage.splitlines() for stage in re.split(r"^FROM ", TEXT, flags=re.MULTILINE)[1:])


def words(stage: list[str], instruction: str) -> list[str]:
    """The arguments of every such instruction of a stage."""
    return [line.split(" ", 1)[1] for line in stage if line.startswith(f"{instruction} ")]


def test_packages_come_from_the_hashed_lock_only() -> None:
    installs = [line for line in words(BUILD, "RUN") if "pip" in line and "install" in line and ".lock" in line]
    assert len(installs) == 2
    assert all("--require-hashes" in line for line in installs)


def test_the_final_layer_has_no_build_tools_and_no_pip() -> None:
    assert not [line for line in words(FINAL, "RUN") if re.search(r"apt-get|pip|gcc|compileall", line)]
    assert words(FINAL, "COPY") == ["--from=build /opt/migaga /opt/migaga"]
    assert any("venv --without-pip /opt/migaga" in line for line in words(BUILD, "RUN"))


def test_it_runs_as_a_user_who_is_not_root_named_by_number() -> None:
    (user,) = words(FINAL, "USER")
    assert re.fullmatch(r"[1-9]\d+:[1-9]\d+", user)


def test_it_is_byte_compiled() -> None:
    assert any("compileall" in line for line in words(BUILD, "RUN"))


def test_what_the_build_copies_is_let_in_by_dockerignore() -> None:
    let_in = {line[1:] for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if line.startswith("!")}
    copied = {source.split("/")[0] for line in words(BUILD, "COPY") for source in line.split()[:-1]}
    assert copied <= let_in
    assert all((ROOT / name).exists() for name in copied)
