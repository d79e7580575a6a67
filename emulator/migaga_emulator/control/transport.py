"""HTTP under the control client: one request, JSON in and out, errors raised with their message."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import aiohttp
import orjson

Json: TypeAlias = object
LONGEST_ANSWER_S = 660.0


class ControlError(Exception):
    """The emulator refused a request; the message says why."""

    def __init__(self, status: int, message: str, code: int | None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        """Discord's error code, when Discord would have refused it."""


class WaitTimeout(ControlError):  # noqa: N818 - named as what it is
    """What was waited for did not happen in time."""


class Transport:
    """Requests to one emulator."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session = session
        self._url = url.rstrip("/")

    async def get(self, path: str, **query: object) -> Json:
        """GET; values of None are left out."""
        texts = {key: _query_text(value) for key, value in query.items() if value is not None}
        return await self._request("GET", path, params=texts)

    async def post(self, path: str, **body: object) -> Json:
        """POST; values of None are left out."""
        return await self._request("POST", path, body={k: v for k, v in body.items() if v is not None})

    async def delete(self, path: str) -> Json:
        """DELETE."""
        return await self._request("DELETE", path)

    async def _request(
        self, method: str, path: str, *, params: Mapping[str, str] | None = None, body: object = None
    ) -> Json:
        data = None if body is None else orjson.dumps(body)
        timeout = aiohttp.ClientTimeout(total=LONGEST_ANSWER_S)
        headers = {"Content-Type": "application/json"}
        async with self._session.request(
            method, self._url + path, params=params, data=data, headers=headers, timeout=timeout
        ) as response:
            raw = await response.read()
            if response.status < 400:
                answer: Json = orjson.loads(raw)
                return answer
            raise _error(response.status, raw)


def _query_text(value: object) -> str:
    return str(int(value)) if isinstance(value, bool) else str(value)


def _error(status: int, raw: bytes) -> ControlError:
    try:
        told = orjson.loads(raw)
    except orjson.JSONDecodeError:
        told = {"error": raw.decode(errors="replace")}
    message, code = str(told.get("error")), told.get("code")
    return WaitTimeout(status, message, code) if status == 408 else ControlError(status, message, code)
