"""What a process says about itself: the reasons of /readyz and the document of /status.

`app.py` fills it in as it starts; `observe/http.py` asks it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from migaga import __version__
from migaga.common.logs import REDACTOR
from migaga.fleet.breaker import FleetBreaker, fingerprint_of
from migaga.fleet.fleet import Fleet, ShardStatus
from migaga.framework.runtime import FrameworkRuntime, ModuleStatus
from migaga.gateway.discord import Discord
from migaga.gateway.identify import GateStatus
from migaga.observe.http import Json
from migaga.process.mode import RUNNING, Mode
from migaga.process.rotation import Rotation
from migaga.storage.leases_rows import GenerationRow

SHOWN = 12
"""Characters of a token's fingerprint that are shown."""


class Gate(Protocol):
    """Who says when shards may IDENTIFY."""

    def status(self) -> GateStatus:
        """Return the budget as it is known now."""


@dataclass(slots=True)
class ProcessState:
    """Where a process is. Parts appear as they are ready."""

    revision: str
    """What the configuration calls this revision."""
    started_at: datetime
    phase: str = "starting"
    """What the process does now, in words: `waiting for the database`, `running`, `stopping`."""
    database: str = "not connected"
    database_error: str | None = None
    discord: Discord | None = None
    runtime: FrameworkRuntime | None = None
    fleet: Fleet | None = None
    gate: Gate | None = None
    mode: Mode | None = None
    """None: there is no file that could pause the bot."""
    breaker: FleetBreaker | None = None
    rotation: Rotation | None = None
    """None: the token is in no file."""

    def not_ready(self) -> Sequence[str]:
        """Return why the process is not ready; nothing when it is."""
        reasons = [] if self.phase == "running" else [self.phase]
        if self.database_error:
            reasons.append(f"database: {self.database_error}")
        if self.fleet is not None and self.phase == "running":
            reasons.extend(self.fleet.not_ready())
        blocked = self.gate.status().reason if self.gate else None
        return [*reasons, *([blocked] if blocked else [])]

    def status(self) -> Mapping[str, Json]:
        """Return the document of /status. It holds no session id and no secret."""
        application = self.discord.application if self.discord else None
        return {
            "application": None if application is None else {"id": str(application.id), "name": application.name},
            "version": __version__,
            "revision": self.revision,
            "started_at": self.started_at.astimezone(UTC).isoformat(),
            "phase": self.phase,
            "mode": RUNNING if self.mode is None else self.mode.name,
            "mode_problem": _clean(self.mode.problem) if self.mode else None,
            "ready": not self.not_ready(),
            "reasons": [REDACTOR.clean(reason) for reason in self.not_ready()],
            "credentials": self._credentials(),
            "database": {"state": self.database, "error": _clean(self.database_error)},
            "shard_count": self.fleet.shard_count if self.fleet else None,
            "recommended_shards": self.fleet.plan.recommended if self.fleet else None,
            "advice": self.fleet.plan.advice if self.fleet else None,
            "shards": [_shard(shard) for shard in self.fleet.status()] if self.fleet else [],
            "process": _process(self.fleet) if self.fleet else None,
            "generations": [_generation(row) for row in self.fleet.generations] if self.fleet else [],
            "change": _clean(self.fleet.obstacle) if self.fleet else None,
            "identify": _identify(self.gate.status()) if self.gate else None,
            "modules": [_module(module) for module in self.runtime.status()] if self.runtime else [],
        }

    def _credentials(self) -> Mapping[str, Json]:
        """Say which token is used, so that two can be told apart, and why it or the one in its file is not accepted."""
        token = None if self.discord is None else self.discord.token
        reasons = (self.rotation.problem if self.rotation else None, self.breaker.reason if self.breaker else None)
        return {
            "reason": " ".join(REDACTOR.clean(reason) for reason in reasons if reason) or None,
            "fingerprint": None if token is None else fingerprint_of(token.application_id, token.value)[:SHOWN],
        }


def _shard(shard: ShardStatus) -> Mapping[str, Json]:
    return {
        "id": shard.shard_id,
        "generation": shard.generation,
        "lease": shard.lease,
        "state": shard.state.value,
        "for_seconds": round(shard.for_seconds, 3),
        "latency_seconds": None if shard.latency is None else round(shard.latency, 4),
        "in_flight": shard.in_flight,
        "put_aside": shard.put_aside,
        "watermark": shard.watermark,
        "watermark_lag": shard.watermark_lag,
        "resumes": shard.resumes,
        "identifies": shard.identifies,
        "reason": _clean(shard.reason),
    }


def _process(fleet: Fleet) -> Mapping[str, Json]:
    row = fleet.member.row
    return {
        "id": row.id,
        "revision": row.revision,
        "capacity": row.capacity,
        "leaving": fleet.member.leaving > 0,
        "trouble": _clean(fleet.member.trouble),
    }


def _generation(row: GenerationRow) -> Mapping[str, Json]:
    return {
        "n": row.n,
        "shard_count": row.shard_count,
        "intents": row.intents,
        "api_version": row.api_version,
        "state": row.state.lower(),
        "reason": _clean(row.reason),
    }


def _identify(gate: GateStatus) -> Mapping[str, Json]:
    return {
        "total": gate.total,
        "remaining": gate.remaining,
        "max_concurrency": gate.max_concurrency,
        "waiting": gate.waiting,
        "blocked_until": None if gate.blocked_until is None else gate.blocked_until.isoformat(),
        "reason": gate.reason,
    }


def _module(module: ModuleStatus) -> Mapping[str, Json]:
    return {
        "name": module.name,
        "loaded": module.loaded,
        "commands": module.commands,
        "listeners": module.listeners,
        "running": module.running,
        "error": _clean(module.error),
    }


def _clean(text: str | None) -> str | None:
    return None if text is None else REDACTOR.clean(text)
