"""A container as the node understands it. `pod.py` reads pods by it; nothing that it reads is trusted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from migaga_operator.json_types import as_list, as_mapping, as_text, at_path
from migaga_operator.node.downward import Amounts, FieldRef, ResourceRef, read_amounts, read_downward
from migaga_operator.node.names import is_name, is_relative
from migaga_operator.node.objects import Kind, ObjectRef
from migaga_operator.node.probes import Exec, Probe, read_action, read_port, read_probe


@dataclass(frozen=True, slots=True)
class KeyRef:
    """One key of a Secret or ConfigMap."""

    ref: ObjectRef
    key: str
    optional: bool


@dataclass(frozen=True, slots=True)
class Variable:
    """One variable of the environment, and where its value comes from."""

    name: str
    value: str | KeyRef | FieldRef | ResourceRef


@dataclass(frozen=True, slots=True)
class Variables:
    """All keys of an object as variables."""

    ref: ObjectRef
    prefix: str
    optional: bool


@dataclass(frozen=True, slots=True)
class Mount:
    """Where a container sees a volume."""

    volume: str
    path: str
    sub_path: str = ""


@dataclass(frozen=True, slots=True)
class Container:
    """One container."""

    name: str
    image: str
    command: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    working_dir: str = ""
    variables: tuple[Variable, ...] = ()
    variables_from: tuple[Variables, ...] = ()
    mounts: tuple[Mount, ...] = ()
    ports: tuple[tuple[str, int], ...] = ()
    """Names and numbers."""
    startup: Probe | None = None
    liveness: Probe | None = None
    readiness: Probe | None = None
    pre_stop: Exec | None = None
    amounts: Amounts | None = None
    never_pull: bool = False
    shows_log: bool = False
    """Whether the end of its log tells why it failed (`terminationMessagePolicy: FallbackToLogsOnError`)."""
    is_sidecar: bool = False
    """Of an init container: it goes on beside the others, and is restarted always."""

    @property
    def refs(self) -> Iterator[ObjectRef]:
        """The objects that its environment is made of."""
        yield from (item.ref for item in self.variables_from)
        yield from (item.value.ref for item in self.variables if isinstance(item.value, KeyRef))

    @property
    def is_ready_at_once(self) -> bool:
        """Whether it is ready as soon as its process runs: nobody is to ask it."""
        return self.startup is None and self.readiness is None

    @property
    def port_numbers(self) -> Mapping[str, int]:
        """Port numbers by their names."""
        return {name: number for name, number in self.ports if name}


def read_containers(value: object) -> tuple[Container, ...]:
    """Read a list of containers; those without a usable name are left out, and the second of two with one name."""
    found = {}
    for item in as_list(value):
        name = as_text(at_path(item, "name"))
        if is_name(name) and name not in found:
            found[name] = _read(name, as_mapping(item))
    return tuple(found.values())


def _read(name: str, given: Mapping[str, object]) -> Container:
    policy = as_text(given.get("terminationMessagePolicy"))
    pre_stop = read_action(at_path(given, "lifecycle", "preStop"))
    return Container(
        name=name,
        image=as_text(given.get("image")),
        command=texts(given.get("command")),
        args=texts(given.get("args")),
        working_dir=as_text(given.get("workingDir")),
        variables=tuple(_variables(given.get("env"))),
        variables_from=tuple(_variables_from(given.get("envFrom"))),
        mounts=tuple(_mounts(given.get("volumeMounts"))),
        ports=tuple(_ports(given.get("ports"))),
        startup=read_probe(given.get("startupProbe")),
        liveness=read_probe(given.get("livenessProbe")),
        readiness=read_probe(given.get("readinessProbe")),
        pre_stop=pre_stop if isinstance(pre_stop, Exec) else None,
        amounts=read_amounts(given.get("resources")),
        never_pull=given.get("imagePullPolicy") == "Never",
        shows_log=policy == "FallbackToLogsOnError",
        is_sidecar=given.get("restartPolicy") == "Always",
    )


def texts(value: object) -> tuple[str, ...]:
    """Read a list of texts; whatever is none is left out."""
    return tuple(item for item in as_list(value) if isinstance(item, str))


def _variables(value: object) -> Iterator[Variable]:
    for item in map(as_mapping, as_list(value)):
        name = as_text(item.get("name"))
        if not is_variable(name):
            continue
        source = as_mapping(item.get("valueFrom"))
        said = _key_ref(source, "secretKeyRef", "Secret") or _key_ref(source, "configMapKeyRef", "ConfigMap")
        yield Variable(name, said or read_downward(source) or as_text(item.get("value")))


def _key_ref(source: Mapping[str, object], word: str, kind: Kind) -> KeyRef | None:
    body = as_mapping(source.get(word))
    name, key = as_text(body.get("name")), as_text(body.get("key"))
    return KeyRef(ObjectRef(kind, name), key, body.get("optional") is True) if word in source else None


def _variables_from(value: object) -> Iterator[Variables]:
    kinds: tuple[tuple[str, Kind], ...] = (("configMapRef", "ConfigMap"), ("secretRef", "Secret"))
    for item in map(as_mapping, as_list(value)):
        for word, kind in kinds:
            name = as_text(at_path(item, word, "name"))
            if name:
                optional = at_path(item, word, "optional") is True
                yield Variables(ObjectRef(kind, name), as_text(item.get("prefix")), optional)


def _mounts(value: object) -> Iterator[Mount]:
    for item in map(as_mapping, as_list(value)):
        volume, path, part = (as_text(item.get(key)) for key in ("name", "mountPath", "subPath"))
        if path.startswith("/") and (not part or is_relative(part.rstrip("/"))):
            yield Mount(volume, path.rstrip("/") or "/", part.rstrip("/"))


def _ports(value: object) -> Iterator[tuple[str, int]]:
    for item in map(as_mapping, as_list(value)):
        number = read_port(item.get("containerPort"))
        if isinstance(number, int):
            yield as_text(item.get("name")), number


def is_variable(name: str) -> bool:
    """Whether a text can be the name of a variable."""
    return bool(name) and "=" not in name and "\0" not in name
