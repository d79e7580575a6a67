"""A full collection that goes over everything a process has is over before anybody waits for it."""

from __future__ import annotations

import gc

from migaga.common import memory


def test_what_is_there_is_not_looked_at_again_and_rubbish_is_gone() -> None:
    kept: list[object] = [{"a": number} for number in range(1_000)]
    circle: list[object] = []
    circle.append(circle)
    here = id(circle)
    del circle
    try:
        memory.settle()
        assert gc.get_freeze_count() > len(kept)
        seen = {id(one) for one in gc.get_objects()}
        assert id(kept[0]) not in seen
        assert here not in seen
    finally:
        gc.unfreeze()
