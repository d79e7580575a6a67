"""Suggestions, Discord's markdown, removal of secrets."""

from __future__ import annotations

import pytest

from migaga.common.text import escape_markdown, nearest, redact, shorten


@pytest.mark.parametrize(
    ("word", "found"), [("rnu", "run"), ("Emulater", "emulator"), ("emu", "emulator"), ("xyz", None), ("", None)]
)
def test_the_nearest_word(word: str, found: str | None) -> None:
    assert nearest(word, ["run", "shard", "emulator"]) == found


def test_markdown_and_mentions_are_escaped() -> None:
    assert escape_markdown("**a** <@1> @everyone") == r"\*\*a\*\* \<\@1\> \@everyone"


def test_texts_are_shortened_to_the_limit() -> None:
    assert shorten("abcdef", 4) == "abc…"
    assert shorten("abcd", 4) == "abcd"


def test_secrets_are_masked_in_all_forms() -> None:
    assert redact("a p@ss/1 and p%40ss%2F1", ["p@ss/1"]) == "a *** and ***"
