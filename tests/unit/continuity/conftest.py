"""How long the state machines search: modest by default, deep with MIGAGA_DEEP=1."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

_QUIET = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
settings.register_profile("continuity", max_examples=120, stateful_step_count=60, deadline=None)
settings.register_profile(
    "continuity-deep", max_examples=2_000, stateful_step_count=120, deadline=None, suppress_health_check=_QUIET
)
TIMEOUT = 3_600 if os.environ.get("MIGAGA_DEEP") else 180
"""Seconds that a state machine may take."""
PROFILE = settings.get_profile("continuity-deep" if os.environ.get("MIGAGA_DEEP") else "continuity")
