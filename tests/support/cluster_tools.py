"""The programs of the cluster tests: where they are, and how they are built from their Go modules where they are not.

`scripts/cluster-tools` runs it (`make test-tools`), and `tests/support/control_plane.py` asks `find_tools`. Programs
come in families that share one `go.mod` in `tests/cluster/tools/`. A family is taken as a whole from one place, because
parts of different versions need not fit: first the folder that KUBEBUILDER_ASSETS names, then a folder of PATH (when
new enough), then the cache, into which it is built. Nothing but the standard library: it runs before there is a virtual
environment.
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

MODULES = Path(__file__).parents[1] / "cluster" / "tools"
GO = (1, 26)
BUILD_SECONDS = 3600
Version = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Family:
    """Programs that are built from one `go.mod`."""

    name: str
    """The folder in `tests/cluster/tools/`."""
    module: str
    """The module whose version they get."""
    packages: Mapping[str, str]
    """Of each program, the Go package."""
    ask: tuple[str, ...]
    """Arguments with which the first program tells its version."""
    oldest: Version
    """The oldest version that is taken from PATH."""
    variables: str = ""
    """Linker flags that make the programs tell their version; `{version}`, `{major}` and `{minor}` are filled in."""

    @property
    def folder(self) -> Path:
        """Where its `go.mod` is."""
        return MODULES / self.name


_KUBERNETES = "k8s.io/component-base/version"
_HELM = "helm.sh/helm/v4/internal/version"
FAMILIES = (
    Family(
        "etcd", "go.etcd.io/etcd/server/v3", {"etcd": "go.etcd.io/etcd/server/v3"}, ("--version",), (3, 5)
    ),
    Family(
        "kubernetes",
        "k8s.io/kubernetes",
        {
            name: f"k8s.io/kubernetes/cmd/{name}"
            for name in ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl")
        },
        ("--version",),
        (1, 30),
        f"-X {_KUBERNETES}.gitVersion={{version}} -X {_KUBERNETES}.gitMajor={{major}} "
        f"-X {_KUBERNETES}.gitMinor={{minor}} -X {_KUBERNETES}.gitTreeState=clean",
    ),
    Family(
        "helm", "helm.sh/helm/v4", {"helm": "helm.sh/helm/v4/cmd/helm"}, ("version", "--short"), (3, 14),
        f"-X {_HELM}.version={{version}} -X {_HELM}.gitTreeState=clean",
    ),
    Family(
        "kubeconform", "github.com/yannh/kubeconform",
        {"kubeconform": "github.com/yannh/kubeconform/cmd/kubeconform"}, ("-v",), (0, 6),
        "-X main.version={version}",
    ),
)  # fmt: skip

# Fakes nodes and pods by the thousand, for benchmarks alone.
KWOK = Family("kwok", "sigs.k8s.io/kwok", {"kwok": "sigs.k8s.io/kwok/cmd/kwok"}, ("--version",), (0, 7))


class ToolsMissingError(Exception):
    """Programs are missing; the message says which, and how to get them."""


def find_tools(families: Sequence[Family] = FAMILIES) -> dict[str, Path]:
    """Return where each program is. Raises `ToolsMissingError` when one is nowhere: nothing is built here."""
    found: dict[str, Path] = {}
    missing: list[str] = []
    for family in families:
        place = _place(family)
        if place is None:
            missing.extend(family.packages)
        else:
            found.update({name: place / name for name in family.packages})
    if missing:
        raise ToolsMissingError(
            f"no {', '.join(missing)}: run `make test-tools` (needs Go {_dotted(GO)} or newer and its module proxy), "
            "or name a folder that has them in KUBEBUILDER_ASSETS"
        )
    return found


def _place(family: Family) -> Path | None:
    """Return the first folder that has the whole family."""
    assets = os.environ.get("KUBEBUILDER_ASSETS")
    if assets and _has(Path(assets), family):
        return Path(assets)
    for folder in os.environ.get("PATH", "").split(os.pathsep):
        if folder and _has(Path(folder), family) and _is_new_enough(Path(folder), family):
            return Path(folder)
    cached = cache_folder(family)
    return cached if _has(cached, family) else None


def _has(folder: Path, family: Family) -> bool:
    return all(os.access(folder / name, os.X_OK) for name in family.packages)


def _is_new_enough(folder: Path, family: Family) -> bool:
    program = folder / next(iter(family.packages))
    try:
        told = subprocess.run([program, *family.ask], capture_output=True, text=True, check=False, timeout=30).stdout
    except (OSError, subprocess.TimeoutExpired):
        return False
    return _version(told) >= family.oldest


def _version(text: str) -> Version:
    match = re.search(r"(\d+)\.(\d+)", text)
    return (int(match[1]), int(match[2])) if match else ()


def _dotted(version: Version) -> str:
    return ".".join(map(str, version))


def _root() -> Path:
    if given := os.environ.get("MIGAGA_TOOLS"):
        return Path(given).absolute()
    cache = os.environ.get("XDG_CACHE_HOME")
    return (Path(cache) if cache else Path.home() / ".cache") / "migaga" / "tools"


def cache_folder(family: Family) -> Path:
    """Return the family's folder in the cache: another one for other versions or other flags."""
    key = hashlib.sha256(family.variables.encode())
    for name in ("go.mod", "go.sum"):
        key.update((family.folder / name).read_bytes())
    return _root() / f"{family.name}-{key.hexdigest()[:16]}"


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Wait until no other process builds: each build takes all cores and much memory."""
    _root().mkdir(parents=True, exist_ok=True)
    with (_root() / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def build_missing(families: Sequence[Family] = FAMILIES) -> None:
    """Build what is nowhere into the cache. Raises `ToolsMissingError` where that cannot be done."""
    if all(_place(family) for family in families):
        return
    _check_go()
    with _one_at_a_time():
        for family in families:
            if _place(family) is None:
                _build(family)


def _check_go() -> None:
    try:
        told = subprocess.run(["go", "env", "GOVERSION"], capture_output=True, text=True, check=False, timeout=60)
    except FileNotFoundError:
        told = None
    if told is None or _version(told.stdout) < GO:
        found = "is not installed" if told is None else f"is {told.stdout.strip() or told.stderr.strip()}"
        raise ToolsMissingError(
            f"Go {found}: install Go {_dotted(GO)} or newer, or name a folder with the programs in KUBEBUILDER_ASSETS"
        )


def _build(family: Family) -> None:
    """Build a family beside its place and move it there, so that what is in the place is whole."""
    flags = f"-s -w {family.variables}".strip()
    version = _go(family, "list", "-m", "-f", "{{.Version}}", family.module).strip()
    major, minor = version.removeprefix("v").split(".")[:2]
    flags = flags.format(version=version, major=major, minor=minor)
    with tempfile.TemporaryDirectory(dir=_root(), prefix=f".{family.name}-") as made:
        for name, package in family.packages.items():
            _say(f"building {name} {version} (once; minutes)")
            begun = time.monotonic()
            _go(family, "build", "-trimpath", "-ldflags", flags, "-o", f"{made}/{name}", package)
            _say(f"built {name} in {time.monotonic() - begun:.0f} s")
        Path(made).chmod(0o755)
        place = cache_folder(family)
        shutil.rmtree(place, ignore_errors=True)
        # A copy of the name is left for the context manager to remove.
        Path(made).rename(place)
        Path(made).mkdir()


def _go(family: Family, *arguments: str) -> str:
    nice = ["nice", "-n", "10"] if shutil.which("nice") else []
    environ = {**os.environ, "CGO_ENABLED": "0", "GOWORK": "off", "GOFLAGS": "-mod=readonly -buildvcs=false"}
    done = subprocess.run(
        [*nice, "go", *arguments], cwd=family.folder, env=environ, capture_output=True, text=True, check=False,
        timeout=BUILD_SECONDS,
    )  # fmt: skip
    if done.returncode != 0:
        what = f"`go {' '.join(arguments)}` in {family.folder}"
        raise ToolsMissingError(f"{what} failed; is the module proxy reachable?\n{done.stderr[-3000:]}")
    return done.stdout


def _say(text: str) -> None:
    print(f"cluster-tools: {text}", file=sys.stderr, flush=True)


def main() -> int:
    """Build what is missing. 0 also where that cannot be done, as the tests are skipped then; 1 when CI=true."""
    parser = argparse.ArgumentParser(prog="cluster-tools", description="Build the programs that tests/cluster needs.")
    parser.add_argument("--print", action="store_true", help="print the name and the path of each program")
    parser.add_argument("--kwok", action="store_true", help="kwok too, which only a benchmark needs")
    options = parser.parse_args()
    families = (*FAMILIES, KWOK) if options.kwok else FAMILIES
    try:
        build_missing(families)
        found = find_tools(families)
    except ToolsMissingError as missing:
        in_ci = os.environ.get("CI") == "true"
        _say(f"{missing}" if in_ci else f"{missing}\ncluster-tools: tests/cluster will be skipped")
        return int(in_ci)
    if options.print:
        for name, path in found.items():
            print(f"{name}\t{path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
