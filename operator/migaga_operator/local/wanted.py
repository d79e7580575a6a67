"""What files ask this machine to run: bots, and the Secrets and ConfigMaps that they need. `up.py` reads them.

All problems of all files are told at once. What a cluster would have beside it (databases, roles) is left out, by name.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import cast

from migaga.common.errors import ConfigError
from migaga_operator.crd.read import KIND, judge_change, read_bot
from migaga_operator.crd.spec import BotSpec
from migaga_operator.files import read_objects
from migaga_operator.json_types import Json, Manifest, as_mapping, as_text, at_path
from migaga_operator.local.databases import DatabaseError, shared_url
from migaga_operator.local.store import Ref, ref_of
from migaga_operator.problems import Problem, quoted

_DATA = ("Secret", "ConfigMap")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the files ask for."""

    bots: Mapping[Ref, Manifest]
    data: Mapping[Ref, Manifest]
    """Secrets, whose values are all base64 in `data`, and ConfigMaps."""
    left_out: tuple[Ref, ...] = ()
    """Objects of kinds that this machine does not run."""
    specs: Mapping[Ref, BotSpec] = field(default_factory=dict)

    @property
    def secrets(self) -> Iterator[str]:
        """Every value of every Secret as text, to be kept out of what is printed."""
        for ref, item in self.data.items():
            if ref.kind == "Secret":
                yield from (value.decode(errors="replace") for value in secret_data(item).values())


def read_wanted(paths: Sequence[Path], before: Wanted | None = None) -> Wanted:
    """Read files of Kubernetes objects.

    Args:
        paths: The files.
        before: What they asked for when they were read last: what never changes is compared.

    Raises:
        ConfigError: Everything that is wrong, a line each.
    """
    problems: list[str] = []
    found = Wanted({}, {})
    for path in paths:
        for item in read_objects(path):
            found = _with(found, item, path, problems)
    if not found.bots and not problems:
        problems.append(f"there is no {KIND} in {' or '.join(map(str, paths))}. Write one")
    for ref, spec in found.specs.items():
        problems.extend(f"{ref}: {problem}" for problem in _changes(spec, before.specs.get(ref) if before else None))
    found, more = _with_databases(found, paths[0].absolute().parent)
    problems.extend(more)
    if problems:
        raise ConfigError("\n".join(["what the file asks for cannot work.", *(f"  {line}" for line in problems)]))
    return found


def secret_data(secret: object) -> Mapping[str, bytes]:
    """Return the decoded values of a Secret."""
    data = as_mapping(at_path(secret, "data"))
    return {str(key): base64.b64decode(as_text(value)) for key, value in data.items()}


def config_data(config_map: object) -> Mapping[str, bytes]:
    """Return the values of a ConfigMap, `binaryData` decoded."""
    texts = as_mapping(at_path(config_map, "data"))
    binary = as_mapping(at_path(config_map, "binaryData"))
    return {
        **{str(key): as_text(value).encode() for key, value in texts.items()},
        **{str(key): base64.b64decode(as_text(value)) for key, value in binary.items()},
    }


def _with(found: Wanted, item: Mapping[str, object], path: Path, problems: list[str]) -> Wanted:
    ref = ref_of(item)
    if ref in found.bots or ref in found.data:
        problems.append(f"{path}: {ref} is there twice. Keep one of the two")
        return found
    manifest = cast("Manifest", item)
    if ref.kind == KIND:
        spec = read_bot(item)
        if isinstance(spec, BotSpec):
            return replace(found, bots={**found.bots, ref: manifest}, specs={**found.specs, ref: spec})
        problems.extend(f"{path}: {ref}: {problem}" for problem in spec)
        return replace(found, bots={**found.bots, ref: manifest})
    if ref.kind not in _DATA:
        return replace(found, left_out=(*found.left_out, ref))
    wrong = list(_judge_data(item))
    problems.extend(f"{path}: {ref}: {problem}" for problem in wrong)
    return found if wrong else replace(found, data={**found.data, ref: _normal(manifest)})


def _judge_data(item: Mapping[str, object]) -> Iterator[Problem]:
    if not as_text(at_path(item, "metadata", "name")):
        yield Problem("metadata.name", "it is missing", "Write a name")
    for name in ("data", "stringData", "binaryData"):
        given = item.get(name)
        if given is not None and not isinstance(given, Mapping):
            yield Problem(name, f"{quoted(given)} is not an object", "Write `name: value` lines below it")
        is_coded = name == "binaryData" or (name == "data" and item.get("kind") == "Secret")
        for key, value in as_mapping(given).items():
            if not isinstance(value, str):
                yield Problem(f"{name}.{key}", "it is not a text", "Write it between quotation marks")
            elif is_coded and not _is_base64(value):
                yield Problem(f"{name}.{key}", "it is not base64", "Encode it, or write it below stringData")


def _is_base64(text: str) -> bool:
    try:
        base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return False
    return True


def _normal(item: Manifest) -> Manifest:
    """Return a Secret as an API server keeps it: everything in `data`."""
    if item.get("kind") != "Secret":
        return item
    given = {str(key): _encoded(as_text(value)) for key, value in as_mapping(item.get("stringData")).items()}
    data: Json = {**cast("Manifest", item.get("data") or {}), **given}
    return {**{name: value for name, value in item.items() if name != "stringData"}, "data": data}


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _changes(spec: BotSpec, before: BotSpec | None) -> Iterable[Problem]:
    return judge_change(before, spec) if before else ()


def _with_databases(found: Wanted, folder: Path) -> tuple[Wanted, list[str]]:
    """See that the Secrets of all bots are there, and make addresses of SQLite files the same for all processes."""
    problems: list[str] = []
    data = dict(found.data)
    for ref, spec in found.specs.items():
        token, url = spec.token_secret_ref, spec.database.url_secret_ref
        for name, at, key in (("tokenSecretRef", token.name, token.key), ("database.urlSecretRef", url.name, url.key)):
            secret = Ref("Secret", ref.namespace, at)
            given = secret_data(data.get(secret))
            if key not in given:
                what = f"the Secret {at} has no key {key}" if secret in data else f"there is no Secret {at}"
                remedy = "Write it into the file, or name another file that has it"
                problems.append(f"{ref}: {Problem(f'spec.{name}', what, remedy)}")
            elif at == url.name and key == url.key:
                try:
                    shared = shared_url(given[key].decode(errors="replace").strip(), folder)
                except DatabaseError as error:
                    problems.append(f"{ref}: {Problem(f'spec.{name}', str(error), error.remedy)}")
                else:
                    data[secret] = _put(data[secret], key, shared)
    return replace(found, data=data), problems


def _put(secret: Manifest, key: str, text: str) -> Manifest:
    return {**secret, "data": {**cast("Manifest", secret["data"]), key: _encoded(text)}}
