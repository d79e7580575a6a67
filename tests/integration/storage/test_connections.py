"""Connections to real databases: cancelled, killed, exhausted, refused, absent."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy import exc
from tests.support.mariadb import QUOTED, MariaDbServer, free_port

from migaga.common.errors import ConfigError, UnavailableError
from migaga.storage.database import Database, open_database, wait_for_database

numbers = sa.Table(
    "numbers",
    sa.MetaData(),
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("value", sa.Integer, nullable=False),
)


class Proxy:
    """Passes bytes on to a server until it is told to cut every connection."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._writers: list[asyncio.StreamWriter] = []
        self.port = 0

    def reroute(self, url: str) -> str:
        return url.replace(f":{self._target}/", f":{self.port}/")

    def cut(self) -> None:
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()

    async def __aenter__(self) -> Proxy:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *error: object) -> None:
        self._server.close()
        self.cut()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream, to_server = await asyncio.open_connection("127.0.0.1", self._target)
        self._writers += [writer, to_server]
        await asyncio.gather(self._pump(reader, to_server), self._pump(upstream, writer))

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        writer.close()


async def make_numbers(database: Database) -> None:
    async with database.maintenance_engine.begin() as connection:
        await connection.run_sync(numbers.metadata.create_all)


async def echo(database: Database, value: int) -> int:
    async with database.transaction() as session:
        answer = await session.scalar(sa.text("SELECT :value"), {"value": value})
        return int(answer)


async def count(database: Database) -> int:
    async with database.read() as session:
        return (await session.scalars(sa.select(sa.func.count()).select_from(numbers))).one()


@pytest.mark.mariadb
async def test_a_cancelled_query_never_answers_the_next_user_of_the_pool(mariadb_url: str) -> None:
    async with open_database(mariadb_url, pool_size=3) as database:

        async def sleeper(number: int) -> None:
            async with database.transaction() as session:
                await session.execute(sa.text("SELECT 1000000 + :number, SLEEP(0.3)"), {"number": number})

        for round_number in range(5):
            tasks = [asyncio.create_task(sleeper(number)) for number in range(3)]
            await asyncio.sleep(0.05 + 0.02 * round_number)  # The time of the cancellation is what is tested.
            for task in tasks:
                task.cancel()
            results = await asyncio.gather(*tasks, return_exceptions=True)
            assert all(isinstance(result, asyncio.CancelledError) for result in results)
            answers = await asyncio.gather(*(echo(database, value) for value in range(60)))
            assert answers == list(range(60))


async def test_cancelling_at_any_moment_leaves_a_pool_that_answers_right(database_url: str) -> None:
    async with open_database(database_url, pool_size=2) as database:
        await make_numbers(database)

        async def write(number: int) -> None:
            async with database.transaction() as session:
                await session.execute(sa.insert(numbers), {"id": number, "value": number})
                await session.execute(sa.select(numbers).where(numbers.c.id == number))

        for turns in range(40):
            task = asyncio.create_task(write(turns))
            for _ in range(turns):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        assert await asyncio.gather(*(echo(database, value) for value in range(40))) == list(range(40))


@pytest.mark.mariadb
async def test_connections_that_the_server_closed_cost_no_command(
    mariadb_server: MariaDbServer, mariadb_url: str
) -> None:
    async with open_database(mariadb_url, pool_size=4) as database:
        await asyncio.gather(*(echo(database, value) for value in range(20)))
        name = mariadb_url.rsplit("/", 1)[1]
        rows = await mariadb_server.execute(f"SELECT id FROM information_schema.processlist WHERE db = '{name}'")
        assert rows
        for (connection_id,) in rows:
            await mariadb_server.execute(f"KILL CONNECTION {connection_id}")
        assert await asyncio.gather(*(echo(database, value) for value in range(40))) == list(range(40))


@pytest.mark.mariadb
async def test_a_connection_killed_in_a_query_is_unavailable_and_the_next_works(
    mariadb_server: MariaDbServer, mariadb_url: str
) -> None:
    async with open_database(mariadb_url) as database:

        async def killed() -> None:
            async with database.transaction() as session:
                connection_id = await session.scalar(sa.text("SELECT CONNECTION_ID()"))
                await mariadb_server.execute(f"KILL CONNECTION {connection_id}")
                await session.execute(sa.text("SELECT 1"))

        with pytest.raises(UnavailableError, match="not reachable"):
            await killed()
        assert await echo(database, 5) == 5


@pytest.mark.mariadb
async def test_a_socket_that_breaks_in_a_query_is_unavailable_and_the_next_works(
    mariadb_server: MariaDbServer, mariadb_url: str
) -> None:
    async with Proxy(mariadb_server.port) as proxy, open_database(proxy.reroute(mariadb_url)) as database:

        async def broken() -> None:
            async with database.transaction() as session:
                await session.execute(sa.text("SELECT 1"))
                proxy.cut()
                await session.execute(sa.text("SELECT 2"))

        with pytest.raises(UnavailableError, match="not reachable"):
            await broken()
        assert await asyncio.gather(*(echo(database, value) for value in range(20))) == list(range(20))


async def test_a_handlers_own_time_out_is_not_taken_for_the_databases(database_url: str) -> None:
    async with open_database(database_url) as database:

        async def slow() -> None:
            async with database.transaction() as session:
                await session.execute(sa.text("SELECT 1"))
                async with asyncio.timeout(0.01):
                    await asyncio.Event().wait()

        with pytest.raises(TimeoutError):
            await slow()
        assert await echo(database, 1) == 1


async def test_modules_that_hold_every_connection_do_not_stop_the_lease_pool(database_url: str) -> None:
    async with open_database(database_url, pool_size=2) as database, database.read() as one, database.read() as two:
        await one.execute(sa.text("SELECT 1"))
        await two.execute(sa.text("SELECT 1"))
        async with asyncio.timeout(5), database.lease_transaction() as session:
            assert await session.scalar(sa.text("SELECT 2")) == 2


async def test_a_transaction_is_committed_at_the_end_and_rolled_back_on_an_error(database_url: str) -> None:
    async with open_database(database_url) as database:
        await make_numbers(database)
        async with database.transaction() as session:
            await session.execute(sa.insert(numbers), {"id": 1, "value": 1})

        async def broken() -> None:
            async with database.transaction() as session:
                await session.execute(sa.insert(numbers), {"id": 2, "value": 2})
                raise RuntimeError

        with pytest.raises(RuntimeError):
            await broken()
        async with database.read() as session:
            await session.execute(sa.insert(numbers), {"id": 3, "value": 3})
        async with database.session() as session:
            await session.execute(sa.insert(numbers), {"id": 4, "value": 4})
            await session.commit()
            await session.execute(sa.insert(numbers), {"id": 5, "value": 5})
        assert await count(database) == 2


async def test_transactions_that_read_and_then_write_at_the_same_time_all_count(database_url: str) -> None:
    async with open_database(database_url, pool_size=8) as database:
        await make_numbers(database)
        async with database.transaction() as session:
            await session.execute(sa.insert(numbers), {"id": 1, "value": 0})

        async def increment() -> None:
            async with database.transaction() as session:
                query = sa.select(numbers.c.value).where(numbers.c.id == 1).with_for_update()
                value = (await session.scalars(query)).one()
                await session.execute(sa.update(numbers).where(numbers.c.id == 1).values(value=value + 1))

        async with asyncio.TaskGroup() as group:
            for _ in range(50):
                group.create_task(increment())
        async with database.read() as session:
            assert (await session.scalars(sa.select(numbers.c.value))).one() == 50


async def test_an_update_counts_the_rows_it_found_not_those_it_changed(database_url: str) -> None:
    async with open_database(database_url) as database:
        await make_numbers(database)
        async with database.transaction() as session:
            await session.execute(sa.insert(numbers), {"id": 1, "value": 7})
        async with database.transaction() as session:
            result = await session.execute(sa.update(numbers).values(value=7))
            assert isinstance(result, sa.CursorResult)
            assert result.rowcount == 1


@pytest.mark.mariadb
async def test_sessions_use_utc_read_committed_and_short_limits(mariadb_url: str) -> None:
    async with open_database(mariadb_url) as database, database.read() as session:
        row = (
            await session.execute(
                sa.text(
                    "SELECT @@time_zone, @@tx_isolation, @@innodb_lock_wait_timeout, @@lock_wait_timeout, "
                    "@@wait_timeout, @@character_set_connection, @@sql_mode"
                )
            )
        ).one()
    assert tuple(row[:6]) == ("+00:00", "READ-COMMITTED", 5, 10, 60, "utf8mb4")
    assert "STRICT_ALL_TABLES" in row[6]


async def test_an_in_memory_database_is_one_for_all_connections_and_survives_a_cancelled_query() -> None:
    async with open_database("sqlite://") as database:
        await make_numbers(database)
        folder = database.path
        async with database.transaction() as writer:
            await writer.execute(sa.insert(numbers), {"id": 1, "value": 1})
            assert await count(database) == 0  # Another connection, which sees only what is committed.
        task = asyncio.create_task(count(database))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert await count(database) == 1
    assert folder is not None
    assert not await asyncio.to_thread(folder.exists)


async def test_sqlite_checks_foreign_keys_and_writes_a_log_ahead(sqlite_url: str) -> None:
    async with open_database(sqlite_url) as database, database.read() as session:
        assert await session.scalar(sa.text("PRAGMA foreign_keys")) == 1
        assert await session.scalar(sa.text("PRAGMA journal_mode")) == "wal"


@pytest.mark.mariadb
@pytest.mark.parametrize(
    ("change", "error", "text"),
    [
        ((QUOTED, "wrong-secret"), ConfigError, "user or password"),
        (("migaga:", "nobody:"), ConfigError, "user or password"),
        (("/test_", "/absent_"), ConfigError, "does not exist"),
    ],
)
async def test_what_the_server_refuses_is_named_without_the_password(
    mariadb_url: str, change: tuple[str, str], error: type[Exception], text: str
) -> None:
    with pytest.raises(error, match=text) as caught:
        async with open_database(mariadb_url.replace(*change)):
            pass
    assert "wrong-secret" not in str(caught.value)
    assert QUOTED not in str(caught.value)
    assert "p@ss" not in str(caught.value)
    assert "127.0.0.1" in str(caught.value)


@pytest.mark.mariadb
@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed: Debian package openssl")
async def test_tls_checks_the_servers_certificate(mariadb_server: MariaDbServer, mariadb_url: str) -> None:
    with pytest.raises(UnavailableError):  # The server has no TLS yet: never in the clear instead.
        async with asyncio.timeout(20), open_database(f"{mariadb_url}?ssl=true"):
            pass
    certificate = await asyncio.to_thread(mariadb_server.make_certificate)
    await asyncio.to_thread(mariadb_server.stop)
    await asyncio.to_thread(mariadb_server.restart)
    async with open_database(f"{mariadb_url}?ssl_ca={certificate}") as database, database.read() as session:
        row = (await session.execute(sa.text("SHOW STATUS LIKE 'Ssl_cipher'"))).one()
        assert row[1]
    with pytest.raises(ConfigError, match="certificate"):
        async with open_database(f"{mariadb_url}?ssl=true"):
            pass
    with pytest.raises(ConfigError, match="certificate"):
        async with open_database(f"{mariadb_url.replace('127.0.0.1', 'localhost')}?ssl_ca={certificate}"):
            pass


async def test_mysqls_default_login_without_tls_is_explained() -> None:
    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        plugin = b"caching_sha2_password\0"
        flags = 0x00080000 | 0x8000 | 0x0200 | 0x0001 | 0x0008
        greeting = b"\x0a8.0.36\0" + bytes(4) + b"a" * 8 + b"\0" + flags.to_bytes(4, "little")[:2] + b"\xff\x02\0"
        greeting += flags.to_bytes(4, "little")[2:] + b"\x15" + bytes(10) + b"b" * 12 + b"\0" + plugin
        answers = [greeting, b"\x01\x04", b"\x01-----BEGIN PUBLIC KEY-----"]
        number = 0
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            for answer in answers:
                writer.write(len(answer).to_bytes(3, "little") + bytes([number]) + answer)
                if answer is answers[-1]:
                    break
                header = await reader.readexactly(4)
                await reader.readexactly(int.from_bytes(header[:3], "little"))
                number = header[3] + 1
        writer.close()

    async with await asyncio.start_server(greet, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(ConfigError, match=r"needs TLS: add `\?ssl_ca=FILE`"):
            async with asyncio.timeout(10), open_database(f"mysql://user:secret@127.0.0.1:{port}/bot"):
                pass
        await asyncio.sleep(0.05)  # The driver leaves its socket open; it ends when it sees ours closed.


async def test_a_server_that_is_down_is_unavailable() -> None:
    with pytest.raises(UnavailableError, match=r"not reachable.*Is the server running"):
        async with open_database(f"mysql://user:secret@127.0.0.1:{free_port()}/bot"):
            pass


async def test_a_sqlite_file_in_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="folder"):
        async with open_database(f"sqlite:///{tmp_path}/absent/bot.db"):
            pass


async def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("this is no database, it only has the length of one " * 100)
    with pytest.raises(ConfigError, match="something else"):
        async with open_database(f"sqlite:///{file}"):
            pass


async def test_an_error_of_a_statement_is_not_taken_for_an_outage(database_url: str) -> None:
    async with open_database(database_url) as database:
        with pytest.raises((exc.OperationalError, exc.ProgrammingError)):
            async with database.read() as session:
                await session.execute(sa.text("SELECT nothing FROM nowhere"))


async def test_too_many_held_connections_end_in_a_message_about_the_modules(sqlite_url: str) -> None:
    async with open_database(sqlite_url, pool_size=1) as database:
        database.engine.sync_engine.pool._timeout = 0.05  # type: ignore[attr-defined]
        async with database.session() as held:
            await held.execute(sa.text("SELECT 1"))
            with pytest.raises(UnavailableError, match="modules hold all"):
                async with database.session() as other:
                    await other.execute(sa.text("SELECT 1"))
            # Who may do what can still be looked up.
            async with database.read() as looking:
                await looking.execute(sa.text("SELECT 1"))


class Clock:
    """Time that passes only in pauses."""

    def __init__(self) -> None:
        self.now = 0.0
        self.reasons: list[str] = []

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds

    def note(self, reason: str, left: float) -> None:
        self.reasons.append(reason)


async def test_waiting_for_a_database_is_bounded_and_says_why() -> None:
    clock = Clock()
    url = f"mysql://user:secret@127.0.0.1:{free_port()}/bot"
    with pytest.raises(UnavailableError, match=r"Gave up after 20 s"):
        await wait_for_database(url, timeout=20, on_wait=clock.note, clock=clock, sleep=clock.sleep)
    assert clock.now == pytest.approx(20)
    assert len(clock.reasons) > 4
    assert all("not reachable" in reason and "secret" not in reason for reason in clock.reasons)


@pytest.mark.mariadb
async def test_waiting_ends_when_the_server_comes_up(mariadb_server: MariaDbServer, mariadb_url: str) -> None:
    clock = Clock()
    await asyncio.to_thread(mariadb_server.stop)

    async def start_server(seconds: float) -> None:
        await clock.sleep(seconds)
        if len(clock.reasons) == 2:
            await asyncio.to_thread(mariadb_server.restart)

    await wait_for_database(mariadb_url, timeout=30, on_wait=clock.note, clock=clock, sleep=start_server)
    assert len(clock.reasons) == 2


async def test_waiting_does_not_help_against_a_wrong_url() -> None:
    clock = Clock()
    with pytest.raises(ConfigError):
        await wait_for_database("oracle://x", timeout=20, on_wait=clock.note, clock=clock, sleep=clock.sleep)
    assert clock.reasons == []
