"""Check what no linter sees: what the lock files, the documents and the tree must and must not hold.

Run by `make check`. Prints every finding as `file:line: what, and what to do`, and leaves with 1 when there is one.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCKS = (ROOT / "requirements" / "run.lock", ROOT / "requirements" / "dev.lock")
# A lock file names packages, versions and hashes. A host, an index or a folder would bind it to one network or machine.
FOREIGN_IN_LOCK = re.compile(r"^\s*-|://|\bfile:|(?<![\w.])/\w+/")
# Hosts of package registries, put together here so that this file does not name one.
REGISTRIES = re.compile(
    "|".join(re.escape(".".join(parts)) for parts in (("pypi", "org"), ("pythonhosted", "org"), ("npmjs", "org"))), re.I
)
HOME = re.compile(r"(?<![\w/])/(?:home|root|Users|work)/\w+")
TEXT_LIMIT = 2_000_000


def tracked_files() -> list[Path]:
    """Every file that git tracks or would track."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],  # noqa: S607 - git comes from PATH
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    return [ROOT / name for name in listing.stdout.decode().split("\0") if name]


def findings_in_locks() -> Iterator[str]:
    """Lines of the lock files that name anything but a package, a version, a marker or a hash."""
    for lock in LOCKS:
        for number, line in enumerate(lock.read_text().splitlines(), 1):
            if line.startswith("#") or line.strip().startswith("--hash=sha256:"):
                continue
            if FOREIGN_IN_LOCK.search(line):
                yield f"{lock.relative_to(ROOT)}:{number}: names a host, an option or a folder; run `make lock`"


def findings_in(path: Path) -> Iterator[str]:
    """Registry addresses and paths of one machine in one file."""
    if not path.is_file() or path.is_symlink() or path.stat().st_size > TEXT_LIMIT:
        return
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return
    name = path.relative_to(ROOT)
    for number, line in enumerate(text.splitlines(), 1):
        if REGISTRIES.search(line):
            yield f"{name}:{number}: names a package registry; leave the address out"
        if HOME.search(line) and path.name != Path(__file__).name:
            yield f"{name}:{number}: names a folder of one machine; use a relative path"


def findings_in_tree() -> Iterator[str]:
    """What must not be in the tree at all."""
    if (ROOT / "operator" / "__init__.py").exists():
        yield "operator/__init__.py: shadows the standard library's `operator`; remove it"


def main() -> int:
    """Print all findings; 0 when there are none."""
    findings = [*findings_in_locks(), *findings_in_tree()]
    for path in tracked_files():
        findings.extend(findings_in(path))
    for finding in findings:
        print(finding)  # noqa: T201 - a command line tool
    if not findings:
        print("repository: nothing found")  # noqa: T201
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
