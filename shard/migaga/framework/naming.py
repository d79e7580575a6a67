"""Discord's rules for names and descriptions, as errors for authors.

Source: Discord's documentation, "Application Command Naming": 1 to 32 letters, digits, `-`, `_` or `'`, lower case.
"""

from __future__ import annotations

import re
import unicodedata

from migaga.framework.errors import DeclarationError

_MODULE = re.compile(r"[a-z][a-z0-9_]{0,31}", re.ASCII)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
LONGEST_NAME = 32
LONGEST_DESCRIPTION = 100
LOCALES = frozenset(
    {
        *("bg", "cs", "da", "de", "el", "en-GB", "en-US", "es-419", "es-ES", "fi", "fr", "hi", "hr", "hu", "id", "it"),
        *("ja", "ko", "lt", "nl", "no", "pl", "pt-BR", "ro", "ru", "sv-SE", "th", "tr", "uk", "vi", "zh-CN", "zh-TW"),
    }
)


def is_a(value: object, *kinds: type) -> bool:
    """`isinstance` for what an author wrote, which may be anything whatever its annotation promises."""
    return isinstance(value, kinds)


def snake_case(name: str) -> str:
    """`CustomCommands` -> `custom_commands`."""
    return _CAMEL.sub("_", name).lower()


def title_of(name: str) -> str:
    """`custom_commands` -> `Custom commands`."""
    return name.replace("_", " ").capitalize()


def check_module_name(name: object, where: str) -> str:
    """Return a module's name when it can be one.

    Raises:
        DeclarationError: it cannot.
    """
    if not isinstance(name, str) or not _MODULE.fullmatch(name):
        raise DeclarationError(
            where,
            f"{name!r} cannot be the name of a module",
            "Use 1 to 32 lower case letters, digits and `_`, a letter first.",
        )
    return name


def _is_word(character: str) -> bool:
    # Letters, marks inside words (Devanagari, Thai) and digits.
    return character in "-_'" or unicodedata.category(character)[0] in "LNM"


def check_name(name: object, where: str, what: str = "name") -> str:
    """Return a command's or parameter's name when Discord takes it.

    Raises:
        DeclarationError: it does not.
    """
    if not isinstance(name, str):
        raise DeclarationError(where, f"its {what} {name!r} is not a text", "Write a text.")
    if not 1 <= len(name) <= LONGEST_NAME:
        raise DeclarationError(
            where, f"its {what} {name!r} has {len(name)} characters", f"Use 1 to {LONGEST_NAME} characters."
        )
    if name != name.lower():
        raise DeclarationError(where, f"its {what} {name!r} is not lower case", f"Write {name.lower()!r}.")
    for character in name:
        if not _is_word(character):
            raise DeclarationError(
                where,
                f"its {what} {name!r} has a {character!r}, which Discord does not take",
                "Use letters, digits, `-` and `_`.",
            )
    return name


def check_description(text: object, where: str, what: str = "description", hint: str = "") -> str:
    """Return a description when Discord takes it.

    Raises:
        DeclarationError: it is empty or longer than 100 characters.
    """
    text = text.strip() if isinstance(text, str) else ""
    if not text:
        raise DeclarationError(where, f"it has no {what}", hint or f"Write 1 to {LONGEST_DESCRIPTION} characters.")
    if len(text) > LONGEST_DESCRIPTION:
        raise DeclarationError(
            where,
            f"its {what} has {len(text)} characters, Discord allows {LONGEST_DESCRIPTION}",
            f"Shorten {text[:30]!r}...; the lines after the first may be as long as you like.",
        )
    return text


def check_locale(locale: object, where: str) -> str:
    """Return a locale when Discord knows it.

    Raises:
        DeclarationError: it does not.
    """
    if not isinstance(locale, str) or locale not in LOCALES:
        raise DeclarationError(
            where, f"Discord knows no locale {locale!r}", f"Use one of: {', '.join(sorted(LOCALES))}."
        )
    return locale
