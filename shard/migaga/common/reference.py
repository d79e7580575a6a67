"""Writes `docs/configuration.md` from the settings dataclasses: `python -m migaga.common.reference > docs/...`.

A test compares the page with what this makes.
"""

from __future__ import annotations

import inspect
import sys

from migaga.common.sections import Key
from migaga.common.settings import PREFIX, SECTIONS, keys_of

_INTRODUCTION = f"""# Configuration

<!-- Made by `python -m migaga.common.reference`. Change shard/migaga/common/sections.py instead. -->

Settings are read from `config.ini` and from the environment. `example_config.ini` is a file to begin with; the file of
version 4 works as it is.

- Names of sections and keys are matched without case. An unknown one is refused, with the nearest right one.
- Values are taken as they stand: no quotes, and `%` means itself. An empty value means the default. `#` and `;` begin a
  comment line.
- The environment variable `{PREFIX}<SECTION>_<KEY>` wins over the file: `{PREFIX}ENV_TOKEN`, `{PREFIX}DATABASE_URL`.
- `Token` and `TokenFile` exclude each other, and so do `Url` and the five keys of a server. Where one comes from the
  environment, it wins.
"""


def configuration_page() -> str:
    """Return the reference page of all keys, in Markdown."""
    parts = [_INTRODUCTION]
    for name, section in SECTIONS.items():
        rows = [_row(name, key) for key in keys_of(section).values()]
        table = "\n".join(["| key | default | meaning | variable |", "|---|---|---|---|", *rows])
        parts.append(f"\n## `[{name}]`\n\n{inspect.getdoc(section)}\n\n{table}\n")
    return "".join(parts)


def _row(section: str, key: Key) -> str:
    default = f"`{key.default}`" if key.default else ""
    return f"| `{key.name}` | {default} | {key.doc} | `{PREFIX}{section.upper()}_{key.name.upper()}` |"


if __name__ == "__main__":
    sys.stdout.write(configuration_page())
