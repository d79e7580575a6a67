"""Which texts of a pod may become names of files: those that cannot leave the pod's own folder. Used by all readers."""

from __future__ import annotations

import re

_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,252}")
_KEY = re.compile(r"[A-Za-z0-9._-]{1,253}")
_LONGEST_PATH = 1_024


def is_name(text: str) -> bool:
    """Whether a text is one harmless name: of a volume, a container, a pod."""
    return _NAME.fullmatch(text) is not None


def is_key(text: str) -> bool:
    """Whether a text can be a key of a Secret or ConfigMap and a file of a volume."""
    return _KEY.fullmatch(text) is not None and not text.startswith("..") and text != "."


def is_relative(path: str) -> bool:
    """Whether a path stays inside the folder that it begins in."""
    parts = path.split("/")
    fine = bool(path) and len(path) <= _LONGEST_PATH and "\0" not in path and not path.startswith("..")
    return fine and not path.startswith("/") and not any(part in {"", ".", ".."} or len(part) > 255 for part in parts)
