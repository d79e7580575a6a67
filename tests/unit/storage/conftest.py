"""The fixtures themselves are tried by processes."""

from __future__ import annotations

from tests.support.forked import *  # noqa: F403
