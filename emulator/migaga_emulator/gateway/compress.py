"""How payloads are packed for one connection. Used by `connection.py`.

Source: "Encoding and Compression". Both streams keep one context for the whole connection.
"""

from __future__ import annotations

import zlib
from typing import Protocol

import zstandard


class Packer(Protocol):
    """Packs payloads in the order they are sent."""

    def pack(self, payload: bytes) -> tuple[bytes, bool]:
        """The frame of this payload and whether it is a binary one."""
        ...


class Plain:
    """No compression: text frames."""

    def pack(self, payload: bytes) -> tuple[bytes, bool]:
        """The payload as it is."""
        return payload, False


class PayloadZlib:
    """Payload compression (`compress: true` of IDENTIFY): large payloads each as one zlib stream, the rest as text."""

    def __init__(self, *, from_bytes: int = 8_192) -> None:
        self._from_bytes = from_bytes

    def pack(self, payload: bytes) -> tuple[bytes, bool]:
        """Compress a payload that is large."""
        if len(payload) < self._from_bytes:
            return payload, False
        return zlib.compress(payload), True


class ZlibStream:
    """`compress=zlib-stream`: every frame ends with the sync flush suffix `00 00 ff ff`."""

    def __init__(self) -> None:
        self._deflate = zlib.compressobj()

    def pack(self, payload: bytes) -> tuple[bytes, bool]:
        """Compress in the shared context and flush."""
        return self._deflate.compress(payload) + self._deflate.flush(zlib.Z_SYNC_FLUSH), True


class ZstdStream:
    """`compress=zstd-stream`: every frame is flushed, none ends the zstd frame."""

    def __init__(self) -> None:
        self._deflate = zstandard.ZstdCompressor().compressobj()

    def pack(self, payload: bytes) -> tuple[bytes, bool]:
        """Compress in the shared context and flush the block."""
        block = self._deflate.compress(payload)
        return block + self._deflate.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK), True


def packer_for(compress: str | None) -> Packer | None:
    """The packer of a `compress` parameter; None when there is no such compression."""
    if compress is None:
        return Plain()
    if compress == "zlib-stream":
        return ZlibStream()
    if compress == "zstd-stream":
        return ZstdStream()
    return None
