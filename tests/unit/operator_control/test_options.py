"""What the operator is told, and what it says about itself."""

from __future__ import annotations

from argparse import ArgumentParser

import aiohttp
import kopf
import pytest
from tests.unit.test_process_imports import loaded_by

from migaga.common.errors import ConfigError, UsageError
from migaga_operator.control.health import serve_health
from migaga_operator.control.metrics import OperatorMetrics
from migaga_operator.control.options import Options, configure, read_options
from migaga_operator.control.pace import LATER, LONG, REST, SOON, pause
from migaga_operator.control.telling import AGAIN_AFTER, MOST, Told
from migaga_operator.control.watches import watch_settings
from migaga_operator.kube.connection import connect
from migaga_operator.kube.kinds import BOT, BY_KIND, WATCHED
from migaga_operator.ops import Event


def options(*words: str, **environ: str) -> Options:
    parser = ArgumentParser()
    configure(parser)
    return read_options(parser.parse_args(words), environ)


def test_the_command_line_of_the_chart() -> None:
    found = options(
        "--namespace=bots",
        "--namespace=more",
        "--lease=my-migaga",
        POD_NAME="migaga-1",
        POD_NAMESPACE="migaga",
        MIGAGA_HTTP_HOST="10.0.0.1",
        MIGAGA_HTTP_PORT="8080",
        MIGAGA_LOG_FORMAT="json",
    )
    assert found.namespaces == ("bots", "more")
    assert (found.lease_namespace, found.lease) == ("migaga", "my-migaga")
    assert found.identity.startswith("migaga-1_")
    assert (found.http.host, found.http.port, found.log.format) == ("10.0.0.1", 8080, "json")


def test_two_processes_never_have_the_same_identity() -> None:
    assert options("--all-namespaces", POD_NAME="a").identity != options("--all-namespaces", POD_NAME="a").identity


def test_all_namespaces_are_one_empty_name() -> None:
    assert options("--all-namespaces").namespaces == ("",)


@pytest.mark.parametrize("words", [(), ("--namespace=My_Bots",), ("--all-namespaces", "--lease=a/b")])
def test_what_cannot_be_is_refused_with_a_remedy(words: tuple[str, ...]) -> None:
    with pytest.raises(UsageError, match=r"say which|Write one"):
        options(*words)


def test_no_api_server_is_a_matter_of_configuration(tmp_path: object) -> None:
    with pytest.raises(ConfigError, match="--kubeconfig"):
        connect(tmp_path / "nothing")  # type: ignore[operator]


def test_help_needs_neither_kopf_nor_the_client() -> None:
    loaded = loaded_by("import migaga_operator.control.command")
    assert loaded.isdisjoint({"kopf", "kubernetes", "aiohttp", "hikari", "sqlalchemy"})


def test_the_process_loads_no_discord_library_and_no_database() -> None:
    loaded = loaded_by("import migaga_operator.control.app")
    assert {"kopf", "kubernetes"} <= loaded
    assert loaded.isdisjoint({"hikari", "sqlalchemy", "alembic", "migaga_emulator", "migaga_modules"})


def test_kopf_posts_nothing_scans_nothing_and_selects_by_our_label() -> None:
    settings = watch_settings(WATCHED)
    assert not settings.posting.enabled
    assert settings.scanning.disabled
    for limit in ("server_timeout", "client_timeout", "connect_timeout", "inactivity_timeout"):
        assert getattr(settings.watching, limit), limit
    # A limit of the server's is a whole number in a query.
    assert str(settings.watching.server_timeout).isdigit()
    assert len(settings.watching.label_selectors) == len(WATCHED) - 1


def test_kopf_copies_no_object_to_compare_it_later() -> None:
    storage = watch_settings(WATCHED).persistence.diffbase_storage
    body, patch = kopf.Body({"spec": {"image": "x"}, "metadata": {"labels": {"a": "b"}}}), kopf.Patch()
    essence = storage.build(body=body)
    storage.store(body=body, patch=patch, essence=essence)
    assert (essence, storage.fetch(body=body), dict(patch)) == ({}, None, {})


def conditions(**found: tuple[str, str]) -> dict[str, object]:
    return {"conditions": [{"type": kind, "status": status, "reason": word} for kind, (status, word) in found.items()]}


WELL = {"Ready": ("True", "AllShardsConnected"), "Progressing": ("False", "Complete"), "Stalled": ("False", "-")}


@pytest.mark.parametrize(
    ("found", "seconds"),
    [
        (WELL, REST),
        ({}, SOON),
        ({**WELL, "Progressing": ("True", "RollingOut")}, SOON),
        ({**WELL, "Resharding": ("True", "WarmingUp")}, SOON),
        ({**WELL, "Resharding": ("False", "WaitingForBudget")}, SOON),
        ({**WELL, "Paused": ("False", "Pausing")}, SOON),
        ({**WELL, "Ready": ("Unknown", "PodsUnreachable")}, SOON),
        ({**WELL, "Ready": ("False", "Stopped"), "Progressing": ("False", "Stopped")}, REST),
        ({"Ready": ("False", "NotStarted"), "Progressing": ("False", "Halted")}, REST),
    ],
)
def test_what_moves_is_looked_at_soon(found: dict[str, tuple[str, str]], seconds: float) -> None:
    assert pause(conditions(**found), 0.0) == seconds
    assert pause(conditions(**found), LONG) == (REST if seconds == REST else LATER)


def test_an_event_is_told_once_in_ten_minutes_and_never_a_flood() -> None:
    told, event = Told(), Event("Normal", "AllShardsConnected", "Ready is True.")
    assert told.may_tell(event, 0.0)
    assert not told.may_tell(event, AGAIN_AFTER - 1.0)
    assert told.may_tell(event, AGAIN_AFTER)
    others = [told.may_tell(Event("Normal", "Word", str(number)), AGAIN_AFTER) for number in range(50)]
    assert sum(others) == MOST - 1
    assert told.may_tell(event, 3 * AGAIN_AFTER)


def test_every_kind_has_its_path() -> None:
    assert BOT.path("bots", "a", "status") == "/apis/migaga.dev/v1alpha1/namespaces/bots/botdeployments/a/status"
    assert BY_KIND["Pod"].path() == "/api/v1/pods"
    assert (BY_KIND["Pod"].group, BY_KIND["Pod"].version) == ("", "v1")


async def test_the_health_port_says_what_is_wrong() -> None:
    reasons: list[str] = []
    metrics = OperatorMetrics()
    metrics.requested("GET", 200, 0.1)
    async with (
        serve_health(
            "127.0.0.1", 0, metrics=metrics, not_alive=lambda: reasons, not_ready=lambda: ["starting"]
        ) as port,
        aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session,
    ):
        async with session.get("/healthz") as answer:
            assert answer.status == 200
        async with session.get("/readyz") as answer:
            assert (answer.status, (await answer.json())["reasons"]) == (503, ["starting"])
        reasons.append("deaf")
        async with session.get("/healthz") as answer:
            assert answer.status == 503
        async with session.get("/metrics") as answer:
            assert 'migaga_operator_api_requests_total{code="200",verb="GET"} 1.0' in await answer.text()


async def test_a_port_that_is_taken_says_what_to_set() -> None:
    metrics = OperatorMetrics()
    async with serve_health("127.0.0.1", 0, metrics=metrics, not_alive=list, not_ready=list) as port:
        with pytest.raises(ConfigError, match="MIGAGA_HTTP_PORT"):
            async with serve_health("127.0.0.1", port, metrics=metrics, not_alive=list, not_ready=list):
                pass
