"""What two modules cannot both have, and Discord's limits on all commands together.

The loader asks before it accepts a module; the later one is refused and told whose name it takes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from migaga.framework.slash import command_payloads, payload_size
from migaga.framework.spec import ModuleSpec
from migaga.storage.schema import CORE_SCHEMA

# Source: Discord's documentation, "Registering a Command" and "Slash Commands".
MOST_COMMANDS = 100
MOST_SUBCOMMANDS = 25
MOST_MENUS = 15
"""Of each kind, for users and for messages."""
LARGEST_COMMAND = 8_000
"""Characters of a command with all that is in it: see `slash.payload_size`."""
_RESERVED = {"core": "Migaga's own tables and options"}


@dataclass(frozen=True, slots=True)
class Clash:
    """Why a module cannot run beside those that are there."""

    reason: str
    hint: str


def find_clashes(module: ModuleSpec, others: Sequence[ModuleSpec]) -> list[Clash]:
    """Return everything that keeps `module` from running beside `others`."""
    if module.name in _RESERVED:
        return [Clash(f"the name {module.name!r} stands for {_RESERVED[module.name]}", "Choose another name.")]
    for other in others:
        if other.name == module.name:
            reason = (
                f"the module name {module.name!r} is taken by {other.source or other.name}; this is {module.source}"
            )
            return [Clash(reason, "Set `name` in one of the classes, or load only one of them.")]
    taken = {("the table", name.casefold()): "core" for name in CORE_SCHEMA.metadata.tables}
    taken |= {claim: other.name for other in others for claim in _claims(other)}
    clashes = [
        Clash(f"{what} {name!r} is taken by the module {taken[what, name]!r}", _HINTS.get(what, "Choose another name."))
        for what, name in _claims(module)
        if (what, name) in taken
    ]
    # Each needs what stands before it: a tree that cannot be has no size.
    return (
        clashes
        or list(_mixed(module, others))
        or [*_too_many(module, others), *_too_many_menus(module, others)]
        or list(_too_large(module, others))
    )


_HINTS = {
    "the table": "Start the names of its tables with the module's name.",
}


def _claims(module: ModuleSpec) -> Iterator[tuple[str, str]]:
    for command in module.commands:
        if command.slash:
            yield "the slash command", " ".join(command.path)
        for words in command.text_names:
            yield "the text command", " ".join(words).casefold()
    for menu in module.menus:
        yield f"the {menu.type} menu entry", menu.name
    for table in module.metadata.tables if module.metadata is not None else ():
        yield "the table", table.casefold()


def _slash_paths(modules: Iterable[ModuleSpec]) -> Iterator[tuple[tuple[str, ...], str]]:
    for module in modules:
        for command in module.commands:
            if command.slash:
                yield command.path, module.name


def _mixed(module: ModuleSpec, others: Sequence[ModuleSpec]) -> Iterator[Clash]:
    """Find names that are a command in one module and a group in the other."""
    for path, _ in _slash_paths([module]):
        for other, owner in _slash_paths(others):
            short, long = sorted((path, other), key=len)
            if len(short) < len(long) and long[: len(short)] == short:
                yield Clash(
                    f"{' '.join(short)!r} would be a command and a group of commands (with the module {owner!r})",
                    "Discord allows one of the two: rename the command, or make it text only (`slash=False`).",
                )


def _too_many(module: ModuleSpec, others: Sequence[ModuleSpec]) -> Iterator[Clash]:
    children: dict[tuple[str, ...], set[str]] = {}
    for path, _ in _slash_paths([*others, module]):
        for length in range(len(path)):
            children.setdefault(path[:length], set()).add(path[length])
    for group, names in children.items():
        most = MOST_SUBCOMMANDS if group else MOST_COMMANDS
        own = sorted(
            {
                path[len(group)]
                for path, _ in _slash_paths([module])
                if path[: len(group)] == group and len(path) > len(group)
            }
        )
        if len(names) > most and own:
            what = f"the group {' '.join(group)!r}" if group else "the bot"
            yield Clash(
                f"{what} would have {len(names)} slash commands with {_listed(own)}",
                f"Discord allows {most}: group or remove some.",
            )


def _too_many_menus(module: ModuleSpec, others: Sequence[ModuleSpec]) -> Iterator[Clash]:
    for kind in ("user", "message"):
        own = [menu.name for menu in module.menus if menu.type == kind]
        total = len(own) + sum(menu.type == kind for other in others for menu in other.menus)
        if own and total > MOST_MENUS:
            yield Clash(
                f"the context menu of a {kind} would have {total} entries with {_listed(own)}",
                f"Discord allows {MOST_MENUS}: remove some.",
            )


def _too_large(module: ModuleSpec, others: Sequence[ModuleSpec]) -> Iterator[Clash]:
    own = {path[0] for path, _ in _slash_paths([module])}
    for payload in command_payloads([*others, module]):
        size = payload_size(payload)
        if size > LARGEST_COMMAND and payload["name"] in own:
            yield Clash(
                f"the slash command {payload['name']!r} would have {size:,} characters of names, descriptions and "
                "choices with all that is in it",
                f"Discord allows {LARGEST_COMMAND:,}: shorten descriptions, or use `Autocomplete` for choices.",
            )


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(repr(name) for name in names[:5])
    return f"{shown}, ..." if len(names) > 5 else shown
