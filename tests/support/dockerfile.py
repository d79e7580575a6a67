"""Builds images without a container engine: a Dockerfile's instructions, carried out in a folder tree of this machine.

The tree can be run by `migaga up --image NAME=FOLDER` and by nodes: `image.json` in it holds the image's configuration
in the OCI's terms. What a base image such as `python:3.13-slim` brings (Python, pip) is this machine's, and no package
comes from a registry.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from migaga_operator.node.images import FILE

ROOT = Path(__file__).parents[2]
SYSTEM_PATH = "/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin"
# Folders of an image that are none of this machine's.
OF_AN_IMAGE = re.compile(r"(?<![\w./])/(?=(?:opt|src|wheels)(?:/|\s|$))")
SECONDS = 120


@dataclass
class Tree:
    """A stage of an image: its files, and what its configuration says."""

    root: Path
    environment: dict[str, str] = field(default_factory=lambda: {"PATH": SYSTEM_PATH})
    entrypoint: list[str] = field(default_factory=list)
    command: list[str] = field(default_factory=list)
    folder: str = "/"
    user: str = ""

    def inside(self, path: str) -> Path:
        """Where a path of the image really is."""
        return self.root / os.path.normpath(os.path.join(self.folder, path)).lstrip("/")

    def configure(self, instruction: str, text: str) -> None:
        """Take an instruction that changes the configuration alone. WORKDIR makes its folder too."""
        match instruction:
            case "ENV":
                for word in shlex.split(text):
                    name, _, value = word.partition("=")
                    self.environment[name] = value.replace(f"${name}", self.environment.get(name, ""))
            case "ENTRYPOINT":
                self.entrypoint, self.command = json.loads(text), []
            case "CMD":
                self.command = json.loads(text)
            case "WORKDIR":
                self.folder = os.path.join(self.folder, text)
                self.inside(".").mkdir(parents=True, exist_ok=True)
            case "USER":
                self.user = text

    def seal(self) -> None:
        """Write the configuration into the tree."""
        config = {
            "Env": [f"{name}={value}" for name, value in self.environment.items()],
            "Entrypoint": self.entrypoint,
            "Cmd": self.command,
            "WorkingDir": self.folder,
            "User": self.user,
        }
        (self.root / FILE).write_text(json.dumps({"config": config}))


def instructions(dockerfile: Path) -> Iterator[tuple[str, str]]:
    """Every instruction of a Dockerfile and what follows it, in order."""
    text = re.sub(r"^#.*\n", "", dockerfile.read_text("utf-8"), flags=re.MULTILINE).replace("\\\n", " ")
    for line in filter(None, map(str.strip, text.splitlines())):
        instruction, _, rest = line.partition(" ")
        yield instruction, rest.strip()


def base_tree(folder: Path) -> Tree:
    """Build what the project's own Dockerfile builds, from this checkout.

    The packages of the lock file are those of the environment that runs the tests; only the project is installed anew.
    """
    tree = Tree(folder)
    venv, wheels = folder / "opt" / "migaga", folder.with_suffix(".wheels")
    _run([sys.executable, "-m", "venv", "--without-pip", str(venv)])
    _pip("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(wheels), str(ROOT))
    _pip(
        "--python",
        str(venv / "bin" / "python"),
        "install",
        "--no-compile",
        "--no-deps",
        *map(str, wheels.glob("*.whl")),
    )
    (packages,) = venv.glob("lib/python*/site-packages")
    (packages / "locked.pth").write_text(f"import site; site.addsitedir({sysconfig.get_path('purelib')!r})\n")
    stages = list(instructions(ROOT / "Dockerfile"))
    last = max(number for number, (instruction, _) in enumerate(stages) if instruction == "FROM")
    for instruction, text in stages[last:]:
        tree.configure(instruction, text)
    return tree


def build_tree(dockerfile: Path, context: Path, bases: Mapping[str, Tree], folder: Path) -> Tree:
    """Carry out a Dockerfile in folders below `folder`; return the tree of its last stage.

    Args:
        dockerfile: The instructions.
        context: The folder that COPY takes files from.
        bases: Trees of images that FROM may name. They are built upon, not copied: paths in a virtual environment name
            the place where it was made. Every other image is an empty tree.
        folder: Where stages are made.
    """
    arguments: dict[str, str] = {}
    stages: dict[str, Tree] = {}
    tree = Tree(folder)
    for instruction, written in instructions(dockerfile):
        text = re.sub(r"\$\{(\w+)\}", lambda found: arguments.get(found[1], found[0]), written)
        if instruction == "ARG":
            name, _, default = text.partition("=")
            arguments[name] = default
        elif instruction == "FROM":
            image, _, name = text.partition(" AS ")
            tree = bases.get(image) or Tree(folder / f"stage-{len(stages)}")
            tree.root.mkdir(parents=True, exist_ok=True)
            stages[name or image] = tree
        elif instruction == "COPY":
            _copy(text, context, stages, tree)
        elif instruction == "RUN":
            _run(["sh", "-euc", OF_AN_IMAGE.sub(f"{tree.root}/", text)], tree)
        else:
            tree.configure(instruction, text)
    tree.seal()
    return tree


def _copy(text: str, context: Path, stages: Mapping[str, Tree], tree: Tree) -> None:
    words = text.split()
    source = context
    if words[0].startswith("--from="):
        source = stages[words.pop(0).removeprefix("--from=")].root
    *names, target = words
    for name in names:
        shutil.copytree(source / name.lstrip("/"), tree.inside(target), dirs_exist_ok=True)


def _pip(*words: str) -> None:
    _run([sys.executable, "-m", "pip", *words])


def _run(command: list[str], tree: Tree | None = None) -> None:
    # As pip reads it, this switches the isolation off: what builds packages is here, and comes from nowhere else.
    environment = {"PIP_NO_INDEX": "1", "PIP_NO_BUILD_ISOLATION": "0", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    path, where = os.environ["PATH"], None
    if tree is not None:
        environment |= {name: value for name, value in tree.environment.items() if name != "PATH"}
        own = OF_AN_IMAGE.sub(f"{tree.root}/", tree.environment["PATH"].replace(":", "\n")).replace("\n", ":")
        path, where = f"{own.removesuffix(SYSTEM_PATH)}{Path(sys.executable).parent}:{path}", tree.inside(".")
    done = subprocess.run(
        command, cwd=where, env={**os.environ, **environment, "PATH": path},
        capture_output=True, text=True, check=False, timeout=SECONDS,
    )  # fmt: skip
    assert done.returncode == 0, f"{command}: {done.stdout[-2000:]}{done.stderr[-3000:]}"
