"""The part of a `BotDeployment` that goes into its pods: resources, environment, volumes, placement.

What Pod Security `restricted` forbids (host folders, privileges) has no field.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from migaga_operator.crd.kinds import Amount, Choice, Free, ListOf, MapOf, Text, Truth, Whole
from migaga_operator.crd.record import Record, entry
from migaga_operator.json_types import Json

LABEL_KEY = r"([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
LABEL_VALUE = r"^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$"
NAME = r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$"
SECRET_NAME = Text(
    253, pattern=r"^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$", expected="the name of an object in the namespace"
)
SECRET_KEY = Text(253, pattern=r"^[-._a-zA-Z0-9]+$", expected="a key of that object")
_LABEL = Text(63, 0, LABEL_VALUE, "at most 63 letters, digits, `-`, `_` and `.`")


@dataclass(frozen=True, slots=True)
class Resources:
    """What a container gets and may use."""

    requests: Mapping[str, str] = field(
        default_factory=dict,
        metadata=entry(
            MapOf(Amount(), 16, LABEL_KEY),
            "What is set aside for each pod, such as cpu: 250m and memory: 256Mi.",
            default={},
        ),
    )
    limits: Mapping[str, str] = field(
        default_factory=dict,
        metadata=entry(
            MapOf(Amount(), 16, LABEL_KEY),
            "What each pod may use at most. A CPU limit makes handlers slow just when there is much to do: leave it "
            "out.",
            default={},
        ),
    )


@dataclass(frozen=True, slots=True)
class KeyRef:
    """One key of a Secret or ConfigMap."""

    name: str = field(metadata=entry(SECRET_NAME, "The name of the object, in the same namespace."))
    key: str = field(metadata=entry(SECRET_KEY, "The key in it."))
    optional: bool | None = field(default=None, metadata=entry(Truth(), "Whether pods start without it."))


@dataclass(frozen=True, slots=True)
class FieldRef:
    """A field of the pod itself."""

    field_path: str = field(
        metadata=entry(
            Text(256, expected="a field such as metadata.name"), "The field of the pod, such as spec.nodeName."
        )
    )


@dataclass(frozen=True, slots=True)
class EnvSource:
    """Where the value of a variable comes from: exactly one of these."""

    secret_key_ref: KeyRef | None = field(default=None, metadata=entry(Record(KeyRef), "A key of a Secret."))
    config_map_key_ref: KeyRef | None = field(default=None, metadata=entry(Record(KeyRef), "A key of a ConfigMap."))
    field_ref: FieldRef | None = field(default=None, metadata=entry(Record(FieldRef), "A field of the pod itself."))


@dataclass(frozen=True, slots=True)
class EnvVar:
    """One environment variable of the pods."""

    name: str = field(
        metadata=entry(
            Text(128, pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", expected="a name such as MIGAGA_LOG_LEVEL"),
            "The name of the variable. docs/configuration.md lists those that Migaga reads.",
        )
    )
    value: str | None = field(
        default=None, metadata=entry(Text(4_096, 0, expected="a text"), "Its value. Secrets belong into valueFrom.")
    )
    value_from: EnvSource | None = field(
        default=None, metadata=entry(Record(EnvSource), "Where its value comes from, in place of value.")
    )


@dataclass(frozen=True, slots=True)
class VolumeSecret:
    """The files of a Secret."""

    secret_name: str = field(metadata=entry(SECRET_NAME, "The name of the Secret."))
    optional: bool | None = field(default=None, metadata=entry(Truth(), "Whether pods start without it."))


@dataclass(frozen=True, slots=True)
class VolumeConfigMap:
    """The files of a ConfigMap."""

    name: str = field(metadata=entry(SECRET_NAME, "The name of the ConfigMap."))
    optional: bool | None = field(default=None, metadata=entry(Truth(), "Whether pods start without it."))


@dataclass(frozen=True, slots=True)
class VolumeClaim:
    """A claim to storage that exists."""

    claim_name: str = field(
        metadata=entry(SECRET_NAME, "The name of a PersistentVolumeClaim that all pods can mount at once.")
    )
    read_only: bool | None = field(default=None, metadata=entry(Truth(), "Whether it is mounted for reading only."))


@dataclass(frozen=True, slots=True)
class Volume:
    """One volume of the pods: a name and exactly one source, of those that Pod Security `restricted` admits."""

    name: str = field(
        metadata=entry(Text(63, pattern=NAME, expected="a name such as files"), "The name that volumeMounts refer to.")
    )
    secret: VolumeSecret | None = field(default=None, metadata=entry(Record(VolumeSecret), "The files of a Secret."))
    config_map: VolumeConfigMap | None = field(
        default=None, metadata=entry(Record(VolumeConfigMap), "The files of a ConfigMap.")
    )
    persistent_volume_claim: VolumeClaim | None = field(
        default=None, metadata=entry(Record(VolumeClaim), "Storage that exists.")
    )
    empty_dir: Mapping[str, Json] | None = field(
        default=None,
        metadata=entry(Free(), "A folder that lives as long as the pod. See Kubernetes, EmptyDirVolumeSource."),
    )
    projected: Mapping[str, Json] | None = field(
        default=None, metadata=entry(Free(), "Several sources in one folder. See Kubernetes, ProjectedVolumeSource.")
    )
    csi: Mapping[str, Json] | None = field(
        default=None, metadata=entry(Free(), "A volume of a CSI driver. See Kubernetes, CSIVolumeSource.")
    )
    ephemeral: Mapping[str, Json] | None = field(
        default=None, metadata=entry(Free(), "Storage made for each pod. See Kubernetes, EphemeralVolumeSource.")
    )


@dataclass(frozen=True, slots=True)
class Mount:
    """Where a volume is seen in the container."""

    name: str = field(
        metadata=entry(
            Text(63, pattern=NAME, expected="a name of spec.pod.volumes"), "The volume: a name of spec.pod.volumes."
        )
    )
    mount_path: str = field(
        metadata=entry(
            Text(1_024, pattern=r"^/[^:]*$", expected="a folder that begins with /"), "The folder in the container."
        )
    )
    sub_path: str | None = field(
        default=None,
        metadata=entry(Text(1_024, expected="a folder of the volume"), "A folder of the volume in place of all of it."),
    )
    read_only: bool | None = field(default=None, metadata=entry(Truth(), "Whether it is for reading only."))


@dataclass(frozen=True, slots=True)
class PullSecret:
    """A Secret with the password of a registry."""

    name: str = field(metadata=entry(SECRET_NAME, "The name of a Secret of type kubernetes.io/dockerconfigjson."))


@dataclass(frozen=True, slots=True)
class Toleration:
    """A taint of nodes that the pods put up with."""

    key: str | None = field(
        default=None,
        metadata=entry(
            Text(317, pattern=f"^{LABEL_KEY}$", expected="the key of a taint"),
            "The taint's key. Left out with operator Exists: every taint.",
        ),
    )
    operator: str | None = field(
        default=None, metadata=entry(Choice(("Exists", "Equal")), "Exists: any value. Equal: this value.")
    )
    value: str | None = field(default=None, metadata=entry(_LABEL, "The taint's value."))
    effect: str | None = field(
        default=None,
        metadata=entry(Choice(("NoSchedule", "PreferNoSchedule", "NoExecute")), "The taint's effect. Left out: all."),
    )
    toleration_seconds: int | None = field(
        default=None,
        metadata=entry(Whole(0, 2_592_000, large=True), "With NoExecute: after how many seconds a pod leaves."),
    )


@dataclass(frozen=True, slots=True)
class Spread:
    """How pods are spread over nodes or zones."""

    max_skew: int = field(metadata=entry(Whole(1, 1_000), "By how many pods two places may differ."))
    topology_key: str = field(
        metadata=entry(
            Text(317, pattern=f"^{LABEL_KEY}$", expected="a label such as topology.kubernetes.io/zone"),
            "The label of nodes that makes a place.",
        )
    )
    when_unsatisfiable: str = field(
        metadata=entry(Choice(("DoNotSchedule", "ScheduleAnyway")), "What happens when the pods cannot be spread so.")
    )
    label_selector: Mapping[str, Json] | None = field(
        default=None, metadata=entry(Free(), "The pods that count. Left out: the pods of the same Deployment.")
    )


@dataclass(frozen=True, slots=True)
class Pod:
    """What else the pods need."""

    resources: Resources = field(
        default_factory=Resources, metadata=entry(Record(Resources), "What each pod gets and may use.", default={})
    )
    env: tuple[EnvVar, ...] = field(
        default=(), metadata=entry(ListOf(Record(EnvVar), 64, key="name"), "Further environment variables.")
    )
    volumes: tuple[Volume, ...] = field(
        default=(), metadata=entry(ListOf(Record(Volume), 32, key="name"), "Further volumes.")
    )
    volume_mounts: tuple[Mount, ...] = field(
        default=(), metadata=entry(ListOf(Record(Mount), 32, key="mountPath"), "Where the volumes are seen.")
    )
    image_pull_secrets: tuple[PullSecret, ...] = field(
        default=(), metadata=entry(ListOf(Record(PullSecret), 16, key="name"), "Secrets with passwords of registries.")
    )
    node_selector: Mapping[str, str] = field(
        default_factory=dict, metadata=entry(MapOf(_LABEL, 32, LABEL_KEY), "Labels that a node must have.", default={})
    )
    tolerations: tuple[Toleration, ...] = field(
        default=(), metadata=entry(ListOf(Record(Toleration), 32), "Taints of nodes that the pods put up with.")
    )
    affinity: Mapping[str, Json] | None = field(
        default=None, metadata=entry(Free(), "Which nodes and neighbours the pods want. See Kubernetes, Affinity.")
    )
    topology_spread_constraints: tuple[Spread, ...] = field(
        default=(),
        metadata=entry(
            ListOf(Record(Spread), 8),
            "How pods are spread. Left out: over nodes and zones, as far as possible.",
        ),
    )
    termination_grace_period_seconds: int = field(
        default=60,
        metadata=entry(
            Whole(15, 3_600, large=True),
            "Seconds that a pod has to hand its shards over. Handlers that run longer than this are handled again "
            "by the next owner.",
            default=60,
        ),
    )
    annotations: Mapping[str, str] = field(
        default_factory=dict,
        metadata=entry(MapOf(Text(4_096, 0), 32, LABEL_KEY), "Further annotations of the pods.", default={}),
    )
    labels: Mapping[str, str] = field(
        default_factory=dict, metadata=entry(MapOf(_LABEL, 32, LABEL_KEY), "Further labels of the pods.", default={})
    )
    priority_class_name: str | None = field(default=None, metadata=entry(SECRET_NAME, "The PriorityClass of the pods."))
