"""Application commands: checks what a bot registers and keeps it. Called by REST and people."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from migaga_emulator.world import errors
from migaga_emulator.world.command_schema import read_command
from migaga_emulator.world.core import Core
from migaga_emulator.world.errors import DiscordError, Problems
from migaga_emulator.world.fields import Body
from migaga_emulator.world.state import AppCommand, Bot
from migaga_emulator.world.wire import JsonObject

CHAT_INPUT, USER, MESSAGE = 1, 2, 3
_DAY_S = 86_400.0
Scope = tuple[int, int | None]
"""(application id, guild id or None for the global commands)."""


class Commands:
    """The registered commands of all applications."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._scopes: dict[Scope, dict[int, AppCommand]] = {}
        self._made: dict[Scope, deque[float]] = {}

    def all(self, scope: Scope) -> list[AppCommand]:
        """The commands of a scope, in order of registration."""
        return list(self._scopes.get(scope, {}).values())

    def get(self, scope: Scope, command_id: int) -> AppCommand:
        """Raises 10063."""
        if found := self._scopes.get(scope, {}).get(command_id):
            return found
        raise errors.unknown("application command")

    def find(self, bot: Bot, guild_id: int | None, name: str, kind: int = CHAT_INPUT) -> AppCommand | None:
        """What a person sees under a name: a command of the guild hides a global one."""
        scopes: list[Scope] = [(bot.application_id, None)]
        if guild_id is not None:
            scopes.insert(0, (bot.application_id, guild_id))
        for scope in scopes:
            for command in self._scopes.get(scope, {}).values():
                if command.name == name and command.type == kind:
                    return command
        return None

    def create(self, scope: Scope, data: JsonObject) -> tuple[AppCommand, bool]:
        """Register a command, or put it over one of the same name and type; says whether it is new."""
        body = self._checked(data)
        existing = self._same(scope, body)
        if existing is None:
            self._check_room(scope, body)
            self._count_new(scope, 1)
        command = self._put(scope, body, existing)
        return command, existing is None

    def edit(self, scope: Scope, command_id: int, data: JsonObject) -> AppCommand:
        """Change the given parts of a command. Raises 10063, 50035."""
        command = self.get(scope, command_id)
        body = self._checked(command.body | data | {"type": command.type})
        other = self._same(scope, body)
        if other is not None and other is not command:
            raise errors.invalid_form(("name",), "APPLICATION_COMMANDS_DUPLICATE_NAME", _DUPLICATE)
        return self._put(scope, body, command)

    def delete(self, scope: Scope, command_id: int) -> None:
        """Raises 10063."""
        self.get(scope, command_id)
        del self._scopes[scope][command_id]

    def overwrite(self, scope: Scope, wanted: Iterable[object]) -> list[AppCommand]:
        """Replace all commands of a scope; those of the same name and type keep their ids."""
        problems = Problems()
        bodies = []
        for index, item in enumerate(wanted):
            if isinstance(item, dict):
                bodies.append(read_command(Body(item, problems, (index,)), self._core.rules))
            else:
                problems.add((index,), "MODEL_TYPE_CONVERT", "Only dictionaries may be used in a ModelType")
        problems.raise_if_any()
        self._check_names(bodies)
        self._check_counts(bodies)
        old = {(item.type, item.name): item for item in self.all(scope)}
        self._count_new(scope, sum(_identity(body) not in old for body in bodies))
        self._scopes[scope] = {}
        return [self._put(scope, body, old.get(_identity(body))) for body in bodies]

    def payload(self, command: AppCommand) -> JsonObject:
        """A command as REST answers it."""
        payload: JsonObject = {
            "id": str(command.id),
            "application_id": str(command.application_id),
            "version": str(command.version),
        } | command.body
        return payload if command.guild_id is None else payload | {"guild_id": str(command.guild_id)}

    def _checked(self, data: JsonObject) -> JsonObject:
        problems = Problems()
        body = read_command(Body(data, problems), self._core.rules)
        problems.raise_if_any()
        return body

    def _same(self, scope: Scope, body: JsonObject) -> AppCommand | None:
        identity = _identity(body)
        return next((item for item in self.all(scope) if (item.type, item.name) == identity), None)

    def _put(self, scope: Scope, body: JsonObject, existing: AppCommand | None) -> AppCommand:
        kind, name = _identity(body)
        if existing is not None and existing.body == body:
            self._scopes.setdefault(scope, {})[existing.id] = existing
            return existing
        version = self._core.ids.next()
        command_id = version if existing is None else existing.id
        command = AppCommand(command_id, scope[0], scope[1], version, kind, name, body)
        self._scopes.setdefault(scope, {})[command_id] = command
        return command

    def _count_new(self, scope: Scope, count: int) -> None:
        """Raises 30034, as a 429, when a scope got more new commands in a day than it may."""
        now, most = self._core.clock.time(), self._core.rules.command_creates_per_day
        made = self._made.setdefault(scope, deque())
        while made and made[0] <= now - _DAY_S:
            made.popleft()
        if len(made) + count > most:
            message = f"Max number of daily application command creates has been reached ({most})"
            raise errors.RateLimitError(30034, message, made[0] + _DAY_S - now if made else _DAY_S)
        made.extend([now] * count)

    def _check_room(self, scope: Scope, body: JsonObject) -> None:
        self._check_counts([*(item.body for item in self.all(scope)), body])

    def _check_counts(self, bodies: list[JsonObject]) -> None:
        for kind in (CHAT_INPUT, USER, MESSAGE):
            rules = self._core.rules
            maximum = rules.commands_per_scope if kind == CHAT_INPUT else rules.context_commands_per_scope
            if sum(body["type"] == kind for body in bodies) > maximum:
                raise DiscordError(400, 30032, f"Maximum number of application commands reached ({maximum})")

    def _check_names(self, bodies: list[JsonObject]) -> None:
        seen: set[tuple[int, str]] = set()
        for index, body in enumerate(bodies):
            identity = _identity(body)
            if identity in seen:
                raise errors.invalid_form((index, "name"), "APPLICATION_COMMANDS_DUPLICATE_NAME", _DUPLICATE)
            seen.add(identity)


_DUPLICATE = "Application command names must be unique"


def _identity(body: JsonObject) -> tuple[int, str]:
    kind, name = body["type"], body["name"]
    return (kind if isinstance(kind, int) else CHAT_INPUT), str(name)
