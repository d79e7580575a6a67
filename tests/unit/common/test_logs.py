"""Secrets never leave the process through its log."""

from __future__ import annotations

import io
import json
import logging
from urllib.parse import quote

import pytest

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
