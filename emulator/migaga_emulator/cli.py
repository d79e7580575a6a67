"""`migaga emulator`: an emulated Discord on this machine, until it is told to stop."""

from __future__ import annotations

import asyncio
import base64
import binascii
import errno
import json
import signal
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

from migaga.common.commands import Command
from migaga.common.errors import UnavailableError, UsageError
from migaga.common.text import nearest
from migaga_emulator.populate import Plot, populate
from migaga_emulator.rules import Rules
from migaga_emulator.server import HOST, Emulator, run_emulator
from migaga_emulator.world.state import Bot

SHARED_RULES = ("recommended_shards", "max_concurrency", "identify_total", "heartbeat_interval_ms", "shard_multiple")
"""Rules that have a flag of their own; every other one is set by `--rule NAME=VALUE`."""


@dataclass(frozen=True, slots=True)
class Options:
    """What was asked for."""

    rules: Rules
    port: int
    seed: int
    guilds: int
    members: int
    application_id: int | None
    token: str | None
    as_json: bool


def configure(parser: ArgumentParser) -> None:
    """Declare the arguments. Values are read by `read_options`, so that a wrong one is one clear line."""
    parser.add_argument("--guilds", default="1", metavar="N", help="guilds the bot is in (default: 1)")
    parser.add_argument("--members", default="5", metavar="N", help="people in each guild (default: 5)")
    parser.add_argument("--port", default="0", metavar="P", help="port on 127.0.0.1 (default: any free one)")
    parser.add_argument("--seed", default="0", metavar="N", help="seed of ids, tokens and session ids (default: 0)")
    parser.add_argument("--application-id", metavar="ID", help="id of the bot's application (default: from the token)")
    parser.add_argument("--token", metavar="TOKEN", help="the bot's token (default: a new one)")
    for name in SHARED_RULES:
        default = getattr(Rules(), name)
        parser.add_argument("--" + name.replace("_", "-"), metavar="N", help=f"{_rule_help(name)} (default: {default})")
    parser.add_argument(
        "--rule", action="append", default=[], metavar="NAME=VALUE", help="any other limit, as in docs/emulator.md"
    )
    parser.add_argument("--json", action="store_true", help="print one line of JSON first")


def run(arguments: Namespace) -> int:
    """Serve until SIGTERM or SIGINT; 0 when it was asked to stop."""
    options = read_options(arguments)
    try:
        return asyncio.run(_serve(options))
    except OSError as error:
        raise _explained(error, options.port) from error


def read_options(arguments: Namespace) -> Options:
    """Check every value. UsageError names the flag, what is wrong and what is allowed."""
    token = arguments.token
    if token is not None and (not token or token != "".join(token.split())):
        raise UsageError("--token is empty or has spaces in it: give the token as one word, or leave the flag out")
    application_id = None
    if arguments.application_id is not None:
        application_id = _number("--application-id", arguments.application_id, 1, 2**64 - 1)
    elif token is not None:
        application_id = _id_in_token(token)
    return Options(
        rules=_rules(arguments),
        port=_number("--port", arguments.port, 0, 65_535),
        seed=_number("--seed", arguments.seed, 0, 2**63 - 1),
        guilds=_number("--guilds", arguments.guilds, 0, 100_000),
        members=_number("--members", arguments.members, 0, 100_000),
        application_id=application_id,
        token=token,
        as_json=arguments.json,
    )


def _rules(arguments: Namespace) -> Rules:
    rules = Rules()
    for name in SHARED_RULES:
        given = getattr(arguments, name)
        if given is not None:
            rules = _with_rule(rules, name, "--" + name.replace("_", "-"), given)
    for item in arguments.rule:
        name, separator, value = item.partition("=")
        if not separator:
            raise UsageError(
                f"--rule {item!r} has no value: write --rule NAME=VALUE, such as --rule resume_window_s=60"
            )
        rules = _with_rule(rules, name.strip().replace("-", "_"), f"--rule {name.strip()}", value.strip())
    return rules


def _with_rule(rules: Rules, name: str, flag: str, text: str) -> Rules:
    kinds = {field.name: getattr(rules, field.name) for field in fields(Rules)}
    default = kinds.get(name)
    if isinstance(default, bool) or not isinstance(default, int | float):
        close = nearest(name, kinds)
        raise UsageError(f"{flag}: no such limit{f', did you mean {close}?' if close else ''} (see docs/emulator.md)")
    if isinstance(default, int):
        least = 0 if name == "identify_total" else 1
        return replace(rules, **{name: _number(flag, text, least, 2**31 - 1)})  # type: ignore[arg-type]
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise UsageError(f"{flag} must be a number of seconds, 0 or more, not {text!r}")
    return replace(rules, **{name: value})  # type: ignore[arg-type]


def _number(flag: str, text: str, least: int, most: int) -> int:
    try:
        value = int(text)
    except ValueError:
        value = least - 1
    if not least <= value <= most:
        raise UsageError(f"{flag} must be a whole number from {least} to {most}, not {text!r}")
    return value


def _id_in_token(token: str) -> int | None:
    """The application id in the first part of a token; None when it holds none."""
    head = token.partition(".")[0]
    try:
        text = base64.b64decode(head + "=" * (-len(head) % 4), validate=True).decode("ascii")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return int(text) if text.isdecimal() and 0 < int(text) < 2**64 else None


def _rule_help(name: str) -> str:
    return {
        "recommended_shards": "shards that GET /gateway/bot recommends",
        "max_concurrency": "IDENTIFY buckets",
        "identify_total": "IDENTIFYs in 24 hours",
        "heartbeat_interval_ms": "milliseconds between heartbeats",
        "shard_multiple": "number that the shard count must be a multiple of",
    }[name]


async def _serve(options: Options) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with run_emulator(options.rules, port=options.port, seed=options.seed) as emulator:
        bot = emulator.create_bot("Migaga", bot_id=options.application_id, token=options.token)
        populate(emulator.world, bot, options.guilds, Plot(members=options.members))
        if options.as_json:
            sys.stdout.write(json.dumps(facts(emulator, bot, options)) + "\n")
        sys.stdout.write(description(emulator, bot, options))
        sys.stdout.flush()
        await stop.wait()
    return 0


def facts(emulator: Emulator, bot: Bot, options: Options) -> dict[str, object]:
    """What a program needs to use this emulator."""
    return {
        "api_url": emulator.api_url,
        "gateway_url": emulator.gateway_url,
        "control_url": emulator.control_url,
        "port": emulator.port,
        "application_id": str(bot.application_id),
        "token": bot.token,
        "guilds": options.guilds,
        "members": options.members,
        "recommended_shards": options.rules.recommended_shards,
        "max_concurrency": options.rules.max_concurrency,
    }


def description(emulator: Emulator, bot: Bot, options: Options) -> str:
    """The same for people, and how to point a bot here."""
    rules = options.rules
    rows: Sequence[tuple[str, str]] = (
        ("REST API", emulator.api_url),
        ("Gateway", emulator.gateway_url),
        ("Control API", emulator.control_url),
        ("Application id", str(bot.application_id)),
        ("Token", bot.token),
        ("Guilds", f"{options.guilds}, each with {options.members} people and their owner"),
        ("Shards", f"{rules.recommended_shards} recommended, {rules.max_concurrency} may identify at a time"),
        ("IDENTIFY budget", f"{rules.identify_total} in 24 hours"),
    )
    width = max(len(name) for name, _ in rows)
    lines = [f"{name:<{width}}  {value}" for name, value in rows]
    lines += [
        "",
        "Point a bot here, in its config.ini:",
        "  [Env]",
        f"  ClientId = {bot.application_id}",
        f"  Token = {bot.token}",
        "  [Discord]",
        f"  ApiUrl = {emulator.api_url}",
        "",
        "Stop with Ctrl+C.",
        "",
    ]
    return "\n".join(lines)


def _explained(error: OSError, port: int) -> UnavailableError:
    if error.errno == errno.EADDRINUSE:
        return UnavailableError(
            f"port {port} on {HOST} is in use: stop what uses it, or choose another with --port (0: any free one)"
        )
    if error.errno == errno.EACCES:
        return UnavailableError(f"port {port} needs rights that you lack: choose one above 1023 with --port")
    return UnavailableError(f"cannot listen on {HOST}:{port}: {error.strerror or error}")


COMMAND = Command("emulator", "an emulated Discord for tests and demos", configure, run)
