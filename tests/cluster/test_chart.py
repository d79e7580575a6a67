"""The chart and the objects of a bot as Helm, kubeconform and the API server's admission see them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.support.control_plane import ControlPlane
from tests.support.schemas import FILE_NAMES, write_schemas
from tests.unit.operator_crd.manifests import right

from migaga_operator.builders.all import build_around
from migaga_operator.builders.deployment import shard_deployment
from migaga_operator.builders.fleet import Fleet, Owner
from migaga_operator.builders.workers import worker_deployment
from migaga_operator.crd.read import read_bot
from migaga_operator.crd.spec import BotSpec
from migaga_operator.json_types import Manifest

CHART = Path(__file__).parents[2] / "charts" / "migaga"
EXAMPLES = sorted((CHART / "examples").glob("*.yaml"))
MONITORING = ("--api-versions", "monitoring.coreos.com/v1/PodMonitor", "--api-versions", "monitoring.coreos.com/v1")
VALUES: dict[str, Sequence[str]] = {
    "as they are": (),
    "some namespaces": ("--set", "watch.allNamespaces=false", "--set", "watch.namespaces={bots,others}"),
    "own namespace": ("--set", "watch.allNamespaces=false"),
    "little": (
        *("--set", "crd.install=false", "--set", "rbac.create=false", "--set", "serviceAccount.create=false"),
        *("--set", "networkPolicy.enabled=false", "--set", "podDisruptionBudget.enabled=false"),
    ),
    "much": (
        *("--set", "replicas=2", "--set", "imagePullSecrets[0].name=registry", "--set", "podLabels.team=bots"),
        *("--set", "podAnnotations.note=yes", "--set", "nodeSelector.disk=fast", "--set", "priorityClassName=high"),
        *("--set", "extraEnv[0].name=A", "--set", "extraEnv[0].value=b", "--set", "tolerations[0].operator=Exists"),
    ),
    "monitoring": MONITORING,
}
EACH = pytest.mark.parametrize("values", VALUES.values(), ids=VALUES.keys())


@pytest.fixture(scope="module")
def schemas(bots: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the schemas of everything that the API server knows."""
    folder = tmp_path_factory.mktemp("schemas")

    def fetch(path: str) -> Any:
        code, document = bots.request("GET", path)
        assert code == 200, path
        return document

    write_schemas(fetch, folder)
    return folder


def rendered(plane: ControlPlane, values: Sequence[str]) -> str:
    """The manifests of the chart."""
    words = ("template", "migaga", str(CHART), "--namespace", "bots", "--kube-version", "1.30.0")
    return plane.helm(*words, *values).out


def conform(plane: ControlPlane, schemas: Path, text: str, *words: str) -> tuple[int, str]:
    """What kubeconform says of manifests: exit code and text."""
    location = ("-schema-location", f"{schemas}/{FILE_NAMES}")
    done = plane.run("kubeconform", "-strict", "-summary", *location, *words, "-", stdin=text, check=False)
    return done.code, done.out + done.err


def test_helm_lint_has_nothing_to_say(control_plane: ControlPlane) -> None:
    done = control_plane.helm("lint", "--strict", str(CHART))
    assert "1 chart(s) linted, 0 chart(s) failed" in done.out
    assert "[WARNING]" not in done.out + done.err


@EACH
def test_what_the_chart_renders_conforms_to_the_schemas(
    bots: ControlPlane, schemas: Path, values: Sequence[str]
) -> None:
    code, said = conform(bots, schemas, rendered(bots, values), "-skip", "PodMonitor")
    assert code == 0, said
    assert "Valid: 0" not in said


def test_examples_conform_to_the_schemas(bots: ControlPlane, schemas: Path) -> None:
    text = "\n---\n".join(path.read_text("utf-8") for path in EXAMPLES)
    code, said = conform(bots, schemas, text)
    assert code == 0, said


def test_the_schemas_refuse_what_is_misspelt_or_missing(bots: ControlPlane, schemas: Path) -> None:
    wrong = right()
    wrong["spec"]["replica"] = 3  # type: ignore[index]
    code, said = conform(bots, schemas, json.dumps(wrong))
    assert (code, "replica" in said) == (1, True)
    deployment: Any = json.loads(json.dumps(manifests()[-1]))
    del deployment["spec"]["selector"]
    deployment["spec"]["template"]["spec"]["containers"][0]["comand"] = ["x"]
    code, said = conform(bots, schemas, json.dumps(deployment))
    assert (code, "comand" in said) == (1, True)


@EACH
def test_the_api_server_takes_what_the_chart_renders(bots: ControlPlane, values: Sequence[str]) -> None:
    if values == MONITORING:
        values = ()  # its kind is not installed here; the others stand in for it
    objects = [item for item in yaml.safe_load_all(rendered(bots, values)) if item]
    for item in objects:
        item["metadata"].setdefault("namespace", "bots")
    ours = [item for item in objects if item["metadata"]["namespace"] == "bots"]
    text = yaml.safe_dump_all(ours)
    done = bots.kubectl("apply", "--server-side", "--dry-run=server", "--force-conflicts", "-f", "-", stdin=text)
    assert "Warning" not in done.err, done.err


def manifests() -> list[Manifest]:
    """All objects of a bot."""
    spec = read_bot(right())
    assert isinstance(spec, BotSpec)
    owner = Owner("my-bot", "bots", "0c9e1a52-6f6e-4d0a-8a55-3f5b8f1f7f11")
    fleet = Fleet(owner, spec, replicas=3, revision=1, count=32, intents=spec.intents)
    pools = [worker_deployment(fleet, pool, 1) for pool in spec.workers]
    return [*build_around(fleet, ()), *pools, shard_deployment(fleet)]


def test_the_objects_of_a_bot_conform_and_are_taken(bots: ControlPlane, schemas: Path) -> None:
    text = yaml.safe_dump_all(manifests())
    code, said = conform(bots, schemas, text)
    assert code == 0, said
    done = bots.kubectl("apply", "--server-side", "--dry-run=server", "-f", "-", stdin=text)
    assert len(done.out.splitlines()) == len(manifests())
    # Pod Security warns of a template whose pods it will refuse.
    assert "Warning" not in done.err, done.err


def pod_of(deployment: Any, **spec: object) -> dict[str, Any]:
    """A pod as the Deployment's template has it, with what needs other objects left out."""
    template = json.loads(json.dumps(deployment["spec"]["template"]))
    template["spec"].update(spec)
    template["spec"].pop("priorityClassName", None)
    template["spec"]["serviceAccountName"] = "default"
    name = deployment["metadata"]["name"]
    metadata = {**template["metadata"], "name": name, "namespace": "bots"}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]}


def deployments(bots: ControlPlane) -> list[Any]:
    """The Deployments of a bot, and the operator's."""
    operator = [item for item in yaml.safe_load_all(rendered(bots, VALUES["much"])) if item]
    return [item for item in [*manifests(), *operator] if item["kind"] == "Deployment"]


def test_all_pods_are_admitted_where_pod_security_is_restricted(bots: ControlPlane) -> None:
    found = deployments(bots)
    assert len(found) == 3
    for deployment in found:
        code, answer = bots.request("POST", "/api/v1/namespaces/bots/pods?dryRun=All", pod_of(deployment))
        assert code == 201, answer.get("message")


def test_the_namespace_refuses_other_pods(bots: ControlPlane) -> None:
    """Else the test before this one would show nothing."""
    wrong = pod_of(deployments(bots)[0], hostNetwork=True)
    code, answer = bots.request("POST", "/api/v1/namespaces/bots/pods?dryRun=All", wrong)
    assert code == 403
    assert "PodSecurity" in answer["message"]
