"""Commands that a guild makes for itself: a name and what the bot then says."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from random import Random, SystemRandom
from typing import Annotated

import hikari
from hikari.impl import MessageActionRowBuilder

from migaga.api import (
    BaseModule,
    Context,
    Describe,
    EventContext,
    Length,
    NotAllowed,
    Rest,
    TextNames,
    UnknownCommandEvent,
    UserError,
    command,
    component,
    fold,
    listen,
)
from migaga_modules.common import guild_of
from migaga_modules.custom_commands import matching, tables
from migaga_modules.custom_commands.matching import MAX_NAME, MAX_RESPONSE, code
from migaga_modules.custom_commands.names import NameCache
from migaga_modules.custom_commands.tables import Response

_MANAGE = hikari.Permissions.MANAGE_GUILD_EXPRESSIONS
_ALL = "all"
_MOST_CHOICES = 24
"""Buttons of one message, less the one that deletes all."""

Name = Annotated[str, Describe("One word, without the prefix"), Length(1, MAX_NAME)]


class CustomCommands(BaseModule):
    """Commands of this server's own, made by its members."""

    metadata = tables.metadata

    def __init__(self) -> None:
        super().__init__()
        self._names = NameCache()

    async def start(self) -> None:
        """Use the system's randomness unless the process provides another."""
        if not self.services.has(Random):
            self.services.provide(Random, SystemRandom())

    @command(permissions=_MANAGE)
    async def addcommand(
        self,
        ctx: Context,
        name: Name,
        response: Annotated[str, Describe("What I say then"), Length(1, MAX_RESPONSE), Rest()],
    ) -> None:
        """Add a command of your own, or a further response to one.

        When a command has several responses, one of them is picked at random.
        """
        checked = matching.check_name(name, ctx.service(TextNames).first_words())
        text = matching.check_response(response)
        if await ctx.once():
            await tables.add(ctx.db, guild_of(ctx), checked, text, datetime.now(UTC))
        count = len(await tables.responses(ctx.db, guild_of(ctx), checked))
        await self._changed(ctx)
        shown = f"`{code(ctx.service(TextNames).prefix(ctx.guild_id) + checked)}`"
        await ctx.respond(f"Added {shown}." if count == 1 else f"{shown} has {count} responses now.")

    @command(permissions=_MANAGE)
    async def deletecommand(self, ctx: Context, name: Name) -> None:
        """Delete a command of your own; you choose when it has several responses."""
        first = await ctx.once()
        found = await tables.responses(ctx.db, guild_of(ctx), name.strip())
        if not found and not first:
            await ctx.respond(f"Deleted `{code(name.strip())}`.")
            return
        if not found:
            raise UserError(f"There is no custom command `{code(name.strip())}`. `search` lists them.")
        chosen = found if len(found) == 1 else await self._choose(ctx, found)
        await tables.delete(ctx.db, guild_of(ctx), [response.id for response in chosen])
        await self._changed(ctx)
        left = len(found) - len(chosen)
        shown = f"`{code(found[0].name)}`"
        await ctx.respond(f"Deleted one response; {shown} has {left} left." if left else f"Deleted {shown}.")

    async def _changed(self, ctx: Context) -> None:
        """Make what was written visible, then have the names read again."""
        await ctx.db.commit()
        self._names.forget(guild_of(ctx))

    @listen(UnknownCommandEvent)
    async def answer(self, event: UnknownCommandEvent, ctx: EventContext) -> None:
        """Say one of the responses of the custom command that a message calls. Nobody is pinged."""
        called = fold(event.name)
        if called not in await self._names_of(ctx, event.guild_id):
            return
        found = await tables.responses(ctx.db, event.guild_id, called)
        if not found:
            return
        chosen = self.services.get(Random).choice(found)
        await ctx.rest.create_message(
            event.channel_id,
            chosen.text,
            # A message that is delivered twice is answered once, as far as Discord can tell.
            nonce=str(event.message_id),
            mentions_everyone=False,
            user_mentions=False,
            role_mentions=False,
        )

    async def _names_of(self, ctx: EventContext, guild_id: int) -> frozenset[str]:
        known = self._names.get(guild_id, time.monotonic())
        if known is None:
            changes = self._names.changes
            known = await tables.names(ctx.db, guild_id)
            self._names.put(guild_id, known, time.monotonic(), changes)
        return known

    async def _choose(self, ctx: Context, found: Sequence[Response]) -> Sequence[Response]:
        """Ask which of several responses are meant."""
        choices = {str(each.id): matching.preview(each.text) for each in found[:_MOST_CHOICES]}
        choices[_ALL] = f"All {len(found)}"
        key = await ctx.choose(f"`{code(found[0].name)}` has {len(found)} responses. Which one shall go?", choices)
        return found if key == _ALL else [each for each in found if str(each.id) == key]

    @command(aliases=["commandlist", "customcommands"])
    async def search(
        self, ctx: Context, term: Annotated[str, Describe("Part of the name; all when left out"), Length(0, 40)] = ""
    ) -> None:
        """List the custom commands of this server."""
        embed, rows = await self._page(ctx, ctx.author.id, 0, term)
        await ctx.respond(embed=embed, components=rows)

    @component("page")
    async def turn(self, ctx: Context, person: hikari.Snowflake, page: int, term: str = "") -> None:
        """Turn to another page of the list."""
        if ctx.author.id != person:
            raise NotAllowed("This list is somebody else's. Use `search` to get your own.")
        embed, rows = await self._page(ctx, person, page, term)
        await ctx.edit(embed=embed, components=rows)

    async def _page(
        self, ctx: Context, person: int, page: int, term: str
    ) -> tuple[hikari.Embed, list[MessageActionRowBuilder]]:
        found = await tables.search(ctx.db, guild_of(ctx), term)
        if not found:
            what = f"No custom command has `{code(term)}` in its name." if term else "There are no custom commands yet."
            raise UserError(what)
        pages = matching.page_count(len(found))
        page = min(max(page, 0), pages - 1)
        text = matching.render_page(found, page, ctx.service(TextNames).prefix(ctx.guild_id))
        embed = hikari.Embed(title=f"Custom commands ({len(found)})", description=text)
        if pages == 1:
            return embed, []
        embed.set_footer(f"Page {page + 1} of {pages}")
        try:
            return embed, [self._buttons(person, page, pages, term)]
        except ValueError:
            # A custom id holds 100 characters, and this term needs more.
            return embed.set_footer(f"Page 1 of {pages}. Search for another part of the name to see the others."), []

    def _buttons(self, person: int, page: int, pages: int, term: str) -> MessageActionRowBuilder:
        row = MessageActionRowBuilder()
        for label, target in (("Previous", page - 1), ("Next", page + 1)):
            row.add_interactive_button(
                hikari.ButtonStyle.SECONDARY,
                self.custom_id("page", person, target, term),
                label=label,
                is_disabled=not 0 <= target < pages,
            )
        return row
