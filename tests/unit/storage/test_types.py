"""Conversions of column types that need no database."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.dialects import sqlite

from migaga.storage.types import Snowflake, fold

SNOWFLAKES = st.integers(0, 2**64 - 1) | st.sampled_from([2**63 - 1, 2**63, 2**63 + 1])


def sqlite_order(value: int | str | None) -> tuple[bool, int | str]:
    """Compare as SQLite does: every number before every text."""
    assert value is not None
    return (isinstance(value, str), value)


@given(SNOWFLAKES, SNOWFLAKES)
def test_ids_keep_their_order_on_sqlite(first: int, second: int) -> None:
    bind = Snowflake().process_bind_param
    dialect = sqlite.dialect()
    one, other = (sqlite_order(bind(value, dialect)) for value in (first, second))
    assert (one < other) == (first < second)
    assert (one == other) == (first == second)


@given(SNOWFLAKES)
def test_ids_in_use_today_stay_plain_numbers(value: int) -> None:
    stored = Snowflake().process_bind_param(value, sqlite.dialect())
    assert isinstance(stored, int) == (value < 2**63)
    assert Snowflake().process_result_value(stored, sqlite.dialect()) == value


@given(st.text())
def test_folding_twice_changes_nothing(text: str) -> None:
    assert fold(fold(text)) == fold(text)


def test_names_that_look_the_same_fold_to_the_same() -> None:
    assert fold("STRASSE") == fold("straße") == fold("ｓｔｒａｓｓｅ ")
    assert fold("Ａｄｍｉｎ") == "admin"
    assert fold("e\u0301") == fold("\u00c9")
