"""Questions: what is asked, who may answer, what happens when nobody does."""

from __future__ import annotations

import hikari
import pytest

from migaga.api import BaseModule, Context, Unanswered, command
from migaga.framework.dialogue import TextField
from migaga.testing.bot import TestBot


class Asker(BaseModule):
    """Asks."""

    @command
    async def ask(self, ctx: Context) -> None:
        """Ask for a text."""
        await ctx.respond(f"You said {await ctx.ask('What?', timeout=30)}")

    @command
    async def sure(self, ctx: Context, timeout: float = 30) -> None:
        """Ask for yes or no."""
        await ctx.respond("yes" if await ctx.confirm("Sure?", timeout=timeout) else "no")

    @command
    async def pick(self, ctx: Context) -> None:
        """Ask for one of three."""
        await ctx.respond(await ctx.choose("Which?", {"a": "First", "b:x": "Second", "c": "Third"}, timeout=30))

    @command
    async def form(self, ctx: Context) -> None:
        """Show a form."""
        fields = await ctx.show_modal("About you", {"name": "Name", "text": TextField("Text", paragraph=True)})
        await ctx.respond(f"{fields['name']}: {fields['text']}")

    @command
    async def old(self, ctx: Context, custom_id: str) -> None:
        """Show a button of another time."""
        row = hikari.impl.MessageActionRowBuilder()
        row.add_interactive_button(hikari.ButtonStyle.PRIMARY, custom_id, label="Old")
        await ctx.respond("old", components=[row])

    @command
    async def patient(self, ctx: Context) -> None:
        """Go on without an answer."""
        try:
            await ctx.ask("Well?", timeout=0.05)
        except Unanswered:
            await ctx.respond("never mind")


@pytest.fixture
async def running(bot: TestBot) -> TestBot:
    await bot.load(Asker)
    return bot


async def test_the_next_message_of_that_person_in_that_channel_is_the_answer(running: TestBot) -> None:
    anna, ben = await running.member("Anna"), await running.member("Ben")
    elsewhere = running.guild.channel("elsewhere")
    assert (await anna.says("!ask")).content == "What?"
    assert not await ben.says("mine")
    assert not await anna.says("there", elsewhere)
    assert (await anna.says("blue")).content == "You said blue"
    assert not await anna.says("again")


async def test_an_answer_is_not_run_as_a_command(running: TestBot) -> None:
    anna = await running.member("Anna")
    await anna.says("!ask")
    assert (await anna.says("!ask")).content == "You said !ask"


async def test_the_slash_form_asks_by_a_button_and_a_form(running: TestBot) -> None:
    anna, ben = await running.member("Anna"), await running.member("Ben")
    question = await anna.slash("ask")
    assert question.content == "What?"
    refused = await ben.press(question, "Answer")
    assert refused.ephemeral
    assert "somebody else" in refused.content
    closed = await anna.press(question, "Answer")
    assert closed.modal["title"] == "What?"
    shown = await anna.press(question, "Answer")
    await anna.submits(shown, answer="blue")
    assert [one.content for one in question.followups] == ["You said blue"]
    assert question.components[0]["disabled"]


@pytest.mark.parametrize(("label", "answer"), [("Yes", "yes"), ("No", "no")])
async def test_only_the_person_who_was_asked_can_confirm(running: TestBot, label: str, answer: str) -> None:
    anna, ben = await running.member("Anna"), await running.member("Ben")
    question = await anna.says("!sure")
    assert question.labels == ["Yes", "No"]
    assert (await ben.press(question, label)).ephemeral
    await anna.press(question, label)
    assert [one.content for one in await running.says()] == [answer]
    assert all(part["disabled"] for part in question.components)


async def test_choose_returns_the_key_of_the_button(running: TestBot) -> None:
    anna = await running.member("Anna")
    question = await anna.slash("pick")
    assert question.labels == ["First", "Second", "Third"]
    await anna.press(question, "Second")
    assert [one.content for one in question.followups] == ["b:x"]


@pytest.mark.parametrize("form", ["text", "slash"])
async def test_an_unanswered_question_tells_so_and_its_buttons_die(running: TestBot, form: str) -> None:
    anna = await running.member("Anna")
    question = await (anna.says("!sure 0.05") if form == "text" else anna.slash("sure", timeout=0.05))
    told = await running.wait_for(lambda: [*question.followups, *running.said[1:]])
    assert told
    assert all(part["disabled"] for part in question.components)
    last = question.followups[-1] if form == "slash" else (await running.says())[-1]
    assert "did not answer" in last.content


async def test_a_handler_may_go_on_without_an_answer(running: TestBot) -> None:
    anna = await running.member("Anna")
    await anna.says("!patient")
    assert await running.wait_for(lambda: [one for one in running.said if one.content == "never mind"])


async def test_a_form_is_shown_and_read(running: TestBot) -> None:
    anna = await running.member("Anna")
    shown = await anna.slash("form")
    assert shown.modal["title"] == "About you"
    assert (await anna.submits(shown, name="Anna", text="Hi\nthere")).content == "Anna: Hi\nthere"


async def test_a_text_command_cannot_show_a_form(running: TestBot, caplog: pytest.LogCaptureFixture) -> None:
    anna = await running.member("Anna")
    assert "reference" in (await anna.says("!form")).content
    assert "ctx.is_slash" in caplog.text


@pytest.mark.parametrize("custom_id", ["~:gone:0", "nobody:there:1", "asker:unknown", "strange"])
async def test_a_button_that_nobody_waits_for_says_to_run_the_command_again(running: TestBot, custom_id: str) -> None:
    anna = await running.member("Anna")
    old = await anna.slash("old", custom_id=custom_id)
    reply = await anna.press(old, "Old")
    assert reply.ephemeral
    assert "the command again" in reply.content
