"""The bot token: where it is read from, and what can be known about it without asking Discord."""

from __future__ import annotations

import base64
import binascii
from pathlib import Path

from migaga.common.errors import ConfigError

GET_ONE = "Get one at https://discord.com/developers/applications > your application > Bot > Reset Token."


def token_application(token: str) -> int:
    """Return the application id that a token's first segment holds. Raises ValueError when it holds none."""
    if any(letter.isspace() for letter in token):
        raise ValueError("it has a space or a line end in it")
    if not all("!" <= letter <= "~" and letter not in "\"'`" for letter in token):
        raise ValueError("it has a character in it that no token has")
    segment = token.split(".", 1)[0]
    try:
        decoded = base64.b64decode(segment + "=" * (-len(segment) % 4), validate=True).decode("ascii")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise ValueError("its first part is not base64") from error
    if "." not in token or not decoded.isdigit():
        raise ValueError("its first part does not hold an application id")
    return int(decoded)


def check_token(token: str, client_id: int | None, where: str) -> int:
    """Return the application id of `token`. Raises ConfigError, which never shows the token.

    `where` names the place that the token came from.
    """
    try:
        application_id = token_application(token)
    except ValueError as error:
        hint = " Write it without quotes and without `Bot `." if token[:1] in "\"'`" or " " in token else ""
        raise ConfigError(f"{where}: this is not a bot token: {error}.{hint} {GET_ONE}") from error
    if client_id is not None and client_id != application_id:
        raise ConfigError(
            f"{where}: the token belongs to application {application_id}, but ClientId is {client_id}. "
            "Use the token of that application, or correct ClientId in section [Env]."
        )
    return application_id


def read_token_file(path: Path, where: str) -> str:
    """Return the token in a file, without the space around it. Raises ConfigError."""
    try:
        token = path.read_text(encoding="utf-8-sig").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise ConfigError(f"{where}: the token file {path} cannot be read: {reason}.") from error
    if not token:
        raise ConfigError(f"{where}: the token file {path} is empty. {GET_ONE}")
    return token
