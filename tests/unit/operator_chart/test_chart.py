"""The chart, as far as it can be read without Helm: rights, values, documents, examples."""

from __future__ import annotations

import importlib.util
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import yaml

from migaga_operator.builders.all import KINDS
from migaga_operator.crd.definition import PLURAL
from migaga_operator.crd.read import GROUP, KIND, read_bot
from migaga_operator.crd.spec import BotSpec
from migaga_operator.json_types import as_list, as_mapping, as_text, at_path

CHART = Path(__file__).parents[3] / "charts" / "migaga"
TEMPLATES = sorted((CHART / "templates").glob("*.yaml"))
EXAMPLES = sorted((CHART / "examples").glob("*.yaml"))


def rules() -> list[Mapping[str, object]]:
    """Everything that the operator may do in the namespaces that it watches."""
    files = [CHART / "files" / "rules.yaml", CHART / "files" / "rules-monitoring.yaml"]
    return [as_mapping(rule) for path in files for rule in as_list(yaml.safe_load(path.read_text("utf-8")))]


def verbs_on(resource: str) -> set[str]:
    """What the operator may do with a resource."""
    return {
        as_text(verb) for rule in rules() if resource in as_list(rule["resources"]) for verb in as_list(rule["verbs"])
    }


def test_no_rule_is_a_wildcard() -> None:
    for rule in rules():
        assert "*" not in [*as_list(rule["apiGroups"]), *as_list(rule["resources"]), *as_list(rule["verbs"])]
        assert not any("*" in as_text(item) for item in as_list(rule["resources"]))


REFUSED = """
    secrets pods/exec pods/portforward pods/log pods/attach pods/eviction nodes namespaces roles rolebindings
    clusterroles clusterrolebindings serviceaccounts/token customresourcedefinitions
    validatingwebhookconfigurations
    persistentvolumes deployments/finalizers botdeployments/finalizers
"""


@pytest.mark.parametrize("resource", REFUSED.split())
def test_the_operator_is_refused_what_it_does_not_need(resource: str) -> None:
    assert verbs_on(resource) == set()


def test_bots_themselves_are_only_read() -> None:
    assert verbs_on(PLURAL) == {"get", "list", "watch"}
    assert verbs_on(f"{PLURAL}/status") == {"get", "patch"}
    assert verbs_on("pods") == {"get", "list", "watch"}


def plural(kind: str) -> str:
    """The resource of a kind."""
    return f"{kind.lower()[:-1]}ies" if kind.endswith("y") else f"{kind.lower()}s"


@pytest.mark.parametrize("kind", KINDS)
def test_the_operator_may_apply_every_kind_that_it_builds(kind: str) -> None:
    assert {"get", "list", "watch", "create", "patch"} <= verbs_on(plural(kind))


def test_only_deployments_can_be_deleted() -> None:
    deletable = {kind for kind in KINDS if "delete" in verbs_on(plural(kind))}
    assert deletable == {"Deployment"}


def test_no_other_rights_hide_in_the_templates() -> None:
    text = (CHART / "templates" / "rbac.yaml").read_text("utf-8")
    assert re.findall(r"resources: \[(.*)\]", text) == ["leases", "leases"]
    assert "secrets" not in "".join(path.read_text("utf-8").casefold() for path in TEMPLATES).replace(
        "imagepullsecrets", ""
    )


def values() -> Mapping[str, object]:
    """The values as they are by default."""
    return as_mapping(yaml.safe_load((CHART / "values.yaml").read_text("utf-8")))


def schema() -> Mapping[str, object]:
    """The schema of the values."""
    return as_mapping(json.loads((CHART / "values.schema.json").read_text("utf-8")))


def described(node: object, at: str = "") -> Iterator[tuple[str, object]]:
    """Every value that the schema knows."""
    for name, inner in as_mapping(at_path(node, "properties")).items():
        yield f"{at}.{name}".lstrip("."), inner
        yield from described(inner, f"{at}.{name}")


def test_the_schema_knows_every_value_and_nothing_but() -> None:
    known = {name.split(".")[0] for name, _ in described(schema())} - {"global"}
    assert known == set(values())
    assert schema()["additionalProperties"] is False
    for name, given in values().items():
        node = at_path(schema(), "properties", name)
        if isinstance(given, Mapping) and at_path(node, "properties") is not None:
            assert set(given) == set(as_mapping(at_path(node, "properties"))), name
            assert at_path(node, "additionalProperties") is False, name


def test_every_value_is_described() -> None:
    assert [name for name, node in described(schema()) if not at_path(node, "description")] == []


def test_every_value_is_used_by_a_template() -> None:
    text = "".join(path.read_text("utf-8") for path in sorted((CHART / "templates").iterdir()))
    used = {name for name, _ in described(schema()) if f".Values.{name}" in text}
    leaves = {name for name, node in described(schema()) if at_path(node, "properties") is None and "." in name}
    unused = {name for name in leaves - used if name.split(".")[0] != "resources" and not name.endswith(".name")}
    assert unused == set()


def test_the_readme_is_what_the_script_makes() -> None:
    spec = importlib.util.spec_from_file_location("chart_readme", CHART / "readme.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert (CHART / "README.md").read_text("utf-8") == module.page(), "run `python charts/migaga/readme.py`"


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_examples_are_objects(path: Path) -> None:
    for item in yaml.safe_load_all(path.read_text("utf-8")):
        assert {"apiVersion", "kind", "metadata"} <= set(item)


def bots() -> list[object]:
    """The bots of examples and notes."""
    found = [item for path in EXAMPLES for item in yaml.safe_load_all(path.read_text("utf-8")) if item["kind"] == KIND]
    notes = (CHART / "templates" / "NOTES.txt").read_text("utf-8")
    (text,) = re.findall(r"^  (apiVersion: .*?)\n  END$", notes, re.DOTALL | re.MULTILINE)
    text = text.replace("\n  ", "\n").replace('{{ include "migaga.image" . }}', "migaga:5.0.0")
    return [*found, yaml.safe_load(text)]


def test_the_bots_of_examples_and_notes_are_right() -> None:
    assert len(bots()) == 2
    for bot in bots():
        assert isinstance(read_bot(bot), BotSpec), read_bot(bot)


def test_the_operator_pod_meets_pod_security_restricted() -> None:
    text = (CHART / "templates" / "deployment.yaml").read_text("utf-8")
    for line in (
        "runAsNonRoot: true",
        "seccompProfile: {type: RuntimeDefault}",
        "allowPrivilegeEscalation: false",
        "capabilities: {drop: [ALL]}",
        "readOnlyRootFilesystem: true",
    ):
        assert line in text


def test_the_definition_can_be_left_out_and_stays_on_uninstall() -> None:
    text = (CHART / "templates" / "crd.yaml").read_text("utf-8")
    assert "if .Values.crd.install" in text
    assert '"helm.sh/resource-policy" "keep"' in text
    assert f"files/{PLURAL}.yaml" in text
    head = (CHART / "files" / f"{PLURAL}.yaml").read_text("utf-8")
    # The template replaces exactly this text; if it were gone, labels and annotation would be too.
    assert head.count(f"metadata:\n  name: {PLURAL}.{GROUP}\n") == 1


def test_monitoring_is_asked_for_only_where_its_api_exists() -> None:
    for name in ("podmonitor.yaml", "_helpers.tpl"):
        assert '.Capabilities.APIVersions.Has "monitoring.coreos.com/v1"' in (CHART / "templates" / name).read_text(
            "utf-8"
        )
