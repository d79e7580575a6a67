"""What fields of a `BotDeployment` ask of each other: each rule as CEL for the API server, and in Python.

The messages say what to write instead. `definition.py` puts the CEL into the CRD, `read.py` runs the Python. A test
feeds both with the same manifests.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from migaga_operator.crd.pod import EnvSource, Volume
from migaga_operator.crd.record import dump
from migaga_operator.crd.spec import BotSpec

OWN_VARIABLES: Mapping[str, str] = MappingProxyType(
    {
        "MIGAGA_BOT_INTENTS": "spec.intents",
        "MIGAGA_DATABASE_URL": "spec.database.urlSecretRef",
        "MIGAGA_ENV_CLIENTID": "spec.applicationId",
        "MIGAGA_ENV_TOKEN": "spec.tokenSecretRef",
        "MIGAGA_ENV_TOKENFILE": "spec.tokenSecretRef",
        "MIGAGA_FLEET_ADDRESS": "",
        "MIGAGA_FLEET_CAPACITY": "spec.shards.maxPerPod",
        "MIGAGA_FLEET_IDENTIFYRESERVE": "spec.identify.reserve",
        "MIGAGA_FLEET_MODEFILE": "spec.mode",
        "MIGAGA_FLEET_MULTIPLEOF": "spec.shards.multipleOf",
        "MIGAGA_FLEET_REVISION": "",
        "MIGAGA_FLEET_STATEDIRECTORY": "",
        "MIGAGA_FLEET_WAITFORTAKER": "spec.pod.terminationGracePeriodSeconds",
        "MIGAGA_HTTP_HOST": "",
        "MIGAGA_HTTP_PORT": "",
        "MIGAGA_MODULES_LOAD": "spec.modules",
        "MIGAGA_MODULES_OPTIONS": "spec.modules",
        "MIGAGA_SHARDS_COUNT": "spec.shards",
        "MIGAGA_SHARDS_IDS": "",
        "MIGAGA_SHARDS_STOPGRACE": "spec.pod.terminationGracePeriodSeconds",
    }
)
"""Variables that the operator sets, and the field that says the same; empty where there is nothing to say."""
OWN_VOLUMES = ("token", "fleet", "state", "tmp")
OWN_FOLDERS = ("/etc/migaga", "/var/lib/migaga", "/tmp")  # noqa: S108 - a mount point in a container
LONGEST_NAME = 40
NAME_RULE = "self.metadata.name.size() <= 40 && self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')"
NAME_MESSAGE = (
    "write at most 40 lower case letters, digits and `-`, beginning with a letter: the names of Services and pods "
    "are made of it"
)


@dataclass(frozen=True, slots=True)
class Rule:
    """Something that must hold between fields of the spec."""

    field: str
    """The field to change, below `spec`."""
    cel: str
    """True where it holds; `self` is the spec."""
    holds: Callable[[BotSpec], bool]
    reason: str
    remedy: str

    @property
    def message(self) -> str:
        """The API server's refusal."""
        return f"{self.reason}: {self.remedy[:1].lower()}{self.remedy[1:]}"


def _fits(spec: BotSpec) -> bool:
    count, replicas = spec.shards.count, spec.replicas
    return count is None or not replicas or replicas * spec.shards.max_per_pod >= count


def _is_multiple(spec: BotSpec) -> bool:
    return spec.shards.count is None or spec.shards.count % spec.shards.multiple_of == 0


def _pools_exist(spec: BotSpec) -> bool:
    pools = {pool.name for pool in spec.workers}
    return all(module.workers is None or module.workers in pools for module in spec.modules or ())


def _pools_are_used(spec: BotSpec) -> bool:
    return {pool.name for pool in spec.workers} <= {module.workers for module in spec.modules or ()}


def _refs_differ(spec: BotSpec) -> bool:
    token, url = spec.token_secret_ref, spec.database.url_secret_ref
    return (token.name, token.key) != (url.name, url.key)


def _one_value(spec: BotSpec) -> bool:
    return all((item.value is None) or (item.value_from is None) for item in spec.pod.env)


def _one_source(spec: BotSpec) -> bool:
    return all(item.value_from is None or _given(item.value_from) == 1 for item in spec.pod.env)


def _one_volume_source(spec: BotSpec) -> bool:
    return all(_given(item) == 2 for item in spec.pod.volumes)


def _given(item: EnvSource | Volume) -> int:
    written = dump(item)
    return len(written) if isinstance(written, Mapping) else 0


def _mounts_exist(spec: BotSpec) -> bool:
    return {item.name for item in spec.pod.volume_mounts} <= {item.name for item in spec.pod.volumes}


def _mounts_are_free(spec: BotSpec) -> bool:
    paths = [item.mount_path for item in spec.pod.volume_mounts]
    return not any(path == folder or path.startswith(f"{folder}/") for path in paths for folder in OWN_FOLDERS)


def _list(words: object) -> str:
    return "[" + ", ".join(f"'{word}'" for word in (words if isinstance(words, tuple) else ())) + "]"


RULES = (
    Rule(
        "shards.count",
        "self.shards.mode != 'Fixed' || has(self.shards.count)",
        lambda spec: spec.shards.mode != "Fixed" or spec.shards.count is not None,
        "shards.mode Fixed needs a count",
        "Write shards.count, or shards.mode: Recommended",
    ),
    Rule(
        "shards.count",
        "self.shards.mode != 'Recommended' || !has(self.shards.count)",
        lambda spec: spec.shards.mode != "Recommended" or spec.shards.count is None,
        "with shards.mode Recommended, Discord says the count",
        "Remove shards.count, or write shards.mode: Fixed",
    ),
    Rule(
        "shards.count",
        "!has(self.shards.count) || self.shards.count % self.shards.multipleOf == 0",
        _is_multiple,
        "shards.count is not divisible by shards.multipleOf",
        "Write a multiple of multipleOf as the count",
    ),
    Rule(
        "replicas",
        "!has(self.replicas) || !has(self.shards.count) || self.replicas == 0 || self.replicas * "
        "self.shards.maxPerPod >= self.shards.count",
        _fits,
        "the pods cannot hold all shards: replicas x shards.maxPerPod is less than shards.count",
        "Write more replicas, leave replicas out, or raise shards.maxPerPod",
    ),
    Rule(
        "replicas",
        "!has(self.replicas) || self.replicas > 0",
        lambda spec: spec.replicas != 0,
        "without a pod the bot is stopped",
        "Write mode: Stopped, and leave replicas as it is",
    ),
    Rule(
        "tokenSecretRef",
        "self.tokenSecretRef.name != self.database.urlSecretRef.name || self.tokenSecretRef.key != "
        "self.database.urlSecretRef.key",
        _refs_differ,
        "the token and the database's address cannot be the same key of the same Secret",
        "Write tokenSecretRef.key: token and database.urlSecretRef.key: database-url, and put both keys into the "
        "Secret",
    ),
    Rule(
        "modules",
        "!has(self.modules) || self.modules.all(m, !has(m.workers) || (has(self.workers) && self.workers.exists(w, "
        "w.name == m.workers)))",
        _pools_exist,
        "a module names workers that there are not",
        "Add the pool to spec.workers, or write the name of one that is there",
    ),
    Rule(
        "workers",
        "!has(self.workers) || self.workers.all(w, has(self.modules) && self.modules.exists(m, has(m.workers) && "
        "m.workers == w.name))",
        _pools_are_used,
        "a worker pool runs no module",
        "Write `workers: <its name>` at a module of spec.modules, or remove the pool",
    ),
    Rule(
        "modules",
        "!has(self.modules) || self.modules.exists(m, !has(m.workers))",
        lambda spec: spec.shard_modules is None or len(spec.shard_modules) > 0,
        "all modules run on workers, and none in the shard pods",
        "Leave `workers` out at one module, or add a small one such as config",
    ),
    Rule(
        "pod.env",
        f"!has(self.pod.env) || self.pod.env.all(e, !(e.name in {_list(tuple(OWN_VARIABLES))}))",
        lambda spec: all(item.name not in OWN_VARIABLES for item in spec.pod.env),
        "a variable is set by the operator",
        "Remove it from pod.env, and use the field of spec that says the same: "
        + ", ".join(dict.fromkeys(filter(None, OWN_VARIABLES.values()))),
    ),
    Rule(
        "pod.env",
        "!has(self.pod.env) || self.pod.env.all(e, !has(e.value) || !has(e.valueFrom))",
        _one_value,
        "a variable has both value and valueFrom",
        "Keep one of them",
    ),
    Rule(
        "pod.env",
        "!has(self.pod.env) || self.pod.env.all(e, !has(e.valueFrom) || [has(e.valueFrom.secretKeyRef), "
        "has(e.valueFrom.configMapKeyRef), has(e.valueFrom.fieldRef)].filter(x, x).size() == 1)",
        _one_source,
        "valueFrom needs exactly one source",
        "Write one of secretKeyRef, configMapKeyRef and fieldRef",
    ),
    Rule(
        "pod.volumes",
        f"!has(self.pod.volumes) || self.pod.volumes.all(v, !(v.name in {_list(OWN_VOLUMES)}))",
        lambda spec: all(item.name not in OWN_VOLUMES for item in spec.pod.volumes),
        "the volume names token, fleet, state and tmp are taken",
        "Write another name",
    ),
    Rule(
        "pod.volumes",
        "!has(self.pod.volumes) || self.pod.volumes.all(v, [has(v.secret), has(v.configMap), "
        "has(v.persistentVolumeClaim), has(v.emptyDir), "
        "has(v.projected), has(v.csi), has(v.ephemeral)].filter(x, x).size() == 1)",
        _one_volume_source,
        "a volume needs exactly one source",
        "Write one of secret, configMap, persistentVolumeClaim, emptyDir, projected, csi and ephemeral; Pod "
        "Security admits no other",
    ),
    Rule(
        "pod.volumeMounts",
        "!has(self.pod.volumeMounts) || self.pod.volumeMounts.all(m, has(self.pod.volumes) && "
        "self.pod.volumes.exists(v, v.name == m.name))",
        _mounts_exist,
        "a volume mount names a volume that there is not",
        "Add the volume to pod.volumes, or write the name of one that is there",
    ),
    Rule(
        "pod.volumeMounts",
        f"!has(self.pod.volumeMounts) || self.pod.volumeMounts.all(m, !{_list(OWN_FOLDERS)}.exists(f, m.mountPath == "
        f"f || m.mountPath.startsWith(f + '/')))",
        _mounts_are_free,
        "/etc/migaga, /var/lib/migaga and /tmp are taken",
        "Mount the volume somewhere else, such as /srv/files",
    ),
)
