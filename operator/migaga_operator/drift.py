"""Whether a live object is as it should be: what we set has to be there; what others add beside it may stay."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from migaga.common.text import shorten
from migaga_operator.crd.quantities import same_amount
from migaga_operator.json_types import as_list, as_mapping

_LIST_KEYS = ("name", "mountPath", "key", "topologyKey", "uid")
_AMOUNTS = ("requests", "limits", "sizeLimit")
_SHOWN = 3
_OURS = ("migaga.dev/", "revision")


def differences(wanted: object, live: object, at: str = "") -> Iterator[str]:
    """Yield the paths at which a live object lacks what is wanted.

    The API server writes defaults beside what we set, drops empty values, and keeps amounts as they were written: none
    of these is a difference.
    """
    if not wanted and live is None:
        return
    if isinstance(wanted, Mapping):
        if isinstance(live, Mapping):
            for name, value in wanted.items():
                yield from differences(value, live.get(name), f"{at}.{name}" if at else str(name))
        else:
            yield at
    elif isinstance(wanted, list | tuple):
        yield from _list_differences(wanted, as_list(live), at)
    elif not _is_same(wanted, live, at):
        yield at


def describe_differences(wanted: object, live: object) -> str:
    """Return the first three differences in words, those that people know first; empty when there are none."""
    found = sorted(differences(wanted, live), key=lambda at: any(word in at.casefold() for word in _OURS))
    more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    return shorten(", ".join(found[:_SHOWN]), 300) + more


def _list_differences(wanted: Sequence[object], live: Sequence[object], at: str) -> Iterator[str]:
    key = _key_of(wanted)
    if key is None:
        if len(wanted) != len(live):
            yield at
            return
        for n, (value, there) in enumerate(zip(wanted, live, strict=True)):
            yield from differences(value, there, f"{at}[{n}]")
        return
    named = {as_mapping(item).get(key): item for item in live}
    for item in wanted:
        name = as_mapping(item).get(key)
        yield from differences(item, named.get(name), f"{at}[{name}]")


def _key_of(items: Sequence[object]) -> str | None:
    """Return the field by which all items of a list can be told apart, if there is one."""
    for key in _LIST_KEYS:
        names = [as_mapping(item).get(key) for item in items]
        if names and all(isinstance(name, str) for name in names) and len(set(names)) == len(names):
            return key
    return None


def _is_same(wanted: object, live: object, at: str) -> bool:
    if wanted == live:
        return isinstance(wanted, bool) == isinstance(live, bool)
    return any(f".{word}" in at for word in _AMOUNTS) and same_amount(wanted, live)
