"""What libraries log of connections that are lost: one line, and no traceback."""

from __future__ import annotations

import logging

import pytest

from migaga.storage.engines import make_engines
from migaga.storage.urls import parse_url


def test_the_pool_says_in_one_line_that_a_connection_was_left(caplog: pytest.LogCaptureFixture) -> None:
    engines = make_engines(parse_url("mysql+asyncmy://nobody@127.0.0.1:1/nothing"), 1)
    pool = engines.leases.sync_engine.pool
    pool.logger.error("Exception during reset or similar", exc_info=TimeoutError("read"))
    [record] = caplog.records
    assert (record.levelno, record.exc_info) == (logging.WARNING, None)
    assert record.getMessage() == "Exception during reset or similar (TimeoutError): the connection is replaced"
