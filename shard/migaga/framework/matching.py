"""Which command a message or an interaction names. Synchronous and cheap: it runs for every message.

The router makes one `CommandIndex` for all loaded modules, and a new one after a reload.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from migaga.common.text import nearest
from migaga.framework.convert import quoted
from migaga.framework.errors import UnknownSubcommand
from migaga.framework.spec import CommandSpec, MenuSpec, ModuleSpec

_WORD = re.compile(r"\S+")
_MENTION = re.compile(r"<@!?(\d{15,20})>", re.ASCII)
_SUBCOMMAND_TYPES = frozenset({1, 2})


@dataclass(frozen=True, slots=True)
class TextMatch:
    """A message that calls a command."""

    module: str
    command: CommandSpec
    prefix: str
    """As it was written; a mention of the bot counts as one."""
    called: tuple[str, ...]
    """The text name that fitted."""
    arguments: str
    """What stands after the name."""


class CommandIndex:
    """The commands and menus of all loaded modules, by name."""

    def __init__(self, modules: Iterable[ModuleSpec]) -> None:
        """Index them. Where names clash, the first module keeps them; the loader refuses clashes before."""
        self._texts: dict[tuple[str, ...], tuple[str, CommandSpec]] = {}
        self._slashes: dict[tuple[str, ...], tuple[str, CommandSpec]] = {}
        self._menus: dict[tuple[str, str], tuple[str, MenuSpec]] = {}
        self._below: dict[tuple[str, ...], set[str]] = {}
        for module in modules:
            self._add(module)
        self._longest = max((len(words) for words in self._texts), default=0)

    def _add(self, module: ModuleSpec) -> None:
        for command in module.commands:
            if command.slash:
                self._slashes.setdefault(command.path, (module.name, command))
            for words in command.text_names:
                folded = tuple(word.casefold() for word in words)
                self._texts.setdefault(folded, (module.name, command))
                for length in range(1, len(folded)):
                    self._below.setdefault(folded[:length], set()).add(folded[length])
        for menu in module.menus:
            self._menus.setdefault((menu.type, menu.name), (module.name, menu))

    def match_text(self, content: str, prefixes: Sequence[str], bot_id: int) -> TextMatch | None:
        """Find the command that a message calls by its longest text name.

        Args:
            content: The message's text.
            prefixes: Prefixes that count here, such as the guild's; mentions of the bot always do.
            bot_id: The bot's user id.

        Returns:
            None when it calls none.

        Raises:
            UnknownSubcommand: it names a group of commands, but none of its commands.
        """
        found = after_prefix(content, prefixes, bot_id)
        if found is None:
            return None
        prefix, line = found
        words: list[re.Match[str]] = []
        for word in _WORD.finditer(line):
            words.append(word)
            if len(words) > self._longest:
                break
        names = tuple(word[0].casefold() for word in words)
        for length in range(min(len(names), self._longest), 0, -1):
            hit = self._texts.get(names[:length])
            if hit is not None:
                return TextMatch(*hit, prefix, names[:length], line[words[length - 1].end() :].strip())
        self._refuse_unknown(names, prefix)
        return None

    def _refuse_unknown(self, names: tuple[str, ...], prefix: str) -> None:
        for length in range(len(names), 0, -1):
            group = names[:length]
            if group not in self._below:
                continue
            known = tuple(sorted(self._below[group]))
            given = names[length] if length < len(names) else None
            raise UnknownSubcommand(group, given, known, _unknown_message(group, given, known, prefix))

    def match_slash(self, data: Mapping[str, object]) -> tuple[str, CommandSpec] | None:
        """Find the command of an interaction from its raw `data`, as module and command."""
        return self._slashes.get(slash_path(data))

    def match_menu(self, data: Mapping[str, object]) -> tuple[str, MenuSpec] | None:
        """Find the context menu command of an interaction from its raw `data` (type 2: user, 3: message)."""
        kind = {2: "user", 3: "message"}.get(_integer(data.get("type")), "")
        return self._menus.get((kind, str(data.get("name"))))

    def by_text_name(self, name: str) -> tuple[str, CommandSpec] | None:
        """Find a command by one of its names, as `help` gets it."""
        words = tuple(name.casefold().split())
        return self._texts.get(words) or self._slashes.get(words)

    def nearest_name(self, name: str) -> str | None:
        """Return the text name that is most like this one."""
        return nearest(name, [" ".join(words) for words in self._texts])


def _integer(value: object) -> int:
    return value if isinstance(value, int) else 0


def _unknown_message(group: tuple[str, ...], given: str | None, known: tuple[str, ...], prefix: str) -> str:
    shown = prefix if not _MENTION.fullmatch(prefix.strip()) else "/"
    choices = ", ".join(f"`{name}`" for name in known)
    if given is None:
        return f"`{shown}{' '.join(group)}` needs one of: {choices}."
    close = nearest(given, known)
    meant = f" Did you mean `{shown}{' '.join((*group, close))}`?" if close else ""
    return f"`{shown}{' '.join(group)}` has no command {quoted(given)}.{meant} It has: {choices}."


def after_prefix(content: str, prefixes: Sequence[str], bot_id: int) -> tuple[str, str] | None:
    """Return the prefix as written and what follows it; None when the text begins with none of them."""
    content = content.lstrip()
    mention = _MENTION.match(content)
    if mention and int(mention[1]) == bot_id:
        return mention[0], content[mention.end() :].lstrip()
    for prefix in sorted(prefixes, key=len, reverse=True):
        head = content[: len(prefix)]
        if prefix and head.casefold() == prefix.casefold():
            rest = content[len(prefix) :]
            # "hey hello" is meant with the prefix "hey"; "! hello" is just somebody's exclamation mark.
            if prefix[-1].isalnum():
                rest = rest.lstrip()
            return (head, rest) if rest and not rest[0].isspace() else None
    return None


def slash_path(data: Mapping[str, object]) -> tuple[str, ...]:
    """Return the path of a slash command from an interaction's raw `data`: name, groups, sub-command."""
    return _walk(data)[0]


def leaf_options(data: Mapping[str, object]) -> tuple[Mapping[str, object], ...]:
    """Return the options of the sub-command that an interaction's raw `data` names."""
    return _walk(data)[1]


def _walk(data: Mapping[str, object]) -> tuple[tuple[str, ...], tuple[Mapping[str, object], ...]]:
    path = [str(data.get("name"))]
    options = _options(data)
    while len(path) < 3 and options and _integer(options[0].get("type")) in _SUBCOMMAND_TYPES:
        path.append(str(options[0].get("name")))
        options = _options(options[0])
    return tuple(path), options


def _options(data: Mapping[str, object]) -> tuple[Mapping[str, object], ...]:
    options = data.get("options")
    return tuple(option for option in options if isinstance(option, Mapping)) if isinstance(options, list) else ()
