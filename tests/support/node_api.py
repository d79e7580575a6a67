"""What an agent needs of an API server: requests, lists that are watched, objects that pods refer to.

`tests/support/kubelet.py` is built on it. JSON over aiohttp, as a node of a cluster talks, with a kubeconfig's client
certificate or token.
"""

from __future__ import annotations

import asyncio
import base64
import json
import ssl
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import yaml

from migaga.common.errors import ConfigError, MigagaError, UnavailableError
from migaga_operator.json_types import as_list, as_mapping, as_text, at_path
from migaga_operator.node.objects import TokenWish

CACHED_SECONDS = 1.0
WATCH_SECONDS = 240
STRATEGIC = "application/strategic-merge-patch+json"


class RefusedError(MigagaError):
    """The API server says no."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class Access:
    """Where the API server is, and who asks."""

    server: str
    authority: bytes
    context: ssl.SSLContext
    headers: Mapping[str, str]


def read_access(kubeconfig: Path, folder: Path) -> Access:
    """Read the current context of a kubeconfig. `folder` gets the client's certificate: TLS reads files."""
    content = yaml.safe_load(kubeconfig.read_text())
    context = _named(content, "contexts", "context", as_text(content.get("current-context")))
    cluster = _named(content, "clusters", "cluster", as_text(context.get("cluster")))
    user = _named(content, "users", "user", as_text(context.get("user")))
    authority = _data(cluster, "certificate-authority", kubeconfig.parent)
    tls = ssl.create_default_context(cadata=authority.decode())
    headers = {"Authorization": f"Bearer {user['token']}"} if user.get("token") else {}
    if not headers:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for key in ("client-certificate", "client-key"):
            (folder / key).write_bytes(_data(user, key, kubeconfig.parent))
        tls.load_cert_chain(folder / "client-certificate", folder / "client-key")
    return Access(as_text(cluster.get("server")).rstrip("/"), authority, tls, headers)


class Api:
    """An API server. Used as `async with Api(access) as api`."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Api:
        connector = aiohttp.TCPConnector(ssl=self._access.context, limit=0)
        self._session = aiohttp.ClientSession(connector=connector, headers=self._access.headers)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._session is not None:
            await self._session.close()

    async def ask(
        self, method: str, path: str, body: object = None, *, kind: str = "application/json"
    ) -> Mapping[str, Any]:
        """Make one request. Raises UnavailableError when it may work later, RefusedError when it was refused."""
        data = None if body is None else json.dumps(body).encode()
        try:
            async with (
                asyncio.timeout(30),
                self._open.request(
                    method, self._access.server + path, data=data, headers={"Content-Type": kind}
                ) as answer,
            ):
                found = await answer.json(content_type=None)
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            raise UnavailableError(f"{method} {path}: the API server does not answer: {error!r}") from error
        said = f"{method} {path}: {answer.status} {as_text(as_mapping(found).get('message'))}"
        if answer.status == 429 or answer.status >= 500:
            raise UnavailableError(said)
        if answer.status >= 400:
            raise RefusedError(answer.status, said)
        return as_mapping(found)

    async def watch(self, path: str, query: str, version: str) -> AsyncGenerator[Mapping[str, Any], None]:
        """Yield the events of a list from a resource version on, until the server ends it. Raises UnavailableError."""
        url = (
            f"{self._access.server}{path}?{query}&watch=1&allowWatchBookmarks=true"
            f"&resourceVersion={version}&timeoutSeconds={WATCH_SECONDS}"
        )
        limits = aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=WATCH_SECONDS + 30)
        rest = b""
        try:
            async with self._open.get(url, timeout=limits) as answer:
                if answer.status == 410:
                    yield {"type": "ERROR"}
                    return
                answer.raise_for_status()
                async for chunk in answer.content.iter_any():
                    *lines, rest = (rest + chunk).split(b"\n")
                    for line in lines:
                        yield as_mapping(json.loads(line))
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            raise UnavailableError(f"the watch of {path} has ended: {error!r}") from error

    @property
    def _open(self) -> aiohttp.ClientSession:
        assert self._session is not None
        return self._session


class ListMirror:
    """A list of the API server, kept up to date: listed once, then watched, listed again where a watch is too old."""

    def __init__(self, api: Api, path: str, query: str) -> None:
        self._api, self._path, self._query = api, path, query
        self.objects: dict[str, Mapping[str, Any]] = {}
        """By uid."""
        self._version = ""

    async def follow(self, changed: Callable[[], Awaitable[None]]) -> None:
        """Keep it up to date until cancelled; calls `changed` after each change."""
        while True:
            try:
                if not self._version:
                    await self._list()
                    await changed()
                await self._watch(changed)
            except (UnavailableError, RefusedError):
                await asyncio.sleep(0.5)

    async def _list(self) -> None:
        found = await self._api.ask("GET", f"{self._path}?{self._query}")
        self.objects = {as_text(at_path(item, "metadata", "uid")): as_mapping(item) for item in as_list(found["items"])}
        self._version = as_text(at_path(found, "metadata", "resourceVersion"))

    async def _watch(self, changed: Callable[[], Awaitable[None]]) -> None:
        """Watch until the server or the network ends it."""
        async with aclosing(self._api.watch(self._path, self._query, self._version)) as events:
            async for event in events:
                kind, item = event.get("type"), as_mapping(event.get("object"))
                if kind == "ERROR":
                    # Too old: what is there has to be listed again.
                    self._version = ""
                    return
                # Noted at once: a watch that goes on from an older version would tell of objects that are gone.
                self._version = as_text(at_path(item, "metadata", "resourceVersion"))
                uid = as_text(at_path(item, "metadata", "uid"))
                if kind == "DELETED":
                    self.objects.pop(uid, None)
                elif kind in {"ADDED", "MODIFIED"}:
                    self.objects[uid] = item
                if kind != "BOOKMARK":
                    await changed()


class ApiSource:
    """Secrets, ConfigMaps and tokens of an API server, remembered for a moment."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._known: dict[str, tuple[float, Mapping[str, bytes] | None]] = {}
        self._tokens: dict[TokenWish, tuple[float, bytes]] = {}

    async def secret(self, namespace: str, name: str) -> Mapping[str, bytes] | None:
        return await self._object(f"/api/v1/namespaces/{namespace}/secrets/{name}", _secret_data)

    async def config_map(self, namespace: str, name: str) -> Mapping[str, bytes] | None:
        return await self._object(f"/api/v1/namespaces/{namespace}/configmaps/{name}", _config_data)

    async def token(self, wish: TokenWish) -> bytes | None:
        known = self._tokens.get(wish)
        if known is not None and known[0] > time.monotonic():
            return known[1]
        spec: dict[str, object] = {
            "expirationSeconds": wish.seconds,
            "boundObjectRef": {"apiVersion": "v1", "kind": "Pod", "name": wish.pod_name, "uid": wish.pod_uid},
        }
        if wish.audience:
            spec["audiences"] = [wish.audience]
        body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec}
        path = f"/api/v1/namespaces/{wish.namespace}/serviceaccounts/{wish.account}/token"
        try:
            made = await self._api.ask("POST", path, body)
        except RefusedError:
            return None
        token = as_text(at_path(made, "status", "token")).encode()
        # As a kubelet: a new one when four fifths of its time are over.
        self._tokens[wish] = (time.monotonic() + 0.8 * wish.seconds, token)
        return token

    async def _object(
        self, path: str, read: Callable[[Mapping[str, Any]], Mapping[str, bytes]]
    ) -> Mapping[str, bytes] | None:
        asked, found = self._known.get(path, (float("-inf"), None))
        if time.monotonic() - asked < CACHED_SECONDS:
            return found
        try:
            found = read(await self._api.ask("GET", path))
        except RefusedError as error:
            if error.status not in {403, 404}:
                raise UnavailableError(str(error)) from error
            # The node authorizer says "forbidden" of what is not there.
            found = None
        self._known[path] = (time.monotonic(), found)
        return found


def _secret_data(item: Mapping[str, Any]) -> Mapping[str, bytes]:
    return {key: base64.b64decode(text) for key, text in as_mapping(item.get("data")).items() if isinstance(text, str)}


def _config_data(item: Mapping[str, Any]) -> Mapping[str, bytes]:
    binary = as_mapping(item.get("binaryData"))
    return {
        **{key: as_text(text).encode() for key, text in as_mapping(item.get("data")).items()},
        **{key: base64.b64decode(as_text(text)) for key, text in binary.items()},
    }


def _named(content: Mapping[str, Any], group: str, body: str, name: str) -> Mapping[str, Any]:
    for item in as_list(content.get(group)):
        if at_path(item, "name") == name:
            return as_mapping(at_path(item, body))
    raise ConfigError(f"the kubeconfig has no {body} named {name!r}. Write it.")


def _data(item: Mapping[str, Any], key: str, folder: Path) -> bytes:
    inline = as_text(item.get(f"{key}-data"))
    return base64.b64decode(inline) if inline else (folder / as_text(item.get(key))).read_bytes()
