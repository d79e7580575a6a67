"""docs/operating.md says what the code does."""

from __future__ import annotations

import re
from pathlib import Path

import yaml
from tests.unit.operator_builders.test_pods import fleet
from tests.unit.operator_crd.wrong import table

from migaga_operator.builders.all import build_around
from migaga_operator.builders.deployment import shard_deployment
from migaga_operator.builders.monitor import API
from migaga_operator.crd.read import read_bot
from migaga_operator.crd.spec import BotSpec, Reshard

PAGE = (Path(__file__).parents[3] / "docs" / "operating.md").read_text("utf-8")


def test_the_table_is_long_enough_and_names_both_who_refuse() -> None:
    refusals = re.findall(r"^\| .* \| (API server|status) \| `", PAGE, re.MULTILINE)
    assert len(refusals) >= 40
    assert set(refusals) == {"API server", "status"}


def test_the_page_shows_every_wrong_manifest_as_it_is_refused() -> None:
    assert table() in PAGE, "run `python -m tests.unit.operator_crd.wrong`, and put the table there"


def test_the_first_bot_is_right() -> None:
    (text,) = re.findall(r"<!-- bot -->\n```yaml\n(.*?)```", PAGE, re.DOTALL)
    assert isinstance(read_bot(yaml.safe_load(text)), BotSpec)


def test_the_database_authority_can_be_mounted_as_it_is_shown() -> None:
    (bot,) = re.findall(r"<!-- bot -->\n```yaml\n(.*?)```", PAGE, re.DOTALL)
    (pod,) = re.findall(r"<!-- tls -->\n```yaml\n(.*?)```", PAGE, re.DOTALL)
    spec = read_bot(yaml.safe_load(bot + pod))
    assert isinstance(spec, BotSpec)
    (mount,) = spec.pod.volume_mounts
    assert f"?ssl_ca={mount.mount_path}/ca.pem" in PAGE


def test_every_object_of_a_bot_is_named() -> None:
    kinds = {str(item["kind"]) for item in [*build_around(fleet(), [API]), shard_deployment(fleet())]}
    told = set(re.findall(r"^\| (\w+)(?: \(headless\))? \| `NAME", PAGE, re.MULTILINE))
    assert told == kinds


def test_the_defaults_of_resharding_are_told() -> None:
    defaults = Reshard()
    assert f"when it is {defaults.tolerance_percent} percent above" in PAGE
    assert f"or {2 * defaults.tolerance_percent} percent below" in PAGE
    assert f"every {defaults.min_interval_minutes // 60} hours" in PAGE
