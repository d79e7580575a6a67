"""What a guild's prefix may be. Pure: called wherever one is set, by the options of `core` and the module `config`."""

from __future__ import annotations

import unicodedata

from migaga.framework.errors import UserError

MAX_PREFIX = 5
"""Characters."""

_BREAKS = ("`", "*", "_", "~~", "||", "\\", "@", "<")
"""What Discord reads as markdown or as the beginning of a mention, wherever it stands."""

_JOINER = "\u200d"
"""Invisible, but part of many emoji."""


def is_invisible(character: str) -> bool:
    """Return whether a character takes no room and is no part of an emoji."""
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
    if any(character.isspace() or is_invisible(character) for character in prefix):
        raise UserError("The prefix cannot have spaces or invisible characters in it.")
    if prefix.startswith("/"):
        raise UserError("The prefix cannot begin with `/`: Discord would take it for a slash command.")
    broken = [sign for sign in _BREAKS if sign in prefix]
    if broken:
        raise UserError(
            f"The prefix cannot have {' '.join(broken)} in it: Discord reads that as markdown or a mention."
        )
    return prefix
