"""Rules about where modules and commands may be used. Called by `core.py`."""

from __future__ import annotations

import hikari

from migaga.common.text import did_you_mean
from migaga.framework.builtin.parts import CoreParts
from migaga.framework.errors import UserError
from migaga.storage.access import AccessRule, AccessStore, Scope


def find_target(parts: CoreParts, name: str) -> tuple[Scope, str]:
    """Return what a rule is about: a module, a command or a group of commands.

    Raises:
        UserError: There is nothing of this name.
    """
    wanted = " ".join(name.strip().lstrip("/!").casefold().split())
    modules = [module.spec.name for module in parts.modules.loaded]
    if wanted.replace(" ", "_") in modules:
        return "module", wanted.replace(" ", "_")
    paths = {" ".join(command.path[:n]) for _, command in parts.commands() for n in (1, 2, 3)}
    for _, command in parts.commands():
        if wanted in [" ".join(words).casefold() for words in command.text_names]:
            return "command", " ".join(command.path)
    if wanted in paths:
        return "command", wanted
    raise UserError(f"There is no module or command with this name.{did_you_mean(wanted, [*modules, *paths])}")


async def set_rule(
    parts: CoreParts, guild_id: int, name: str, channel: hikari.PartialChannel | None, *, allowed: bool
) -> str:
    """Set a rule and return what was set, in words."""
    scope, target = find_target(parts, name)
    if not allowed and scope == "module" and target == "core":
        raise UserError("The module Core cannot be forbidden: with it you set the rules. Forbid single commands of it.")
    rule = AccessRule(scope, target, allowed, None if channel is None else int(channel.id))
    await parts.rules.set_rule(guild_id, rule)
    return _sentence(rule)


async def remove_rule(parts: CoreParts, guild_id: int, name: str, channel: hikari.PartialChannel | None) -> str:
    """Remove a rule and say whether there was one."""
    scope, target = find_target(parts, name)
    gone = await parts.rules.remove_rule(guild_id, scope, target, None if channel is None else int(channel.id))
    return "The rule is gone." if gone else "There was no such rule."


async def describe(rules: AccessStore, guild_id: int) -> list[str]:
    """Return one line for each rule."""
    return [_sentence(rule) for rule in await rules.rules(guild_id)] or ["There are no rules: all may be used."]


def _sentence(rule: AccessRule) -> str:
    where = "in this server" if rule.channel_id is None else f"in <#{rule.channel_id}>"
    return f"The {rule.scope} `{rule.target}` is {'allowed' if rule.allowed else 'forbidden'} {where}."


def describe_modules(parts: CoreParts, guild_id: int) -> list[str]:
    """Return one line for each module: running, switched off, or why it does not run."""
    lines = []
    for module in parts.modules.loaded:
        state = "on"
        if not parts.settings.is_enabled(None, module.spec.name):
            state = "off everywhere"
        elif not parts.settings.is_enabled(guild_id, module.spec.name):
            state = "off here"
        lines.append(f"`{module.spec.name}`: {state}. {module.spec.description.partition(chr(10))[0]}")
    lines += [f"`{failure.name}`: does not run. The log says why." for failure in parts.modules.failures]
    return lines
