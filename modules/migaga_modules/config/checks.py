"""What a name of points may be. Pure: called by the commands of `config`."""

from __future__ import annotations

from migaga.api import UserError, is_invisible

MAX_POINTS_NAME = 30


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
    if any(is_invisible(character) for character in trimmed):
        raise UserError("The name must be on one line, without invisible characters.")
    return trimmed
