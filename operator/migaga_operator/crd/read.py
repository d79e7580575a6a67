"""Reads a `BotDeployment`: a typed spec, or everything that is wrong with it.

The operator, `migaga up` and `migaga plan` call it. All problems are told at once. What only the API server can know
(whether an object is admitted) is not judged here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from migaga_operator.crd.pod import Resources
from migaga_operator.crd.quantities import amount
from migaga_operator.crd.record import Record
from migaga_operator.crd.rules import LONGEST_NAME, NAME_MESSAGE, RULES
from migaga_operator.crd.spec import BotSpec
from migaga_operator.json_types import at_path
from migaga_operator.problems import Problem, quoted

GROUP = "migaga.dev"
VERSION = "v1alpha1"
KIND = "BotDeployment"
API_VERSION = f"{GROUP}/{VERSION}"


def read_bot(manifest: object) -> BotSpec | tuple[Problem, ...]:
    """Read a `BotDeployment` as the API server or a file has it. Never raises: a wrong one is a tuple of problems."""
    if not isinstance(manifest, Mapping):
        return (Problem("manifest", f"{quoted(manifest)} is not an object", f"Write a {KIND} of {API_VERSION}"),)
    problems = list(_judge_head(manifest))
    spec = Record(BotSpec).read(manifest.get("spec", {}), "spec", problems)
    if spec is not None:
        problems.extend(_judge_spec(spec))
    return tuple(problems) if spec is None or problems else spec


def judge_change(before: BotSpec, after: BotSpec) -> tuple[Problem, ...]:
    """Return what a change of a spec must not do, where no API server refuses it."""
    if before.application_id == after.application_id:
        return ()
    reason = f"it was {quoted(before.application_id)}, and never changes: the database belongs to that application"
    remedy = "Write it as it was; make another BotDeployment with a database of its own for another bot"
    return (Problem("spec.applicationId", reason, remedy),)


def _judge_head(manifest: Mapping[object, object]) -> Iterator[Problem]:
    for field, expected in (("apiVersion", API_VERSION), ("kind", KIND)):
        if manifest.get(field) != expected:
            yield Problem(field, f"{quoted(manifest.get(field))} is not {expected}", f"Write {field}: {expected}")
    name = at_path(manifest, "metadata", "name")
    if not isinstance(name, str) or len(name) > LONGEST_NAME or not re.fullmatch(r"[a-z]([-a-z0-9]*[a-z0-9])?", name):
        remedy = NAME_MESSAGE[:1].upper() + NAME_MESSAGE[1:]
        yield Problem("metadata.name", f"{quoted(name)} cannot be the name of a bot", remedy)
    for key in map(str, manifest):
        if key not in {"apiVersion", "kind", "metadata", "spec", "status"}:
            yield Problem(key, "there is no such field", "Write it below spec, or remove it")


def _judge_spec(spec: BotSpec) -> Iterator[Problem]:
    for rule in RULES:
        if not rule.holds(spec):
            yield Problem(f"spec.{rule.field}", rule.reason, rule.remedy)
    yield from _judge_resources(spec.pod.resources, "spec.pod.resources")
    for n, pool in enumerate(spec.workers):
        if pool.resources is not None:
            yield from _judge_resources(pool.resources, f"spec.workers[{n}].resources")
    yield from _judge_labels(spec)


def _judge_resources(resources: Resources, at: str) -> Iterator[Problem]:
    for name, limit in resources.limits.items():
        request = resources.requests.get(name)
        least, most = amount(request or "0"), amount(limit)
        if least is not None and most is not None and least > most:
            reason = f"{request} is more than the limit of {limit}"
            yield Problem(f"{at}.requests.{name}", reason, f"Write at most {limit}, or raise the limit")


def _judge_labels(spec: BotSpec) -> Iterator[Problem]:
    for kind, given in (("labels", spec.pod.labels), ("annotations", spec.pod.annotations)):
        for key in given:
            prefix = key.partition("/")[0] if "/" in key else ""
            if prefix == GROUP or prefix.endswith(f".{GROUP}") or key.startswith("app.kubernetes.io/"):
                remedy = f"Use a prefix of your own, such as example.com/{key.rpartition('/')[2]}"
                yield Problem(f"spec.pod.{kind}.{key}", "the operator sets names with this prefix itself", remedy)
