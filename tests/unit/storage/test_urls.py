"""Database urls: what is accepted and what is said about the rest."""

from __future__ import annotations

import ssl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migaga.common.errors import ConfigError
from migaga.storage.urls import parse_url, redact_url


@pytest.mark.parametrize(
    ("url", "driver"),
    [
        ("sqlite:///bot.db", "sqlite+aiosqlite"),
        ("sqlite+aiosqlite:////var/bot.db", "sqlite+aiosqlite"),
        ("mysql://u:p@host/bot", "mysql+asyncmy"),
        ("mariadb://u:p@host/bot", "mysql+asyncmy"),
        ("mysql+asyncmy://u:p@host:3307/bot", "mysql+asyncmy"),
    ],
)
def test_the_short_forms_mean_the_drivers_that_we_use(url: str, driver: str) -> None:
    assert parse_url(url).url.drivername == driver


@pytest.mark.parametrize("url", ["sqlite://", "sqlite+aiosqlite://", "sqlite:///:memory:"])
def test_a_sqlite_url_without_a_file_is_in_memory(url: str) -> None:
    assert parse_url(url).memory


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("", "malformed"),
        ("bot.db", "malformed"),
        ("mysql://u:p@host:port/bot", "malformed"),
        ("postgresql://u:p@host/bot", "`postgresql` is not supported"),
        ("mysq://u:p@host/bot", "did you mean `mysql"),
        ("mysql+pymysql://u:p@host/bot", "did you mean"),
        ("sqlite://bot.db", "three slashes"),
        ("sqlite:///bot.db?timeout=3", "no options"),
        ("mysql://u:p@host", "names no database"),
        ("mysql://u:p@host/", "names no database"),
        ("mysql://u:p@host/bot?ssl_cs=x", "did you mean `ssl_ca`"),
        ("mysql://u:p@host/bot?zzz=x", "known are charset"),
        ("mysql://u:p@host/bot?charset=latin1", "utf8mb4"),
        ("mysql://u:p@host/bot?ssl=perhaps", "true or false"),
        ("mysql://u:p@host/bot?ssl_ca=/absent/ca.pem", "cannot be used"),
    ],
)
def test_what_cannot_work_is_refused_with_what_to_write(url: str, text: str) -> None:
    with pytest.raises(ConfigError, match=text.replace("?", r"\?")):
        parse_url(url)


def test_tls_is_off_unless_asked_for_and_checks_the_server() -> None:
    assert parse_url("mysql://u:p@host/bot").ssl_context is None
    assert parse_url("mysql://u:p@host/bot?ssl=false").ssl_context is None
    context = parse_url("mysql://u:p@host/bot?ssl=true").ssl_context
    assert context is not None
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    lenient = parse_url("mysql://u:p@host/bot?ssl=true&ssl_check_hostname=no").ssl_context
    assert lenient is not None
    assert not lenient.check_hostname


@given(st.from_regex(r"[a-zA-Z0-9%]{8,30}", fullmatch=True))
def test_a_password_is_never_shown(password: str) -> None:
    secret = f"S3CR{password}"
    for url in (f"mysql://user:{secret}@host/bot", f"mysql://user:{secret}@host:x/bot", f"nonsense://a:{secret}@b"):
        assert secret not in redact_url(url)
    with pytest.raises(ConfigError) as caught:
        parse_url(f"oracle://user:{secret}@host/bot")
    assert secret not in str(caught.value)
    assert secret not in repr(parse_url(f"mysql://user:{secret}@host/bot"))


def test_an_option_with_a_secret_is_not_shown() -> None:
    assert "hidden" not in parse_url("mysql://u:p@host/bot?ssl=false&unix_socket=/hidden").label
