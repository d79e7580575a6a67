"""`migaga up`: the bots of a file on this machine, each as the fleet that it would be on a cluster."""

from __future__ import annotations

import asyncio
import logging
import sys
import tempfile
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from migaga.common.commands import Command
from migaga.common.errors import UsageError
from migaga.common.logs import RedactingFormatter
from migaga_operator.local.stopping import Stops
from migaga_operator.local.up import Up, Wish
from migaga_operator.local.view import View, open_view
from migaga_operator.local.wanted import Wanted, read_wanted
from migaga_operator.node.images import read_image

LOG = "up.log"


def configure(parser: ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "files", type=Path, nargs="+", metavar="FILE", help="BotDeployments, and the Secrets and ConfigMaps they need"
    )
    parser.add_argument("--watch", action="store_true", help="apply edits of the files while it runs")
    parser.add_argument(
        "--image",
        action="append",
        default=[],
        metavar="NAME=FOLDER",
        help="the folder tree that an image name means; every other name means this installation",
    )
    parser.add_argument("--folder", type=Path, metavar="DIR", help="keep the pods' logs there")
    parser.add_argument("--json", action="store_true", help="print one JSON object for each change, and nothing else")
    parser.add_argument(
        "--for",
        dest="seconds",
        type=float,
        metavar="SECONDS",
        help="drain after so long; the exit code is 1 when a bot is not Ready then",
    )


def run(arguments: Namespace) -> int:
    """Run the fleet until Ctrl-C, SIGTERM or the end of `--for`. Raises ConfigError that holds every problem."""
    images = read_images(arguments.image)
    if arguments.seconds is not None and arguments.seconds <= 0:
        raise UsageError(f"--for is {arguments.seconds:g}: write how many seconds to run, more than 0.")
    wanted = read_wanted(arguments.files)
    stops = Stops()
    view = open_view(sys.stdout, as_json=arguments.json, on_closed=stops.ask)
    with _folder(arguments.folder) as folder, _log_into(folder / LOG):
        wish = Wish(arguments.files, folder, images, watch=arguments.watch, seconds=arguments.seconds)
        if arguments.folder is not None:
            view.say(f"logs: {folder}")
        return asyncio.run(_run(wish, wanted, view, stops))


def read_images(given: Sequence[str]) -> Mapping[str, Path]:
    """Read `NAME=FOLDER`, each. Raises UsageError, or ConfigError for a folder that holds no image."""
    found: dict[str, Path] = {}
    for text in given:
        name, equals, folder = text.rpartition("=")
        if not equals or not name or not folder:
            raise UsageError(f"--image {text}: write NAME=FOLDER, such as --image registry.example/bot:2=build/bot-2")
        if name in found:
            raise UsageError(f"--image {name} is there twice. Keep one of the two.")
        found[name] = Path(folder).absolute()
        read_image(found[name])
    return found


async def _run(wish: Wish, wanted: Wanted, view: View, stops: Stops) -> int:
    stops.install()
    return await Up(wish, wanted, view, stops).run()


@contextmanager
def _folder(given: Path | None) -> Iterator[Path]:
    """Make the folder of this run; one that nobody has asked for is gone afterwards."""
    if given is None:
        with tempfile.TemporaryDirectory(prefix="migaga-up-", ignore_cleanup_errors=True) as made:
            yield Path(made)
    else:
        try:
            given.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(f"--folder {given}: {error.strerror}. Name a folder that can be written.") from error
        yield given.absolute()


@contextmanager
def _log_into(path: Path) -> Iterator[None]:
    """Write our own log into a file: the terminal is for the table."""
    handler = logging.FileHandler(path, delay=True)
    handler.setFormatter(RedactingFormatter())
    root, level = logging.getLogger(), logging.getLogger().level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    try:
        yield
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
        handler.close()


COMMAND = Command("up", "run the bots of a file on this machine, each as a fleet", configure, run)
