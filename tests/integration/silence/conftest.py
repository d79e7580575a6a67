"""The emulator with a clock that the test moves, as the tests of its gateway have it."""

from __future__ import annotations

from tests.integration.emulator_gateway.conftest import rules, stage

__all__ = ["rules", "stage"]
