"""Names of custom commands, and the memory of which guild has which."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migaga.api import UserError
from migaga_modules.custom_commands.matching import (
    MAX_NAME,
    PER_PAGE,
    check_name,
    check_response,
    code,
    page_count,
    preview,
    render_page,
)
from migaga_modules.custom_commands.names import FRESH_FOR, NameCache


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("", "empty"),
        ("  ", "empty"),
        ("two words", "one word"),
        ("line\nbreak", "one word"),
        ("x" * 51, "at most 50 characters; this one has 51"),
        ("\ufdfa" * 40, "signs that stand for whole words"),
        ("roll", "already a command of mine"),
        ("ROLL", "already a command of mine"),
        ("ｒｏｌｌ", "already a command of mine"),
    ],
)
def test_names_that_cannot_be_called_are_refused_with_the_reason(name: str, reason: str) -> None:
    with pytest.raises(UserError, match=reason):
        check_name(name, {"roll", "points"})


@pytest.mark.parametrize(("name", "kept"), [("hi", "hi"), (" Hi ", "Hi"), ("ß", "ß"), ("🐧", "🐧"), ("rolls", "rolls")])
def test_other_names_are_kept_as_written(name: str, kept: str) -> None:
    assert check_name(name, {"roll"}) == kept


def test_a_response_fits_into_a_message() -> None:
    assert check_response("x" * 2_000) == "x" * 2_000
    with pytest.raises(UserError, match="at most 2,000 characters, like any message; it has 2,001"):
        check_response("x" * 2_001)
    with pytest.raises(UserError, match="empty"):
        check_response(" \n ")


def test_a_code_span_cannot_be_left() -> None:
    assert "`" not in code("a`b``c")


def test_a_response_is_shortened_to_one_line() -> None:
    assert preview("a\nb") == "a b"
    assert preview("x" * 81) == "x" * 79 + "…"


@given(st.integers(0, 200), st.integers(-5, 20))
def test_pages_show_everything_once_and_a_page_that_is_gone_is_the_nearest(count: int, page: int) -> None:
    names = [(f"c{number}", 1) for number in range(count)]
    shown = [line for number in range(page_count(count)) for line in render_page(names, number, "!").splitlines()]
    assert shown == [f"• !c{number}" for number in range(count)]
    nearest = min(max(page, 0), page_count(count) - 1)
    assert render_page(names, page, "!") == render_page(names, nearest, "!")


def test_a_page_of_the_longest_names_fits_into_an_embed() -> None:
    assert len(render_page([("*" * MAX_NAME, 25)] * PER_PAGE, 0, "!!!!!")) <= 4_096


def test_names_are_remembered_until_they_are_old_or_changed() -> None:
    cache = NameCache()
    assert cache.get(1, 0.0) is None
    cache.put(1, frozenset({"hi"}), 0.0, cache.changes)
    assert cache.get(1, FRESH_FOR - 0.1) == frozenset({"hi"})
    assert cache.get(1, FRESH_FOR) is None
    cache.forget(1)
    assert cache.get(1, 0.0) is None


def test_what_was_read_before_a_change_is_not_remembered_after_it() -> None:
    cache = NameCache()
    before = cache.changes
    cache.forget(1)
    cache.put(1, frozenset(), 0.0, before)
    assert cache.get(1, 0.0) is None


def test_the_guilds_that_were_asked_for_least_recently_are_forgotten() -> None:
    cache = NameCache(capacity=2)
    for guild in (1, 2):
        cache.put(guild, frozenset(), 0.0, cache.changes)
    cache.get(1, 0.0)
    cache.put(3, frozenset(), 0.0, cache.changes)
    assert [cache.get(guild, 0.0) is None for guild in (1, 2, 3)] == [False, True, False]
