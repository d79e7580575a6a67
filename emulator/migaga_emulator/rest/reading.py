"""Reads the body and the headers of a REST request. Used by `app.py`."""

from __future__ import annotations

import re
from urllib.parse import unquote

import orjson
from aiohttp import BodyPartReader, web

from migaga_emulator.world import errors
from migaga_emulator.world.drafts import Upload, file_name
from migaga_emulator.world.errors import DiscordError

_FILE = re.compile(r"files\[([0-9]+)\]\Z|file([0-9]*)\Z")


def reason_of(header: str | None) -> str | None:
    """The reason for the audit log, of a header that is percent-encoded. Raises 50035 for more than 512 characters."""
    if header is None:
        return None
    reason = unquote(header)
    if len(reason) > 512:
        raise errors.invalid_form(("X-Audit-Log-Reason",), "BASE_TYPE_MAX_LENGTH", "Must be 512 or fewer in length.")
    return reason


async def read_body(request: web.Request, most_bytes: int) -> tuple[object, list[Upload]]:
    """The JSON of a request (None without a body) and its files. Raises 40005, 50035, 50109."""
    if not request.can_read_body:
        return None, []
    if (request.content_length or 0) > most_bytes:
        # Read to its end: a client that is still writing would see a reset instead of the answer.
        async for _ in request.content.iter_chunked(1 << 16):
            pass
        raise errors.too_large()
    # The request belongs to the outermost application, whose own bound of 1 MiB would count for files otherwise.
    request = request.clone(client_max_size=most_bytes)
    try:
        if request.content_type == "multipart/form-data":
            return await _read_multipart(request, most_bytes)
        raw = await request.read()
    except web.HTTPRequestEntityTooLarge as error:
        raise errors.too_large() from error
    except ValueError as error:
        raise DiscordError(400, 50035, "Invalid Form Body") from error
    if not raw:
        return None, []
    if request.content_type != "application/json":
        allowed = "{'application/x-www-form-urlencoded', 'multipart/form-data', 'application/json'}"
        raise DiscordError(400, 50035, f'Expected "Content-Type" header to be one of {allowed}.')
    return _parse(raw), []


async def _read_multipart(request: web.Request, most_bytes: int) -> tuple[object, list[Upload]]:
    data: object = {}
    size = 0
    uploads: list[Upload] = []
    reader = await request.multipart()
    async for part in reader:
        if not isinstance(part, BodyPartReader):
            continue
        raw = bytes(await part.read(decode=False))
        size += len(raw)
        if size > most_bytes:
            raise errors.too_large()
        name = part.name or ""
        if name == "payload_json":
            data = _parse(raw)
        elif match := _FILE.match(name):
            kind = part.headers.get("Content-Type", "application/octet-stream")
            key = match.group(1) or match.group(2) or str(len(uploads))
            uploads.append(Upload(key, file_name(part.filename or ""), kind, raw))
    return data, uploads


def _parse(raw: bytes) -> object:
    try:
        parsed: object = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise errors.invalid_json() from error
    return parsed
