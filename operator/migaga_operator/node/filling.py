"""Writes the files of a volume as a kubelet does: a reader sees all old files or all new ones, never a mixture.

The files are in a folder `..<time>`; `..data` is a link to it, and each name that people use is a link through
`..data`. A change writes a new folder and renames one link. Source: kubernetes/pkg/volume/util/atomic_writer.go.
These calls block: `pod_folder.py` makes them in a thread.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from migaga_operator.node.volumes import File

DATA = "..data"


def fill(folder: Path, files: Mapping[str, File]) -> bool:
    """Make `folder` hold exactly these files, by their relative paths; returns whether anything had to change."""
    folder.mkdir(parents=True, exist_ok=True)
    link = folder / DATA
    if link.is_symlink() and _holds(link, files):
        return False
    old = folder / os.readlink(link) if link.is_symlink() else None
    made = Path(tempfile.mkdtemp(prefix="..", dir=folder))
    for path, file in files.items():
        _write(made / path, file)
    _link(folder, DATA, made.name)
    tops = {path.split("/")[0] for path in files}
    for name in tops:
        if not (folder / name).is_symlink():
            _link(folder, name, f"{DATA}/{name}")
    for left in folder.iterdir():
        if left.is_symlink() and not left.name.startswith("..") and left.name not in tops:
            left.unlink()
    if old is not None:
        shutil.rmtree(old, ignore_errors=True)
    return True


def _holds(folder: Path, files: Mapping[str, File]) -> bool:
    there = {str(path.relative_to(folder)): path for path in folder.rglob("*") if path.is_file()}
    return there.keys() == files.keys() and all(
        there[path].read_bytes() == file.content and there[path].stat().st_mode & 0o777 == _mode(file)
        for path, file in files.items()
    )


def _write(path: Path, file: File) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(handle, "wb") as opened:
        opened.write(file.content)
    path.chmod(_mode(file))


def _mode(file: File) -> int:
    # The pod's processes are the node's own user: it must be able to read, and nobody else has to.
    return (file.mode | 0o400) & 0o700


def _link(folder: Path, name: str, target: str) -> None:
    new = folder / f"{DATA}_tmp"
    new.unlink(missing_ok=True)
    new.symlink_to(target)
    new.replace(folder / name)
