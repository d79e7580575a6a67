"""The CustomResourceDefinition on a real API server: what it admits, refuses and explains; and what the pods need."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import pytest
from tests.support.control_plane import ControlPlane
from tests.unit.operator_crd.manifests import Node, changed, put, right, smallest
from tests.unit.operator_crd.wrong import WRONG, Wrong

from migaga_operator.crd.definition import PLURAL, definition
from migaga_operator.json_types import as_list, as_mapping, at_path

BOTS = f"/apis/migaga.dev/v1alpha1/namespaces/bots/{PLURAL}"
DRY = "?dryRun=All&fieldValidation=Strict"


# Where the API server calls a field by another name than we do, because it sees another side of the same mistake.
SERVERS_NAMES = {
    "spec.database.urlSecretRef": "spec.database.url",
    "spec.modules[1].name": "spec.modules[1]",
    "spec.pod.env[1].name": "spec.pod.env[1]",
    "spec.pod.resources.requests.memory": "spec.pod.resources.requests[memory]",
    "spec.workers[1].name": "spec.workers[1]",
}
# What a schema refuses, the API server refuses in its own words; ours stand in the rules.
SERVERS_WORDS = re.compile(
    "Required value|unknown field|Duplicate value|must be of type|should be (greater|less) than or equal to [0-9]|"
    "should have at least 1 items"
)


def try_to_create(plane: ControlPlane, manifest: object) -> tuple[int, str]:
    """Ask the API server whether it would take a bot; return the status code and what it says."""
    code, answer = plane.request("POST", BOTS + DRY, manifest)
    return code, str(answer.get("message", ""))


def test_the_definition_is_established_with_no_complaint(bots: ControlPlane) -> None:
    conditions = {item["type"]: item for item in bots.get("crd", f"{PLURAL}.migaga.dev")["status"]["conditions"]}
    assert conditions["Established"]["status"] == "True"
    assert conditions["NamesAccepted"]["status"] == "True"
    # An API server writes here what a structural schema may not have.
    assert "NonStructuralSchema" not in conditions


@pytest.mark.parametrize("manifest", [right(), smallest()], ids=["full", "smallest"])
def test_right_manifests_are_taken(bots: ControlPlane, manifest: Node) -> None:
    assert try_to_create(bots, manifest) == (201, "")


@pytest.mark.parametrize("case", [case for case in WRONG if case.by_server], ids=lambda case: case.written)
def test_wrong_manifests_are_refused_by_the_field(bots: ControlPlane, case: Wrong) -> None:
    code, message = try_to_create(bots, case.manifest)
    assert code in {400, 422}, message
    assert SERVERS_NAMES.get(case.field, case.field) in message
    assert case.remedy.casefold() in message.casefold() or SERVERS_WORDS.search(message), message


@pytest.mark.parametrize("case", [case for case in WRONG if not case.by_server], ids=lambda case: case.written)
def test_what_no_schema_can_say_is_left_to_the_operator(bots: ControlPlane, case: Wrong) -> None:
    """Should an API server refuse one of these some day, the table in the documents is to say so."""
    assert try_to_create(bots, case.manifest) == (201, "")


@pytest.fixture
def bot(bots: ControlPlane) -> Iterator[ControlPlane]:
    """Return the control plane with one bot in it."""
    assert bots.request("POST", BOTS, right())[0] == 201
    yield bots
    bots.request("DELETE", f"{BOTS}/my-bot")


def test_the_application_id_never_changes(bot: ControlPlane) -> None:
    other = changed(put("999999999999999999", "applicationId"))
    other["metadata"] = bot.get("bot/my-bot", "-n", "bots")["metadata"]
    code, answer = bot.request("PUT", f"{BOTS}/my-bot", other)
    assert code == 422
    assert "spec.applicationId" in answer["message"]
    assert "another BotDeployment" in answer["message"]


def test_defaults_are_written_by_the_server(bots: ControlPlane) -> None:
    _, made = bots.request("POST", BOTS + DRY, smallest())
    assert made["spec"]["mode"] == "Running"
    assert made["spec"]["shards"]["maxPerPod"] == 16
    assert "replicas" not in made["spec"]


COLUMNS = ["NAME", "DESIRED", "READY", "SHARDS", "CONNECTED", "READY-CONDITION", "AGE"]


@pytest.mark.parametrize("name", ["bot", "bots", "botdeployment", "botdeployments"])
def test_bots_are_found_by_all_their_names(bot: ControlPlane, name: str) -> None:
    header, row = bot.kubectl("get", name, "-n", "bots").out.splitlines()
    assert header.split() == COLUMNS
    assert row.split()[0] == "my-bot"


def test_bots_are_shown_by_get_all(bot: ControlPlane) -> None:
    assert "botdeployment.migaga.dev/my-bot" in bot.kubectl("get", "all", "-n", "bots").out


def test_scale_changes_pods_and_nothing_else(bot: ControlPlane) -> None:
    bot.kubectl("scale", "bot/my-bot", "-n", "bots", "--replicas=5")
    spec = bot.get("bot/my-bot", "-n", "bots")["spec"]
    assert (spec["replicas"], spec["shards"]["count"]) == (5, 32)
    refused = bot.kubectl("scale", "bot/my-bot", "-n", "bots", "--replicas=1", check=False)
    assert refused.code != 0
    assert "more replicas" in refused.err


def objects(schema: object, at: str) -> Iterator[tuple[str, Mapping[str, object]]]:
    """Every object of a schema that has fields, by the path that `kubectl explain` takes."""
    fields = as_mapping(at_path(schema, "properties"))
    if fields:
        yield at, fields
    for name, inner in fields.items():
        yield from objects(inner, f"{at}.{name}")
        yield from objects(at_path(inner, "items"), f"{at}.{name}")


SCHEMA = at_path(as_list(at_path(definition(), "spec", "versions"))[0], "schema", "openAPIV3Schema")
EXPLAINED = [(at, fields) for at, fields in objects(SCHEMA, "bot") if at != "bot"]


@pytest.mark.parametrize(("at", "fields"), EXPLAINED, ids=[at for at, _ in EXPLAINED])
def test_explain_describes_every_field(bots: ControlPlane, at: str, fields: Mapping[str, object]) -> None:
    text = bots.kubectl("explain", at).out
    assert "<no description>" not in text
    words = " ".join(text.split())
    for name, field in fields.items():
        assert re.search(rf"^  {re.escape(name)}\s+<", text, re.MULTILINE), name
        # What explain wraps it wraps at spaces; it cuts nothing.
        assert " ".join(str(at_path(field, "description")).split()) in words, name
