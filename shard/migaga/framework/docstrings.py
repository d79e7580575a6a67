"""Docstrings in Google style -> the description, the help and a description for each argument."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from dataclasses import dataclass

_SECTION = re.compile(r"(Args|Arguments|Parameters|Returns|Raises|Yields|Examples?|Notes?|Attributes):\s*")
_ARGUMENTS = frozenset({"Args", "Arguments", "Parameters"})
_ARGUMENT = re.compile(r"\*{0,2}(\w+)\s*(?:\([^)]*\))?:\s*(.*)")


@dataclass(frozen=True, slots=True)
class Docstring:
    """A docstring taken apart."""

    summary: str
    """Its first line."""
    help: str
    """All of it without the sections for programmers."""
    arguments: Mapping[str, str]
    """Argument -> description, in one line."""


def read_docstring(text: object) -> Docstring:
    """Take a docstring apart; what is none, or blank, gives empty texts."""
    prose: list[str] = []
    arguments: list[str] = []
    section = None
    for line in inspect.cleandoc(text if isinstance(text, str) else "").splitlines():
        if found := _SECTION.fullmatch(line):
            section = found[1]
        elif section and line and not line[0].isspace():
            section = None
        if section is None:
            prose.append(line)
        elif section in _ARGUMENTS and not found:
            arguments.append(line)
    body = "\n".join(prose).strip()
    return Docstring(body.split("\n", 1)[0].strip(), body, _read_arguments(arguments))


def _read_arguments(lines: list[str]) -> Mapping[str, str]:
    described: dict[str, str] = {}
    name = None
    for line in inspect.cleandoc("\n".join(["", *lines])).splitlines():
        found = None if line[:1].isspace() else _ARGUMENT.fullmatch(line)
        if found:
            name = found[1]
            described[name] = found[2].strip()
        elif name and line.strip():
            described[name] = f"{described[name]} {line.strip()}".strip()
    return described
