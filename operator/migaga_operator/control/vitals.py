"""Whether the operator's process is well: what `/healthz`, `/readyz` and the gauges of `/metrics` say."""

from __future__ import annotations

from migaga_operator.control.audit import Audit
from migaga_operator.control.leadership import Leadership
from migaga_operator.control.metrics import OperatorMetrics
from migaga_operator.control.reconciler import Reconciler
from migaga_operator.control.seen import Seen
from migaga_operator.control.watches import Watches

_DEAF_SECONDS = 60.0
"""Without a turn of the watches' event loop for so long the process is not alive."""


class Vitals:
    """Asks the parts of the process. Until `attach` it is starting: alive, and not ready."""

    def __init__(self, leadership: Leadership) -> None:
        self._leadership = leadership
        self._watches: Watches | None = None
        self._audit: Audit | None = None

    def attach(self, watches: Watches, audit: Audit) -> None:
        """Ask these parts from now on."""
        self._watches, self._audit = watches, audit

    def not_alive(self) -> list[str]:
        """Return why the process should be started anew; nothing when it is well.

        That it answers at all says that its event loop turns; where its loops end, it ends too.
        """
        found = []
        if self._watches is not None and self._watches.silent_for > _DEAF_SECONDS:
            found.append(f"the watches' event loop has not turned for {self._watches.silent_for:.0f} s")
        if self._audit is not None and self._audit.lagging:
            found.append(f"no watch has told of changes of {len(self._audit.lagging)} objects")
        return found

    def not_ready(self) -> list[str]:
        """Return why the process is not ready to act; nothing when it acts, or could take over at any time."""
        if self._audit is None or not self._audit.is_complete:
            return ["the objects of the cluster have not all been read yet"]
        return [self._leadership.trouble] if self._leadership.trouble else []

    def show(self, metrics: OperatorMetrics, reconciler: Reconciler, seen: Seen) -> None:
        """Show the gauges of the process."""
        metrics.show("is_leader", "1 while this process acts.", lambda: float(self._leadership.is_held))
        metrics.show("bots", "Bots that are known.", lambda: float(len(seen.bots())))
        metrics.show("objects", "Objects that are kept in memory.", lambda: float(len(seen)))
        metrics.show("queue_depth", "Bots whose next reconcile is due by now.", lambda: float(reconciler.due))
        metrics.show("reconciling", "Bots that are reconciled now.", lambda: float(reconciler.running))
