"""`$(NAME)` in the environment, commands and arguments, by Kubernetes' rules. `environment.py` calls it."""

from __future__ import annotations

import re
from collections.abc import Mapping

_REFERENCE = re.compile(r"\$(?:(?P<escape>\$)|\((?P<name>[^)]*)\))")


def expand(text: str, values: Mapping[str, str]) -> str:
    """Replace `$(NAME)` by its value; an unknown name stays as it is written, and `$$` is one `$`.

    Source: kubernetes/third_party/forked/golang/expansion.
    """

    def replaced(found: re.Match[str]) -> str:
        return "$" if found["escape"] else values.get(found["name"], found[0])

    return _REFERENCE.sub(replaced, text)
