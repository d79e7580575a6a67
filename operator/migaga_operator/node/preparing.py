"""What a container needs before it can be started: its image, and what its environment refers to.

`container.py` calls it before each start. What is missing is told, and looked for again, by itself and at each nudge.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from migaga.common.errors import ConfigError, UnavailableError
from migaga_operator.node.containers import Container
from migaga_operator.node.environment import Launch, make_launch
from migaga_operator.node.images import Image
from migaga_operator.node.objects import MissingError, fetch
from migaga_operator.node.pauses import BackOff
from migaga_operator.node.places import Places
from migaga_operator.node.records import Waiting
from migaga_operator.node.stopping import Stop, first
from migaga_operator.node.surroundings import PodSurroundings


@dataclass(frozen=True, slots=True)
class Prepared:
    """A container that can be started."""

    launch: Launch
    places: Places
    image_id: str


class Preparing:
    """Prepares one container, again for each of its runs."""

    def __init__(self, container: Container, pod: PodSurroundings, tell: Callable[[Waiting], None]) -> None:
        self._container = container
        self._pod = pod
        self._tell = tell

    async def prepare(self, stop: Stop) -> Prepared | None:
        """Wait until everything is there; None when the pod is to end before that."""
        image = await self._image(stop)
        times = self._pod.tools.times
        while image is not None and not stop.is_begun:
            try:
                return await self._prepare(image)
            except (MissingError, UnavailableError) as error:
                self._tell(Waiting("CreateContainerConfigError", str(error)))
            except OSError as error:
                self._tell(Waiting("CreateContainerError", f"its folder cannot be made: {error.strerror}"))
            await self._pause(stop, times.refresh)
        return None

    async def _prepare(self, image: Image) -> Prepared:
        container, pod = self._container, self._pod
        facts = pod.facts()
        objects = await fetch(container.refs, facts.namespace, pod.tools.source)
        places = await pod.folder.places(container, image.root)
        # It looks for paths in the image's tree.
        launch = await asyncio.to_thread(
            make_launch,
            container,
            image,
            facts=facts,
            objects=objects,
            places=places,
            folder=pod.folder.work(container),
        )
        more = await asyncio.to_thread(pod.tools.variables, places) if pod.tools.variables else {}
        environment = {**more, **launch.environment}
        return Prepared(Launch(launch.command, environment, launch.folder), places, f"process://{container.image}")

    async def _image(self, stop: Stop) -> Image | None:
        times = self._pod.tools.times
        back_off = BackOff(times, first_is_free=False)
        loop = asyncio.get_running_loop()
        while not stop.is_begun:
            found = await self._find()
            if isinstance(found, Image):
                return found
            pause = back_off.pause(loop.time())
            if self._container.never_pull:
                self._tell(Waiting("ErrImageNeverPull", found))
            else:
                self._tell(Waiting("ErrImagePull", found))
                seen = min(times.refresh, pause)
                if await self._pause(stop, seen):
                    continue
                pause -= seen
                self._tell(Waiting("ImagePullBackOff", f'Back-off pulling image "{self._container.image}": {found}'))
            await self._pause(stop, pause)
        return None

    async def _find(self) -> Image | str:
        """Return the image, or why there is none."""
        name = self._container.image
        try:
            found = await self._pod.tools.images.find(name)
        except ConfigError as error:
            return f'image "{name}" cannot be used: {error}'
        return found or f'image not found: "{name}" is not among the images of this node. Correct it, or add the image.'

    async def _pause(self, stop: Stop, seconds: float) -> bool:
        """Wait; returns whether somebody nudged, or the end is wished, before the time was over."""
        loop = asyncio.get_running_loop()
        over = loop.time() + seconds
        await first(stop.wait(), self._pod.tools.nudge.wait(), timeout=seconds)
        return loop.time() < over
