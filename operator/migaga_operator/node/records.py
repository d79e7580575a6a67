"""What the node knows of each container of a pod: plain values, made by `container.py`, shown by `status.py`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Waiting:
    """It does not run, and is to run."""

    reason: str
    """Kubernetes' word: ContainerCreating, ErrImagePull, CreateContainerConfigError, CrashLoopBackOff ..."""
    message: str = ""


@dataclass(frozen=True, slots=True)
class Running:
    """Its process is there."""

    since: datetime


@dataclass(frozen=True, slots=True)
class Ended:
    """Its process has ended."""

    code: int
    reason: str
    began: datetime | None
    at: datetime
    signal: int = 0
    """The signal that ended it; 0: it ended by itself."""
    message: str = ""
    container_id: str = ""


State = Waiting | Running | Ended


@dataclass(frozen=True, slots=True)
class Record:
    """One container, as it stands."""

    name: str
    image: str
    state: State
    last: Ended | None = None
    """How the run before ended."""
    restarts: int = 0
    is_ready: bool = False
    is_started: bool = False
    """Whether its startup probe, if it has one, has succeeded."""
    image_id: str = ""
    container_id: str = ""
    pid: int | None = None
    is_sidecar: bool = False

    @property
    def has_run(self) -> bool:
        """Whether it was ever started."""
        return self.last is not None or not isinstance(self.state, Waiting)

    @property
    def is_done(self) -> bool:
        """Of an init container: whether the next one may start."""
        if self.is_sidecar:
            return self.is_started
        return isinstance(self.state, Ended) and self.state.code == 0
