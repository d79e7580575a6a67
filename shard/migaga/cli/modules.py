"""`migaga modules`: which modules a bot would load, what they offer, and which do not load and why."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

import hikari

from migaga.cli.output import Json, foreign_output_apart, say, say_json, table
from migaga.common.commands import Command
from migaga.common.errors import UsageError
from migaga.common.settings import load_settings
from migaga.common.text import did_you_mean
from migaga.framework.builtin.core import load_core
from migaga.framework.loader import LoadedModule, LoadResult, load_modules
from migaga.framework.needs import handlers_of
from migaga.framework.spec import CommandSpec, ModuleSpec, OptionSpec, ParameterSpec
from migaga.framework.usage import slash_usage, text_usage
from migaga.framework.values import encode
from migaga.storage.catalogue import HandlerRecord

DEFAULT_CONFIG = Path("config.ini")
FAILED = 1
"""Exit code when a module does not load."""


def configure(parser: ArgumentParser) -> None:
    """Declare the arguments."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    listing = actions.add_parser(
        "list",
        help="list all modules; exit code 1 when one does not load",
        description="List the modules that the configuration loads. The exit code is 1 when one does not load.",
    )
    showing = actions.add_parser("show", help="show one module", description="Show everything about one module.")
    showing.add_argument("name", metavar="NAME", help="the module")
    for action in (listing, showing):
        action.add_argument(
            "--config", type=Path, default=None, metavar="FILE", help="configuration file (default: config.ini)"
        )
        action.add_argument(
            "--directory",
            type=Path,
            action="append",
            default=[],
            metavar="D",
            help="a further folder with modules; may be given several times",
        )
        action.add_argument("--json", action="store_true", help="print one JSON object on stdout")


def run(arguments: Namespace) -> int:
    """Do what was asked and return the exit code."""
    config = arguments.config or (DEFAULT_CONFIG if DEFAULT_CONFIG.is_file() else None)
    settings = load_settings(config, os.environ).modules
    with foreign_output_apart():
        result = load_modules(settings.load, [*settings.directories, *arguments.directory], taken=[load_core().spec])
    if arguments.action == "show":
        return _show(arguments.name, result, as_json=arguments.json)
    if arguments.json:
        say_json(describe(result))
    else:
        say(_listing(result))
        _complain(result)
    return FAILED if result.failures else 0


def _listing(result: LoadResult) -> str:
    rows = [
        (
            module.spec.name,
            len(module.spec.commands) + len(module.spec.menus),
            len(module.spec.listeners),
            len(module.spec.tasks),
            len(module.spec.options),
            module.source.origin,
            module.spec.description.split("\n", 1)[0],
        )
        for module in result.modules
    ]
    return table(("module", "commands", "listeners", "tasks", "options", "source", "description"), rows)


def _complain(result: LoadResult) -> None:
    for failure in result.failures:
        sys.stderr.write(f"{failure}\n")


def _show(name: str, result: LoadResult, *, as_json: bool) -> int:
    for module in result.modules:
        if module.spec.name == name.casefold():
            if as_json:
                say_json(_module(module))
            else:
                say(_page(module.spec))
            return 0
    for failure in result.failures:
        if failure.name == name:
            sys.stderr.write(f"{failure}\n")
            return FAILED
    known = [module.spec.name for module in result.modules]
    raise UsageError(f"there is no module {name!r}.{did_you_mean(name, known)} There are: {', '.join(known)}")


def _page(spec: ModuleSpec) -> str:
    parts = [f"{spec.title} ({spec.name})", spec.description, f"from {spec.source}"]
    if spec.commands:
        rows = [
            (slash_usage(command) or "-", text_usage(command) or "-", command.description) for command in spec.commands
        ]
        parts.append(table(("slash", "text", "what it does"), rows))
    if spec.menus:
        parts.append(table(("menu", "of"), [(menu.name, menu.type) for menu in spec.menus]))
    if spec.options:
        options = [(one.name, one.kind.value, encode(one, one.default), one.description) for one in spec.options]
        parts.append(table(("option", "takes", "default", "what it is for"), options))
    handlers = handlers_of(spec)
    if handlers:
        called = [(one.handler, one.kind, one.answers, _takes(one), ", ".join(_needs(one))) for one in handlers]
        parts.append(table(("handler", "kind", "answers", "takes", "needs"), called))
    parts.append(f"intents: {', '.join(_intents(spec)) or 'none'}")
    return "\n\n".join(part for part in parts if part)


def _takes(handler: HandlerRecord) -> str:
    """Name the context and what is filled by type; the values that people give are in the commands' usage."""
    contexts = [handler.context] if handler.context else []
    return ", ".join([*contexts, *(one.type for one in handler.injected if one.source != "context")])


def _needs(handler: HandlerRecord) -> list[str]:
    """Name what must hold before it is called."""
    needs = _permissions(handler.permissions)
    needs.extend(f"bot: {name}" for name in _permissions(handler.bot_permissions))
    needs.extend(name for name, holds in (("owner", handler.owner_only), ("guild", handler.guild_only)) if holds)
    return needs


def _permissions(bits: int) -> list[str]:
    return sorted(flag.name for flag in hikari.Permissions(bits).split() if flag.name)


def _intents(spec: ModuleSpec) -> list[str]:
    return sorted(intent.name for intent in spec.intents.split() if intent.name)


def describe(result: LoadResult) -> Json:
    """Return what `migaga modules list --json` prints: `{"modules": [...], "failures": [...]}`."""
    return {
        "modules": [_module(module) for module in result.modules],
        "failures": [{"name": f.name, "reason": f.reason, "hint": f.hint} for f in result.failures],
    }


def _module(module: LoadedModule) -> Json:
    spec = module.spec
    return {
        "name": spec.name,
        "title": spec.title,
        "description": spec.description,
        "source": str(spec.source),
        "origin": module.source.origin,
        "commands": [_command(command) for command in spec.commands],
        "menus": [{"name": menu.name, "type": menu.type} for menu in spec.menus],
        "options": [_option(option) for option in spec.options],
        "listeners": [
            {"handler": one.handler, "events": [event.__name__ for event in one.events]} for one in spec.listeners
        ],
        "tasks": [
            {"handler": one.handler, "every": one.every.total_seconds(), "once_per": one.once_per} for one in spec.tasks
        ],
        "handlers": [_handler(handler) for handler in handlers_of(spec)],
        "intents": _intents(spec),
    }


def _handler(handler: HandlerRecord) -> Json:
    return {
        "handler": handler.handler,
        "kind": handler.kind,
        "answers": handler.answers,
        "context": handler.context,
        "parameters": [{"name": p.name, "kind": p.kind, "required": p.required} for p in handler.parameters],
        "injected": [{"argument": i.argument, "source": i.source, "type": i.type} for i in handler.injected],
        "permissions": _permissions(handler.permissions),
        "bot_permissions": _permissions(handler.bot_permissions),
        "owner_only": handler.owner_only,
        "guild_only": handler.guild_only,
    }


def _command(command: CommandSpec) -> Json:
    needs = command.requirements
    return {
        "path": " ".join(command.path),
        "text_names": [" ".join(words) for words in command.text_names],
        "description": command.description,
        "slash": command.slash,
        "permissions": _permissions(int(needs.permissions)),
        "bot_permissions": _permissions(int(needs.bot_permissions)),
        "owner_only": needs.owner_only,
        "guild_only": needs.guild_only,
        "parameters": [_parameter(parameter) for parameter in command.parameters],
    }


def _parameter(parameter: ParameterSpec) -> Json:
    return {
        "name": parameter.name,
        "kind": parameter.kind.value,
        "description": parameter.description,
        "required": parameter.required,
        "choices": [choice.name for choice in parameter.choices],
        "minimum": parameter.minimum,
        "maximum": parameter.maximum,
    }


def _option(option: OptionSpec) -> Json:
    return {
        "name": option.name,
        "kind": option.kind.value,
        "default": encode(option, option.default),
        "description": option.description,
        "choices": [choice.name for choice in option.choices],
    }


COMMAND = Command("modules", "list the modules of a bot and what they offer", configure, run)
