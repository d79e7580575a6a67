"""`migaga plan`, and the files that it reads."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path

import pytest
import yaml
from tests.unit.operator_crd.manifests import changed, put, right

from migaga.common.errors import ConfigError
from migaga_operator.files import read_objects, read_one_bot
from migaga_operator.plan_command import COMMAND

EXAMPLES = Path(__file__).parents[3] / "charts" / "migaga" / "examples"


def run(*words: str) -> int:
    """Run the command as the command line does."""
    parser = ArgumentParser()
    COMMAND.configure(parser)
    return COMMAND.run(parser.parse_args(words))


def write(folder: Path, text: str) -> Path:
    """A file with such a text."""
    path = folder / "bot.yaml"
    path.write_text(text)
    return path


def test_the_plan_of_the_example_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(str(EXAMPLES / "bot.yaml")) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "apply  Deployment/my-bot           it is not there" in lines
    assert lines[-2] == "pods   my-bot: 1"
    assert lines[-1].startswith("cost   one IDENTIFY for each shard; Discord says how many")


@pytest.mark.parametrize(("mode", "costs"), [("Running", 32), ("Stopped", 0)])
def test_what_it_costs_is_told(capsys: pytest.CaptureFixture[str], tmp_path: Path, mode: str, costs: int) -> None:
    path = str(write(tmp_path, yaml.safe_dump(changed(put(mode, "mode")))))
    assert run(path) == 0
    said = "32 IDENTIFYs of the day's budget, one for each shard" if costs else "nothing: it is stopped"
    assert capsys.readouterr().out.splitlines()[-1] == f"cost   {said}"
    assert run(path, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["identifies"] == costs
    assert set(told["pods"]) == {"my-bot", "my-bot-workers-heavy"}
    assert {"kind": "Deployment", "name": "my-bot", "because": "it is not there"} in told["apply"]


def test_the_objects_themselves_are_printed_as_yaml(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert run(str(write(tmp_path, yaml.safe_dump(right()))), "--yaml") == 0
    kinds = [item["kind"] for item in yaml.safe_load_all(capsys.readouterr().out)]
    assert kinds.count("Deployment") == 2
    assert "ServiceAccount" in kinds


def test_every_problem_of_a_wrong_bot_is_told_at_once(tmp_path: Path) -> None:
    manifest = changed(put("paused", "mode"), put(0, "replicas"))
    with pytest.raises(ConfigError, match=r"spec\.mode: .*Paused.*") as caught:
        run(str(write(tmp_path, yaml.safe_dump(manifest))))
    assert caught.value.exit_code == 78


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a: 1\nb: 2\na: 3\n", r"bot\.yaml:3: the key 'a' is there twice"),
        ("spec: {mode: Running\n", r"bot\.yaml:2: "),
        ("just text", "is no Kubernetes object"),
        ("kind: Secret\n", "holds 0 objects of kind BotDeployment"),
        ("kind: BotDeployment\n---\nkind: BotDeployment\n", "holds 2 objects"),
        ("", "holds 0 objects"),
        ("!!python/object:os.system {}", "Correct the YAML"),
        ("\x00", "Correct the YAML"),
    ],
)
def test_a_wrong_file_is_refused_with_its_line(text: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=says):
        read_one_bot(write(tmp_path, text))


def test_a_file_that_is_not_there_or_no_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        read_objects(tmp_path / "nothing.yaml")
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="no UTF-8"):
        read_objects(tmp_path / "binary")


def test_lists_and_several_documents_are_opened(tmp_path: Path) -> None:
    text = "kind: List\nitems: [{kind: A}, {kind: B}]\n---\nkind: C\n---\n"
    assert [item["kind"] for item in read_objects(write(tmp_path, text))] == ["A", "B", "C"]
