"""Column types that hold the same values, in the same order, on SQLite, MariaDB and MySQL.

Tables of the core and of modules use them. A value that one database would cut or round is refused on all of them.
"""

from __future__ import annotations

import json
import unicodedata
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import TypeAlias

import sqlalchemy as sa
from sqlalchemy.dialects import mysql
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine

JsonValue: TypeAlias = "str | int | float | bool | list[JsonValue] | dict[str, JsonValue] | None"

_SIGNED = 1 << 63
_UNSIGNED = 1 << 64


def fold(text: str) -> str:
    """Fold a name for comparison: NFKC and case folding, white space around it removed.

    The databases disagree about case, accents and trailing blanks, so names are folded here and kept in a column of
    their own (`Folded`).
    """
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold()).strip()


class Snowflake(TypeDecorator[int]):
    """An unsigned id of 64 bit, such as Discord's.

    SQLite's integers are signed. There, ids from 2**63 on are stored as text (`u` and 20 digits), which SQLite sorts
    behind every number: all ids keep their order, and those in use today stay plain numbers.
    """

    impl = sa.BigInteger
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[int]:
        """Choose the column's type."""
        if dialect.name == "sqlite":
            return dialect.type_descriptor(sa.BigInteger())
        return dialect.type_descriptor(mysql.BIGINT(unsigned=True))

    def process_bind_param(self, value: object, dialect: Dialect) -> int | str | None:
        """Check and convert a value on its way in."""
        if value is None:
            return None
        if not isinstance(value, int) or isinstance(value, bool):
            raise TypeError(f"an id must be an int, not {type(value).__name__}")
        if not 0 <= value < _UNSIGNED:
            raise ValueError(f"{int(value)} is no id: ids go from 0 to 2**64 - 1")
        return f"u{value:020d}" if dialect.name == "sqlite" and value >= _SIGNED else int(value)

    def process_result_value(self, value: int | str | None, dialect: Dialect) -> int | None:
        """Convert a value on its way out."""
        return int(value[1:]) if isinstance(value, str) else value


class UtcDateTime(TypeDecorator[datetime]):
    """A point in time with microseconds. Aware on the way in, UTC on the way out; naive times are refused."""

    impl = sa.DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[datetime]:
        """Choose the column's type."""
        return dialect.type_descriptor(sa.DateTime() if dialect.name == "sqlite" else mysql.DATETIME(fsp=6))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Check and convert a value on its way in."""
        if value is None:
            return None
        if value.tzinfo is None or value.utcoffset() is None:
            raise ValueError(f"{value!r} has no time zone: use datetime.now(UTC)")
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Convert a value on its way out."""
        return None if value is None else value.replace(tzinfo=UTC)


class Amount(TypeDecorator[Decimal]):
    """An exact amount with four decimals, below 10**14 in size: NUMERIC(18, 4).

    SQLite knows no exact decimals: there it is a whole number of ten-thousandths. Adding, subtracting, comparing,
    SUM, MIN and MAX work in SQL on every database; multiply and divide in Python.
    """

    impl = sa.Numeric(18, 4)
    cache_ok = True
    _step = Decimal("0.0001")
    _limit = Decimal(10) ** 14

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Decimal] | TypeEngine[int]:
        """Choose the column's type."""
        if dialect.name == "sqlite":
            return dialect.type_descriptor(sa.BigInteger())
        return dialect.type_descriptor(sa.Numeric(18, 4))

    def process_bind_param(self, value: object, dialect: Dialect) -> Decimal | int | None:
        """Check and convert a value on its way in."""
        if value is None:
            return None
        if not isinstance(value, (Decimal, int)) or isinstance(value, bool):
            raise TypeError(f"an amount must be a Decimal or an int, not {type(value).__name__}")
        try:
            exact = Decimal(value).quantize(self._step)
        except InvalidOperation:
            exact = Decimal("Infinity")
        if not exact.is_finite() or abs(exact) >= self._limit:
            raise ValueError(f"{value} is no amount: it must be below 10**14 in size")
        if exact != value:
            raise ValueError(f"{value} has more than four decimals: round it first")
        return int(exact.scaleb(4)) if dialect.name == "sqlite" else exact

    def process_result_value(self, value: Decimal | int | None, dialect: Dialect) -> Decimal | None:
        """Convert a value on its way out."""
        if value is None:
            return None
        return Decimal(int(value)).scaleb(-4) if dialect.name == "sqlite" else Decimal(value).quantize(self._step)


def exact_collation(dialect: Dialect) -> str:
    """Return the collation of the MySQL family that compares by code points and counts trailing blanks."""
    return "utf8mb4_nopad_bin" if getattr(dialect, "is_mariadb", False) else "utf8mb4_0900_bin"


def _unicode(length: int | None, dialect: Dialect) -> TypeEngine[str]:
    """Return a text type that compares by code points, trailing blanks included, as SQLite does by itself."""
    if dialect.name == "sqlite":
        return dialect.type_descriptor(sa.Text() if length is None else sa.String(length))
    collation = exact_collation(dialect)
    if length is None:
        return dialect.type_descriptor(mysql.MEDIUMTEXT(charset="utf8mb4", collation=collation))
    return dialect.type_descriptor(mysql.VARCHAR(length, charset="utf8mb4", collation=collation))


class Text(TypeDecorator[str]):
    """Text of any characters, emoji too. Compared exactly: case, accents and trailing blanks count.

    Args:
        length: Characters at most; left out: up to 16 MB, without an index.
    """

    impl = sa.Unicode
    cache_ok = True

    def __init__(self, length: int | None = None) -> None:
        super().__init__(length)
        self.length = length

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[str]:
        """Choose the column's type."""
        return _unicode(self.length, dialect)

    def process_bind_param(self, value: object, dialect: Dialect) -> str | None:
        """Check and convert a value on its way in."""
        if value is None:
            return None
        if not isinstance(value, str):
            raise TypeError(f"a text must be a str, not {type(value).__name__}")
        if self.length is not None and len(value) > self.length:
            raise ValueError(f"a text of {len(value)} characters does not fit: {self.length} at most")
        return str(value)


class Folded(Text):
    """A name that is compared without regard to case: folded by `fold` on its way in, also in comparisons."""

    cache_ok = True

    def process_bind_param(self, value: object, dialect: Dialect) -> str | None:
        """Fold and check a value on its way in."""
        return super().process_bind_param(fold(value) if isinstance(value, str) else value, dialect)


class Digest(TypeDecorator[bytes]):
    """A digest of up to 32 bytes, kept as hexadecimal text so that people can read and compare it."""

    impl = sa.String(64)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[str]:
        """Choose the column's type."""
        if dialect.name == "sqlite":
            return dialect.type_descriptor(sa.String(64))
        return dialect.type_descriptor(mysql.VARCHAR(64, charset="ascii", collation="ascii_bin"))

    def process_bind_param(self, value: bytes | None, dialect: Dialect) -> str | None:
        """Check and convert a value on its way in."""
        if value is None:
            return None
        if len(value) > 32:
            raise ValueError(f"a digest of {len(value)} bytes does not fit: 32 at most")
        return value.hex()

    def process_result_value(self, value: str | None, dialect: Dialect) -> bytes | None:
        """Convert a value on its way out."""
        return None if value is None else bytes.fromhex(value)


class Json(TypeDecorator[JsonValue]):
    """Any JSON value as text, keys sorted: equal values are equal texts. `None` is JSON's `null`, never SQL's NULL."""

    impl = sa.UnicodeText
    cache_ok = True
    coerce_to_is_types = ()

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[str]:
        """Choose the column's type."""
        return _unicode(None, dialect)

    def process_bind_param(self, value: JsonValue, dialect: Dialect) -> str:
        """Write a value on its way in."""
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True, allow_nan=False)

    def process_result_value(self, value: str | None, dialect: Dialect) -> JsonValue:
        """Read a value on its way out."""
        if value is None:
            return None
        parsed: JsonValue = json.loads(value)
        return parsed
