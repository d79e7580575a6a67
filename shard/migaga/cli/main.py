"""`migaga`: finds the sub-command that is asked for, and loads only that one.

Listing the commands loads none of them, because some need hikari or SQLAlchemy and others must not load them.
"""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from importlib import import_module, util
from types import MappingProxyType

from migaga import __version__
from migaga.common.commands import Command
from migaga.common.errors import MigagaError, UsageError
from migaga.common.logs import REDACTOR
from migaga.common.text import did_you_mean

COMMANDS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "run": ("migaga.cli.run", "run a bot: all its shards in this process"),
        "shard": ("migaga.cli.shard", "run some shards of a bot in this process"),
        "modules": ("migaga.cli.modules", "list the modules of a bot and what they offer"),
        "new": ("migaga.cli.new", "write a new module with its test"),
        "db": ("migaga.cli.db", "upgrade the database and say where it stands"),
        "operator": ("migaga_operator.control.command", "run the BotDeployments of a Kubernetes cluster"),
        "up": ("migaga_operator.local.up_command", "run the bots of a file on this machine, each as a fleet"),
        "plan": ("migaga_operator.plan_command", "print what would be done for a BotDeployment"),
        "emulator": ("migaga_emulator.cli", "an emulated Discord for tests and demos"),
        "demo": ("migaga_emulator.scenarios.demo", "a fleet against the emulator, with people who use it"),
        "scenario": ("migaga_emulator.scenarios.command", "a fleet against the emulator while things go wrong"),
    }
)
"""Name -> where its `COMMAND` is, and what it does."""

EXIT_INTERRUPTED = 130
EXIT_BROKEN_PIPE = 141


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a sub-command and return the exit code. Errors that people can act on become one line on stderr."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        code = _dispatch(words)
        sys.stdout.flush()
    except MigagaError as error:
        print(f"migaga: {REDACTOR.clean(str(error))}", file=sys.stderr)  # noqa: T201 - the command line's own voice
        return error.exit_code
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # The reader (head, less) has gone. Python would complain again when it flushes stdout at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_BROKEN_PIPE
    return code


def _dispatch(words: list[str]) -> int:
    if not words or words[0] in {"-h", "--help", "help"}:
        sys.stdout.write(_help())
        return 0 if words else UsageError.exit_code
    if words[0] in {"-V", "--version"}:
        sys.stdout.write(f"migaga {__version__}\n")
        return 0
    command = _load(words[0])
    parser = _Parser(prog=f"migaga {command.name}", description=_sentence(command.summary))
    command.configure(parser)
    return command.run(parser.parse_args(words[1:]))


def _load(name: str) -> Command:
    """Import the file of one command. Raises UsageError for a name that there is not."""
    if name not in COMMANDS:
        kind = "option" if name.startswith("-") else "command"
        raise UsageError(f"there is no {kind} {name!r}.{did_you_mean(name, COMMANDS)} `migaga --help` lists them.")
    module, _ = COMMANDS[name]
    package = module.split(".", 1)[0]
    if util.find_spec(package) is None:
        raise UsageError(f"`migaga {name}` needs the package {package}, which is not installed here.")
    command = import_module(module).COMMAND
    if not isinstance(command, Command):
        raise TypeError(f"{module}.COMMAND is not a Command")
    return command


class _Parser(ArgumentParser):
    """A parser whose complaints are ours: one line, the nearest right option, exit code 64."""

    def error(self, message: str) -> None:  # type: ignore[override]
        """Raise UsageError instead of leaving."""
        hint = ""
        if message.startswith("unrecognized arguments: "):
            word = message.removeprefix("unrecognized arguments: ").split()[0].split("=")[0]
            options = [option for action in self._actions for option in action.option_strings]
            hint = did_you_mean(word, options)
        raise UsageError(f"{self.prog}: {message}.{hint} `{self.prog} --help` says more.")


def _help() -> str:
    width = max(map(len, COMMANDS))
    lines = [f"  {name.ljust(width)}  {summary}" for name, (_, summary) in COMMANDS.items()]
    return "\n".join(
        [
            "usage: migaga COMMAND [options]",
            "",
            "Discord bots run as a fleet of gateway shards that never drops an event.",
            "",
            "commands:",
            *lines,
            "",
            "`migaga COMMAND --help` says more about one. `migaga --version` prints the version.",
            "",
        ]
    )


def _sentence(summary: str) -> str:
    return summary[:1].upper() + summary[1:] + "."


if __name__ == "__main__":
    sys.exit(main())
