"""Secrets never leave the process through its log."""

from __future__ import annotations

import io
import json
import logging
from urllib.parse import quote

import hikari
import pytest
from aiohttp import web

from migaga.common.logs import JsonFormatter, RedactingFormatter, Redactor

SECRET = "p@ss w/rd%1"


@pytest.fixture(params=["text", "json"])
def log(request: pytest.FixtureRequest) -> tuple[logging.Logger, io.StringIO]:
    redactor = Redactor()
    redactor.protect(SECRET, None, "", "abc")
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(RedactingFormatter(redactor) if request.param == "text" else JsonFormatter(redactor))
    logger = logging.Logger(f"test.{request.param}")
    logger.addHandler(handler)
    return logger, stream


def test_messages_arguments_and_tracebacks_are_cleaned(log: tuple[logging.Logger, io.StringIO]) -> None:
    logger, stream = log
    logger.info(f"in the message {SECRET}")
    logger.info("in an argument %s and %r", SECRET, {"password": SECRET})
    logger.info("in a url mysql://u:%s@h", quote(SECRET, safe=""))
    try:
        int(f"no access with {SECRET}")
    except ValueError:
        logger.exception("in a traceback")
    text = stream.getvalue()
    assert SECRET not in text
    assert quote(SECRET, safe="") not in text
    assert text.count("***") >= 5


def test_short_texts_are_no_secrets(log: tuple[logging.Logger, io.StringIO]) -> None:
    logger, stream = log
    logger.info("abc stays")
    assert "abc stays" in stream.getvalue()


def test_json_lines_are_objects_with_time_level_logger_and_message() -> None:
    record = logging.LogRecord("a.b", logging.WARNING, "f", 1, "over %d\nlines", (2,), None)
    line = json.loads(JsonFormatter(Redactor()).format(record))
    assert (line["level"], line["logger"], line["message"]) == ("warning", "a.b", "over 2\nlines")
    assert line["time"].endswith("Z")


INTERACTION = "aW50ZXJhY3Rpb246MTIzNDU2Nzg5MDEyMzQ1Njc4OmFiY2RlZg"
WEBHOOK = "a-webhook_TOKEN-0123456789-0123456789-0123456789"
BOT_TOKEN = "MTExMTExMTExMTExMTExMTEx.GAbcde.aB3_-dEfGhIjKlMnOpQrStUvWxYz0123456789"


@pytest.mark.parametrize(
    ("text", "secret", "stays"),
    [
        (f"https://discord.com/api/v10/interactions/123/{INTERACTION}/callback", INTERACTION, "/callback"),
        (f"https://discord.com/api/v10/webhooks/123/{WEBHOOK}?wait=true", WEBHOOK, "?wait=true"),
        (f"/webhooks/123/{WEBHOOK}/messages/@original", WEBHOOK, "/messages/@original"),
        (f"abc;auth;123456789012345678:{WEBHOOK}", WEBHOOK, "abc;auth;123456789012345678:"),
        (f"the token {INTERACTION} is unknown", INTERACTION, "is unknown"),
        (f"token={BOT_TOKEN}, next", BOT_TOKEN, ", next"),
        (f"Authorization: Bot {BOT_TOKEN}", BOT_TOKEN, "Authorization"),
        ("Authorization: Basic dTpw", "dTpw", "Authorization"),
        ("authorization=hunter22 and more", "hunter22", "and more"),
        ("(b'Authorization', b'Bearer abc')", "abc", "Authorization"),
        ("mysql+asyncmy://bot:p%40ss@db:3306/bot", "p%40ss", "mysql+asyncmy://bot:***@db:3306/bot"),
        ("redis://:p@ss@db/0", "p@ss", "@db/0"),
        ('{"t": "READY", "d": {"session_id": "0123abc"}}', "0123abc", "READY"),
        ("{'token': 'short', 'id': '1'}", "short", "'id': '1'"),
    ],
)
def test_what_has_the_shape_of_a_secret_is_masked_though_nobody_registered_it(
    log: tuple[logging.Logger, io.StringIO], text: str, secret: str, stays: str
) -> None:
    logger, stream = log
    logger.info("it was %s", text)
    logger.info(text.replace("%", "%%"), *())
    shown = stream.getvalue().replace('\\"', '"')
    assert secret not in shown
    assert shown.count(stays) == 2
    assert "***" in shown


@pytest.mark.parametrize(
    "text",
    [
        "metrics and health at http://127.0.0.1:8080/users/@me",
        "GET /webhooks/123456789012345678 and /interactions",
        "migaga.framework.reports.something_long_and_harmless",
        "the authorization of this member failed",
        "Bot 123456789012345678 at 12:30:59",
        "message 123456789012345678: not found",
    ],
)
def test_what_is_no_secret_stays(log: tuple[logging.Logger, io.StringIO], text: str) -> None:
    logger, stream = log
    logger.info("%s", text)
    assert text in stream.getvalue()


async def _answer(request: web.Request) -> web.Response:
    body = {"message": "Unknown interaction", "code": 10062}
    return web.json_response(body, status=404)


async def test_errors_of_hikari_hide_the_tokens_in_their_addresses(log: tuple[logging.Logger, io.StringIO]) -> None:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", _answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    logger, stream = log
    rest_app = hikari.RESTApp(url=f"http://127.0.0.1:{runner.addresses[0][1]}/api/v10")
    await rest_app.start()
    try:
        async with rest_app.acquire(BOT_TOKEN, hikari.TokenType.BOT) as rest:
            for call in (
                lambda: rest.create_interaction_response(1, INTERACTION, hikari.ResponseType.MESSAGE_CREATE, "hi"),
                lambda: rest.execute_webhook(1, WEBHOOK, "hi"),
            ):
                try:
                    await call()
                except hikari.NotFoundError as error:
                    logger.exception("failed with headers %s", error.headers)
                    logger.warning("failed: %r: %s", error, error)
    finally:
        await rest_app.close()
        await runner.cleanup()
    shown = stream.getvalue()
    assert "Unknown interaction" in shown
    assert "/interactions/1/***/callback" in shown
    assert "/webhooks/1/***" in shown
    for secret in (INTERACTION, WEBHOOK, BOT_TOKEN):
        assert secret not in shown
