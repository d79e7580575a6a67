"""Modules' storage is tested on SQLite and on MariaDB, their commands against the emulator."""

from __future__ import annotations

import random

import pytest
from tests.integration.modules.support import Luck, Twice
from tests.support.mariadb import *  # noqa: F403

from migaga.testing.bot import TestBot
from migaga.testing.people import Person


@pytest.fixture
def luck(bot: TestBot) -> Luck:
    """Return the luck of the modules that are loaded after this."""
    decided = Luck()
    bot.runtime.environment.services.provide(random.Random, decided)
    return decided


@pytest.fixture
def twice(bot: TestBot) -> Twice:
    """Return what delivers events a second time."""
    return Twice(bot)


@pytest.fixture
async def ann(bot: TestBot) -> Person:
    """Return a member without permissions of her own."""
    return await bot.member("Ann")


@pytest.fixture
async def ben(bot: TestBot) -> Person:
    """Return another one."""
    return await bot.member("Ben")
