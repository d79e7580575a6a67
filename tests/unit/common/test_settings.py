"""The configuration: version 4's file, new keys, the environment, and every way to get it wrong."""

from __future__ import annotations

import base64
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import make_url

from migaga.common.errors import ConfigError
from migaga.common.reference import configuration_page
from migaga.common.sections import DEFAULT_DATABASE
from migaga.common.settings import SECTIONS, Settings, keys_of, load_settings
from migaga.common.values import INTENTS

ROOT = Path(__file__).parents[3]
CLIENT = 123456789012345678


def token(application: int = CLIENT) -> str:
    return base64.b64encode(str(application).encode()).decode().rstrip("=") + ".AbCdEf.never-show-this"


def load(folder: Path, text: str | bytes, **environ: str) -> Settings:
    file = folder / "config.ini"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return load_settings(file, environ)


V4 = f"""[Env]
ClientId={CLIENT}
Token={token()}
Version=4.1.0

[Bot]
WhitelistedBotIds=111111111111111111 222222222222222222

[Database]
Host=db.example.org
User=mig@ga
Password=p%ss/w:rd@ #;%(x)s
Port=3307
Database=migaga v4
"""


@pytest.mark.parametrize("text", [V4.encode(), V4.replace("\n", "\r\n").encode(), b"\xef\xbb\xbf" + V4.encode()])
def test_a_file_of_version_4_works_unchanged(tmp_path: Path, text: bytes) -> None:
    settings = load(tmp_path, text)
    assert settings.credentials().application_id == CLIENT
    assert settings.env.version == "4.1.0"
    assert settings.bot.whitelisted_bot_ids == {111111111111111111, 222222222222222222}
    url = make_url(settings.database.url)
    assert (url.drivername, url.host, url.port) == ("mysql+asyncmy", "db.example.org", 3307)
    assert (url.username, url.password, url.database) == (
        "mig@ga",
        "p%ss/w:rd@ #;%(x)s",
        "migaga v4",
    )


@given(st.text(st.characters(min_codepoint=33, max_codepoint=0x2FF, exclude_categories=("Cc", "Zs")), min_size=1))
def test_any_password_survives(password: str) -> None:
    environ = {"MIGAGA_DATABASE_HOST": "h", "MIGAGA_DATABASE_USER": "u", "MIGAGA_DATABASE_DATABASE": "d"}
    settings = load_settings(None, {**environ, "MIGAGA_DATABASE_PASSWORD": password})
    assert make_url(settings.database.url).password == password.strip()


def test_the_example_file_loads_and_says_every_key(tmp_path: Path) -> None:
    text = (ROOT / "example_config.ini").read_text()
    settings = load(tmp_path, text)
    assert settings == load_settings(None, {}).__class__(source=tmp_path / "config.ini")
    lines = {line.lstrip(";").split("=")[0].strip() for line in text.splitlines() if "=" in line}
    assert {key.name for section in SECTIONS.values() for key in keys_of(section).values()} <= lines


def test_every_default_that_the_example_writes_can_be_written_without_its_comment_mark(tmp_path: Path) -> None:
    text = (ROOT / "example_config.ini").read_text().replace("\n;", "\n").replace("\nUrl =", "\n#")
    (tmp_path / "token.txt").write_text(token())
    settings = load(tmp_path, text)
    assert settings.env.token == token()
    assert settings.database.url == "mysql+asyncmy://migaga:secret@localhost:3306/migaga"


def test_the_reference_page_is_up_to_date() -> None:
    assert (ROOT / "docs/configuration.md").read_text() == configuration_page(), (
        "run: python -m migaga.common.reference > docs/configuration.md"
    )


def test_nothing_configured_means_the_defaults() -> None:
    settings = load_settings(None, {"PATH": "/bin"})
    assert settings.database.url == DEFAULT_DATABASE
    assert settings.shards.count == "recommended"
    assert settings.shards.stop_grace == timedelta(seconds=10)
    assert settings.http.port == 8080
    assert settings.bot.intents & INTENTS["MESSAGE_CONTENT"]
    assert settings.modules.load is None


def test_names_are_matched_without_case(tmp_path: Path) -> None:
    settings = load(tmp_path, f"[ENV]\nclientID: {CLIENT}\n[http]\nPORT=0\n")
    assert settings.env.client_id == CLIENT
    assert settings.http.port == 0


@pytest.mark.parametrize("variable", ["MIGAGA_BOT_WHITELISTEDBOTIDS", "MIGAGA_BOT_WHITELISTED_BOT_IDS"])
def test_the_environment_wins(tmp_path: Path, variable: str) -> None:
    settings = load(tmp_path, V4, **{variable: "333333333333333333", "MIGAGA_DATABASE_URL": "sqlite+aiosqlite:///x.db"})
    assert settings.bot.whitelisted_bot_ids == {333333333333333333}
    assert settings.database.url == "sqlite+aiosqlite:///x.db"


def test_a_server_in_the_environment_wins_over_a_url_in_the_file(tmp_path: Path) -> None:
    environ = {"MIGAGA_DATABASE_HOST": "h", "MIGAGA_DATABASE_USER": "u", "MIGAGA_DATABASE_DATABASE": "d"}
    settings = load(tmp_path, "[Database]\nUrl = sqlite+aiosqlite:///x.db\n", **environ)
    assert settings.database.url == "mysql+asyncmy://u@h:3306/d"


def test_a_token_in_the_environment_wins_over_a_token_file(tmp_path: Path) -> None:
    settings = load(tmp_path, "[Env]\nTokenFile = gone.txt\n", MIGAGA_ENV_TOKEN=token())
    assert settings.env.token == token()


def test_a_token_file_is_read_beside_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "token.txt").write_text(f"\ufeff{token()}\r\n")
    assert load(tmp_path, "[Env]\nTokenFile = token.txt\n").credentials().token == token()


def test_ids_lists_and_folders(tmp_path: Path) -> None:
    settings = load(
        tmp_path,
        "[Shards]\nCount = 8\nIds = 0-2, 5\n[Modules]\nLoad = points, games\n   people\n"
        "Directories = /one folder, /two\n",
    )
    assert settings.shards.ids == (0, 1, 2, 5)
    assert settings.modules.load == ("points", "games", "people")
    assert settings.modules.directories == (Path("/one folder"), Path("/two"))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[Evn]\nToken = x", ["line 1", "[Evn]", '"Env"']),
        ("[Env]\n\nTokne = x", ["line 3", "[Env]", "'Tokne'", '"Token"']),
        ("[Env]\nHost = x", ["line 2", "It belongs into [Database]"]),
        ("[Bot]\nPrefix = toolong", ["line 2", "[Bot] Prefix", "1 to 5 characters"]),
        ("[Bot]\nOwnerIds = 12 x", ["[Bot] OwnerIds", "'x'"]),
        ("[Bot]\nOwnerIds = 18446744073709551616", ["an id of Discord"]),
        ("[Bot]\nIntents = GUILDS GUILD_MESAGES", ["'GUILD_MESAGES'", '"GUILD_MESSAGES"']),
        ("[Database]\nPort = 70000", ["from 1 to 65535", "'70000'"]),
        ("[Database]\nHost = h", ["lacks User, Database"]),
        ("[Database]\nUrl = sqlite+aiosqlite:///x\nHost = h", ["both Url and Host"]),
        ("[Env]\nToken = a\nTokenFile = b", ["both Token and TokenFile"]),
        ("[Env]\nTokenFile = gone.txt", ["gone.txt", "cannot be read"]),
        ("[Shards]\nCount = many", ["recommended"]),
        ("[Shards]\nCount = 2\nIds = 2", ["0 to 1, not 2"]),
        ("[Shards]\nIds = 3-1", ["'3-1'"]),
        ("[Shards]\nStopGrace = -1", ["seconds", "'-1'"]),
        ("[Discord]\nApiUrl = discord.com", ["https://discord.com/api/v10"]),
        ("[Log]\nLevel = loud", ["DEBUG, INFO"]),
        ("[Log]\nFormat = jsn", ['"json"']),
        ("Token = x", ["line 1", "before the first section"]),
        ("[Env]\nwhat is this", ["line 2", "neither"]),
    ],
)
def test_wrong_input_names_the_place_and_what_is_expected(tmp_path: Path, text: str, words: list[str]) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, text)
    for word in words:
        assert word in str(caught.value)
    assert "config.ini" in str(caught.value)


@pytest.mark.parametrize(
    ("variable", "nearest"),
    [("MIGAGA_ENV_TOKN", "MIGAGA_ENV_TOKEN"), ("MIGAGA_DATABSE_URL", "MIGAGA_DATABASE_URL")],
)
def test_an_unknown_variable_is_refused_with_the_nearest(variable: str, nearest: str) -> None:
    with pytest.raises(ConfigError, match=f"{variable}.*{nearest}"):
        load_settings(None, {variable: "x"})


def test_a_missing_file_says_what_to_copy(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.ini.*example_config\.ini"):
        load_settings(tmp_path / "none.ini", {})


def test_a_folder_or_bytes_are_no_configuration(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load_settings(tmp_path, {})
    with pytest.raises(ConfigError, match="UTF-8"):
        load(tmp_path, b"[Env]\nVersion = \xff\xfe")


def test_no_token_says_where_to_get_one(tmp_path: Path) -> None:
    settings = load(tmp_path, "[Env]\nToken =\n")
    with pytest.raises(ConfigError, match=r"MIGAGA_ENV_TOKEN.*https://discord.com/developers/applications"):
        settings.credentials()


@pytest.mark.parametrize("wrong", ["hello", "aGVsbG8.x.y", f'"{token()}"', f"Bot {token()}", "ÄÖÜ.x.y", "MTIz"])
def test_what_is_no_token_is_refused_and_not_shown(tmp_path: Path, wrong: str) -> None:
    with pytest.raises(ConfigError, match="not a bot token") as caught:
        load(tmp_path, f"[Env]\nToken = {wrong}\n")
    assert wrong not in str(caught.value)
    assert "never-show-this" not in str(caught.value)


def test_a_token_of_another_application_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=f"belongs to application 42, but ClientId is {CLIENT}") as caught:
        load(tmp_path, f"[Env]\nClientId = {CLIENT}\nToken = {token(42)}\n")
    assert "never-show-this" not in str(caught.value)


def test_a_token_in_the_wrong_place_is_not_shown(tmp_path: Path) -> None:
    for text in (f"[Env]\nClientId = {token()}\n", f"[Env]\n{token()}\n", f"[Http]\nPort = {token()}\n"):
        with pytest.raises(ConfigError) as caught:
            load(tmp_path, text)
        assert "never-show-this" not in str(caught.value)


def test_secrets_are_not_in_the_representation(tmp_path: Path) -> None:
    settings = load(tmp_path, V4)
    assert "never-show-this" not in repr(settings)
    assert "p%ss" not in repr(settings)
    assert "never-show-this" not in repr(settings.credentials())
    assert set(settings.secrets) == {token(), "p%ss/w:rd@ #;%(x)s"}
