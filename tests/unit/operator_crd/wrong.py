"""Wrong manifests: what is written, which field the refusal names, and what it says to do.

`python -m tests.unit.operator_crd.wrong` prints the table for docs/operating.md; `--json` prints the manifests, for an
API server.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass

from tests.unit.operator_crd.manifests import Change, Node, changed, drop, node, put

from migaga_operator.crd.read import read_bot


@dataclass(frozen=True)
class Wrong:
    """One wrong manifest."""

    written: str
    """What is written, for the table."""
    change: Change
    field: str
    """The field that the refusal names."""
    remedy: str
    """A part of what it says to do."""
    by_server: bool = True
    """Whether the API server refuses it; else it is shown in status."""

    @property
    def manifest(self) -> Node:
        """The manifest."""
        return changed(self.change)


def _name(value: object) -> Change:
    def change(manifest: Node) -> None:
        node(manifest, "metadata")["name"] = value

    return change


def _both(*changes: Change) -> Change:
    def change(manifest: Node) -> None:
        for one in changes:
            one(manifest)

    return change


ENV = ("pod", "env")
WRONG = (
    Wrong("`metadata.name: My_Bot`", _name("My_Bot"), "metadata.name", "lower case letters"),
    Wrong("`metadata.name` of 41 characters", _name("b" * 41), "metadata.name", "at most 40"),
    Wrong("no `spec.applicationId`", drop("applicationId"), "spec.applicationId", "application id"),
    Wrong(
        "`applicationId: 123456789012345678` (a number)",
        put(123456789012345678, "applicationId"),
        "spec.applicationId",
        "quotation marks",
    ),
    Wrong('`applicationId: "my-bot"`', put("my-bot", "applicationId"), "spec.applicationId", "the application id"),
    Wrong("no `spec.image`", drop("image"), "spec.image", "image"),
    Wrong('`image: "my image"`', put("my image", "image"), "spec.image", "an image such as"),
    Wrong("`imagePullPolicy: Sometimes`", put("Sometimes", "imagePullPolicy"), "spec.imagePullPolicy", "IfNotPresent"),
    Wrong("no `spec.tokenSecretRef`", drop("tokenSecretRef"), "spec.tokenSecretRef", "Secret"),
    Wrong(
        "`tokenSecretRef: {key: token}`",
        put({"key": "token"}, "tokenSecretRef"),
        "spec.tokenSecretRef.name",
        "name of a Secret",
    ),
    Wrong(
        "`tokenSecretRef.key: my/token`",
        put("my/token", "tokenSecretRef", "key"),
        "spec.tokenSecretRef.key",
        "a key of that Secret",
    ),
    Wrong(
        "token and database address in the same key",
        put({"name": "my-bot", "key": "token"}, "database", "urlSecretRef"),
        "spec.tokenSecretRef",
        "put both keys into the Secret",
    ),
    Wrong("no `spec.database`", drop("database"), "spec.database", "database"),
    Wrong(
        "`database: {url: ...}`", put({"url": "mysql+asyncmy://db"}, "database"), "spec.database.urlSecretRef", "Secret"
    ),
    Wrong("`intents: [MESSAGES]`", put(["MESSAGES"], "intents"), "spec.intents[0]", "GUILD_MESSAGES"),
    Wrong("`intents: []`", put([], "intents"), "spec.intents", "at least one"),
    Wrong("`intents: [GUILDS, GUILDS]`", put(["GUILDS", "GUILDS"], "intents"), "spec.intents[1]", "Keep one"),
    Wrong("`intents: GUILDS` (no list)", put("GUILDS", "intents"), "spec.intents", "Write a list"),
    Wrong("`mode: paused`", put("paused", "mode"), "spec.mode", "Paused"),
    Wrong("`replicas: 0`", put(0, "replicas"), "spec.replicas", "mode: Stopped"),
    Wrong("`replicas: -1`", put(-1, "replicas"), "spec.replicas", "whole number"),
    Wrong('`replicas: "3"`', put("3", "replicas"), "spec.replicas", "without quotation marks"),
    Wrong("`replicas: 1`, 32 shards, 16 in a pod", put(1, "replicas"), "spec.replicas", "more replicas"),
    Wrong("`shards.mode: Auto`", put({"mode": "Auto"}, "shards"), "spec.shards.mode", "Recommended"),
    Wrong("`shards: {mode: Fixed}`", put({"mode": "Fixed"}, "shards"), "spec.shards.count", "Write shards.count"),
    Wrong(
        "`shards: {mode: Recommended, count: 4}`",
        put({"mode": "Recommended", "count": 4}, "shards"),
        "spec.shards.count",
        "Remove shards.count",
    ),
    Wrong("`shards.count: 0`", put(0, "shards", "count"), "spec.shards.count", "whole number"),
    Wrong("`shards.count: 20000`", put(20_000, "shards", "count"), "spec.shards.count", "16384"),
    Wrong(
        "`shards: {count: 32, multipleOf: 5}`",
        put(5, "shards", "multipleOf"),
        "spec.shards.count",
        "a multiple of multipleOf",
    ),
    Wrong("`shards.maxPerPod: 0`", put(0, "shards", "maxPerPod"), "spec.shards.maxPerPod", "whole number"),
    Wrong("`shards.maxPerPods: 8`", put(8, "shards", "maxPerPods"), "spec.shards.maxPerPods", '"maxPerPod"'),
    Wrong("`identify.reserve: -5`", put(-5, "identify", "reserve"), "spec.identify.reserve", "whole number"),
    Wrong("`modules: []`", put([], "modules"), "spec.modules", "Leave it out"),
    Wrong(
        "the same module twice",
        put([{"name": "points"}, {"name": "points"}], "modules"),
        "spec.modules[1].name",
        "Keep one",
    ),
    Wrong(
        "`modules: [{name: points, workers: huge}]`",
        put(
            [{"name": "config"}, {"name": "starboard", "workers": "heavy"}, {"name": "points", "workers": "huge"}],
            "modules",
        ),
        "spec.modules",
        "Add the pool",
    ),
    Wrong(
        "all modules on workers",
        put([{"name": "starboard", "workers": "heavy"}], "modules"),
        "spec.modules",
        "`workers` out",
    ),
    Wrong(
        "a worker pool that no module names", put([{"name": "points"}], "modules"), "spec.workers", "remove the pool"
    ),
    Wrong("`workers[0].name: Heavy Ones`", put([{"name": "Heavy Ones"}], "workers"), "spec.workers[0].name", "heavy"),
    Wrong(
        "two worker pools of one name",
        put([{"name": "heavy"}, {"name": "heavy"}], "workers"),
        "spec.workers[1].name",
        "Keep one",
    ),
    Wrong(
        "`pod.env: [{name: MIGAGA_ENV_TOKEN, ...}]`",
        put([{"name": "MIGAGA_ENV_TOKEN", "value": "x"}], *ENV),
        "spec.pod.env",
        "spec.tokenSecretRef",
    ),
    Wrong(
        "a variable with `value` and `valueFrom`",
        put([{"name": "A", "value": "x", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}}], *ENV),
        "spec.pod.env",
        "Keep one",
    ),
    Wrong("`valueFrom: {}`", put([{"name": "A", "valueFrom": {}}], *ENV), "spec.pod.env", "secretKeyRef"),
    Wrong("`pod.env: [{name: 1A}]`", put([{"name": "1A"}], *ENV), "spec.pod.env[0].name", "a name such as"),
    Wrong("a variable twice", put([{"name": "A"}, {"name": "A"}], *ENV), "spec.pod.env[1].name", "Keep one"),
    Wrong(
        "a volume with `hostPath`",
        _both(put([{"name": "files", "hostPath": {"path": "/"}}], "pod", "volumes")),
        "spec.pod.volumes[0].hostPath",
        "configMap",
    ),
    Wrong("a volume without a source", put([{"name": "files"}], "pod", "volumes"), "spec.pod.volumes", "emptyDir"),
    Wrong(
        "a volume named `token`",
        put([{"name": "files", "emptyDir": {}}, {"name": "token", "emptyDir": {}}], "pod", "volumes"),
        "spec.pod.volumes",
        "another name",
    ),
    Wrong("a mount of a volume that there is not", drop("pod", "volumes"), "spec.pod.volumeMounts", "Add the volume"),
    Wrong(
        "`mountPath: /etc/migaga/token`",
        put([{"name": "files", "mountPath": "/etc/migaga/token"}], "pod", "volumeMounts"),
        "spec.pod.volumeMounts",
        "somewhere else",
    ),
    Wrong(
        "`terminationGracePeriodSeconds: 5`",
        put(5, "pod", "terminationGracePeriodSeconds"),
        "spec.pod.terminationGracePeriodSeconds",
        "from 15 to 3600",
    ),
    Wrong(
        "`resources.requests.memory: lots`",
        put("lots", "pod", "resources", "requests", "memory"),
        "spec.pod.resources.requests.memory",
        "256Mi",
    ),
    Wrong(
        "`tolerations: [{operator: Is}]`",
        put([{"operator": "Is"}], "pod", "tolerations"),
        "spec.pod.tolerations[0].operator",
        "Exists",
    ),
    Wrong(
        "`spec.tokenSecret` (no such field)", put({"name": "x"}, "tokenSecret"), "spec.tokenSecret", "tokenSecretRef"
    ),
    Wrong(
        "a request above its limit",
        put("1Gi", "pod", "resources", "requests", "memory"),
        "spec.pod.resources.requests.memory",
        "raise the limit",
        by_server=False,
    ),
    Wrong(
        "`pod.labels: {migaga.dev/bot: other}`",
        put({"migaga.dev/bot": "other"}, "pod", "labels"),
        "spec.pod.labels.migaga.dev/bot",
        "example.com/bot",
        by_server=False,
    ),
    Wrong(
        "`pod.nodeSelector: {a b: c}`",
        put({"a b": "c"}, "pod", "nodeSelector"),
        "spec.pod.nodeSelector",
        "prefix/",
        by_server=False,
    ),
)


def table() -> str:
    """The table of wrong manifests, as it stands in docs/operating.md."""
    lines = ["| written | refused by | field | what is wrong, and what to write |", "|---|---|---|---|"]
    for case in WRONG:
        found = read_bot(case.manifest)
        problem = (
            next(item for item in found if item.field.startswith(case.field)) if isinstance(found, tuple) else None
        )
        if problem is None:
            raise ValueError(f"{case.written} is not wrong")
        by = "API server" if case.by_server else "status"
        lines.append(f"| {case.written} | {by} | `{problem.field}` | {problem.advice} |".replace("\n", " "))
    return "\n".join(lines)


if __name__ == "__main__":
    if "--json" in sys.argv:
        for case in WRONG:
            print(json.dumps({"name": case.written, "new": case.manifest, "by_server": case.by_server}))
    else:
        print(table())
