"""Every command of every built-in module, used wrongly: an answer, no error, no ping."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from migaga.framework.guild_settings import CORE
from migaga.framework.spec import CommandSpec, ParameterKind, ParameterSpec
from migaga.testing.bot import TestBot
from migaga_emulator.world.command_data import PersonRefused

MODULES = ("people", "games", "config", "custom_commands", "points")
SPARED = frozenset({"module disable", "access deny", "bot ban"})
"""They would make the others unusable."""
WRONG = (
    *("", '""', '"', "`", "```", "x" * 1_900, "﷽" * 60, "1 " * 50, "a\nb", "\u200b", "\u202e5", "{0} %s"),
    *("@everyone", "@here", "<@0>", "<@&1>", "<#1>", "<@99999999999999999999999>", "<:x:99999999999999999999999>"),
    *("-5", "0", "nan", "inf", "1e999", "9" * 400, "٣", "18446744073709551616", "9999999999999 years", "none"),
)


def text_commands(bot: TestBot) -> Iterator[CommandSpec]:
    for module in bot.runtime.modules.loaded:
        yield from (one for one in module.spec.commands if one.text and " ".join(one.path) not in SPARED)


def check(bot: TestBot, used: str, caplog: pytest.LogCaptureFixture) -> None:
    """Check that there was an answer, that nothing failed, and that nobody was pinged."""
    assert bot.said, f"{used!r} was not answered"
    for message in bot.said:
        assert "went wrong" not in message.content, f"{used!r}: {caplog.text}"
        mentions = message.mentions
        assert (mentions.users, mentions.role_ids, mentions.everyone) == ((), (), False), f"{used!r} pings"
    loud = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert not loud, f"{used!r}: {loud}"
    caplog.clear()


async def test_every_text_command_with_every_wrong_word_is_answered(
    bot: TestBot, caplog: pytest.LogCaptureFixture
) -> None:
    await bot.load(*MODULES)
    for number, one in enumerate(text_commands(bot)):
        # Each command gets a third of the words, and the words all commands that take any.
        for wrong in WRONG[number % 3 :: 3]:
            used = f"!{' '.join(one.text_names[0])} {wrong}"
            await bot.owner.says(used)
            check(bot, used, caplog)
            await bot.runtime.settings.reset(bot.guild.id, CORE, "prefix")


def value(bot: TestBot, parameter: ParameterSpec, wrong: str) -> object:
    """Return what Discord lets a person send for a slash option."""
    match parameter.kind:
        case _ if parameter.choices:
            return parameter.choices[0].value
        case ParameterKind.USER | ParameterKind.MEMBER:
            return bot.owner
        case ParameterKind.ROLE:
            return bot.guild.id
        case ParameterKind.CHANNEL:
            return bot.guild.general
        case _:
            return wrong or "-"


async def test_every_slash_command_with_wrong_texts_is_answered(bot: TestBot, caplog: pytest.LogCaptureFixture) -> None:
    await bot.load(*MODULES)
    texts = {ParameterKind.TEXT, ParameterKind.DECIMAL, ParameterKind.DURATION, ParameterKind.EMOJI}
    for number, one in enumerate(text_commands(bot)):
        if not one.slash or not any(each.kind in texts and not each.choices for each in one.parameters):
            continue
        for wrong in WRONG[number % 4 :: 4]:
            options = {each.name: value(bot, each, wrong) for each in one.parameters}
            try:
                reply = await bot.owner.slash(" ".join(one.path), **options)
            except PersonRefused:
                continue  # Discord's own program does not let people send it.
            assert reply, f"/{' '.join(one.path)} {options} was not answered"
            assert "went wrong" not in reply.content, f"/{' '.join(one.path)} {options}: {caplog.text}"
            assert not reply.pings
            assert not reply.message.mentions.everyone
            await bot.runtime.settings.reset(bot.guild.id, CORE, "prefix")
