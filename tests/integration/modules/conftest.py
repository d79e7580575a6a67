"""Modules' storage is tested on SQLite and on MariaDB."""

from __future__ import annotations

from tests.support.mariadb import *  # noqa: F403
