"""What a person sees of the fleet."""

from __future__ import annotations

import io
import json
from dataclasses import replace

from migaga_operator.json_types import Json, Manifest
from migaga_operator.local.picture import BotRow, Picture, PodRow, describe_changes, draw, numbers
from migaga_operator.local.store import Ref, Store
from migaga_operator.local.view import JsonView, LineView, TableView, aligned, draw_tables, open_view

BOT = BotRow("my-bot", 3, 2, 3, 4, 3, 7, "False", "ShardsMissing", "3 of 4 shards are connected.", "")
POD = PodRow("my-bot-a-b", "my-bot", "7", "Running", True, 1, 4_711, "127.16.0.2", (0, 1, 2, 5))


def never() -> None:
    """What must not happen."""
    raise AssertionError("the reader is still there")


class Closed(io.StringIO):
    """A stream whose reader has gone."""

    def flush(self) -> None:
        raise BrokenPipeError


class Terminal(io.StringIO):
    """A stream that says that it is a terminal."""

    def isatty(self) -> bool:
        return True


def store() -> Store:
    """A bot with one pod."""
    objects = Store()
    objects.apply({"kind": "BotDeployment", "metadata": {"name": "my-bot"}, "spec": {}})
    conditions: Json = [
        {"type": "Ready", "status": "False", "reason": "ShardsMissing", "message": "3 of 4 shards are connected."},
        {"type": "Stalled", "status": "True", "reason": "SecretMissing", "message": "Create it."},
    ]
    counts: Manifest = {"desiredReplicas": 3, "readyReplicas": 2, "updatedReplicas": 3, "revision": 7}
    status: Json = {**counts, "shards": {"count": 4, "connected": 3}, "conditions": conditions}
    objects.set_status(Ref("BotDeployment", "default", "my-bot"), status)
    labels: Manifest = {"migaga.dev/bot": "my-bot", "migaga.dev/revision": "7"}
    annotations: Manifest = {"migaga.dev/pid": "4711"}
    metadata: Manifest = {"name": "my-bot-a-b", "labels": labels, "annotations": annotations}
    objects.apply({"kind": "Pod", "metadata": metadata, "spec": {}})
    objects.set_status(
        Ref("Pod", "default", "my-bot-a-b"),
        {
            "phase": "Running",
            "podIP": "127.16.0.2",
            "conditions": [{"type": "Ready", "status": "True"}],
            "containerStatuses": [{"restartCount": 1}],
        },
    )
    return objects


def report() -> dict[str, object]:
    """What the pod says at `/status`."""
    held = [{"id": n, "state": "live", "lease": "live", "generation": ""} for n in (5, 0, 1, 2)]
    return {"shard_count": 8, "shards": [*held, {"id": 7, "state": "live", "lease": "wanted"}]}


def test_bots_and_pods_are_drawn_from_the_store_and_what_pods_say() -> None:
    picture = draw(store(), {"my-bot-a-b": report()})
    assert picture.bots == (replace(BOT, stalled="SecretMissing: Create it."),)
    assert picture.pods == (POD,)
    assert not picture.all_ready
    assert Picture((replace(BOT, is_ready="True"),), ()).all_ready
    assert not Picture((), ()).all_ready


def test_a_pod_that_waits_or_leaves_says_so() -> None:
    objects, ref = store(), Ref("Pod", "default", "my-bot-a-b")
    waiting: Manifest = {"state": {"waiting": {"reason": "CrashLoopBackOff"}}, "restartCount": 4}
    objects.set_status(ref, {"phase": "Running", "containerStatuses": [waiting]})
    row = draw(objects, {}).pods[0]
    assert (row.state, row.restarts, row.ready, row.shards) == ("CrashLoopBackOff", 4, False, ())
    objects.delete(ref)
    assert draw(objects, {}).pods[0].state == "Terminating"


def test_an_object_that_nobody_has_looked_at_has_a_row_too() -> None:
    objects = Store()
    objects.apply({"kind": "BotDeployment", "metadata": {"name": "new"}})
    assert draw(objects, {}).bots == (BotRow("new", 0, 0, 0, None, 0, None, "Unknown", "", "", ""),)


def test_only_what_has_changed_is_told() -> None:
    before = Picture((BOT,), (POD, replace(POD, name="gone")))
    after = Picture((replace(BOT, connected=4, is_ready="True", reason="AllShardsConnected"),), (POD,))
    assert list(describe_changes(before, after)) == [
        "bot my-bot: 2/3 pods ready, 4/4 shards, Ready True (AllShardsConnected)",
        "pod gone: gone",
    ]
    assert list(describe_changes(after, after)) == []
    assert list(describe_changes(None, Picture((), (POD,)))) == [
        "pod my-bot-a-b: Running, ready, revision 7, pid 4711, 1 restarts, shards 0-2 5"
    ]


def test_shard_numbers_are_written_briefly() -> None:
    assert [numbers(found) for found in ((), (3,), (2, 0, 1), (0, 2, 3, 9))] == ["", "3", "0-2", "0 2-3 9"]


def test_tables_are_aligned_and_say_why_a_bot_is_not_ready() -> None:
    lines = list(draw_tables(Picture((BOT,), (POD,))))
    assert lines[0].split() == ["BOT", "DESIRED", "READY", "SHARDS", "CONNECTED", "READY?", "REASON"]
    assert lines[1].split() == ["my-bot", "3", "2", "4", "3", "False", "ShardsMissing"]
    assert lines[1].index("ShardsMissing") == lines[0].index("REASON")
    assert lines[2] == "  my-bot: 3 of 4 shards are connected."
    assert lines[5].split() == ["my-bot-a-b", "7", "Running", "yes", "1", "4711", "0-2", "5"]
    assert list(aligned(("A", "B"), [])) == ["A  B"]


def test_a_table_is_drawn_over_the_one_before_and_only_when_it_differs() -> None:
    stream = Terminal()
    view = open_view(stream, as_json=False, on_closed=never)
    assert isinstance(view, TableView)
    view.show(Picture((BOT,), ()))
    first = stream.getvalue()
    assert "\x1b[" not in first
    view.show(Picture((BOT,), ()))
    assert stream.getvalue() == first
    view.say("something happened")
    again = stream.getvalue()[len(first) :]
    assert again.startswith(f"\x1b[{first.count(chr(10))}F\x1b[J")
    assert again.endswith("something happened\n")


def test_elsewhere_each_change_is_a_line() -> None:
    stream = io.StringIO()
    view = open_view(stream, as_json=False, on_closed=never)
    assert isinstance(view, LineView)
    view.show(Picture((BOT,), ()))
    view.show(Picture((BOT,), ()))
    view.say("done")
    assert len(stream.getvalue().splitlines()) == 2


def test_as_json_each_change_is_an_object() -> None:
    stream = io.StringIO()
    view = open_view(stream, as_json=True, on_closed=never)
    assert isinstance(view, JsonView)
    for _ in range(2):
        view.show(Picture((BOT,), (POD,)))
    view.say("done")
    first, second = map(json.loads, stream.getvalue().splitlines())
    assert (first["bots"][0]["connected"], first["pods"][0]["shards"]) == (3, [0, 1, 2, 5])
    assert second == {"said": "done"}


def test_a_reader_that_has_gone_is_told_once_and_nothing_more_is_written() -> None:
    stream, told = Closed(), list[int]()
    view = open_view(stream, as_json=False, on_closed=lambda: told.append(1))
    view.say("one")
    view.say("two")
    assert told == [1]
    assert stream.getvalue() == "one\n"
