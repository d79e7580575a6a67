"""Errors that a person in Discord, or the author of a module, reads.

`UserError` and its kin are answers: their message goes to the person who used a command. `DeclarationError` names
what is wrong with a module's class; the loader turns it into a failure of that module and goes on with the others.
"""

from __future__ import annotations

from migaga.common.errors import MigagaError


class UserError(MigagaError):
    """Raise it in a handler to refuse: the message is the answer that the person gets."""


class NotAllowed(UserError):  # noqa: N818 (public name: it reads as what the person is told)
    """The person may not do this here. The message says why."""


class CannotAnswer(UserError):  # noqa: N818 (reads as the others)
    """The bot may not write where it was asked: the person is told by a direct message."""


class WrongArgument(UserError):  # noqa: N818 (public name)
    """A command's argument is missing or wrong."""

    def __init__(self, parameter: str, given: str | None, reason: str) -> None:
        """Say which parameter, what was given for it (None when nothing was) and why it does not fit."""
        super().__init__(reason)
        self.parameter = parameter
        self.given = given
        self.reason = reason


class UnknownSubcommand(UserError):  # noqa: N818 (public name)
    """A group of commands was named, but none of its commands."""

    def __init__(self, group: tuple[str, ...], given: str | None, known: tuple[str, ...], message: str) -> None:
        """Keep the group's words, the word that was given and the names that would have worked."""
        super().__init__(message)
        self.group = group
        self.given = given
        self.known = known


class DeclarationError(MigagaError):
    """A module's class is not written as the framework can use it. The message names place, reason and remedy."""

    def __init__(self, where: str, reason: str, hint: str) -> None:
        """`where` is such as `Points.give(amount)`."""
        super().__init__(f"{where}: {reason}. {hint}")
        self.where = where
        self.reason = reason
        self.hint = hint
