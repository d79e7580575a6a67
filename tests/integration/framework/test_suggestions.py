"""Suggestions while somebody types: whatever the method returns, Discord gets a list that it takes."""

from __future__ import annotations

from typing import Annotated

import pytest
from tests.integration.framework.deliveries import Deliveries

from migaga.api import Autocomplete, AutocompleteContext, BaseModule, Context, autocomplete, command
from migaga.testing.bot import TestBot


class Suggester(BaseModule):
    """Suggests."""

    @command
    async def pick(self, ctx: Context, word: Annotated[str, Autocomplete("words")]) -> None:
        """Pick a word."""
        await ctx.respond(word)

    @autocomplete
    async def words(self, ctx: AutocompleteContext, value: str) -> list[str]:
        """Suggest in every way."""
        match value:
            case "fail":
                raise RuntimeError("no suggestions")
            case "many":
                return [str(number) for number in range(100)]
            case "long":
                return ["x" * 300]
            case "twice":
                return ["a", "a", "b", "", "  "]
            case _:
                return []


@pytest.mark.parametrize(
    ("typed", "suggested"),
    [
        ("fail", []),
        ("many", [str(number) for number in range(25)]),
        ("long", ["x" * 99 + "…"]),
        ("twice", ["a", "b"]),
        ("nothing", []),
        ("x" * 100, []),
    ],
)
async def test_every_list_is_made_one_that_discord_takes(bot: TestBot, typed: str, suggested: list[str]) -> None:
    await bot.load(Suggester)
    anna = await bot.member("Anna")
    assert await anna.types("pick", "word", typed) == suggested
    assert (await anna.slash("pick", word="not suggested")).content == "not suggested"


async def test_suggestions_that_another_process_has_made_stay_as_they_are(
    bot: TestBot, caplog: pytest.LogCaptureFixture
) -> None:
    await bot.load(Suggester)
    sent = Deliveries(bot)
    anna = await bot.member("Anna")
    assert await anna.types("pick", "word", "twice") == ["a", "b"]
    await sent.again("INTERACTION_CREATE")
    assert [record.getMessage() for record in caplog.records if record.levelname in {"WARNING", "ERROR"}] == []
