"""Names of custom commands: what one may be called, and which one a message calls. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from migaga.api import UserError, escape_markdown, fold

MAX_NAME = 50
MAX_FOLDED = 4 * MAX_NAME
"""Characters that a name may have when it is folded: some letters stand for several."""
MAX_RESPONSE = 2_000
MAX_PER_NAME = 25
"""Responses under one name: as many as one select menu can show."""
MAX_PER_GUILD = 1_000
PER_PAGE = 20


def check_name(name: str, taken: Collection[str]) -> str:
    """Return the name without the space around it.

    Args:
        name: what the person wrote.
        taken: folded first words of the real text commands.

    Raises:
        UserError: it is empty, has spaces, is too long, or would shadow a real command.
    """
    trimmed = name.strip()
    if not trimmed:
        raise UserError("The name of a command cannot be empty.")
    if any(character.isspace() for character in trimmed):
        raise UserError("The name of a command must be one word, without spaces.")
    if len(trimmed) > MAX_NAME:
        raise UserError(f"The name of a command may have at most {MAX_NAME} characters; this one has {len(trimmed)}.")
    if len(fold(trimmed)) > MAX_FOLDED:
        raise UserError("This name cannot be stored: it has too many signs that stand for whole words.")
    if fold(trimmed) in taken:
        raise UserError(f"`{code(trimmed)}` is already a command of mine. Choose another name.")
    return trimmed


def check_response(response: str) -> str:
    """Return the response when Discord will accept it as a message.

    Raises:
        UserError: it is empty or over 2,000 characters.
    """
    if not response.strip():
        raise UserError("The response cannot be empty.")
    if len(response) > MAX_RESPONSE:
        raise UserError(
            f"The response may have at most {MAX_RESPONSE:,} characters, like any message; it has {len(response):,}."
        )
    return response


def code(text: str) -> str:
    """Make text fit between backticks: a backtick in it would end them."""
    return text.replace("`", "\u02cb")


def preview(response: str, length: int = 80) -> str:
    """Shorten a response to one line, for a button or a list."""
    line = " ".join(response.split())
    return line if len(line) <= length else line[: length - 1] + "…"


def page_count(names: int) -> int:
    """Pages of a list; an empty one has one page."""
    return max(1, -(-names // PER_PAGE))


def render_page(names: Sequence[tuple[str, int]], page: int, prefix: str) -> str:
    """Render one page of (name, number of responses). A page that does not exist (any more) is the nearest one."""
    page = min(max(page, 0), page_count(len(names)) - 1)
    lines = [
        f"• {escape_markdown(prefix + name)}" + (f" ({count} responses)" if count > 1 else "")
        for name, count in names[page * PER_PAGE : (page + 1) * PER_PAGE]
    ]
    return "\n".join(lines)
