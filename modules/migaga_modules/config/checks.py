"""What a prefix and a name of points may be. Pure: called by the commands of `config`."""

from __future__ import annotations

import unicodedata

from migaga.api import UserError

MAX_PREFIX = 5
MAX_POINTS_NAME = 30

_BREAKS = ("`", "*", "_", "~~", "||", "\\", "@", "<")
"""What Discord reads as markdown or as the beginning of a mention, wherever it stands."""

_JOINER = "\u200d"
"""Invisible, but part of many emoji."""


def _is_invisible(character: str) -> bool:
    # Not `str.isprintable`: it calls emoji unprintable that are newer than Python's tables.
    return character != _JOINER and unicodedata.category(character) in {"Cc", "Cf", "Zl", "Zp"}


def check_prefix(prefix: str) -> str:
    """Return the prefix when text commands can begin with it.

    Raises:
        UserError: it is empty, over five characters, has spaces, or characters that Discord reads as markdown.
    """
    if not prefix.strip():
        raise UserError("The prefix cannot be empty.")
    if len(prefix) > MAX_PREFIX:
        raise UserError(f"The prefix may have at most {MAX_PREFIX} characters; this one has {len(prefix)}.")
    if any(character.isspace() or _is_invisible(character) for character in prefix):
        raise UserError("The prefix cannot have spaces or invisible characters in it.")
    if prefix.startswith("/"):
        raise UserError("The prefix cannot begin with `/`: Discord would take it for a slash command.")
    broken = [sign for sign in _BREAKS if sign in prefix]
    if broken:
        raise UserError(
            f"The prefix cannot have {' '.join(broken)} in it: Discord reads that as markdown or a mention."
        )
    return prefix


def check_points_name(name: str) -> str:
    """Return the name without the space around it.

    Raises:
        UserError: it is empty, over 30 characters or more than one line.
    """
    trimmed = name.strip()
    if not trimmed:
        raise UserError("The name cannot be empty.")
    if len(trimmed) > MAX_POINTS_NAME:
        raise UserError(f"The name may have at most {MAX_POINTS_NAME} characters; this one has {len(trimmed)}.")
    if any(_is_invisible(character) for character in trimmed):
        raise UserError("The name must be on one line, without invisible characters.")
    return trimmed
