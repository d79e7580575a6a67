"""Images: names of folder trees, or of the running installation. No registry, no container engine.

The folder of an image holds the tree, and beside `usr`, `opt` and so on a file `image.json` with what an image's
configuration says in the OCI's terms: `{"Env": ["A=b"], "Entrypoint": [...], "Cmd": [...], "WorkingDir": "/app"}`.
Whoever runs a `Node` gives it one of these.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from migaga.common.errors import ConfigError
from migaga_operator.json_types import as_list, as_mapping, as_text
from migaga_operator.node.places import Places

FILE = "image.json"
_SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True, slots=True)
class Image:
    """What a container is started from."""

    root: Path | None = None
    """None: the running installation."""
    environment: Mapping[str, str] = field(default_factory=dict)
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    working_dir: str = ""

    def search_path(self, places: Places) -> str:
        """Return PATH: the image's folders as they really are, then the machine's."""
        own = [part for part in self.environment.get("PATH", "").split(":") if part]
        if self.root is None:
            return ":".join(dict.fromkeys([*own, *_SYSTEM_PATH.split(":")]))
        # What is not in the image's tree is the machine's, and comes in the machine's own order.
        inside = [real for part in own if (real := places.real(part)) != part]
        return ":".join(dict.fromkeys([*inside, *_SYSTEM_PATH.split(":")]))


class Images(Protocol):
    """Where a node finds images."""

    async def find(self, name: str) -> Image | None:
        """Return an image, or None when none is known by this name. Raises ConfigError when its folder is broken."""


def running_installation() -> Image:
    """Return the image that this process itself is made of: `migaga` is found first."""
    return Image(
        environment={"PATH": f"{sys.prefix}/bin", "PYTHONUNBUFFERED": "1", "PYTHONDONTWRITEBYTECODE": "1"},
        entrypoint=("migaga",),
        command=("run",),
    )


class KnownImages:
    """Images held in memory: names, and the folder of each or None for the running installation."""

    def __init__(self, known: Mapping[str, Path | None], *, others: Image | None = None) -> None:
        """Know these images. `others` is what every further name means; None: nothing."""
        self.known = dict(known)
        self._others = others

    async def find(self, name: str) -> Image | None:
        """Return an image."""
        if name not in self.known:
            return self._others
        folder = self.known[name]
        return running_installation() if folder is None else await asyncio.to_thread(read_image, folder)


class ImageFile:
    """Images listed in a JSON file, `{name: folder or null}`, which is read at each look: it may change any time."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def find(self, name: str) -> Image | None:
        """Return an image. Raises ConfigError also when the list itself cannot be read."""
        known = as_mapping(await asyncio.to_thread(_read_json, self._path))
        if name not in known:
            return None
        folder = known[name]
        if folder is None:
            return running_installation()
        return await asyncio.to_thread(read_image, Path(as_text(folder)))


def read_image(folder: Path) -> Image:
    """Read the image in a folder. Raises ConfigError naming the file and what is wrong with it."""
    if not folder.is_dir():
        raise ConfigError(f"the image folder {folder} is not there. Build it, or name another one.")
    given = as_mapping(_read_json(folder / FILE))
    config = as_mapping(given.get("config")) or given
    pairs = (item.partition("=") for item in _words(config.get("Env")))
    return Image(
        root=folder.resolve(),
        environment={name: value for name, found, value in pairs if found and name},
        entrypoint=_words(config.get("Entrypoint")),
        command=_words(config.get("Cmd")),
        working_dir=as_text(config.get("WorkingDir")),
    )


def _words(value: object) -> tuple[str, ...]:
    return tuple(item for item in as_list(value) if isinstance(item, str) and "\0" not in item)


def _read_json(path: Path) -> object:
    try:
        return json.loads(path.read_bytes())
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {os.strerror(error.errno or 0)}. Write it.") from error
    except ValueError as error:
        raise ConfigError(f"{path} is no JSON: {error}. Correct it.") from error
