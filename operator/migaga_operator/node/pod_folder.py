"""The folder of a pod: its volumes, and where each container sees them. `pod_run.py` makes one for each pod."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Mapping
from pathlib import Path

from migaga_operator.node.containers import Container
from migaga_operator.node.downward import Facts
from migaga_operator.node.filling import fill
from migaga_operator.node.objects import MissingError, ObjectSource, TokenWish, fetch
from migaga_operator.node.places import Places
from migaga_operator.node.pod import Pod
from migaga_operator.node.volumes import File, TokenFile, Volume, volume_files


class PodFolder:
    """`volumes/<name>` for each volume, `work/<container>` where each container works."""

    def __init__(self, path: Path, pod: Pod) -> None:
        self._path = path
        self._volumes = {volume.name: volume for volume in pod.volumes}

    async def refresh(self, facts: Facts, source: ObjectSource) -> list[MissingError]:
        """Bring all volumes up to date; returns what is missing. A volume that lacks something stays as it was.

        Raises UnavailableError when an object cannot be told, OSError when the disk refuses.
        """
        missing = []
        for volume in self._volumes.values():
            try:
                await self._refresh(volume, facts, source)
            except MissingError as error:
                missing.append(error)
        return missing

    def work(self, container: Container) -> Path:
        """Return the folder that a container works in."""
        return self._path / "work" / container.name

    async def places(self, container: Container, root: Path | None) -> Places:
        """Return where a container's paths really are, and make what must be there. Raises MissingError, OSError."""
        found = {}
        for mount in container.mounts:
            volume = self._volumes.get(mount.volume)
            if volume is None:
                raise MissingError(f"container {container.name} mounts the volume {mount.volume!r}, which is not there")
            place = self._place(volume)
            found[mount.path] = place / mount.sub_path if mount.sub_path else place
            if volume.kind == "empty":
                await asyncio.to_thread(_make, found[mount.path])
        await asyncio.to_thread(_make, self.work(container))
        return Places(found, root)

    async def remove(self) -> None:
        """Delete everything, also what the pod's processes wrote."""
        await asyncio.to_thread(shutil.rmtree, self._path, ignore_errors=True)

    def _place(self, volume: Volume) -> Path:
        return Path(volume.path) if volume.kind == "host" else self._path / "volumes" / volume.name

    async def _refresh(self, volume: Volume, facts: Facts, source: ObjectSource) -> None:
        if volume.kind == "unknown":
            said = f"the volume {volume.name} is of a kind that this node cannot make: {volume.path}"
            raise MissingError(f"{said}. Use emptyDir, secret, configMap, projected or hostPath.")
        if volume.kind == "empty":
            await asyncio.to_thread(_make, self._place(volume))
        elif volume.kind == "files":
            objects = await fetch(volume.refs, facts.namespace, source)
            tokens = {wish: await source.token(_wish(wish, facts)) for wish in volume.tokens}
            files: Mapping[str, File] = volume_files(volume, facts, objects, tokens)
            await asyncio.to_thread(_fill, self._path, self._place(volume), files)


def _wish(file: TokenFile, facts: Facts) -> TokenWish:
    return TokenWish(facts.namespace, facts.account, facts.name, facts.uid, file.audience, file.seconds)


def _make(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)


def _fill(pod: Path, folder: Path, files: Mapping[str, File]) -> None:
    pod.mkdir(parents=True, exist_ok=True, mode=0o700)
    fill(folder, files)
