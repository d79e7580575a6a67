"""The environment, command and working folder of a container: made of its spec, its image and what it refers to.

Pure: `container.py` fetches the objects and starts what comes out.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from migaga_operator.node.containers import Container, KeyRef, Variable, is_variable
from migaga_operator.node.downward import Facts
from migaga_operator.node.expansion import expand
from migaga_operator.node.images import Image
from migaga_operator.node.objects import MissingError, Objects, data_of, missing_key
from migaga_operator.node.places import TMP, Places


@dataclass(frozen=True, slots=True)
class Launch:
    """What to start."""

    command: tuple[str, ...]
    environment: Mapping[str, str]
    folder: str
    """The working folder."""


def make_launch(
    container: Container, image: Image, *, facts: Facts, objects: Objects, places: Places, folder: Path
) -> Launch:
    """Return what to start for a container.

    Args:
        container: What the pod says.
        image: What the image says; the container wins.
        facts: What the pod may be told of itself.
        objects: The Secrets and ConfigMaps that `container.refs` names.
        places: Where its paths really are.
        folder: The container's own folder: its HOME, and where it works when nothing else is said.

    Raises MissingError when something that it refers to is not there, or nothing is to be run.
    """
    given = variables(container, facts, objects)
    environment = {"HOME": str(folder), "LANG": "C.UTF-8", "HOSTNAME": facts.name}
    # The running installation is the machine's, wherever it lies: below a mount's path, too.
    environment |= {
        name: value if image.root is None else places.real(value) for name, value in image.environment.items()
    }
    environment["PATH"] = image.search_path(places)
    if TMP in places.mounts:
        environment["TMPDIR"] = str(places.mounts[TMP])
    environment |= {name: places.real(value) for name, value in given.items()}
    command = tuple(expand(word, given) for word in container.command)
    args = tuple(expand(word, given) for word in container.args)
    words = (*command, *args) if command else (*image.entrypoint, *(args or image.command))
    if not words:
        raise MissingError(f"no command specified: neither container {container.name} nor its image says what to run")
    return Launch(
        (places.program(words[0]), *map(places.real, words[1:])),
        environment,
        _working_folder(container, image, places, folder),
    )


def variables(container: Container, facts: Facts, objects: Objects) -> Mapping[str, str]:
    """Return the variables that a pod gives a container, as it wrote them, with `$(NAME)` replaced.

    Each may refer to those before it. Raises MissingError naming the object or key that is not there.
    """
    found: dict[str, str] = {}
    for group in container.variables_from:
        data = data_of(group.ref, objects, optional=group.optional, namespace=facts.namespace)
        found.update({f"{group.prefix}{key}": os.fsdecode(value) for key, value in data.items()})
    found = {name: value for name, value in found.items() if is_variable(name)}
    for item in container.variables:
        value = _value(item, container.name, facts, objects, found)
        if value is not None:
            found[item.name] = value
    return found


def _value(item: Variable, container: str, facts: Facts, objects: Objects, before: Mapping[str, str]) -> str | None:
    if isinstance(item.value, str):
        return expand(item.value, before)
    if isinstance(item.value, KeyRef):
        return _key(item.value, facts.namespace, objects)
    found = facts.say(item.value, container)
    if found is None:
        raise MissingError(f"variable {item.name} asks for {item.value[0]!r}, which no pod can be told. Correct it.")
    return found


def _key(source: KeyRef, namespace: str, objects: Objects) -> str | None:
    data = data_of(source.ref, objects, optional=source.optional, namespace=namespace)
    if source.key in data:
        return os.fsdecode(data[source.key])
    if source.optional:
        return None
    raise missing_key(source.ref, source.key, namespace)


def _working_folder(container: Container, image: Image, places: Places, folder: Path) -> str:
    wanted = container.working_dir or image.working_dir
    real = places.real(wanted)
    # A path of the container that is nowhere here cannot be worked in.
    return real if real != wanted else str(folder)
