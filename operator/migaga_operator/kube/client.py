"""One request to the API server at a time limit, in a thread of a bounded pool: the official client blocks.

The rest of `kube/` sends everything through `Client`; plain JSON goes in and comes out.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http import HTTPStatus

import urllib3
from kubernetes import client

from migaga_operator.json_types import Json, Manifest, as_mapping
from migaga_operator.kube.connection import THREADS
from migaga_operator.kube.errors import translate, unreachable

JSON = "application/json"
APPLY = "application/apply-patch+yaml"
MERGE = "application/merge-patch+json"
SECONDS = 4.0
"""A request that has no answer after this counts as failed. Together with the time for which a Lease is trusted it is
shorter than the Lease: see `control/leadership.py`."""

Noted = Callable[[str, int, float], None]


@dataclass(frozen=True, slots=True)
class _Call:
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Json
    seconds: float

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


class Client:
    """Sends requests. Close it at the end."""

    def __init__(self, api: client.ApiClient, noted: Noted = lambda verb, status, seconds: None) -> None:
        """Take a client, and whom to tell of each request: method, status (0: no answer) and seconds."""
        self._api = api
        self._noted = noted
        self._pool = ThreadPoolExecutor(THREADS, "api")

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Json = None,
        kind: str = JSON,
        accept: str = JSON,
        seconds: float = SECONDS,
    ) -> Manifest:
        """Send a request and return the object that comes back.

        Raises RefusedError, StaleError and AwayError; see `migaga_operator.cluster`.
        """
        headers = {"Accept": accept, "Content-Type": kind}
        call = _Call(method, path, dict(query or {}), headers, body, seconds)
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._send, call)

    def close(self) -> None:
        """Forget requests that wait; those under way end within their time limit."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._api.close()

    def _send(self, call: _Call) -> Manifest:
        begun, status = time.monotonic(), 0
        try:
            request = self._api.param_serialize(
                call.method,
                call.path,
                query_params=list(call.query.items()),
                header_params=call.headers,
                body=call.body,
                auth_settings=["BearerToken"],
            )
            response = self._api.call_api(*request, _request_timeout=call.seconds)
            data, status = response.read(), response.status
        except (client.ApiException, urllib3.exceptions.HTTPError, OSError) as error:
            raise unreachable(error, str(call)) from error
        finally:
            self._noted(call.method, status, time.monotonic() - begun)
        if status >= HTTPStatus.BAD_REQUEST:
            raise translate(status, data, response.headers, str(call))
        return _read(data)


def _read(data: bytes) -> Manifest:
    found: Manifest = as_mapping(json.loads(data))  # type: ignore[assignment] # the API server answers JSON
    return found
