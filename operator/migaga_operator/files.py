"""Reads files of Kubernetes objects, for `migaga plan` and `migaga up`. Stricter than YAML: nothing is overwritten."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import yaml

from migaga.common.errors import ConfigError
from migaga_operator.crd.read import KIND
from migaga_operator.json_types import as_list, at_path
from migaga_operator.problems import quoted


class _Loader(yaml.SafeLoader):
    """YAML as it is safe, with an error where a key is there twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[object, object]:
        """Read an object."""
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value in seen:
                said = f"the key {quoted(key.value)} is there twice; keep one of the two"
                raise yaml.constructor.ConstructorError(None, None, said, key.start_mark)
            seen.add(str(key.value))
        found: dict[object, object] = super().construct_mapping(node, deep)
        return found


def read_objects(path: Path) -> list[Mapping[str, object]]:
    """Read all objects of a YAML or JSON file; lists of objects are opened.

    Raises ConfigError naming file, line and what is wrong.
    """
    found: list[Mapping[str, object]] = []
    for document in _documents(path):
        is_list = isinstance(document, Mapping) and "items" in document
        for item in as_list(at_path(document, "items")) if is_list else [document]:
            if isinstance(item, Mapping):
                found.append(item)
            elif item is not None:
                said = f"{quoted(item)} is no Kubernetes object"
                raise ConfigError(f"{path}: {said}. Write apiVersion, kind and metadata.")
    return found


def _documents(path: Path) -> list[object]:
    try:
        return list(yaml.load_all(path.read_text("utf-8"), Loader=_Loader))
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} cannot be read: it is no UTF-8. Name a file of Kubernetes objects.") from error
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}. Name a file of Kubernetes objects.") from error
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}{_place(error)}: {_words(error)}. Correct the YAML.") from error


def read_one_bot(path: Path) -> Mapping[str, object]:
    """Read the one `BotDeployment` of a file, which may hold other objects too. Raises ConfigError."""
    bots = [item for item in read_objects(path) if item.get("kind") == KIND]
    if len(bots) != 1:
        raise ConfigError(f"{path} holds {len(bots)} objects of kind {KIND}. Write exactly one into it.")
    return bots[0]


def _place(error: yaml.YAMLError) -> str:
    mark = error.problem_mark if isinstance(error, yaml.MarkedYAMLError) else None
    return f":{mark.line + 1}" if mark else ""


def _words(error: yaml.YAMLError) -> str:
    problem = error.problem if isinstance(error, yaml.MarkedYAMLError) else None
    return problem or "it is no YAML"
