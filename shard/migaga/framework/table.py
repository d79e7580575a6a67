"""Who wants what: all loaded modules, indexed for the router. A load or reload replaces the table as a whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import hikari

from migaga.framework.event_names import names_for
from migaga.framework.matching import CommandIndex
from migaga.framework.scope import LoadedModule
from migaga.framework.spec import ComponentSpec, ListenerSpec
from migaga.framework.uncalled import UnknownCommandEvent


class RoutingTable:
    """The handlers of all loaded modules."""

    def __init__(self, modules: Sequence[LoadedModule]) -> None:
        self.modules: Mapping[str, LoadedModule] = {module.spec.name: module for module in modules}
        self.commands = CommandIndex([module.spec for module in modules])
        self.listeners: dict[str, list[tuple[LoadedModule, ListenerSpec]]] = {}
        """Raw event name -> listeners."""
        self.raw_listeners: list[tuple[LoadedModule, ListenerSpec]] = []
        """Listeners for every event, raw."""
        self.unknown_commands: list[tuple[LoadedModule, ListenerSpec]] = []
        """Listeners for messages that begin with the prefix and call no command."""
        self.components: dict[tuple[str, str, bool], tuple[LoadedModule, ComponentSpec]] = {}
        """Module, name and whether it is a modal -> handler."""
        for module in modules:
            self._add(module)

    def _add(self, module: LoadedModule) -> None:
        for listener in module.spec.listeners:
            if hikari.ShardPayloadEvent in listener.events:
                self.raw_listeners.append((module, listener))
            if UnknownCommandEvent in listener.events:
                self.unknown_commands.append((module, listener))
            for name in names_for(tuple(e for e in listener.events if e is not hikari.ShardPayloadEvent)):
                self.listeners.setdefault(name, []).append((module, listener))
        for component in module.spec.components:
            self.components[module.spec.name, component.name, component.modal] = (module, component)
