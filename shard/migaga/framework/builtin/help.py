"""What `help` shows: only what this person may use here. Called by `core.py`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import hikari

from migaga.common.text import did_you_mean, shorten
from migaga.framework.access import Asked
from migaga.framework.builtin.parts import CoreParts
from migaga.framework.context import AutocompleteContext, Context
from migaga.framework.errors import NotAllowed, UserError
from migaga.framework.guild_settings import CORE
from migaga.framework.permissions import permission_names
from migaga.framework.scope import LoadedModule
from migaga.framework.spec import CommandSpec
from migaga.framework.usage import slash_usage, text_usage

PAGE = 1_800
"""Characters of one page: under Discord's 2,000 with the page's number."""


async def usable(parts: CoreParts, context: Context | AutocompleteContext) -> list[tuple[LoadedModule, CommandSpec]]:
    """Return the commands that this person may use here."""
    return [
        (module, command)
        for module, command in parts.commands()
        if await refusal(parts, context, module, command) is None
    ]


async def refusal(
    parts: CoreParts, context: Context | AutocompleteContext, module: LoadedModule, command: CommandSpec
) -> str | None:
    """Return why this person may not use a command here; None when they may."""
    scope = context.scope_of(module)
    try:
        await parts.access.check_place(scope, context.person.id, Asked(command.requirements, " ".join(command.path)))
        await parts.access.check_person(context, command.requirements)
    except NotAllowed as refused:
        return str(refused)
    return None


def overview(commands: Sequence[tuple[LoadedModule, CommandSpec]], prefix: str) -> list[str]:
    """Return the pages of the list of modules and commands."""
    lines: list[str] = []
    shown: LoadedModule | None = None
    for module, command in sorted(commands, key=lambda one: one[0].spec.name == CORE):
        line = f"  `{name_of(command, prefix)}` {command.description}"
        if module is not shown:
            shown = module
            summary = shorten(module.spec.description.partition("\n")[0], 100)
            # A heading stays with its first command.
            line = f"**{module.spec.title}** {summary}".rstrip() + f"\n{line}"
        lines.append(line)
    return pages(lines)


def name_of(command: CommandSpec, prefix: str) -> str:
    """Return how a command is called: its text form, or its slash form when it has no other."""
    if command.text and command.text_names:
        return prefix + " ".join(command.text_names[0])
    return "/" + " ".join(command.path)


def pages(lines: Iterable[str]) -> list[str]:
    """Join lines into texts that fit a message."""
    found: list[str] = []
    current = ""
    for line in lines:
        part = shorten(line, PAGE)
        if current and len(current) + len(part) + 1 > PAGE:
            found.append(current)
            current = ""
        current = f"{current}\n{part}" if current else part
    return [*found, current] if current else found


def find(parts: CoreParts, name: str) -> tuple[LoadedModule, CommandSpec] | None:
    """Return the command of a name: its slash path or one of its text names."""
    words = tuple(name.strip().lstrip("/!").casefold().split())
    for module, command in parts.commands():
        names = [command.path, *command.text_names]
        if words in [tuple(word.casefold() for word in one) for one in names]:
            return module, command
    return None


def describe(command: CommandSpec, prefix: str) -> str:
    """Return the help of one command: what it does, how it is written, what it takes, what it needs."""
    lines = [command.help or command.description, ""]
    usages = [text_usage(command, prefix) if command.text else "", slash_usage(command)]
    lines += [f"`{usage}`" for usage in usages if usage]
    lines += [f"- `{one.name}` ({one.kind.value}): {one.description}" for one in command.parameters]
    others = [prefix + " ".join(words) for words in command.text_names[1:]]
    if others and command.text:
        lines.append("Also: " + ", ".join(f"`{other}`" for other in others))
    needs = command.requirements
    if needs.permissions:
        lines.append("Needs: " + ", ".join(permission_names(needs.permissions)))
    if needs.owner_only:
        lines.append("For the owners of the bot only.")
    return shorten("\n".join(lines), 2_000)


def topics(commands: Sequence[tuple[LoadedModule, CommandSpec]]) -> set[str]:
    """Return what help can be asked about: these commands and their modules."""
    return {" ".join(command.path) for _, command in commands} | {module.spec.name for module, _ in commands}


def module_page(name: str, commands: Sequence[tuple[LoadedModule, CommandSpec]], prefix: str) -> str:
    """Return the help of a module or a group of commands, of which `commands` may be used here.

    Raises:
        UserError: There is neither; names the nearest.
    """
    wanted = name.strip().lstrip("/!").casefold()
    fitting = [
        (module, command)
        for module, command in commands
        if module.spec.name == wanted.replace(" ", "_") or " ".join(command.path).startswith(f"{wanted} ")
    ]
    if fitting:
        return overview(fitting, prefix)[0]
    raise UserError(f"There is no command or module with this name.{did_you_mean(wanted, topics(commands))}")


def turning(page: int, count: int, custom_id: Callable[[int], str]) -> list[hikari.impl.MessageActionRowBuilder]:
    """Return the buttons that turn the pages. `custom_id` makes the id of the button that leads to a page."""
    if count < 2:
        return []
    row = hikari.impl.MessageActionRowBuilder()
    for label, target in (("Back", page - 1), ("Next", page + 1)):
        row.add_interactive_button(
            hikari.ButtonStyle.SECONDARY,
            custom_id(target),
            label=label,
            is_disabled=not 0 <= target < count,
        )
    return [row]
