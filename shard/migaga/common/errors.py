"""Errors whose message is written for the person who reads it on a terminal or in a reply.

Every message names the thing, the reason and what to do. The command line prints the message and leaves with
`exit_code`; a traceback on a terminal is a fault of ours.
"""

from __future__ import annotations

from typing import ClassVar


class MigagaError(Exception):
    """An error that people can act on."""

    exit_code: ClassVar[int] = 1
    """The process's exit code when this error ends it."""


class UsageError(MigagaError):
    """The command line was used wrongly (`EX_USAGE`)."""

    exit_code = 64


class UnavailableError(MigagaError):
    """Something outside does not answer: the database, Discord (`EX_UNAVAILABLE`). Trying again may help."""

    exit_code = 69


class ConfigError(MigagaError):
    """The configuration can never work as it is (`EX_CONFIG`). Trying again does not help."""

    exit_code = 78


class CredentialsError(ConfigError):
    """Discord refuses the token or what it asks for. Trying again makes it worse."""
