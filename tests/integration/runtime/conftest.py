"""Tests of whole processes; one needs a real MariaDB server."""

from __future__ import annotations

from tests.support.mariadb import *  # noqa: F403
