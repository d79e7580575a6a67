"""Log files of containers: where they are, their last lines, their bound. These calls block: use a thread."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from migaga.common.text import mask_shapes

SHOWN_BYTES = 2_048
SHOWN_LINES = 80
"""As a kubelet shows the end of a log as the reason why a container failed."""
LARGEST = 10_000_000
_KEPT_RUNS = 3
_KEPT_PODS = 50
_ENDED = "ended"
"""A file beside the logs of a pod that is gone."""


def log_file(folder: Path, run: int) -> Path:
    """Return the log of one run of a container, of those in its log folder."""
    return folder / f"{run}.log"


def last_lines(path: Path) -> str:
    """Return the end of a log, at most 80 lines and 2048 bytes, without what looks like a secret."""
    try:
        with path.open("rb") as opened:
            opened.seek(max(0, path.stat().st_size - SHOWN_BYTES))
            text = opened.read(SHOWN_BYTES).decode("utf-8", "replace")
    except OSError:
        return ""
    return mask_shapes("\n".join(text.splitlines()[-SHOWN_LINES:]))


def bound(folder: Path) -> None:
    """Keep a container's logs small: the last runs, and of a long log a copy beside the file that goes on."""
    runs = sorted(folder.glob("*.log"), key=lambda path: path.stat().st_mtime)
    for path in runs[:-_KEPT_RUNS]:
        path.unlink(missing_ok=True)
        path.with_suffix(".old").unlink(missing_ok=True)
    for path in runs[-_KEPT_RUNS:]:
        if path.stat().st_size > LARGEST:
            # The process goes on writing at the end of the same file, which is then its beginning.
            shutil.copyfile(path, path.with_suffix(".old"))
            os.truncate(path, 0)


def close(folder: Path) -> None:
    """Keep the logs of a pod that is gone for a while: until fifty others have gone after it."""
    if not folder.is_dir():
        return
    (folder / _ENDED).touch()
    marks = sorted(folder.parent.glob(f"*/{_ENDED}"), key=lambda path: path.stat().st_mtime)
    for mark in marks[:-_KEPT_PODS]:
        shutil.rmtree(mark.parent, ignore_errors=True)
