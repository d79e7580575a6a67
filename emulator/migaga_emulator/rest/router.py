"""Finds the route of a request: templates like `/channels/{channel_id}/messages`, matched segment by segment."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from migaga_emulator.rest.call import Call, Reply
from migaga_emulator.world.errors import method_not_allowed, not_found

Handler: TypeAlias = Callable[[Call], Reply]


@dataclass(frozen=True, slots=True)
class Route:
    """One method of one template."""

    method: str
    template: str
    handler: Handler
    public: bool = False
    """Needs no Authorization: the interaction's token in the path is enough, and the global limit does not count."""


@dataclass(slots=True)
class _Node:
    literals: dict[str, _Node] = field(default_factory=dict)
    parameter: _Node | None = None
    name: str = ""
    routes: dict[str, Route] = field(default_factory=dict)


class Router:
    """A tree of routes; a literal segment goes before a parameter."""

    def __init__(self) -> None:
        self._root = _Node()

    def add(self, method: str, template: str, handler: Handler, *, public: bool = False) -> None:
        """Add a route. `{name}` takes one segment."""
        node = self._root
        for segment in template.strip("/").split("/"):
            if segment.startswith("{"):
                node.parameter = node.parameter or _Node(name=segment.strip("{}"))
                node = node.parameter
            else:
                node = node.literals.setdefault(segment, _Node())
        node.routes[method] = Route(method, template, handler, public)

    def find(self, method: str, segments: list[str]) -> tuple[Route, dict[str, str]]:
        """The route and the values of its parameters. Raises 404 for an unknown path, 405 for an unknown method."""
        candidates = _walk(self._root, segments)
        for node, values in candidates:
            if method in node.routes:
                route = node.routes[method]
                names = [part.strip("{}") for part in route.template.split("/") if part.startswith("{")]
                return route, dict(zip(names, values, strict=True))
        if any(node.routes for node, _ in candidates):
            raise method_not_allowed()
        raise not_found()


def _walk(node: _Node, segments: list[str]) -> list[tuple[_Node, list[str]]]:
    if not segments:
        return [(node, [])]
    found: list[tuple[_Node, list[str]]] = []
    first, rest = segments[0], segments[1:]
    if first in node.literals:
        found += _walk(node.literals[first], rest)
    if node.parameter is not None:
        found += [(end, [first, *values]) for end, values in _walk(node.parameter, rest)]
    return found
