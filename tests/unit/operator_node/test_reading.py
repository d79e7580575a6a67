"""Pods of any shape are read without trust."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.operator_crd.test_reading import JSON

from migaga_operator.node.downward import Facts
from migaga_operator.node.names import is_key, is_name, is_relative
from migaga_operator.node.objects import MissingError
from migaga_operator.node.pod import Pod, read_pod
from migaga_operator.node.probes import HttpGet, TcpSocket, read_port, read_probe
from migaga_operator.node.volumes import read_volume, volume_files


def manifest(**spec: object) -> dict[str, object]:
    body = {"containers": [{"name": "main", "image": "x"}], **spec}
    return {"metadata": {"name": "one", "uid": "1-2"}, "spec": body}


def read(**spec: object) -> Pod:
    found = read_pod(manifest(**spec))
    assert found is not None
    return found


@given(JSON)
def test_any_value_can_be_read_as_a_pod(value: object) -> None:
    assert read_pod(value) is None or isinstance(read_pod(value), Pod)


FIELDS = [
    *("volumes", "initContainers", "restartPolicy", "terminationGracePeriodSeconds", "serviceAccountName"),
    *("hostNetwork", "nodeName"),
]
OF_CONTAINERS = [
    *("command", "args", "env", "envFrom", "volumeMounts", "ports", "resources", "image", "workingDir", "lifecycle"),
    *("livenessProbe", "readinessProbe", "startupProbe", "restartPolicy", "imagePullPolicy"),
]


@given(st.dictionaries(st.sampled_from(FIELDS), JSON), st.dictionaries(st.sampled_from(OF_CONTAINERS), JSON))
def test_a_pod_with_any_fields_is_read(spec: dict[str, object], container: dict[str, object]) -> None:
    pod = read(**{**spec, "containers": [{**container, "name": "main"}]})
    assert [item.name for item in pod.containers] == ["main"]
    assert 1 <= pod.grace <= 86_400


@given(JSON)
def test_any_volume_has_files_inside_its_folder_or_a_reason(value: object) -> None:
    for kind in ("secret", "configMap", "downwardAPI", "projected"):
        volume = read_volume({"name": "v", kind: value})
        assert volume is not None
        try:
            files = volume_files(volume, Facts(), {}, {})
        except MissingError:
            continue
        assert all(is_relative(path) for path in files)


@pytest.mark.parametrize(
    ("text", "fine"),
    [
        ("a", True),
        ("a/b", True),
        ("..a", False),
        ("../a", False),
        ("a/../b", False),
        ("/a", False),
        ("", False),
        ("a//b", False),
        (".", False),
        ("a\0", False),
        ("x" * 256, False),
        ("a/..b", True),
        (".a", True),
    ],
)
def test_a_path_stays_inside_its_folder(text: str, fine: bool) -> None:
    assert is_relative(text) is fine


@pytest.mark.parametrize(
    ("text", "name", "key"),
    [
        ("a-b.c", True, True),
        (".a", False, True),
        ("..a", False, False),
        (".", False, False),
        ("..", False, False),
        ("a/b", False, False),
        ("", False, False),
        ("ä", False, False),
        ("tls.crt", True, True),
    ],
)
def test_names_and_keys_are_harmless(text: str, name: bool, key: bool) -> None:
    assert (is_name(text), is_key(text)) == (name, key)


@pytest.mark.parametrize(
    ("metadata", "spec", "grace"),
    [
        ({}, {}, 30),
        ({}, {"terminationGracePeriodSeconds": 7}, 7),
        ({"deletionGracePeriodSeconds": 3}, {"terminationGracePeriodSeconds": 7}, 3),
        ({"deletionGracePeriodSeconds": 0}, {"terminationGracePeriodSeconds": 7}, 1),
        ({"deletionGracePeriodSeconds": "3"}, {"terminationGracePeriodSeconds": True}, 30),
        ({}, {"terminationGracePeriodSeconds": -5}, 1),
    ],
)
def test_the_grace_of_the_deletion_wins(metadata: dict[str, object], spec: dict[str, object], grace: int) -> None:
    given = manifest(**spec)
    pod = read_pod({**given, "metadata": {"name": "one", "uid": "1", **metadata}})
    assert pod is not None
    assert pod.grace == grace


def test_a_uid_that_is_no_name_makes_a_harmless_folder() -> None:
    pod = read_pod({**manifest(), "metadata": {"name": "one", "uid": "../../etc"}})
    assert pod is not None
    assert is_name(pod.folder_name)


def test_restarts_go_on_from_what_the_status_says() -> None:
    statuses = [{"name": "main", "containerID": "process://1", "restartCount": 3}, {"name": "new", "restartCount": 0}]
    pod = read_pod({**manifest(), "status": {"containerStatuses": statuses, "phase": "Running"}})
    assert pod is not None
    assert (pod.restarts_before("main"), pod.restarts_before("new"), pod.restarts_before("other")) == (4, 0, 0)
    assert not pod.is_over


@pytest.mark.parametrize(
    ("given", "read"),
    [
        (80, 80),
        ("80", 80),
        ("http", "http"),
        (0, None),
        (65_536, None),
        ("", None),
        (True, None),
        ("99999", None),
        (None, None),
        ([], None),
    ],
)
def test_ports(given: object, read: object) -> None:
    assert read_port(given) == read


@pytest.mark.parametrize(
    ("value", "action"),
    [
        ({"httpGet": {"port": "http", "path": "x", "scheme": "HTTPS"}}, HttpGet("http", "/x", "https")),
        ({"httpGet": {"path": "/"}}, None),
        ({"tcpSocket": {"port": 5}}, TcpSocket(5)),
        ({"grpc": {"port": 5}}, TcpSocket(5)),
        ({"exec": {"command": []}}, None),
        (
            {"httpGet": {"port": 1, "httpHeaders": [{"name": "A", "value": "b\r\nC: d"}, {"name": "E", "value": "f"}]}},
            HttpGet(1, headers=(("E", "f"),)),
        ),
    ],
)
def test_actions(value: object, action: object) -> None:
    probe = read_probe(value)
    assert (probe.action if probe else None) == action
