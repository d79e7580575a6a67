"""The environment, command and paths of a container."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migaga_operator.node.containers import read_containers
from migaga_operator.node.downward import Facts, FieldRef, ResourceRef, read_amounts
from migaga_operator.node.environment import make_launch, variables
from migaga_operator.node.expansion import expand
from migaga_operator.node.images import Image
from migaga_operator.node.objects import MissingError, ObjectRef, Objects
from migaga_operator.node.places import Places

FACTS = Facts(namespace="space", name="one", labels={"app": "x", "b": 'say "hi"'}, address="127.9.0.2", node_name="n")
OBJECTS: Objects = {
    ObjectRef("Secret", "s"): {"k": b"v", "bytes": b"\xff"},
    ObjectRef("ConfigMap", "c"): {"A": b"1", "B=": b"2"},
    ObjectRef("Secret", "none"): None,
}


@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        # Of kubernetes/third_party/forked/golang/expansion/expand_test.go.
        ("$(VAR_A)", "A"),
        ("___$(VAR_B)___", "___B___"),
        ("$(VAR_A)-1-$(VAR_B)", "A-1-B"),
        ("$$(VAR_B)_$(VAR_A)", "$(VAR_B)_A"),
        ("$$$(VAR_A)", "$A"),
        ("$$$$(VAR_A)", "$$(VAR_A)"),
        ("f000-$VAR_A", "f000-$VAR_A"),
        ("foo\\$(VAR_A)", "foo\\A"),
        ("foo$$var", "foo$var"),
        ("$(VAR_DNE)", "$(VAR_DNE)"),
        ("$(VAR_A", "$(VAR_A"),
        ("$VAR_A)", "$VAR_A)"),
        ("$(VAR_A)$", "A$"),
        ("$()", "$()"),
        ("$( VAR_A)", "$( VAR_A)"),
        ("$($(VAR_A))", "$($(VAR_A))"),
        ("\n", "\n"),
        ("$", "$"),
    ],
)
def test_references_are_expanded_as_kubernetes_does(text: str, expanded: str) -> None:
    assert expand(text, {"VAR_A": "A", "VAR_B": "B", "VAR_EMPTY": ""}) == expanded


@given(st.text("$()AB"))
def test_expansion_is_a_single_walk_over_the_text(text: str) -> None:
    assert expand(text, {"A": "$(B)", "B": "$$"}) == _by_the_book(text, {"A": "$(B)", "B": "$$"})


def _by_the_book(text: str, values: dict[str, str]) -> str:
    """Kubernetes' own algorithm, character by character."""
    found, at = "", 0
    while at < len(text):
        if text[at] != "$" or at + 1 == len(text):
            found, at = found + text[at], at + 1
        elif text[at + 1] == "$":
            found, at = found + "$", at + 2
        elif text[at + 1] == "(" and (end := text.find(")", at)) > 0:
            name = text[at + 2 : end]
            found, at = found + values.get(name, f"$({name})"), end + 1
        else:
            found, at = found + text[at : at + 2], at + 2
    return found


def of_env(*env: object, **further: object) -> dict[str, str]:
    (container,) = read_containers([{"name": "main", "env": list(env), **further}])
    return dict(variables(container, FACTS, OBJECTS))


def ref(kind: str, name: str, key: str, **further: object) -> dict[str, object]:
    return {"name": "X", "valueFrom": {kind: {"name": name, "key": key, **further}}}


def test_each_variable_sees_those_before_it() -> None:
    env = [{"name": "A", "value": "$(B)"}, {"name": "B", "value": "b"}, {"name": "C", "value": "$(A)$(B)"}]
    assert of_env(*env) == {"A": "$(B)", "B": "b", "C": "$(B)b"}


def test_variables_of_whole_objects_come_first_and_names_that_are_none_are_left_out() -> None:
    source = [{"prefix": "P_", "configMapRef": {"name": "c"}}]
    assert of_env({"name": "X", "value": "$(P_A)"}, {"name": "", "value": "1"}, envFrom=source) == {
        "P_A": "1",
        "X": "1",
    }


@pytest.mark.parametrize(
    ("item", "found"),
    [
        (ref("secretKeyRef", "s", "k"), {"X": "v"}),
        (ref("secretKeyRef", "s", "bytes"), {"X": "\udcff"}),
        (ref("secretKeyRef", "s", "none", optional=True), {}),
        (ref("secretKeyRef", "none", "k", optional=True), {}),
        ({"name": "X", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}, {"X": "127.9.0.2"}),
        ({"name": "X", "value": None}, {"X": ""}),
    ],
)
def test_values_come_from_elsewhere(item: object, found: dict[str, str]) -> None:
    assert of_env(item) == found


@pytest.mark.parametrize(
    ("item", "said"),
    [
        (ref("secretKeyRef", "none", "k"), 'secret "none" not found in namespace space'),
        (ref("configMapKeyRef", "unasked", "k"), 'configmap "unasked" not found'),
        (ref("secretKeyRef", "s", "other"), 'key "other" in secret space/s'),
        ({"name": "X", "valueFrom": {"fieldRef": {"fieldPath": "spec.secrets"}}}, "variable X asks for 'spec.secrets'"),
    ],
)
def test_what_is_missing_is_named(item: object, said: str) -> None:
    with pytest.raises(MissingError, match=said):
        of_env(item)


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("metadata.labels['app']", "x"),
        ("metadata.labels['none']", ""),
        ("metadata.labels", 'app="x"\nb="say \\"hi\\""'),
        ("metadata.namespace", "space"),
        ("spec.nodeName", "n"),
        ("nothing", None),
    ],
)
def test_fields(path: str, said: str | None) -> None:
    assert FACTS.say(FieldRef(path)) == said


@pytest.mark.parametrize(
    ("resource", "divisor", "said"),
    [
        ("limits.cpu", "1", "2"),
        ("limits.cpu", "0.001", "1500"),
        ("requests.cpu", "1", "2"),
        ("limits.memory", "1048576", "64"),
        ("requests.memory", "1", "0"),
        ("other", "1", None),
    ],
)
def test_amounts_are_rounded_up_and_fall_back_to_the_machine(resource: str, divisor: str, said: str | None) -> None:
    amounts = {"main": read_amounts({"limits": {"cpu": "1500m"}})}
    facts = Facts(amounts=amounts, capacity={"memory": Decimal(64 * 2**20)})
    assert facts.say(ResourceRef("", resource, Decimal(divisor)), "main") == said


PLACES = Places(
    {"/etc/a": Path("/pod/a"), "/etc/a/b": Path("/pod/b"), "/tmp": Path("/pod/tmp"), "/": Path("/pod/root")},
    Path("/image"),
    exists=lambda path: str(path) in {"/image/opt/app", "/image/opt/app/x"},
)


@pytest.mark.parametrize(
    ("text", "real"),
    [
        ("/etc/a", "/pod/a"),
        ("/etc/a/token", "/pod/a/token"),
        ("/etc/a/b/c", "/pod/b/c"),
        ("/etc/ab", "/etc/ab"),
        ("see /etc/a", "see /etc/a"),
        ("--file=/etc/a/x", "--file=/pod/a/x"),
        ("A=/etc/a", "A=/etc/a"),
        ("/etc/a:/opt/app:/usr/bin", "/pod/a:/image/opt/app:/usr/bin"),
        ("/opt/app/x", "/image/opt/app/x"),
        ("/opt/app/../../x", "/opt/app/../../x"),
        ("/opt/none", "/opt/none"),
        ("/", "/"),
        ("", ""),
        ("/opt\0", "/opt\0"),
        ("sqlite:////etc/a", "sqlite:////etc/a"),
    ],
)
def test_paths_are_replaced_at_the_begin_of_values(text: str, real: str) -> None:
    assert PLACES.real(text) == real


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, ("run", "one")),
        ({"args": ["two"]}, ("run", "two")),
        ({"command": ["go"]}, ("go",)),
        (
            {"command": ["go", "$(HERE)"], "args": ["/etc/a/x"], "env": [{"name": "HERE", "value": "x"}]},
            ("go", "x", "/pod/a/x"),
        ),
    ],
)
def test_the_command_of_the_pod_wins_over_that_of_the_image(given: dict[str, object], words: tuple[str, ...]) -> None:
    (container,) = read_containers([{"name": "main", **given}])
    image = Image(Path("/image"), {"HOME": "/opt/app"}, ("run",), ("one",))
    launch = make_launch(container, image, facts=FACTS, objects={}, places=PLACES, folder=Path("/pod/work"))
    assert launch.command == words
    assert launch.environment["HOME"] == "/image/opt/app"
    assert launch.environment["TMPDIR"] == "/pod/tmp"
    assert launch.folder == "/pod/work"


def test_nothing_to_run_is_told() -> None:
    (container,) = read_containers([{"name": "main"}])
    with pytest.raises(MissingError, match="no command specified"):
        make_launch(container, Image(), facts=FACTS, objects={}, places=Places(), folder=Path("/w"))


@pytest.mark.parametrize(
    ("root", "path", "begins"),
    [
        (Path("/image"), ":/opt/app::/usr/bin:", ["/image/opt/app", "/usr/local/sbin"]),
        (None, "/venv/bin", ["/venv/bin", "/usr/local/sbin"]),
        (None, "", ["/usr/local/sbin", "/usr/local/bin"]),
    ],
)
def test_programs_of_the_image_are_found_before_those_of_the_machine(
    root: Path | None, path: str, begins: list[str]
) -> None:
    found = Image(root, {"PATH": path}).search_path(PLACES).split(":")
    assert found[:2] == begins
    assert len(found) == len(set(found))
