"""What the MariaDB fixtures say on a machine without a server."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.forked import Forked

TEST = """
import shutil
shutil.which = lambda name, path=None: None
from tests.support.mariadb import *
def test_it(mariadb_server): ...
"""


PYTEST = "import sys, pytest\nsys.exit(pytest.main(sys.argv[1:]))"


@pytest.mark.parametrize(("ci", "outcome"), [("", "1 skipped"), ("true", "1 error")])
def test_without_a_server_tests_are_skipped_with_the_package_and_fail_in_ci(
    tmp_path: Path, forked: Forked, ci: str, outcome: str
) -> None:
    (tmp_path / "test_it.py").write_text(TEST)
    arguments = ("-p", "no:cacheprovider", "-rs", f"--rootdir={tmp_path}", str(tmp_path))
    [done] = forked.start(PYTEST, *arguments, folder=tmp_path, environ={"CI": ci})
    assert outcome in done.out, done.out
    assert "install the Debian package mariadb-server" in done.out
