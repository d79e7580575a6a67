"""Whether a person may use a handler here. `running.py` asks before it converts arguments.

In this order: banned from the bot, owner only, guild only, module enabled, allow and deny rules, the person's
permissions, the bot's permissions, the handler's own checks, cooldown. The first that fails is the answer.
"""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass

import hikari

from migaga.framework.context import AutocompleteContext, Context
from migaga.framework.cooldowns import Cooldowns, cooldown_key
from migaga.framework.errors import CannotAnswer, NotAllowed, UserError
from migaga.framework.guild_view import EVERYTHING
from migaga.framework.permissions import listed
from migaga.framework.scope import Scope
from migaga.framework.spec import Cooldown, Requirements
from migaga.storage.access import AccessStore, decide


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody wants to use."""

    requirements: Requirements
    command: str | None = None
    """Name of the command, for rules; None for components, which belong to their module."""
    nsfw: bool = False
    """Whether it is for channels with an age limit. Discord itself sees to it for slash commands."""


class Access:
    """Checks what a person asks for."""

    def __init__(
        self, rules: AccessStore, cooldowns: Cooldowns, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._rules = rules
        self._cooldowns = cooldowns
        self._clock = clock

    async def check(self, scope: Scope, context: Context, asked: Asked) -> None:
        """Return when all but the cooldown holds.

        Raises:
            NotAllowed: What does not hold, in words for the person.
            CannotAnswer: The bot may not write here.
        """
        await self.check_place(scope, context.person.id, asked)
        await self._check_answer(scope, context)
        await self.check_person(context, asked.requirements)
        await self._check_bot(context, asked.requirements)
        await self._check_own(context, asked.requirements)

    async def check_place(self, scope: Scope, user_id: int, asked: Asked) -> None:
        """Check what needs no permissions: bans, owners, guild, module and rules.

        Raises:
            NotAllowed: What does not hold.
        """
        if await scope.look_up(self.is_banned(user_id)):
            raise NotAllowed("You were banned from using this bot.")
        if asked.requirements.owner_only and user_id not in scope.environment.application.owners:
            raise NotAllowed("Only the owners of the bot may use this.")
        if scope.guild_id is None:
            if asked.requirements.guild_only:
                raise NotAllowed("This works in servers only, not in direct messages.")
            return
        module = scope.module.spec
        if not scope.environment.settings.is_enabled(scope.guild_id, module.name):
            raise NotAllowed(f"The module {module.title} is switched off here.")
        if not await self._rules_allow(scope, scope.guild_id, asked.command):
            raise NotAllowed("This may not be used here: the administrators of this server have set it so.")
        if asked.nsfw and not await self._is_age_limited(scope, scope.guild_id):
            raise NotAllowed("This works in channels with an age limit only.")

    async def _is_age_limited(self, scope: Scope, guild_id: int) -> bool:
        view = await scope.environment.directory.with_channel(guild_id, scope.channel_id or 0)
        channel = view.channels.get(scope.channel_id or 0)
        if channel is not None and channel.is_thread:
            channel = view.channels.get(channel.parent_id or 0)
        return channel is not None and channel.nsfw

    async def _rules_allow(self, scope: Scope, guild_id: int, command: str | None) -> bool:
        """Ask the rules. A thread that has none of its own has those of its parent."""
        rules = await scope.look_up(self._rules.rules(guild_id))
        if not rules:
            return True
        channel_id = scope.channel_id or 0
        in_channels = {rule.channel_id for rule in rules if rule.channel_id is not None}
        if in_channels and channel_id not in in_channels:
            view = await scope.environment.directory.with_channel(guild_id, channel_id)
            channel = view.channels.get(channel_id)
            if channel is not None and channel.is_thread and channel.parent_id is not None:
                channel_id = channel.parent_id
        return decide(rules, channel_id, scope.module.spec.name, command)

    async def is_banned(self, user_id: int) -> bool:
        """Return whether a person was banned from the bot."""
        return await self._rules.is_banned(user_id)

    async def check_person(self, context: Context | AutocompleteContext, requirements: Requirements) -> None:
        """Check the person's permissions in the channel. They mean nothing in direct messages.

        Raises:
            NotAllowed: Names what is missing.
        """
        if requirements.permissions and context.guild_id is not None:
            missing = requirements.permissions & ~await context.permissions()
            if missing:
                raise NotAllowed(f"You need {listed(missing)} for this.")

    async def _check_bot(self, context: Context, requirements: Requirements) -> None:
        if requirements.bot_permissions and context.guild_id is not None:
            missing = requirements.bot_permissions & ~await context.bot_permissions()
            if missing:
                raise NotAllowed(f"I need {listed(missing)} here for this.")

    async def _check_answer(self, scope: Scope, context: Context) -> None:
        """Check that the bot may answer a text command, as far as is known without asking Discord.

        A command whose answer nobody sees must not take effect; and calls that Discord refuses count against the bot.
        """
        if context.is_slash or scope.guild_id is None or scope.channel_id is None:
            return
        view = scope.environment.directory.peek(scope.guild_id)
        channel = view.channels.get(scope.channel_id) if view is not None and view.parts == EVERYTHING else None
        if channel is None:
            return
        send = hikari.Permissions.SEND_MESSAGES_IN_THREADS if channel.is_thread else hikari.Permissions.SEND_MESSAGES
        missing = (hikari.Permissions.VIEW_CHANNEL | send) & ~await context.bot_permissions()
        if missing:
            raise CannotAnswer(f"I need {listed(missing)} in <#{scope.channel_id}> to answer you there.")

    async def _check_own(self, context: Context, requirements: Requirements) -> None:
        for own in requirements.checks:
            verdict = own(context)
            if inspect.isawaitable(verdict):
                verdict = await verdict
            if isinstance(verdict, str):
                raise NotAllowed(verdict)
            if not verdict:
                raise NotAllowed("You may not use this here.")

    def use(self, scope: Scope, user_id: int, requirements: Requirements) -> None:
        """Count one use against the cooldown.

        Raises:
            UserError: Too soon; says how long to wait.
        """
        cooldown = requirements.cooldown
        if cooldown is None:
            return
        wait = self._cooldowns.use(_key(scope, user_id, cooldown), cooldown, self._clock())
        if wait > 0:
            raise UserError(f"Not so fast: try again in {_seconds(wait)}.")

    def refund(self, scope: Scope, user_id: int, requirements: Requirements) -> None:
        """Take the last use back: it was a wrong use, which is no use."""
        if requirements.cooldown is not None:
            self._cooldowns.refund(_key(scope, user_id, requirements.cooldown))


def _key(scope: Scope, user_id: int, cooldown: Cooldown) -> Hashable:
    handler = f"{scope.module.spec.name}.{scope.handler}"
    return cooldown_key(cooldown, handler, user_id=user_id, guild_id=scope.guild_id, channel_id=scope.channel_id)


def _seconds(wait: float) -> str:
    if wait < 90:
        return f"{max(1, round(wait))} s"
    minutes = round(wait / 60)
    return f"{minutes} minutes" if minutes < 90 else f"{round(wait / 3600)} hours"
