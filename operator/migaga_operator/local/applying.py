"""Server-side apply of one field manager, as far as our manifests need it: `store.py` calls `merged`.

What we set is there; what we had set and set no more is gone; what others wrote beside it stays. Lists whose items have
names are merged item by item, all others are one value.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from types import MappingProxyType

from migaga_operator.json_types import Json, as_list, as_mapping

_LIST_KEYS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "containers": ("name",),
        "initContainers": ("name",),
        "env": ("name",),
        "volumes": ("name",),
        "volumeMounts": ("mountPath",),
        "ports": ("port", "containerPort", "protocol"),
        "imagePullSecrets": ("name",),
        "topologySpreadConstraints": ("topologyKey", "whenUnsatisfiable"),
        "ownerReferences": ("uid",),
        "conditions": ("type",),
    }
)
"""Fields that are lists with `x-kubernetes-list-map-keys`, and those keys."""


def merged(live: Json, before: Json, wanted: Json, field: str = "") -> Json:
    """Return a value after it was applied.

    Args:
        live: As it is kept now; None when it is not there.
        before: As we applied it last; None when we did not.
        wanted: As we apply it now.
        field: The name of the field that holds it: it tells lists that are merged from those that are replaced.
    """
    if isinstance(wanted, Mapping) and isinstance(live, Mapping):
        return _merged_objects(live, before if isinstance(before, Mapping) else {}, wanted)
    keys = _LIST_KEYS.get(field)
    if keys is not None and isinstance(wanted, list | tuple) and isinstance(live, list | tuple):
        return _merged_lists(live, as_list(before), wanted, keys)
    return wanted


def _merged_objects(live: Mapping[str, Json], before: Mapping[str, Json], wanted: Mapping[str, Json]) -> Json:
    found: dict[str, Json] = {}
    for name, value in live.items():
        if name in wanted:
            found[name] = merged(value, before.get(name), wanted[name], name)
        elif name not in before:
            found[name] = value
        else:
            left = _without(value, before[name], name)
            if left:
                found[name] = left
    return {**found, **{name: value for name, value in wanted.items() if name not in live}}


def _without(live: Json, before: Json, field: str) -> Json:
    """Return what others have written into a value that we set no more; something empty when nothing."""
    if isinstance(live, Mapping) and isinstance(before, Mapping):
        return _merged_objects(live, before, {})
    keys = _LIST_KEYS.get(field)
    if keys is not None and isinstance(live, list | tuple):
        return _merged_lists(live, as_list(before), (), keys)
    return None


def _merged_lists(
    live: Sequence[Json], before: Sequence[object], wanted: Sequence[Json], keys: tuple[str, ...]
) -> Json:
    there = {_name(item, keys): item for item in live}
    ours: dict[Hashable, Json] = {_name(item, keys): item for item in before if isinstance(item, Mapping)}
    now = {_name(item, keys): item for item in wanted}
    found = [merged(there.get(name), ours.get(name), item) for name, item in now.items()]
    return [*found, *(item for name, item in there.items() if name not in now and name not in ours)]


def _name(item: object, keys: tuple[str, ...]) -> Hashable:
    values = as_mapping(item)
    return tuple(str(values.get(key)) for key in keys)
