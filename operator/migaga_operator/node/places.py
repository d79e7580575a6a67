"""Where a container's paths really are: there are no mounts here, so paths at the begin of values are replaced.

`environment.py` uses it for the environment, the command and the arguments of a container.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

TMP = "/tmp"  # noqa: S108 - a mount point


@dataclass(frozen=True, slots=True)
class Places:
    """The real places of what a container sees."""

    mounts: Mapping[str, Path] = field(default_factory=dict)
    """Path in the container -> folder or file of the machine. `/` is none: nothing could run under it."""
    root: Path | None = None
    """The folder tree of the image; None where the image is the running installation."""
    exists: Callable[[Path], bool] = Path.exists

    def real(self, text: str) -> str:
        """Return a value with real paths in it.

        A path counts at the begin of the value, behind the `=` of an option, and in each part of a list such as PATH.
        One that is neither inside a mount nor in the image's tree stays as it is: it is the machine's.
        """
        if text.startswith("-") and "=" in text:
            option, _, value = text.partition("=")
            return f"{option}={self.real(value)}"
        parts = text.split(":")
        if len(parts) > 1 and all(part.startswith("/") for part in parts):
            return ":".join(map(self._real_path, parts))
        return self._real_path(text)

    def program(self, text: str) -> str:
        """Return the real path of a program. Where the running installation is the image, one of the machine's that
        only seems to lie in a mount stays as it is."""
        real = self.real(text)
        is_hidden = real != text and self.root is None and not self.exists(Path(real))
        return text if is_hidden and self.exists(Path(text)) else real

    def _real_path(self, text: str) -> str:
        if not text.startswith("/"):
            return text
        for path in sorted(self.mounts, key=len, reverse=True):
            if path != "/" and (text == path or text.startswith(f"{path}/")):
                return f"{self.mounts[path]}{text[len(path) :]}"
        if self.root is not None and text.strip("/") and ".." not in text.split("/"):
            inside = self.root / text.strip("/")
            if len(text) < 4_096 and "\0" not in text and self.exists(inside):
                return str(inside)
        return text
