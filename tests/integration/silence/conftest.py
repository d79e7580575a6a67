"""The emulator with a clock that the test moves, as the tests of its gateway have it; and every kind of database."""

from __future__ import annotations

from tests.integration.emulator_gateway.conftest import rules, stage
from tests.support.mariadb import *  # noqa: F403

__all__ = ["rules", "stage"]
