"""Loading is tried by processes, on SQLite and on MariaDB."""

from __future__ import annotations

from tests.support.forked import *  # noqa: F403
from tests.support.mariadb import *  # noqa: F403
