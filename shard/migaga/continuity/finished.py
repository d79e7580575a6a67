"""The compact form of what is finished above a watermark: column `shard.done_set`, and the local file.

It names the session and the watermark that it belongs to. Beside others it means nothing: the previous release stores
sessions and watermarks without knowing this column.
"""

from __future__ import annotations

import binascii
from base64 import b85decode, b85encode
from collections.abc import Iterable, Iterator
from hashlib import blake2b

MAX_BYTES = 3_000
"""What would be longer is cut at its upper end: those events would be handled again, none would be lost."""

LONGEST_RUN = 1_000_000
"""A text that tells of more numbers in a row is damaged, and means nothing."""


def mark(secret: str) -> str:
    """Name a session, or a claim by its token, without telling it: 12 hexadecimal digits."""
    return blake2b(secret.encode(), digest_size=6).hexdigest()


def encode(session_id: str, seq: int, done: Iterable[int]) -> str | None:
    """Write the numbers above `seq` that are finished in a session; None when there are none.

    Pairs of (numbers left out, numbers that follow each other), each as a variable length integer.
    """
    data = bytearray()
    at = seq
    for first, last in _runs(sorted(number for number in done if number > seq)):
        pair = _varint(first - at - 1) + _varint(last - first)
        if len(data) + len(pair) > MAX_BYTES:
            break
        data += pair
        at = last
    return f"{mark(session_id)}:{seq}:{b85encode(bytes(data)).decode()}" if data else None


def decode(text: str | None, session_id: str, seq: int) -> frozenset[int]:
    """Read the finished numbers of this session above this watermark; none when the text belongs to others.

    A watermark that another writer has moved keeps its meaning: numbers are finished or not, wherever it stands.
    """
    parts = (text or "").split(":", 2)
    if len(parts) != 3 or parts[0] != mark(session_id) or not parts[1].isdecimal():
        return frozenset()
    try:
        numbers = list(_integers(b85decode(parts[2])))
    except (ValueError, binascii.Error):
        return frozenset()
    if len(numbers) % 2:
        return frozenset()
    at, found = int(parts[1]), set[int]()
    for skipped, length in zip(numbers[::2], numbers[1::2], strict=True):
        first = at + skipped + 1
        at = first + length
        if length > LONGEST_RUN:
            return frozenset()
        found.update(range(first, at + 1))
    return frozenset(number for number in found if number > seq)


def _runs(numbers: list[int]) -> Iterator[tuple[int, int]]:
    if not numbers:
        return
    first = last = numbers[0]
    for number in numbers[1:]:
        if number > last + 1:
            yield first, last
            first = number
        last = number
    yield first, last


def _varint(number: int) -> bytes:
    data = bytearray()
    while number > 0x7F:
        data.append(number & 0x7F | 0x80)
        number >>= 7
    data.append(number)
    return bytes(data)


def _integers(data: bytes) -> Iterator[int]:
    number = shift = 0
    for byte in data:
        number |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            yield number
            number = shift = 0
    if shift:
        raise ValueError("the last number is not complete")
