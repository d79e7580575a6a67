"""A real MariaDB server for tests, and fixtures that run a test on every kind of database.

A `conftest.py` that wants them writes `from tests.support.mariadb import *`. However many do: one server is started
in a pytest session, when the first test asks for it, and every test gets a database of its own.
"""

from __future__ import annotations

import getpass
import itertools
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncmy
import pytest

from migaga.storage.database import Database, open_database
from migaga.storage.schema import upgrade

__all__ = ["database", "database_url", "mariadb_server", "mariadb_url", "migrated_url", "sqlite_url"]

PACKAGE = "mariadb-server"
USER, PASSWORD = "migaga", "p@ss:w/rd"  # needs quoting in a url, as passwords in life do
QUOTED = "p%40ss%3Aw%2Frd"
START_SECONDS = 60
# Speed that changes no meaning: no flush at commit (a test's data need not survive a power cut), small buffers.
SETTINGS = (
    "--no-defaults",
    "--skip-name-resolve",
    "--skip-log-bin",
    "--innodb-flush-log-at-trx-commit=0",
    "--innodb-doublewrite=0",
    "--innodb-buffer-pool-size=64M",
    "--innodb-log-file-size=16M",
    "--performance-schema=0",
    "--max-connections=300",
    # The worst default that servers in life have: what we store must not depend on it.
    "--character-set-server=latin1",
)
_numbers = itertools.count(1)


class MariaDbServer:
    """A server process with a folder of its own, on a free port of 127.0.0.1."""

    def __init__(self, daemon: str, installer: str) -> None:
        self._daemon, self._installer = daemon, installer
        self.folder = Path(tempfile.mkdtemp(prefix="migaga-mariadb-"))
        self.port = 0
        self._tls: list[str] = []
        self._migrated: list[str] = []
        self._core: list[tuple[object, ...]] = []
        self._rows: dict[str, list[tuple[object, ...]]] = {}
        self._process: subprocess.Popen[bytes] | None = None

    def install(self) -> None:
        """Make the data folder, once a session."""
        user = f"--user={getpass.getuser()}"
        (self.folder / "init.sql").write_text(
            f"CREATE USER {USER}@'127.0.0.1' IDENTIFIED BY '{PASSWORD}';\n"
            f"GRANT ALL ON *.* TO {USER}@'127.0.0.1' WITH GRANT OPTION;\n"
        )
        done = subprocess.run(
            [self._installer, "--no-defaults", user, f"--datadir={self.folder}/data", "--skip-test-db",
             "--auth-root-authentication-method=normal"],
            capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip
        assert done.returncode == 0, f"{self._installer}: {done.stdout[-2000:]}{done.stderr[-2000:]}"

    def make_certificate(self) -> Path:
        """Make a certificate for 127.0.0.1 that the server then uses for TLS; return its file."""
        certificate = self.folder / "server.pem"
        done = subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=test",
             "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", f"{self.folder}/key.pem", "-out", str(certificate)],
            capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        self._tls = [f"--ssl-cert={certificate}", f"--ssl-key={self.folder}/key.pem"]
        return certificate

    def start(self) -> None:
        """Start the server and wait until it greets."""
        for _ in range(3):  # Somebody may take the port between our look and the server's.
            self.port = free_port()
            if self._launch():
                return
        log = (self.folder / "log").read_text(errors="replace")
        raise AssertionError(f"mariadbd does not start:\n{log[-3000:]}")

    def restart(self) -> None:
        """Start the stopped server again on its old port."""
        assert self._launch(), "mariadbd does not start again"

    def _launch(self) -> bool:
        arguments = [
            self._daemon, *SETTINGS, *self._tls, f"--user={getpass.getuser()}", f"--datadir={self.folder}/data",
            f"--socket={self.folder}/socket", f"--pid-file={self.folder}/pid", f"--port={self.port}",
            "--bind-address=127.0.0.1", f"--log-error={self.folder}/log", f"--init-file={self.folder}/init.sql",
        ]  # fmt: skip
        self._process = subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        if self._greets():
            (self.folder / "init.sql").write_text("")  # The users are there when it starts again.
            return True
        self.stop()
        return False

    def _greets(self) -> bool:
        deadline = time.monotonic() + START_SECONDS
        assert self._process is not None
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=5) as connection:
                    if connection.recv(1):
                        return True
            except OSError:
                time.sleep(0.05)
        return False

    def stop(self) -> None:
        """Stop the server process."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None

    def remove(self) -> None:
        """Stop the server and delete its folder."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def url(self, database: str) -> str:
        """Return the url of a database on this server."""
        return f"mysql+asyncmy://{USER}:{QUOTED}@127.0.0.1:{self.port}/{database}"

    async def _connect(self) -> asyncmy.Connection:
        return await asyncmy.connect(
            host="127.0.0.1", port=self.port, user=USER, password=PASSWORD, autocommit=True, charset="utf8mb4"
        )

    async def execute(self, statement: str) -> list[tuple[object, ...]]:
        """Run one statement as an administrator, on a connection of its own."""
        connection = await self._connect()
        try:
            async with connection.cursor() as cursor:
                await cursor.execute(statement)
                return list(await cursor.fetchall())
        finally:
            await connection.ensure_closed()

    @asynccontextmanager
    async def migrated_database(self) -> AsyncIterator[str]:
        """Yield the url of a database with the core's tables, empty: one that was used before when it is as it was."""
        name = self._migrated.pop() if self._migrated else await self._migrate()
        yield self.url(name)
        if await self._reset(name):
            self._migrated.append(name)
        else:
            await self.execute(f"DROP DATABASE {name}")

    async def _migrate(self) -> str:
        name = f"test_{os.getpid()}_{next(_numbers)}"
        await self.execute(f"CREATE DATABASE {name}")
        async with open_database(self.url(name)) as database:
            await upgrade(database)
        if not self._core:
            self._core = await self._shape(name)
            for table in await self._tables(name):
                self._rows[table] = await self.execute(f"SELECT * FROM {name}.{table}")
        return name

    async def _reset(self, name: str) -> bool:
        """Leave the core's tables with their first rows; tell whether they are as the migrations made them."""
        further = [table for table in await self._tables(name) if table not in self._rows]
        connection = await self._connect()
        try:
            async with connection.cursor() as cursor:
                await cursor.execute("SET foreign_key_checks = 0")
                for table in further:
                    await cursor.execute(f"DROP TABLE {name}.`{table}`")
                if await self._shape(name) != self._core:
                    return False
                for table, rows in self._rows.items():
                    await cursor.execute(f"DELETE FROM {name}.{table}")
                    for row in rows:
                        places = ", ".join(["%s"] * len(row))
                        await cursor.execute(f"INSERT INTO {name}.{table} VALUES ({places})", row)
        finally:
            await connection.ensure_closed()
        return True

    async def _tables(self, name: str) -> list[str]:
        found = await self.execute(f"SELECT table_name FROM information_schema.tables WHERE table_schema = '{name}'")
        return [str(row[0]) for row in found]

    async def _shape(self, name: str) -> list[tuple[object, ...]]:
        """Return every column and index of a database, and what it is made of."""
        where = f"WHERE table_schema = '{name}'"
        return [
            *await self.execute(f"SELECT default_character_set_name, default_collation_name FROM "
                                f"information_schema.schemata WHERE schema_name = '{name}'"),
            *await self.execute(f"SELECT table_name, column_name, ordinal_position, column_default, is_nullable, "
                                f"column_type, collation_name, extra FROM information_schema.columns {where} "
                                f"ORDER BY table_name, ordinal_position"),
            *await self.execute(f"SELECT table_name, index_name, seq_in_index, column_name, non_unique FROM "
                                f"information_schema.statistics {where} ORDER BY table_name, index_name, seq_in_index"),
        ]  # fmt: skip

    @asynccontextmanager
    async def fresh_database(self) -> AsyncIterator[str]:
        """Make an empty database, yield its url, drop it."""
        name = f"test_{os.getpid()}_{next(_numbers)}"
        await self.execute(f"CREATE DATABASE {name}")
        try:
            yield self.url(name)
        finally:
            await self.execute(f"DROP DATABASE {name}")


SERVER = pytest.StashKey[MariaDbServer]()


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _find(name: str) -> str | None:
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/bin:/usr/local/sbin")


@pytest.fixture(scope="session")
def mariadb_server(request: pytest.FixtureRequest) -> MariaDbServer:
    """Return the session's server; skip where none is installed, fail there when CI=true."""
    if SERVER in request.config.stash:
        return request.config.stash[SERVER]
    daemon, installer = _find("mariadbd"), _find("mariadb-install-db")
    if daemon is None or installer is None:
        reason = f"mariadbd is not installed: install the Debian package {PACKAGE}"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    server = MariaDbServer(daemon, installer)
    request.config.add_cleanup(server.remove)
    server.install()
    server.start()
    request.config.stash[SERVER] = server
    return server


@pytest.fixture
async def mariadb_url(mariadb_server: MariaDbServer) -> AsyncIterator[str]:
    """Yield the url of an empty MariaDB database."""
    async with mariadb_server.fresh_database() as url:
        yield url


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """Return the url of an empty SQLite database."""
    return f"sqlite+aiosqlite:///{tmp_path}/test.db"


KINDS = ["sqlite", pytest.param("mariadb", marks=pytest.mark.mariadb)]


@pytest.fixture(params=KINDS)
async def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[str]:
    """Yield the url of an empty database: the test runs on each kind."""
    if request.param == "sqlite":
        yield f"sqlite+aiosqlite:///{tmp_path}/test.db"
        return
    server: MariaDbServer = request.getfixturevalue("mariadb_server")
    async with server.fresh_database() as url:
        yield url


@pytest.fixture(params=KINDS)
async def migrated_url(request: pytest.FixtureRequest, tmp_path: Path, migaga_template: Path) -> AsyncIterator[str]:
    """Yield the url of a database that has the core's tables, empty: the test runs on each kind."""
    if request.param == "sqlite":
        shutil.copy(migaga_template, tmp_path / "test.db")
        yield f"sqlite+aiosqlite:///{tmp_path}/test.db"
        return
    server: MariaDbServer = request.getfixturevalue("mariadb_server")
    async with server.migrated_database() as url:
        yield url


@pytest.fixture
async def database(migrated_url: str) -> AsyncIterator[Database]:
    """Yield an open database with the core's tables: the test runs on each kind."""
    async with open_database(migrated_url) as opened:
        yield opened
