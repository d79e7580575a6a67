"""What a person sees of the fleet: bots and pods as rows, drawn from the store. Pure; `view.py` shows it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta

from migaga_operator.builders.fleet import BOT_LABEL, REVISION_LABEL
from migaga_operator.crd.read import KIND
from migaga_operator.json_types import as_list, as_mapping, as_text, as_whole, at_path
from migaga_operator.local.pods import condition, read_pod
from migaga_operator.local.store import Store, ref_of
from migaga_operator.process_report import read_process

PID = "migaga.dev/pid"
"""Annotation of a pod that the node writes: the id of its process."""


@dataclass(frozen=True, slots=True)
class BotRow:
    """One bot, as `kubectl get bots` shows it."""

    name: str
    desired: int
    ready: int
    updated: int
    shards: int | None
    connected: int
    revision: int | None
    is_ready: str
    """True, False or Unknown."""
    reason: str
    message: str
    stalled: str
    """What a person has to do; empty when nothing waits for one."""


@dataclass(frozen=True, slots=True)
class PodRow:
    """One pod, as `kubectl get pods` shows it, and its shards."""

    name: str
    bot: str
    revision: str
    state: str
    """Running, Pending, Terminating, or why its container waits."""
    ready: bool
    restarts: int
    pid: int | None
    address: str
    shards: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Picture:
    """One moment."""

    bots: tuple[BotRow, ...]
    pods: tuple[PodRow, ...]

    def as_json(self) -> dict[str, object]:
        """Return it as JSON objects."""
        return {"bots": [asdict(row) for row in self.bots], "pods": [asdict(row) for row in self.pods]}

    @property
    def all_ready(self) -> bool:
        """Whether every bot is Ready."""
        return bool(self.bots) and all(row.is_ready == "True" for row in self.bots)


def draw(store: Store, reports: Mapping[str, object]) -> Picture:
    """Draw the moment.

    Args:
        store: The objects.
        reports: The `/status` documents of pods, by their names.
    """
    bots = tuple(_bot_row(bot) for bot in store.all_of(KIND))
    pods = tuple(_pod_row(pod, reports) for pod in sorted(store.all_of("Pod"), key=_age))
    return Picture(bots, pods)


def describe_changes(before: Picture | None, after: Picture) -> Iterable[str]:
    """Say in lines what is different from the moment before."""
    known, now = _lines(before) if before else {}, _lines(after)
    yield from (f"{name}: {words}" for name, words in now.items() if known.get(name) != words)
    yield from (f"{name}: gone" for name in known if name not in now)


def _lines(picture: Picture) -> Mapping[str, str]:
    bots = {f"bot {row.name}": _bot_words(row) for row in picture.bots}
    return {**bots, **{f"pod {row.name}": _pod_words(row) for row in picture.pods}}


def _bot_words(row: BotRow) -> str:
    shards = "?" if row.shards is None else row.shards
    ready = f"Ready {row.is_ready} ({row.reason})"
    stalled = f"; {row.stalled}" if row.stalled else ""
    return f"{row.ready}/{row.desired} pods ready, {row.connected}/{shards} shards, {ready}{stalled}"


def _pod_words(row: PodRow) -> str:
    shards = f", shards {numbers(row.shards)}" if row.shards else ""
    pid = "" if row.pid is None else f", pid {row.pid}"
    again = f", {row.restarts} restarts" if row.restarts else ""
    return f"{row.state}{', ready' if row.ready else ''}, revision {row.revision}{pid}{again}{shards}"


def numbers(shards: Iterable[int]) -> str:
    """Write shard numbers briefly: `0-3 7`."""
    runs: list[list[int]] = []
    for shard in sorted(shards):
        if runs and shard == runs[-1][1] + 1:
            runs[-1][1] = shard
        else:
            runs.append([shard, shard])
    return " ".join(str(first) if first == last else f"{first}-{last}" for first, last in runs)


def _age(pod: object) -> tuple[str, str]:
    return as_text(at_path(pod, "metadata", "creationTimestamp")), as_text(at_path(pod, "metadata", "name"))


def _bot_row(bot: object) -> BotRow:
    status = as_mapping(at_path(bot, "status"))
    ready, stalled = condition(bot, "Ready"), condition(bot, "Stalled")

    def counted(name: str) -> int:
        return as_whole(status.get(name)) or 0

    return BotRow(
        name=ref_of(bot).name,
        desired=counted("desiredReplicas"),
        ready=counted("readyReplicas"),
        updated=counted("updatedReplicas"),
        shards=as_whole(at_path(status, "shards", "count")),
        connected=as_whole(at_path(status, "shards", "connected")) or 0,
        revision=as_whole(status.get("revision")),
        is_ready=as_text(ready.get("status")) or "Unknown",
        reason=as_text(ready.get("reason")),
        message=as_text(ready.get("message")),
        stalled=f"{stalled.get('reason')}: {stalled.get('message')}" if stalled.get("status") == "True" else "",
    )


def _pod_row(pod: object, reports: Mapping[str, object]) -> PodRow:
    # Whether it counts as available is of no interest here, so no time matters.
    seen = read_pod(pod, timedelta(0), datetime.min.replace(tzinfo=UTC))
    report = reports.get(seen.name)
    labels = as_mapping(at_path(pod, "metadata", "labels"))
    pid = as_text(as_mapping(at_path(pod, "metadata", "annotations")).get(PID))
    return PodRow(
        name=seen.name,
        bot=as_text(labels.get(BOT_LABEL)),
        revision=as_text(labels.get(REVISION_LABEL)),
        state="Terminating" if seen.is_leaving else _waits_for(pod) or seen.phase,
        ready=seen.is_ready,
        restarts=seen.restarts,
        pid=int(pid) if pid.isascii() and pid.isdigit() else None,
        address=as_text(at_path(pod, "status", "podIP")),
        shards=tuple(sorted(read_process(report).live_shards)) if report is not None else (),
    )


def _waits_for(pod: object) -> str:
    containers = as_list(at_path(pod, "status", "containerStatuses"))
    return next((word for item in containers if (word := as_text(at_path(item, "state", "waiting", "reason")))), "")
