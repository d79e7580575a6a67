"""The identify ledger on real databases, by real processes, before an emulated Discord."""

from __future__ import annotations

from tests.support.forked import *  # noqa: F403
from tests.support.mariadb import *  # noqa: F403
