"""What the runs of pods and containers work with. `node.py` makes the node's, `pod_run.py` the pod's."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from migaga_operator.json_types import Manifest
from migaga_operator.node.addresses import Addresses
from migaga_operator.node.downward import Amounts, Facts
from migaga_operator.node.images import Images
from migaga_operator.node.objects import ObjectSource
from migaga_operator.node.pauses import Times
from migaga_operator.node.places import Places
from migaga_operator.node.pod_folder import PodFolder
from migaga_operator.node.stopping import Nudge

PID_ANNOTATION = "migaga.dev/pid"
"""The process id of a pod's first container, while it runs."""


@dataclass(frozen=True, slots=True)
class PodStatusChange:
    """What a node tells of a pod."""

    namespace: str
    name: str
    uid: str
    status: Manifest
    """The whole status, as the API has it."""
    annotations: Mapping[str, str | None]
    """Annotations to set; None: to remove."""
    gone: bool = False
    """Nothing of it runs any more and it was to end: the object can be removed."""


MoreVariables = Callable[[Places], Mapping[str, str]]
"""Variables that a container gets unless it sets them itself, as Kubernetes tells of its API server. May block."""
Report = Callable[[PodStatusChange], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Tools:
    """What all pods of a node share."""

    node_name: str
    folder: Path
    images: Images
    source: ObjectSource
    addresses: Addresses
    report: Report
    session: aiohttp.ClientSession
    times: Times = field(default_factory=Times)
    nudge: Nudge = field(default_factory=Nudge)
    """Objects or images have changed: look now."""
    variables: MoreVariables | None = None
    capacity: Amounts = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PodSurroundings:
    """What the containers of one pod share."""

    tools: Tools
    name: str
    """Namespace and name, for logs."""
    folder: PodFolder
    logs: Path
    address: str
    facts: Callable[[], Facts]
    """What the pod may be told of itself now: labels and annotations may change."""
    changed: Callable[[], None]
    """To be called when a record of a container changed."""
