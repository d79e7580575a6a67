"""The running installation may lie below a path that a pod mounts something at, `/tmp` above all."""

from __future__ import annotations

import sys
from pathlib import Path

from migaga_operator.node.images import running_installation
from migaga_operator.node.places import Places


def test_the_installation_is_found_though_something_is_mounted_over_it() -> None:
    places = Places({str(Path(sys.prefix).parent): Path("/pods/one/tmp")})
    assert running_installation().search_path(places).split(":")[0] == f"{sys.prefix}/bin"


def test_a_program_of_the_machine_is_run_that_only_seems_to_lie_in_a_mount() -> None:
    machine = {Path("/mount/machine/python"), Path("/pods/one/own")}
    places = Places({"/mount": Path("/pods/one")}, exists=machine.__contains__)
    assert places.program("/mount/machine/python") == "/mount/machine/python"
    assert places.program("/mount/own") == "/pods/one/own"
    assert places.program("/mount/nowhere") == "/pods/one/nowhere"


def test_in_an_image_of_its_own_a_mount_hides_what_is_below_it() -> None:
    machine = {Path("/mount/machine/python")}
    places = Places({"/mount": Path("/pods/one")}, root=Path("/images/one"), exists=machine.__contains__)
    assert places.program("/mount/machine/python") == "/pods/one/machine/python"
