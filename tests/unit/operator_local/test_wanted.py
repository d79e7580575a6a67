"""What files ask this machine to run, and everything that is wrong with them."""

from __future__ import annotations

import base64
import copy
from pathlib import Path

import pytest
import yaml
from tests.unit.operator_crd.manifests import Change, node, put, smallest

from migaga.common.errors import ConfigError
from migaga_operator.local.databases import DatabaseError, shared_url
from migaga_operator.local.store import Ref
from migaga_operator.local.wanted import Wanted, config_data, read_wanted, secret_data

BOT = Ref("BotDeployment", "default", "my-bot")
SECRET = Ref("Secret", "default", "my-bot")


def secret(**texts: str) -> dict[str, object]:
    """The Secret that the smallest bot names."""
    values = {"token": "t0ken", "database-url": "mysql+asyncmy://m:p@h/m", **texts}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "my-bot"}, "stringData": values}


def read(folder: Path, *objects: object, before: Wanted | None = None) -> Wanted:
    """Read a file with these objects."""
    path = folder / "bot.yaml"
    path.write_text(yaml.safe_dump_all(objects))
    return read_wanted([path], before)


def bot(*changes: Change) -> object:
    """The smallest bot with changes."""
    found = copy.deepcopy(smallest())
    node(found, "metadata").pop("namespace", None)
    for change in changes:
        change(found)
    return found


def test_a_bot_with_its_secret_is_read(tmp_path: Path) -> None:
    found = read(tmp_path, secret(), bot())
    assert list(found.bots) == [BOT]
    assert secret_data(found.data[SECRET])["token"] == b"t0ken"
    assert "t0ken" in list(found.secrets)
    assert "stringData" not in found.data[SECRET]


def test_texts_win_over_what_is_encoded_as_on_a_cluster(tmp_path: Path) -> None:
    both = {**secret(), "data": {"token": base64.b64encode(b"old").decode(), "more": base64.b64encode(b"m").decode()}}
    data = secret_data(read(tmp_path, both, bot()).data[SECRET])
    assert (data["token"], data["more"]) == (b"t0ken", b"m")


def test_several_files_and_bots_belong_together(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(yaml.safe_dump_all([secret()]))
    other = {**smallest(), "metadata": {"name": "other"}}
    (tmp_path / "b.yaml").write_text(yaml.safe_dump_all([bot(), other]))
    found = read_wanted([tmp_path / "a.yaml", tmp_path / "b.yaml"])
    assert [ref.name for ref in found.bots] == ["my-bot", "other"]


def test_config_maps_are_read_and_what_does_not_run_here_is_named(tmp_path: Path) -> None:
    config = {"kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"a": "b"}, "binaryData": {"c": "/w=="}}
    found = read(tmp_path, secret(), bot(), config, {"kind": "Deployment", "metadata": {"name": "mysql"}})
    assert config_data(found.data[Ref("ConfigMap", "default", "c")]) == {"a": b"b", "c": b"\xff"}
    assert found.left_out == (Ref("Deployment", "default", "mysql"),)


@pytest.mark.parametrize(
    ("objects", "says"),
    [
        ([secret()], r"there is no BotDeployment in .*bot\.yaml\. Write one"),
        ([bot()], r"default/my-bot: spec\.tokenSecretRef: there is no Secret my-bot\. Write it into the file"),
        ([secret(), bot(put("other", "tokenSecretRef", "key"))], r"the Secret my-bot has no key other"),
        ([secret(), bot(put("paused", "mode"))], r"spec\.mode: .*Paused"),
        ([secret(), bot(), bot()], r"BotDeployment default/my-bot is there twice"),
        ([{**secret(), "stringData": {"token": 5}}, bot()], r"stringData\.token: it is not a text"),
        ([{**secret(), "data": {"token": "%"}}, bot()], r"data\.token: it is not base64\. .*stringData"),
        ([{**secret(), "data": []}, bot()], r"data: \[\] is not an object"),
        ([{"kind": "Secret", "metadata": {}}, bot()], r"metadata\.name: it is missing"),
        ([secret(**{"database-url": "sqlite+aiosqlite://"}), bot()], r"a database in memory cannot be shared"),
    ],
)
def test_what_cannot_work_is_told_with_what_to_write(tmp_path: Path, objects: list[object], says: str) -> None:
    with pytest.raises(ConfigError, match=says) as caught:
        read(tmp_path, *objects)
    assert caught.value.exit_code == 78


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, {**secret(), "data": {"token": "%"}}, bot(put("paused", "mode"), put(0, "replicaz")))
    assert str(caught.value).count("\n") == 3


def test_what_never_changes_is_compared_with_what_was_before(tmp_path: Path) -> None:
    before = read(tmp_path, secret(), bot())
    with pytest.raises(ConfigError, match=r"spec\.applicationId: it was '123456789012345678', and never changes"):
        read(tmp_path, secret(), bot(put("223456789012345678", "applicationId")), before=before)
    assert read(tmp_path, secret(), bot(put("Paused", "mode")), before=before).specs[BOT].mode == "Paused"


def test_a_relative_database_file_lies_beside_the_manifest_for_every_process(tmp_path: Path) -> None:
    found = read(tmp_path, secret(**{"database-url": "sqlite+aiosqlite:///bot.db\n"}), bot())
    assert secret_data(found.data[SECRET])["database-url"].decode() == f"sqlite+aiosqlite:///{tmp_path}/bot.db"


@pytest.mark.parametrize(
    ("url", "shared"),
    [
        ("sqlite+aiosqlite:////var/bot.db", "sqlite+aiosqlite:////var/bot.db"),
        ("sqlite+aiosqlite:///a/bot.db?timeout=5", "sqlite+aiosqlite:////srv/x/a/bot.db?timeout=5"),
        ("mysql+asyncmy://u:p@h:3306/n", "mysql+asyncmy://u:p@h:3306/n"),
        ("nonsense", "nonsense"),
    ],
)
def test_addresses_mean_the_same_to_every_process(url: str, shared: str) -> None:
    assert shared_url(url, Path("/srv/x")) == shared


@pytest.mark.parametrize(
    "url", ["sqlite+aiosqlite://", "sqlite:///:memory:", "sqlite:///", "sqlite+aiosqlite:///file:x?mode=memory"]
)
def test_a_database_of_its_own_for_each_process_is_refused(url: str) -> None:
    with pytest.raises(DatabaseError) as caught:
        shared_url(url, Path("/srv/x"))
    assert "sqlite+aiosqlite:////ABSOLUTE/NAME.db" in caught.value.remedy
