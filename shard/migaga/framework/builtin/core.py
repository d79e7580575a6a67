"""The module that is always loaded. Its parts are in the files beside this one; `runtime.py` starts it first."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

import hikari

from migaga.common.errors import MigagaError
from migaga.common.text import shorten
from migaga.framework.builtin import access, guild_options
from migaga.framework.builtin import help as help_pages
from migaga.framework.builtin.parts import CoreParts, here, suggestions
from migaga.framework.context import AutocompleteContext, Context
from migaga.framework.declare import read_module
from migaga.framework.decorators import autocomplete, command, component, group, task
from migaga.framework.errors import UserError
from migaga.framework.guild_settings import FLEET
from migaga.framework.loader import LoadedModule, ModuleRefusedError
from migaga.framework.markers import Autocomplete, Describe, Length
from migaga.framework.module import BaseModule
from migaga.framework.options import ChannelId, GuildOptions, option
from migaga.framework.prefixes import MAX_PREFIX, check_prefix
from migaga.framework.sources import Source

_MANAGE = hikari.Permissions.MANAGE_GUILD
_EFFECT_DAYS = 7
"""Days after which no event comes again for which an effect was noted."""

ModuleName = Annotated[str, Autocomplete("suggest_module")]
OptionName = Annotated[str, Autocomplete("suggest_option")]
Target = Annotated[str, Describe("A module or a command"), Autocomplete("suggest_target")]


class CoreModule(BaseModule):
    """Help, privacy, options, and who may use what."""

    name = "core"

    class Options(GuildOptions):
        """What the framework itself keeps for a guild."""

        prefix: str | None = option(None, "What text commands begin with", max_length=MAX_PREFIX, check=check_prefix)
        log_channel: ChannelId | None = option(None, "Where the server's log goes")

    privacy = group("privacy", "What is stored about you")
    options = group("options", "Options of modules in this server")
    access = group("access", "Where modules and commands may be used")
    bot = group("bot", "For the owners of the bot")
    modules = group("module", "Modules of the bot")

    @property
    def parts(self) -> CoreParts:
        """What the runtime gave."""
        return self.services.get(CoreParts)

    @command(guild_only=False, ephemeral=True)
    async def help(
        self, ctx: Context, topic: Annotated[str | None, Length(1, 100), Autocomplete("suggest_topic")] = None
    ) -> None:
        """Show what you can use here, or how a command is used.

        Args:
            topic: A command or a module.
        """
        prefix = self.parts.settings.prefix(ctx.guild_id)
        if topic is None:
            await self._page(ctx, 0)
            return
        found = help_pages.find(self.parts, topic)
        if found is not None:
            refused = await help_pages.refusal(self.parts, ctx, *found)
            if refused is not None:
                raise UserError(f"You cannot use this here. {refused}")
            await ctx.respond(help_pages.describe(found[1], prefix))
            return
        commands = await help_pages.usable(self.parts, ctx)
        await ctx.respond(help_pages.module_page(topic, commands, prefix))

    @component("help-page", guild_only=False)
    async def turn(self, ctx: Context, page: int) -> None:
        """Show another page of the help."""
        await self._page(ctx, page)

    async def _page(self, ctx: Context, page: int) -> None:
        commands = await help_pages.usable(self.parts, ctx)
        pages = help_pages.overview(commands, self.parts.settings.prefix(ctx.guild_id)) or ["Nothing here is for you."]
        page = min(max(page, 0), len(pages) - 1)
        number = f"\nPage {page + 1} of {len(pages)}" if len(pages) > 1 else ""
        buttons = help_pages.turning(page, len(pages), lambda other: self.custom_id("help-page", other))
        if ctx.is_component:
            await ctx.edit(pages[page] + number, components=buttons)
        else:
            await ctx.respond(pages[page] + number, components=buttons)

    @autocomplete
    async def suggest_topic(self, ctx: AutocompleteContext, value: str) -> list[str]:
        """Suggest commands and modules that this person may use here."""
        return suggestions(help_pages.topics(await help_pages.usable(self.parts, ctx)), value)

    @privacy.command(guild_only=False, ephemeral=True)
    async def export(self, ctx: Context) -> None:
        """Get everything that is stored about you, as a file."""
        tables = await self.parts.retention.export_user(int(ctx.author.id))
        text = json.dumps({name: list(map(dict, rows)) for name, rows in tables.items()}, indent=2, default=str)
        file = hikari.Bytes(text.encode(), f"{ctx.author.id}.json", mimetype="application/json")
        what = "This is all that is stored about you." if tables else "Nothing is stored about you."
        if ctx.is_slash or ctx.guild_id is None:
            await ctx.respond(what, attachments=[file])
            return
        channel = await ctx.rest.create_dm_channel(ctx.author.id)
        await ctx.rest.create_message(channel, what, attachment=file)
        await ctx.respond("I have sent it to you as a direct message.")

    @privacy.command(guild_only=False, ephemeral=True)
    async def delete(self, ctx: Context) -> None:
        """Delete everything that is stored about you."""
        if not await ctx.confirm("Delete everything that is stored about you, in all servers? It cannot be undone."):
            await ctx.respond("Nothing was deleted.")
            return
        deleted = sum((await self.parts.retention.delete_user(int(ctx.author.id))).values())
        await ctx.respond(f"Done: {deleted} {'entry was' if deleted == 1 else 'entries were'} deleted.")

    @options.command(name="show", permissions=_MANAGE, ephemeral=True)
    async def show_options(self, ctx: Context, module: ModuleName | None = None) -> None:
        """Show the options of a module, or of all modules.

        Args:
            module: The module; all when left out.
        """
        chosen = self.parts.modules.loaded if module is None else [self.parts.module(module)]
        lines = await guild_options.describe(self.parts.settings, here(ctx), chosen)
        await ctx.respond(help_pages.pages(lines or ["There are no options."])[0])

    @options.command(name="set", permissions=_MANAGE, ephemeral=True)
    async def set_option(self, ctx: Context, module: ModuleName, option: OptionName, value: str) -> None:
        """Set an option of a module in this server.

        Args:
            module: The module.
            option: The option.
            value: Its new value, as you would write it in a command.
        """
        loaded = self.parts.module(module)
        shown = await guild_options.assign(self.parts.settings, here(ctx), loaded, option, value)
        await ctx.respond(f"`{option}` of {loaded.spec.title} is now {shown}.")

    @options.command(name="reset", permissions=_MANAGE, ephemeral=True)
    async def reset_option(self, ctx: Context, module: ModuleName, option: OptionName) -> None:
        """Put an option of a module back to its default.

        Args:
            module: The module.
            option: The option.
        """
        loaded = self.parts.module(module)
        spec = guild_options.find(loaded, option)
        await self.parts.settings.reset(here(ctx), loaded.spec.name, spec.name)
        await ctx.respond(f"`{spec.name}` of {loaded.spec.title} is {guild_options.show(spec, spec.default)} again.")

    @access.command(permissions=_MANAGE, ephemeral=True)
    async def allow(self, ctx: Context, target: Target, channel: hikari.PartialChannel | None = None) -> None:
        """Allow a module or a command, here or in a channel.

        Args:
            target: A module or a command.
            channel: Only there; in the whole server when left out.
        """
        await ctx.respond(await access.set_rule(self.parts, here(ctx), target, channel, allowed=True))

    @access.command(permissions=_MANAGE, ephemeral=True)
    async def deny(self, ctx: Context, target: Target, channel: hikari.PartialChannel | None = None) -> None:
        """Forbid a module or a command, here or in a channel.

        Args:
            target: A module or a command.
            channel: Only there; in the whole server when left out.
        """
        await ctx.respond(await access.set_rule(self.parts, here(ctx), target, channel, allowed=False))

    @access.command(permissions=_MANAGE, ephemeral=True)
    async def remove(self, ctx: Context, target: Target, channel: hikari.PartialChannel | None = None) -> None:
        """Remove a rule.

        Args:
            target: A module or a command.
            channel: The rule of this channel; of the whole server when left out.
        """
        await ctx.respond(await access.remove_rule(self.parts, here(ctx), target, channel))

    @access.command(name="list", permissions=_MANAGE, ephemeral=True)
    async def list_rules(self, ctx: Context) -> None:
        """Show all rules of this server."""
        await ctx.respond(help_pages.pages(await access.describe(self.parts.rules, here(ctx)))[0])

    @bot.command(owner_only=True, guild_only=False, ephemeral=True)
    async def ban(self, ctx: Context, user: hikari.User, reason: str = "") -> None:
        """Keep a person from using the bot.

        Args:
            user: Who.
            reason: Why.
        """
        await self.parts.rules.ban(int(user.id), reason)
        await ctx.respond(f"{user.mention} may no longer use the bot.")

    @bot.command(owner_only=True, guild_only=False, ephemeral=True)
    async def unban(self, ctx: Context, user: hikari.User) -> None:
        """Let a person use the bot again.

        Args:
            user: Who.
        """
        was = await self.parts.rules.unban(int(user.id))
        await ctx.respond(f"{user.mention} {'may use the bot again' if was else 'was not banned'}.")

    @modules.command(name="list", permissions=_MANAGE, ephemeral=True)
    async def list_modules(self, ctx: Context) -> None:
        """Show the modules and whether they are on."""
        await ctx.respond(help_pages.pages(access.describe_modules(self.parts, here(ctx)))[0])

    @modules.command(permissions=_MANAGE, ephemeral=True)
    async def enable(self, ctx: Context, module: ModuleName, where: Literal["here", "everywhere"] = "here") -> None:
        """Switch a module on.

        Args:
            module: The module.
            where: In this server, or in all (owners of the bot only).
        """
        await self._switch(ctx, module, where, enabled=True)

    @modules.command(permissions=_MANAGE, ephemeral=True)
    async def disable(self, ctx: Context, module: ModuleName, where: Literal["here", "everywhere"] = "here") -> None:
        """Switch a module off.

        Args:
            module: The module.
            where: In this server, or in all (owners of the bot only).
        """
        await self._switch(ctx, module, where, enabled=False)

    async def _switch(self, ctx: Context, name: str, where: str, *, enabled: bool) -> None:
        module = self.parts.module(name)
        if module.spec.name == self.spec.name:
            raise UserError("This module is always on: with it you switch on the others.")
        if where == "everywhere" and not ctx.is_owner:
            raise UserError("Only the owners of the bot may do this everywhere.")
        await self.parts.settings.switch(
            FLEET if where == "everywhere" else here(ctx), module.spec.name, enabled=enabled
        )
        await ctx.respond(f"The module {module.spec.title} is now {'on' if enabled else 'off'} {where}.")

    @modules.command(owner_only=True, guild_only=False, ephemeral=True)
    async def reload(self, ctx: Context, module: ModuleName) -> None:
        """Load a module's code again from disk.

        Args:
            module: The module.
        """
        loaded = self.parts.module(module)
        if loaded.spec.name == self.spec.name:
            raise UserError("This module is part of the bot: restart the bot to renew it.")
        await ctx.defer()
        try:
            await self.parts.reload(loaded.spec.name)
        except (ModuleRefusedError, MigagaError) as error:
            await ctx.respond(shorten(f"The old code of {loaded.spec.title} runs on: {error}", 2_000))
            return
        await ctx.respond(f"The module {loaded.spec.title} was loaded again.")

    @autocomplete
    async def suggest_module(self, ctx: AutocompleteContext, value: str) -> list[str]:
        """Suggest modules."""
        return suggestions((module.spec.name for module in self.parts.modules.loaded), value)

    @autocomplete
    async def suggest_option(self, ctx: AutocompleteContext, value: str) -> list[str]:
        """Suggest the options of the module that was chosen."""
        chosen = str(ctx.values.get("module", ""))
        modules = [module.spec for module in self.parts.modules.loaded]
        return suggestions((one.name for spec in modules if spec.name == chosen for one in spec.options), value)

    @autocomplete
    async def suggest_target(self, ctx: AutocompleteContext, value: str) -> list[str]:
        """Suggest modules and commands."""
        names = [" ".join(one.path) for _, one in self.parts.commands()]
        return suggestions([*names, *(module.spec.name for module in self.parts.modules.loaded)], value)

    @task(every=timedelta(days=1), once_per="fleet")
    async def purge(self) -> None:
        """Delete what is due."""
        now = datetime.now(UTC)
        purged = await self.parts.retention.purge_due(now, self.parts.guild_days)
        if purged.guilds:
            self.log.info("deleted the data of %d guilds that the bot has left", len(purged.guilds))
        await self.parts.retention.purge_effects(now, _EFFECT_DAYS)


def load_core() -> LoadedModule:
    """Return the core module as the loader would."""
    source = Source("core", "built-in", CoreModule.__module__)
    return LoadedModule(read_module(CoreModule), CoreModule, source)
