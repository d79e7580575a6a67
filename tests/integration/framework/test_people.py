"""Who may be heard where: other bots, direct messages, threads, channels where the bot may not write."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator

import hikari
import pytest

from migaga.api import BaseModule, Context, command
from migaga.framework.runtime import FrameworkSettings
from migaga.testing.bot import TestBot, run_bot
from migaga.testing.people import Channel, Person
from migaga_emulator.control.client import ControlClient
from migaga_emulator.world.channels import ThreadWish
from migaga_emulator.world.members import MemberChange
from migaga_emulator.world.roles import RoleChange

FRIEND = 1_234_567_890_123_456_789
PERMISSIONS = hikari.Permissions


class Talker(BaseModule):
    """Talks."""

    def __init__(self) -> None:
        super().__init__()
        self.runs = 0

    @command(guild_only=False)
    async def hi(self, ctx: Context, name: str = "you") -> None:
        """Say hi."""
        self.runs += 1
        await ctx.respond(f"hi {name}")

    @command
    async def here(self, ctx: Context) -> None:
        """Work in servers only."""
        await ctx.respond("here")

    @command(guild_only=False)
    async def ask(self, ctx: Context) -> None:
        """Ask for a text."""
        await ctx.respond(f"You said {await ctx.ask('What?', timeout=30)}")

    @command(permissions=PERMISSIONS.MANAGE_MESSAGES)
    async def tidy(self, ctx: Context) -> None:
        """Tidy up."""
        await ctx.respond("tidy")

    @command
    async def picture(self, ctx: Context) -> None:
        """Show an embed."""
        await ctx.respond(embed=hikari.Embed(title="A picture"))

    @command
    async def react(self, ctx: Context) -> None:
        """React to the command."""
        assert ctx.channel_id is not None
        assert ctx.message is not None
        await ctx.rest.add_reaction(ctx.channel_id, ctx.message, "👍")
        await ctx.respond("reacted")


@pytest.fixture
async def running(bot: TestBot) -> TestBot:
    await bot.load(Talker)
    return bot


@pytest.fixture
async def friendly(migaga_database_url: str) -> AsyncIterator[TestBot]:
    async with run_bot(migaga_database_url, settings=FrameworkSettings(whitelisted_bots=frozenset({FRIEND}))) as bot:
        await bot.load(Talker)
        yield bot


async def test_whitelisted_bots_may_use_commands_and_other_bots_may_not(friendly: TestBot) -> None:
    user = friendly.emulator.world.guilds.create_user("friend", user_id=FRIEND)
    user.bot = True
    friend = Person(friendly.guild, user, friendly._quiet)
    await friend.joins()
    stranger = await friendly.member("Stranger", is_bot=True)
    assert (await friend.says("!hi")).content == "hi you"
    wrong = await friend.says("!hi x y z")
    assert wrong.content == "hi x y z"
    assert not await stranger.says("!hi")
    assert not await stranger.says(f"<@{friendly.id}> hi")
    assert (await friend.says("!ask")).content == "What?"
    assert (await friend.says("blue")).content == "You said blue"


async def test_an_answer_of_another_bot_is_not_taken_for_the_persons(running: TestBot) -> None:
    anna = await running.member("Anna")
    robot = await running.member("Robot", is_bot=True)
    await anna.says("!ask")
    assert not await robot.says("mine")
    assert (await anna.says("blue")).content == "You said blue"


async def test_direct_messages_use_the_same_commands(running: TestBot) -> None:
    anna = await running.member("Anna")
    assert (await anna.writes("!hi")).content == "hi you"
    assert (await anna.writes(f"<@{running.id}> hi Ben")).content == "hi Ben"
    assert "servers only" in (await anna.writes("!here")).content
    assert "servers only" in (await anna.writes("!tidy")).content
    assert (await anna.writes("!ask")).content == "What?"
    assert not await anna.says("elsewhere")
    assert (await anna.writes("blue")).content == "You said blue"
    assert "!hi" in (await anna.writes("!help")).content
    assert "!here" not in (await anna.writes("!help")).content
    assert not await anna.writes("just talking")


def thread_in(bot: TestBot, channel: Channel, by: Person) -> Channel:
    return Channel(bot.emulator.world.channels.start_thread(by.user, channel.state, ThreadWish("thread")))


async def test_in_a_thread_the_permissions_of_its_parent_count(running: TestBot) -> None:
    anna, ben = await running.member("Anna"), await running.member("Ben")
    parent = running.guild.channel("parent", allow=PERMISSIONS.MANAGE_MESSAGES, to=anna.id)
    thread = thread_in(running, parent, running.owner)
    assert (await anna.says("!tidy", thread)).content == "tidy"
    assert (await ben.says("!tidy", thread)).content == "You need the permission Manage Messages for this."
    assert "Manage Messages" in (await anna.says("!tidy")).content
    assert (await anna.slash("tidy", thread)).content == "tidy"


async def test_rules_of_a_channel_hold_in_its_threads(running: TestBot) -> None:
    anna = await running.member("Anna")
    parent = running.guild.channel("parent")
    thread = thread_in(running, parent, running.owner)
    await running.owner.says(f"!access deny hi <#{parent.id}>")
    assert "may not be used here" in (await anna.says("!hi", thread)).content
    assert (await anna.says("!hi")).content == "hi you"


async def private_words(bot: TestBot, person: Person) -> list[str]:
    """Return what the bot has written to a person directly."""
    await bot.quiet()
    channel = bot.emulator.world.people.dm_channel(person.id, bot.id)
    return [message.content for message in channel.messages.values() if message.author.id == bot.id]


@pytest.mark.parametrize("denied", ["SEND_MESSAGES", "VIEW_CHANNEL"])
async def test_where_the_bot_may_not_write_nothing_runs_and_the_person_is_told_directly_once(
    running: TestBot, denied: str
) -> None:
    anna = await running.member("Anna")
    quiet = running.guild.channel("quiet", deny=hikari.Permissions[denied], to=running.id)
    before = running.module(Talker).runs
    assert not await anna.says("!hi", quiet)
    assert not await anna.says("!hi", quiet)
    assert running.module(Talker).runs == before
    if denied == "SEND_MESSAGES":
        assert await private_words(running, anna) == [
            f"I could not answer you in <#{quiet.id}>. I need the permission Send Messages in <#{quiet.id}> "
            "to answer you there."
        ]
    assert (await anna.slash("hi", quiet)).content == "hi you" or denied == "VIEW_CHANNEL"
    assert not await anna.says("just talking", quiet)


async def test_a_bot_that_is_timed_out_tells_people_directly(running: TestBot) -> None:
    anna = await running.member("Anna")
    world = running.emulator.world
    world.members.edit(
        running.owner.user,
        running.guild.state,
        running.id,
        MemberChange(frozenset({"timeout"}), timeout_until=time.time() + 600),
    )
    await running.quiet()
    assert not await anna.says("!hi")
    assert "Send Messages" in (await private_words(running, anna))[0]


async def test_who_takes_no_direct_messages_costs_a_line_in_the_log(
    running: TestBot, caplog: pytest.LogCaptureFixture
) -> None:
    anna = await running.member("Anna")
    quiet = running.guild.channel("quiet", deny=PERMISSIONS.SEND_MESSAGES, to=running.id)
    async with ControlClient(running.emulator.control_url) as control:
        await control.faults.rest(route="/users/@me/channels", method="POST", status=403)
        assert not await anna.says("!hi", quiet)
    assert "the person could not be told" in caplog.text
    assert (await anna.says("!hi")).content == "hi you"


async def test_a_missing_permission_of_the_bot_is_told_not_hidden(running: TestBot) -> None:
    anna = await running.member("Anna")
    plain = running.guild.channel("plain", deny=PERMISSIONS.EMBED_LINKS | PERMISSIONS.ADD_REACTIONS, to=running.id)
    told = (await anna.says("!react", plain)).content
    assert "I lack a permission" in told
    assert (await anna.says("!picture", plain)).content == "I need the permission Embed Links here to answer this."
    assert (await anna.slash("picture", plain)).embeds


async def test_where_the_bot_may_not_read_back_it_answers_without_a_reply(running: TestBot) -> None:
    anna = await running.member("Anna")
    forgetful = running.guild.channel("forgetful", deny=PERMISSIONS.READ_MESSAGE_HISTORY, to=running.id)
    answer = await anna.says("!hi", forgetful)
    assert answer.content == "hi you"
    assert answer.message.reference is None
    assert (await anna.says("!hi")).message.reference is not None


async def test_a_person_who_left_or_whose_channel_is_gone_costs_no_more_than_the_answer(running: TestBot) -> None:
    anna = await running.member("Anna")
    question = await anna.says("!ask")
    assert question.content == "What?"
    await anna.leaves()
    gone = running.guild.channel("gone")
    ben = await running.member("Ben")
    assert (await ben.says("!ask", gone)).content == "What?"
    running.emulator.world.channels.delete(running.owner.user, gone.state)
    await running.quiet()
    assert (await ben.says("!hi")).content == "hi you"


async def test_help_shows_and_suggests_only_what_one_may_use(running: TestBot) -> None:
    anna = await running.member("Anna")
    hidden = (await anna.says("!help tidy")).content
    assert hidden == "You cannot use this here. You need the permission Manage Messages for this."
    assert "owners of the bot" in (await anna.says("!help bot ban")).content
    assert "`!tidy`" in (await running.owner.says("!help tidy")).content
    assert 'Did you mean "picture"?' in (await anna.says("!help pictur")).content
    assert "tidy" not in (await anna.says("!help tydi")).content
    assert "tidy" not in await anna.types("help", "topic", "ti")
    assert "tidy" in await running.owner.types("help", "topic", "ti")
    assert await anna.types("help", "topic", "zzzzzz") == []


@pytest.mark.parametrize(
    "text",
    [
        "@everyone",
        "@here",
        "<@&{role}>",
        "<@{ben}>",
        "\u202e@everyone",
        "`@everyone`",
        "[x](<@{ben}>)",
        "@\u200beveryone",
    ],
)
async def test_what_people_write_pings_nobody(running: TestBot, text: str) -> None:
    anna, ben = await running.member("Anna"), await running.member("Ben")
    role = running.guild.role("admins")
    running.emulator.world.roles.edit(None, running.guild.state, role, RoleChange(mentionable=True))
    said = text.format(role=role, ben=ben.id)
    for reply in (
        await anna.says(f"!hi {said}"),
        await anna.slash("hi", name=said),
        await anna.says(f"!help {said}"),
        await anna.says(f"!tidy {said}"),
    ):
        assert reply.content
        assert reply.pings == []
        assert not reply.message.mentions.everyone


async def test_two_presses_at_once_count_once_and_both_are_answered(running: TestBot) -> None:
    anna = await running.member("Anna")
    question = await anna.slash("privacy delete")
    use, message = running.emulator.world.people.use, question.message
    presses = [use.press(anna.id, message.channel_id, message.id, question.component(label)) for label in ("No", "Yes")]
    await running.quiet()
    await running.wait_for(lambda: all(press.answer_type is not None for press in presses))
    assert [one.content for one in question.followups] == ["Nothing was deleted."]
