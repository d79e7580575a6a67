"""Every fault of an author's class is found when it is read, and named: class, method, parameter, reason, remedy."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from migaga.framework.declare import FaultyModuleError
from migaga.framework.loader import ModuleRefusedError, load_source
from migaga.framework.sources import discover

HEAD = """
from __future__ import annotations
from datetime import timedelta
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Literal
import hikari
from migaga.api import *
if TYPE_CHECKING:
    from pathlib import Path
points = group("points", "Points")
deep = points.group("a", "A").group("b", "B")
class Mixed(Enum):
    A = 1
    B = "b"
class Greeter(BaseModule):
"""

METHODS = [
    ("@command\nasync def start(self, ctx: Context): 'F.'", ["Greeter.start", "already", '@command("start")']),
    ("@command\nasync def f(self): 'F.'", ["Greeter.f", "context", "ctx: Context"]),
    ("@command\nasync def f(): 'F.'", ["Greeter.f", "self"]),
    ("@command\nasync def f(self, who: str): 'F.'", ["Greeter.f(who)", "context"]),
    ("@command\nasync def f(self, ctx: Context, who): 'F.'", ["Greeter.f(who)", "no type", "who: str"]),
    ("@command\nasync def f(self, ctx: Context, who: list[str]): 'F.'", ["Greeter.f(who)", "list[str]", "hikari.User"]),
    ("@command\nasync def f(self, ctx: Context, who: Path): 'F.'", ["Greeter.f(who)", "'Path'", "TYPE_CHECKING"]),
    ("@command\nasync def f(self, ctx: Context, who: 3): 'F.'", ["Greeter.f(who)", "3"]),
    ("@command\nasync def f(self, ctx: Context, who: Mixed): 'F.'", ["Greeter.f(who)", "Mixed"]),
    ("@command\nasync def f(self, ctx: Context, *who: str): 'F.'", ["Greeter.f", "*who", "open number"]),
    ("@command\nasync def f(self, ctx: Context, **who: str): 'F.'", ["Greeter.f", "**who"]),
    ("@command\nasync def f(self, ctx: Context, who: str, /): 'F.'", ["Greeter.f", "positional-only", "`/`"]),
    ("@command\nasync def f(self, ctx: Context, a: str = '', *, b: str): 'F.'", ["Greeter.f(b)", "'a'", "first"]),
    ("@command\nasync def f(self, ctx: Context, a: str | None, b: str): 'F.'", ["Greeter.f(b)", "'a'"]),
    ("@command\nasync def f(self, ctx: Context, a: Annotated[str, Rest()], b: str): 'F.'", ["Greeter.f(a)", "last"]),
    ("@command\nasync def f(self, ctx: Context, a: Annotated[str, Rest]): 'F.'", ["Greeter.f(a)", "Rest(...)"]),
    ("@command\nasync def f(self, ctx: Context, a: Annotated[str, Range(1, 2)]): 'F.'", ["Greeter.f(a)", "range"]),
    ("@command\nasync def f(self, ctx: Context, a: Annotated[int, Length(1, 2)]): 'F.'", ["Greeter.f(a)", "length"]),
    ("@command\nasync def f(self, ctx: Context, a: Annotated[int, Range(3, 2)]): 'F.'", ["Greeter.f(a)", "3", "2"]),
    ("@command\nasync def f(self, ctx: Context, a: Annotated[str, Length(1, 7000)]): 'F.'", ["Greeter.f(a)", "6000"]),
    (
        "@command\nasync def f(self, ctx: Context, a: Annotated[int, Choices(*range(26))]): 'F.'",
        ["Greeter.f(a)", "26 choices", "25"],
    ),
    ("@command\nasync def f(self, ctx: Context, a: Annotated[int, Choices('x')]): 'F.'", ["Greeter.f(a)", "'x'"]),
    ("@command\nasync def f(self, ctx: Context, a: Annotated[int, Choices(1, 1)]): 'F.'", ["Greeter.f(a)", "two of"]),
    ("@command\nasync def f(self, ctx: Context, a: Annotated[str, Autocomplete('nope')]): 'F.'", ["f(a)", "'nope'"]),
    ("@command\nasync def f(self, ctx: Context, a: Annotated[bool, Autocomplete('f')]): 'F.'", ["f(a)", "yes or no"]),
    ("@command\nasync def f(self, ctx: Context, a: int = 'x'): 'F.'", ["Greeter.f(a)", "'x'", "int"]),
    (
        "@command\nasync def f(self, ctx: Context, a: Annotated[int, Range(1, 5)] = 9): 'F.'",
        ["Greeter.f(a)", "at most 5"],
    ),
    ("@command\nasync def f(self, ctx: Context, a: Annotated[str, Describe('x' * 101)]): 'F.'", ["f(a)", "101", "100"]),
    ("@command\nasync def f(self, ctx: Context, " + "a" * 33 + ": int): 'F.'", ["33 characters", "32"]),
    ("@command\nasync def f(self, ctx: Context): ...", ["Greeter.f", "no description", "docstring"]),
    ("@command\nasync def f(self, ctx: Context): '''" + "x" * 101 + "'''", ["Greeter.f", "101 characters"]),
    ("@command('Loud')\nasync def f(self, ctx: Context): 'F.'", ["Greeter.f", "'Loud'", "'loud'"]),
    ("@command('two words')\nasync def f(self, ctx: Context): 'F.'", ["Greeter.f", "' '"]),
    ("@command('')\nasync def f(self, ctx: Context): 'F.'", ["Greeter.f", "0 characters"]),
    ("@command(aliases=[''])\nasync def f(self, ctx: Context): 'F.'", ["Greeter.f", "alias", "empty"]),
    ("@command(aliases='f')\nasync def f(self, ctx: Context): 'F.'", ["Greeter.f", "same"]),
    ("@command(slash=False, as_text=False)\nasync def f(self, ctx: Context): 'F.'", ["Greeter.f", "neither"]),
    ("@command(permissions='ADMIN')\nasync def f(self, ctx: Context): 'F.'", ["Greeter.f", "ADMIN"]),
    ("@command(cooldown=Cooldown(0, timedelta(1)))\nasync def f(self, ctx: Context): 'F.'", ["Greeter.f", "cooldown"]),
    ("@command(alias=['x'])\nasync def f(self, ctx: Context): 'F.'", ["Greeter.f", "'alias'", "'aliases'"]),
    ("@command(localisations={'xx': ('a', 'b')})\nasync def f(self, ctx: Context): 'F.'", ["Greeter.f", "'xx'", "de"]),
    ("@command\nasync def f(self, ctx: Context):\n 'F.'\n yield 1", ["Greeter.f", "generator"]),
    ("@command\n@staticmethod\nasync def f(ctx: Context): 'F.'", ["Greeter.f", "plain method"]),
    ("@deep.command()\nasync def f(self, ctx: Context): 'F.'", ["Greeter.f", "points a b", "too deep"]),
    ("p = group('p', '')\n@p.command()\nasync def f(self, ctx: Context): 'F.'", ["Greeter.f", "'p'", "no description"]),
    ("p = group('p', 'P')", ["Greeter.p", "no command"]),
    (
        "@command\nasync def f(self, ctx: Context): 'F.'\n@command('f')\nasync def g(self, ctx: Context): 'G.'",
        ["Greeter.g", "'f'", "taken"],
    ),
    (
        "@command\nasync def points(self, ctx: Context): 'F.'\n"
        "@points_.command()\nasync def g(self, ctx: Context): 'G.'",
        ["Greeter.points", "'points'", "group"],
    ),
    ("@user_command('Show')\nasync def f(self, ctx: Context): ...", ["Greeter.f", "target", "hikari.User"]),
    ("@user_command('Show')\nasync def f(self, ctx: Context, t: hikari.Message): ...", ["Greeter.f(t)", "hikari.User"]),
    ("@message_command('x' * 33)\nasync def f(self, ctx: Context, t: hikari.Message): ...", ["Greeter.f", "32"]),
    ("@listen()\nasync def f(self, event): ...", ["Greeter.f", "nothing"]),
    ("@listen(int)\nasync def f(self, event): ...", ["Greeter.f", "int", "event"]),
    ("@listen(hikari.MemberCreateEvent)\nasync def f(self): ...", ["Greeter.f", "event"]),
    (
        "@listen(hikari.MemberCreateEvent)\nasync def f(self, event: hikari.BanEvent): ...",
        ["Greeter.f(event)", "BanEvent", "MemberCreateEvent"],
    ),
    ("@listen(hikari.MemberCreateEvent)\nasync def f(self, event, other: int): ...", ["Greeter.f(other)", "int"]),
    ("@listen(hikari.MemberCreateEvent)\nasync def f(self, event, ctx: TaskContext): ...", ["f(ctx)", "TaskContext"]),
    ("@task(every=5)\nasync def f(self): ...", ["Greeter.f", "every=5", "timedelta"]),
    ("@task(every=timedelta(1), once_per='moon')\nasync def f(self): ...", ["Greeter.f", "moon", "fleet"]),
    ("@component('a:b')\nasync def f(self, ctx: Context): ...", ["Greeter.f", "a:b"]),
    ("@component('a')\nasync def f(self, ctx: Context, who: hikari.Role): ...", ["f(who)", "role", "Snowflake"]),
    ("@autocomplete\nasync def f(self, ctx: AutocompleteContext): ...", ["Greeter.f", "value"]),
    ("class Options: pass", ["Greeter.Options", "GuildOptions"]),
    ("class Options(GuildOptions):\n x = option(1, 'X')", ["Options.x", "no type"]),
    ("class Options(GuildOptions):\n x: int", ["Options.x", "option("]),
    ("class Options(GuildOptions):\n x: int = option(1, '')", ["Options.x", "description"]),
    ("class Options(GuildOptions):\n x: int = option(None, 'X')", ["Options.x", "None"]),
    ("class Options(GuildOptions):\n x: int = option(9, 'X', max=5)", ["Options.x", "at most 5"]),
    ("class Options(GuildOptions):\n x: dict = option({}, 'X')", ["Options.x", "dict"]),
    ("name = 'Bad Name'", ["Greeter", "'Bad Name'", "lower case"]),
    ("metadata = 3", ["Greeter.metadata", "MetaData"]),
]


def refusal(folder: Path, body: str) -> str:
    text = HEAD.replace("points = ", "points = points_ = ") + textwrap.indent(body, "    ") + "\n"
    (folder / "greeter.py").write_text(text)
    [source] = [source for source in discover([folder])[0] if source.kind == "directory"]
    with pytest.raises(ModuleRefusedError) as refused:
        load_source(source)
    return str(refused.value)


@pytest.mark.parametrize(("body", "told"), METHODS, ids=[body.replace("\n", " ")[:70] for body, _ in METHODS])
def test_a_fault_is_named_with_its_place_and_remedy(tmp_path: Path, body: str, told: list[str]) -> None:
    message = refusal(tmp_path, body)
    missing = [part for part in told if part not in message]
    assert not missing, f"{missing} not in: {message}"


def test_all_faults_of_a_class_are_told_at_once(tmp_path: Path) -> None:
    body = "@command\nasync def f(self, ctx: Context, x): 'F.'\n@command\nasync def g(self): 'G.'"
    message = refusal(tmp_path, body)
    assert "2 faults" in message
    assert "Greeter.f(x)" in message
    assert "Greeter.g" in message


def test_an_error_with_several_faults_keeps_each(tmp_path: Path) -> None:
    text = HEAD + "    @command\n    async def f(self): 'F.'\n    @command\n    async def g(self): 'G.'\n"
    (tmp_path / "greeter.py").write_text(text)
    [source] = [source for source in discover([tmp_path])[0] if source.kind == "directory"]
    with pytest.raises(ModuleRefusedError) as refused:
        load_source(source)
    cause = refused.value.__cause__
    assert isinstance(cause, FaultyModuleError)
    assert [fault.where for fault in cause.faults] == ["Greeter.f", "Greeter.g"]
