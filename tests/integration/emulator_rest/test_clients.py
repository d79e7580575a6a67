"""Stock hikari and discord.py read what the emulator answers."""

from __future__ import annotations

import datetime
import io
import warnings
from collections.abc import AsyncIterator

import hikari
import pytest
from hikari import RESTApp
from hikari.api import RESTClient
from tests.integration.emulator_rest.conftest import Site

from migaga_emulator.world.channels import ChannelChange
from migaga_emulator.world.state import Overwrite

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    import discord
    from discord import app_commands


@pytest.fixture
async def rest(site: Site) -> AsyncIterator[RESTClient]:
    app = RESTApp(url=site.url)
    await app.start()
    try:
        async with app.acquire(site.bot.token, hikari.TokenType.BOT) as client:
            yield client
    finally:
        await app.close()


async def test_hikari_reads_the_bot_its_application_and_its_guilds(site: Site, rest: RESTClient) -> None:
    me = await rest.fetch_my_user()
    assert (me.id, me.username, me.is_bot) == (site.bot.user.id, "Testy", True)
    application = await rest.fetch_application()
    assert application.flags & hikari.ApplicationFlags.MESSAGE_CONTENT_INTENT_LIMITED
    guild = await rest.fetch_guild(site.guild.id)
    assert (guild.name, guild.approximate_member_count) == ("Guild", 3)
    assert [g.id async for g in rest.fetch_my_guilds()] == [site.guild.id]


async def test_hikari_sends_edits_lists_and_deletes_messages(site: Site, rest: RESTClient) -> None:
    sent = await rest.create_message(
        site.channel.id,
        "hello",
        embeds=[hikari.Embed(title="t", description="d").add_field("a", "b")],
        attachment=hikari.Bytes(b"bytes", "a.txt"),
        component=rest.build_message_action_row().add_interactive_button(1, "go", label="Go"),
        user_mentions=False,
    )
    assert (sent.content, sent.embeds[0].title, sent.attachments[0].filename) == ("hello", "t", "a.txt")
    edited = await rest.edit_message(site.channel.id, sent.id, "changed", embeds=[])
    assert (edited.content, edited.embeds) == ("changed", [])
    reply = await rest.create_message(site.channel.id, "re", reply=sent.id, mentions_reply=True)
    assert reply.referenced_message is not None
    assert reply.referenced_message.id == sent.id
    assert [m.id async for m in rest.fetch_messages(site.channel.id)] == [reply.id, sent.id]
    await rest.add_reaction(site.channel.id, sent.id, "👍")
    assert [u.id async for u in rest.fetch_reactions_for_emoji(site.channel.id, sent.id, "👍")] == [site.bot.user.id]
    await rest.delete_messages(site.channel.id, [sent.id, reply.id])
    assert site.channel.messages == {}


async def test_hikari_moderates(site: Site, rest: RESTClient) -> None:
    role = await rest.create_role(site.guild.id, name="Mods", permissions=hikari.Permissions.KICK_MEMBERS)
    await rest.add_role_to_member(site.guild.id, site.ann.id, role.id, reason="deserved é")
    member = await rest.fetch_member(site.guild.id, site.ann.id)
    assert role.id in member.role_ids
    until = datetime.datetime.fromtimestamp(site.clock.time() + 60, datetime.UTC)
    member = await rest.edit_member(site.guild.id, site.ann.id, nickname="Nick", communication_disabled_until=until)
    assert (member.nickname, member.raw_communication_disabled_until) == ("Nick", until)
    await rest.ban_user(site.guild.id, site.ann.id, delete_message_seconds=60, reason="spam")
    assert [ban.reason async for ban in rest.fetch_bans(site.guild.id)] == ["spam"]
    entries = [entry async for page in rest.fetch_audit_log(site.guild.id) for entry in page.entries.values()]
    assert {"spam", "deserved é"} <= {entry.reason for entry in entries}
    await rest.unban_user(site.guild.id, site.ann.id)
    with pytest.raises(hikari.NotFoundError):
        await rest.fetch_ban(site.guild.id, site.ann.id)


async def test_hikari_registers_commands(site: Site, rest: RESTClient) -> None:
    builder = rest.slash_command_builder("ping", "Answers").add_option(
        hikari.CommandOption(type=hikari.OptionType.INTEGER, name="n", description="how often", min_value=1)
    )
    menu = rest.context_menu_command_builder(hikari.CommandType.USER, "Wave At")
    made = await rest.set_application_commands(site.bot.application_id, [builder, menu])
    assert [command.name for command in made] == ["ping", "Wave At"]
    again = await rest.set_application_commands(site.bot.application_id, [builder])
    assert again[0].id == made[0].id
    assert again[0].version == made[0].version
    guild_one = await rest.create_slash_command(site.bot.application_id, "here", "Only here", guild=site.guild.id)
    assert guild_one.guild_id == site.guild.id


async def test_hikari_reads_channels_roles_invites_and_opens_direct_messages(site: Site, rest: RESTClient) -> None:
    made = await rest.create_guild_text_channel(site.guild.id, "New One", topic="about")
    assert (made.name, made.topic) == ("new-one", "about")
    edited = await rest.edit_channel(made.id, rate_limit_per_user=5)
    assert isinstance(edited, hikari.GuildTextChannel)
    await rest.edit_permission_overwrite(made.id, site.ann.id, target_type=1, deny=hikari.Permissions.VIEW_CHANNEL)
    assert len(await rest.fetch_guild_channels(site.guild.id)) == 2
    assert len(await rest.fetch_roles(site.guild.id)) == 2
    assert (await rest.create_invite(made.id, max_uses=3)).max_uses == 3
    thread = await rest.create_thread(made.id, hikari.ChannelType.GUILD_PUBLIC_THREAD, "talk")
    assert thread.parent_id == made.id
    dm = await rest.create_dm_channel(site.ann.id)
    assert (await rest.create_message(dm.id, "hi")).guild_id is None
    await rest.delete_channel(made.id)


async def test_hikari_uses_pins_invites_emoji_and_threads(site: Site, rest: RESTClient) -> None:
    sent = await rest.create_message(site.channel.id, "keep")
    await rest.pin_message(site.channel.id, sent.id)
    assert [pin.message.id async for pin in rest.fetch_pins(site.channel.id)] == [sent.id]
    await rest.unpin_message(site.channel.id, sent.id)
    invite = await rest.create_invite(site.channel.id, max_uses=3)
    assert [item.code for item in await rest.fetch_channel_invites(site.channel.id)] == [invite.code]
    assert [item.code for item in await rest.fetch_guild_invites(site.guild.id)] == [invite.code]
    assert (await rest.fetch_invite(invite.code, with_counts=True)).approximate_member_count == 3
    await rest.delete_invite(invite.code)
    emoji = await rest.create_emoji(site.guild.id, "blob", hikari.Bytes(b"\x89PNG\r\n\x1a\n", "blob.png"))
    assert (await rest.edit_emoji(site.guild.id, emoji.id, name="blobby")).name == "blobby"
    await rest.add_reaction(site.channel.id, sent.id, "blobby", emoji.id)
    assert [item.id for item in await rest.fetch_guild_emojis(site.guild.id)] == [emoji.id]
    await rest.delete_emoji(site.guild.id, emoji.id)
    thread = await rest.create_message_thread(site.channel.id, sent.id, "talk")
    await rest.add_thread_member(thread.id, site.ann.id)
    members = await rest.fetch_thread_members(thread.id)
    assert {item.user_id for item in members} == {site.ann.id, site.bot.user.id}
    await rest.leave_thread(thread.id)
    assert [item.id for item in await rest.fetch_active_threads(site.guild.id)] == [thread.id]
    await rest.edit_channel(thread.id, archived=True)
    assert [item.id async for item in rest.fetch_public_archived_threads(site.channel.id)] == [thread.id]


async def test_discord_py_uses_pins_invites_emoji_and_threads(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(discord.http.Route, "BASE", site.url)
    client = discord.Client(intents=discord.Intents.default())
    try:
        await client.login(site.bot.token)
        channel = await client.fetch_channel(site.channel.id)
        assert isinstance(channel, discord.TextChannel)
        sent = await channel.send("keep", nonce="n", file=discord.File(io.BytesIO(b"x" * 2_000_000), "big file.bin"))
        assert (sent.nonce, sent.attachments[0].filename, sent.attachments[0].size) == ("n", "big_file.bin", 2_000_000)
        await sent.pin(reason="good")
        assert [message.id async for message in channel.pins()] == [sent.id]
        await sent.unpin()
        invite = await channel.create_invite(max_uses=2)
        assert [item.code for item in await channel.invites()] == [invite.code]
        await invite.delete()
        thread = await channel.create_thread(name="talk", type=discord.ChannelType.public_thread)
        await thread.add_user(discord.Object(site.ann.id))
        assert {member.id for member in await thread.fetch_members()} == {site.ann.id, site.bot.user.id}
        site.world.channels.edit(None, site.channel, _closed_to(site.bot.user.id))
        with pytest.raises(discord.Forbidden) as caught:
            await channel.send("x")
        assert caught.value.code == 50001
    finally:
        await client.close()


def _closed_to(user_id: int) -> ChannelChange:
    hidden = Overwrite(user_id, 1, 0, int(discord.Permissions(view_channel=True).value))
    return ChannelChange(frozenset({"permission_overwrites"}), overwrites=[hidden])


async def test_discord_py_reads_the_main_answers(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(discord.http.Route, "BASE", site.url)
    client = discord.Client(intents=discord.Intents.default())
    try:
        await client.login(site.bot.token)
        assert client.user is not None
        assert client.user.id == site.bot.user.id
        channel = await client.fetch_channel(site.channel.id)
        assert isinstance(channel, discord.TextChannel)
        sent = await channel.send("hello", embed=discord.Embed(title="t"), view=discord.ui.View(timeout=None))
        await sent.add_reaction("👍")
        fetched = await channel.fetch_message(sent.id)
        assert (fetched.content, fetched.reactions[0].me) == ("hello", True)
        tree = app_commands.CommandTree(client)

        @tree.command(name="ping", description="Answers")
        async def ping(interaction: discord.Interaction, n: app_commands.Range[int, 1, 5]) -> None: ...

        assert [command.name for command in await tree.sync()] == ["ping"]
        with pytest.raises(discord.NotFound) as caught:
            await channel.fetch_message(1)
        assert caught.value.code == 10008
    finally:
        await client.close()
