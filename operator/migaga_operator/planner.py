"""Plans what is to be done for one bot: `plan(spec, observed, now)`.

Pure; the operator, `migaga up` and `migaga plan` call it. It is level-triggered: it looks at what is, never at what
happened. Applied again and again it comes to rest, and at rest it returns nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from migaga_operator.builders import deployment as made
from migaga_operator.builders.all import KINDS, build_around
from migaga_operator.builders.deployment import shard_deployment
from migaga_operator.builders.fleet import BOT_LABEL, COMPONENT_LABEL, SHARDS, Fleet
from migaga_operator.builders.workers import worker_deployment
from migaga_operator.classify import make_status, status_ops
from migaga_operator.conditions import Case, Verdict
from migaga_operator.crd.spec import BotSpec, WorkerPool
from migaga_operator.drift import describe_differences, differences
from migaga_operator.json_types import Manifest, as_mapping, at_path, digest
from migaga_operator.observed import LiveObject, Observed, OtherBot
from migaga_operator.ops import Apply, Delete, Key, Op, Scale, key_of
from migaga_operator.problems import Problem, describe
from migaga_operator.resharding import Decision, decide
from migaga_operator.situation import Situation, survey, told_revision
from migaga_operator.sizing import size


def plan(spec: BotSpec | tuple[Problem, ...], observed: Observed, now: datetime) -> list[Op]:
    """Return what is to be done now, in order.

    Args:
        spec: What `read_bot` made of the bot. A wrong spec changes nothing of what runs, and is shown in status.
        observed: What is there.
        now: The time, with its zone. Only the interval between recommended reshards and what is shown depend on it.
    """
    if observed.is_leaving:
        # Owner references do the deleting, SIGTERM the draining.
        return []
    situation = survey(observed)
    halt = _halt(spec, observed)
    if halt is not None or isinstance(spec, tuple):
        readable = spec if isinstance(spec, BotSpec) else None
        return list(status_ops(make_status(_case(readable, situation, observed, halt), observed, now), observed))
    decision = decide(spec, situation, now)
    plans = _Plans(spec, observed, situation, decision)
    wanted = plans.wanted()
    ops = list(plans.ops(wanted))
    case = replace(
        _case(spec, situation, observed, None),
        decision=decision,
        replicas=0 if plans.fleet.is_stopped else plans.fleet.replicas,
        rolling=_rolling(observed, ops),
        blocked=_blocked(wanted, observed),
    )
    return [*ops, *status_ops(make_status(case, observed, now), observed)]


@dataclass(frozen=True, slots=True)
class _Plans:
    """The objects of one bot, and what is to be done about each."""

    spec: BotSpec
    observed: Observed
    situation: Situation
    decision: Decision

    @property
    def fleet(self) -> Fleet:
        """The bot as it should be; the revision is settled with the Deployment."""
        live = self.observed.deployment
        pods = live.replicas if live and live.replicas else None
        return Fleet(
            owner=self.observed.owner,
            spec=self.spec,
            replicas=size(self.spec, self.situation, self.decision, pods),
            revision=0,
            count=self.decision.count,
            intents=self.decision.intents,
            resharded_at=self.decision.resharded_at,
        )

    def shards(self) -> Manifest:
        """The Deployment of the shard pods."""
        live, fleet = self.observed.deployment, self.fleet
        found = _revised(
            live, lambda number: shard_deployment(replace(fleet, revision=number)), self.situation.revision
        )
        if fleet.count is not None or self.situation.count is None or (live and _is_told(live, found)):
            return found
        # Pods that start anew would ask Discord again, each for itself: from now on they are told what is in force.
        known = replace(fleet, count=self.situation.count)
        return _revised(live, lambda number: shard_deployment(replace(known, revision=number)), self.situation.revision)

    def pools(self) -> list[Manifest]:
        """The Deployments of the worker pools."""
        fleet, found = self.fleet, []
        for pool in self.spec.workers:

            def build(number: int, pool: WorkerPool = pool) -> Manifest:
                return worker_deployment(fleet, pool, number)

            key = key_of(build(0))
            found.append(_revised(self.observed.objects.get(key), build, 0))
        return found

    def wanted(self) -> list[Manifest]:
        """Everything that the bot should have, in the order of applying."""
        around = build_around(self.fleet, self.observed.apis)
        return [*around, *self.pools(), self.shards()]

    def ops(self, wanted: Sequence[Manifest]) -> Iterator[Op]:
        """What is to be done about the objects."""
        for manifest in wanted:
            op = self._bring(manifest)
            if op is not None:
                yield op
        yield from self._clear({key_of(manifest) for manifest in wanted})

    def _bring(self, manifest: Manifest) -> Op | None:
        """What is to be done about one object."""
        key = key_of(manifest)
        live = self.observed.objects.get(key)
        cost = self.decision.identifies if self._is_shards(key) else 0
        if live is None:
            return Apply(key, manifest, "it is not there", cost)
        found = list(differences(manifest, live.manifest)) if self._may_change(live, manifest) else []
        if not found:
            return None
        if found == ["spec.replicas"] or self._must_wait(live, manifest):
            return _scale(key, live, manifest)
        return Apply(key, manifest, describe_differences(manifest, live.manifest), cost)

    def _may_change(self, live: LiveObject, manifest: Manifest) -> bool:
        """Whether an object is ours, and the API server has not just told that it is what comes of our manifest."""
        is_settled = (live.key, live.resource_version, digest(manifest)) in self.observed.settled
        return live.belongs_to(self.observed.owner) and not live.is_leaving and not is_settled

    def _must_wait(self, live: LiveObject, manifest: Manifest) -> bool:
        is_held = self.decision.is_template_held and not self.fleet.is_stopped
        return is_held and self._is_shards(live.key) and not _is_told(live, manifest)

    def _is_shards(self, key: Key) -> bool:
        return key == Key("Deployment", self.observed.owner.name)

    def _clear(self, wanted: set[Key]) -> Iterator[Delete]:
        """Delete what the spec does not ask for any more; never what holds shards."""
        for key, live in sorted(self.observed.objects.items()):
            labels = as_mapping(at_path(live.manifest, "metadata", "labels"))
            is_ours = labels.get(BOT_LABEL) == self.observed.owner.name and live.belongs_to(self.observed.owner)
            is_known = key.kind in KINDS and bool(live.uid) and not live.is_leaving
            holds_shards = (key.kind, labels.get(COMPONENT_LABEL)) == ("Deployment", SHARDS)
            if key not in wanted and all((is_ours, is_known, not holds_shards)):
                yield Delete(key, live.uid, "the spec does not ask for it any more")


def _revised(live: LiveObject | None, build: Callable[[int], Manifest], highest: int) -> Manifest:
    """Build a Deployment with the revision that its pods have, or with the next one when their template changes."""
    number = told_revision(live)
    same = build(number)
    if live is not None and number and (_is_told(live, same) or _lost_its_digest(live, same)):
        return same
    return build(max(number, highest) + 1)


def _is_told(live: LiveObject, manifest: Manifest) -> bool:
    """Whether a live Deployment was made of the same template. What somebody edited in it since does not count."""
    return live.annotation(made.TEMPLATE) == as_mapping(at_path(manifest, "metadata", "annotations")).get(made.TEMPLATE)


def _lost_its_digest(live: LiveObject, manifest: Manifest) -> bool:
    """Whether somebody removed our annotation, and the template is what we would write."""
    path = ("spec", "template")
    return not live.annotation(made.TEMPLATE) and not any(
        differences(at_path(manifest, *path), at_path(live.manifest, *path))
    )


def _scale(key: Key, live: LiveObject, manifest: Manifest) -> Scale | None:
    given = at_path(manifest, "spec", "replicas")
    wanted = given if isinstance(given, int) else live.replicas
    return Scale(key, live.replicas, wanted) if wanted != live.replicas else None


def _case(spec: BotSpec | None, situation: Situation, observed: Observed, halt: Verdict | None) -> Case:
    live = observed.deployment
    return Case(
        spec=spec,
        situation=situation,
        decision=None,
        replicas=live.replicas if live else None,
        worker_pods=observed.worker_pods,
        rolling=_rolling(observed, ()),
        updated=live.counted("updatedReplicas") if live else 0,
        halt=halt,
        blocked=None,
    )


def _rolling(observed: Observed, ops: Sequence[Op]) -> tuple[str, ...]:
    """Return whose pods are not what is asked for; those that are changed just now are not either."""
    live = {**observed.pools, **({SHARDS: observed.deployment} if observed.deployment else {})}
    changed = {op.key for op in ops if isinstance(op, Apply | Scale)}
    return tuple(name for name, item in live.items() if not item.is_rolled_out or item.key in changed)


def _halt(spec: BotSpec | tuple[Problem, ...], observed: Observed) -> Verdict | None:
    if isinstance(spec, tuple):
        return Verdict("Stalled", "True", "InvalidSpec", f"{describe(spec)} What runs goes on as it was.")
    elder = _elder(observed)
    if elder is None:
        return None
    return Verdict(
        "Stalled",
        "True",
        "DuplicateApplication",
        f"The BotDeployment {elder.name} in namespace {elder.namespace} is older and runs the same application "
        f"{spec.application_id}. Nothing is created for this one. Delete one of the two, or correct the application "
        f"id.",
    )


def _elder(observed: Observed) -> OtherBot | None:
    """Return the oldest bot of the same application that is older than this one."""
    mine = (observed.created, observed.owner.uid)
    older = [other for other in observed.others if (other.created, other.uid) < mine]
    return min(older, key=lambda other: (other.created, other.uid), default=None)


def _blocked(wanted: Sequence[Manifest], observed: Observed) -> Verdict | None:
    for manifest in wanted:
        key = key_of(manifest)
        live = observed.objects.get(key)
        if live is not None and not live.belongs_to(observed.owner):
            return Verdict(
                "Stalled",
                "True",
                "NameTaken",
                f"There is a {key.kind} named {key.name} that belongs to something else. Delete or rename it, or give "
                f"the "
                "bot another name.",
            )
        if key in observed.refused:
            text = f"The API server refuses {key}: {observed.refused[key]}"
            return Verdict("Stalled", "True", "ApplyRefused", text)
    return None
