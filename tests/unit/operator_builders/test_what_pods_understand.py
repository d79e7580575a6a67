"""What the operator tells pods is what their processes understand: nothing of it is unknown or refused."""

from __future__ import annotations

import base64
from pathlib import Path

from tests.unit.operator_builders.test_pods import container, shards, workers
from tests.unit.operator_crd.manifests import put

from migaga.common.settings import Settings, load_settings
from migaga_operator.builders.env import MODE_FOLDER, TOKEN_FOLDER
from migaga_operator.json_types import Manifest, as_list, as_mapping, as_text, at_path

APPLICATION = "123456789012345678"
TOKEN = f"{base64.b64encode(APPLICATION.encode()).decode()}.abc.def"
RICH = (
    put("Paused", "mode"),
    put({"mode": "Recommended", "maxPerPod": 8, "multipleOf": 2}, "shards"),
    put({"reserve": 17}, "identify"),
    put(
        [
            {"name": "points", "options": {"daily": 10, "name": "Ünits", "shown": True, "log": None}},
            {"name": "starboard", "workers": "heavy", "options": {"stars": 3}},
        ],
        "modules",
    ),
)
GIVEN_BY_KUBERNETES = {
    "MIGAGA_DATABASE_URL": "mysql+asyncmy://bot:secret@db:3306/bot",
    "MIGAGA_HTTP_HOST": "fd00::7",
    "KEY": "of another Secret",
}


def settings_in(deployment: Manifest, mounts: Path) -> Settings:
    """What a process reads in the pods of a Deployment, with files of volumes below `mounts`."""
    found: dict[str, str] = {}
    for item in as_list(at_path(container(deployment), "env")):
        name = as_text(at_path(item, "name"))
        value = GIVEN_BY_KUBERNETES[name] if "valueFrom" in as_mapping(item) else as_text(at_path(item, "value"))
        for other, text in found.items():
            value = value.replace(f"$({other})", text)
        found[name] = value.replace("/etc/migaga", str(mounts))
    return load_settings(None, found)


def test_a_shard_pod_understands_all_that_it_is_told(tmp_path: Path) -> None:
    token = tmp_path / Path(TOKEN_FOLDER).name / "token"
    token.parent.mkdir()
    token.write_text(TOKEN)
    settings = settings_in(shards(*RICH, count=None), tmp_path)
    assert settings.credentials().token == TOKEN
    assert settings.env.token_file == token
    assert settings.fleet.mode_file == tmp_path / Path(MODE_FOLDER).name / "mode"
    assert (settings.fleet.revision, settings.fleet.capacity, settings.fleet.multiple_of) == (7, 8, 2)
    assert (settings.fleet.identify_reserve, settings.shards.count) == (17, "recommended")
    assert (settings.fleet.address, settings.http.port) == ("fd00::7:8080", 8080)
    assert settings.modules.load == ("points",)
    assert dict(settings.modules.options["points"]) == {"daily": 10, "name": "Ünits", "shown": True, "log": None}
    assert settings.log.level == "DEBUG"


def test_a_pod_of_a_given_count_understands_it(tmp_path: Path) -> None:
    (tmp_path / "token").mkdir()
    (tmp_path / "token/token").write_text(TOKEN)
    assert settings_in(shards(count=32), tmp_path).shards.count == 32


def test_a_worker_pod_understands_all_that_it_is_told(tmp_path: Path) -> None:
    settings = settings_in(workers(*RICH), tmp_path)
    assert settings.env.token is None
    assert settings.modules.load == ("starboard",)
