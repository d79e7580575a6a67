"""Reads `config.ini` into entries that know their line, so that every complaint can name it.

Python's own reader is not used: it interpolates `%` in passwords and forgets where a key stood.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from migaga.common.errors import ConfigError

_SECTION = re.compile(r"^\[(?P<name>[^\]]*)\]\s*(?:[#;].*)?$")
_ENTRY = re.compile(r"^(?P<key>[^=:]+?)\s*(?:=|:(?!//))\s*(?P<value>.*)$")


@dataclass(frozen=True, slots=True)
class Entry:
    """One value as it was written, and where."""

    section: str
    key: str
    """Empty for the line that begins the section."""
    value: str
    where: str
    """`config.ini, line 3` or `environment variable MIGAGA_ENV_TOKEN`."""


def read_ini(path: Path) -> list[Entry]:
    """Read the entries of an ini file, in order.

    A BOM, CRLF line ends, comment lines (`#`, `;`), `key = value` and `key: value` are understood; an indented line
    that is no entry goes on with the value above. Raises ConfigError for a file that is missing, unreadable, not
    UTF-8 or has a line that means nothing.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError as error:
        raise ConfigError(
            f"{path}: there is no such file. Copy example_config.ini to {path.name} and fill it in, "
            "or name another file with --config."
        ) from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: is not UTF-8 text (byte {error.start}). Save it as UTF-8.") from error
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}.") from error
    return _parse(text, str(path))


def _parse(text: str, name: str) -> list[Entry]:
    entries: list[Entry] = []
    section: str | None = None
    for number, raw in enumerate(text.splitlines(), start=1):
        line = raw.strip()
        where = f"{name}, line {number}"
        if not line or line[0] in "#;":
            continue
        if header := _SECTION.match(line):
            section = header["name"].strip()
            entries.append(Entry(section, "", "", where))
            continue
        entry = _ENTRY.match(line)
        if entry is None:
            _continue_value(entries, indented=raw[0].isspace(), line=line, where=where)
        elif section is None:
            raise ConfigError(
                f"{where}: {entry['key']!r} stands before the first section. Put it under one, like [Env]."
            )
        else:
            entries.append(Entry(section, entry["key"].strip(), entry["value"].strip(), where))
    return entries


def _continue_value(entries: list[Entry], *, indented: bool, line: str, where: str) -> None:
    """Append a line to the value above it, or refuse it."""
    if not indented or not entries or not entries[-1].key:
        # The line itself is not shown: it may be a token that lost its name.
        raise ConfigError(f"{where}: is neither a [section] nor `key = value`.")
    above = entries[-1]
    entries[-1] = Entry(above.section, above.key, f"{above.value}\n{line}".strip(), above.where)
