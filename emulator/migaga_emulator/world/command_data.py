"""Builds `data` of a command interaction from plain values, checking what Discord's client checks before it sends."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from migaga_emulator.world import command_schema as schema
from migaga_emulator.world import message_payloads, payloads
from migaga_emulator.world.core import Access, Core
from migaga_emulator.world.state import AppCommand, Attachment, Channel, Guild, Message, User
from migaga_emulator.world.wire import JsonObject, int_of, objects, optional_id, text_of


class PersonRefused(Exception):  # noqa: N818 - a refusal, not a fault
    """What Discord's client does not let a person do: nothing is sent, the person reads this."""


@dataclass(slots=True)
class Resolved:
    """The things that the options of one command name."""

    parts: dict[str, dict[str, object]] = field(default_factory=dict)

    def add(self, kind: str, key: int, payload: object) -> None:
        """Keep one thing under `users`, `members`, `roles`, `channels`, `messages` or `attachments`."""
        self.parts.setdefault(kind, {})[str(key)] = payload


class CommandData:
    """Turns names and plain values into `data`, for one person in one channel."""

    def __init__(self, core: Core, access: Access, channel: Channel) -> None:
        self._core = core
        self._access = access
        self._channel = channel
        self._guild: Guild | None = core.guild_of(channel)
        self._resolved = Resolved()

    def chat(
        self, command: AppCommand, path: list[str], values: Mapping[str, object], focused: str | None = None
    ) -> JsonObject:
        """A chat command. `path`: sub-command words. `focused`: the option that is being typed (autocomplete)."""
        level, declared = list(path), objects(command.body.get("options"))
        chain: list[JsonObject] = []
        while declared and declared[0].get("type") in (schema.SUB_COMMAND, schema.SUB_GROUP):
            if not level:
                names = ", ".join(text_of(item, "name") for item in declared)
                raise PersonRefused(f"/{command.name}: choose one of: {names}")
            word = level.pop(0)
            found = next((item for item in declared if item.get("name") == word), None)
            if found is None:
                raise PersonRefused(f"/{command.name} has no sub-command {word!r}")
            chain.append(found)
            declared = objects(found.get("options"))
        if level:
            raise PersonRefused(f"/{command.name} has no sub-command {level[0]!r}")
        options = self._options(command, declared, values, focused)
        for step in reversed(chain):
            options = [{"type": step["type"], "name": step["name"], "options": options}]
        data = self._base(command)
        if options:
            data["options"] = options
        return self._with_resolved(data)

    def on_user(self, command: AppCommand, target: User) -> JsonObject:
        """A user command."""
        self._resolve_user(target)
        return self._with_resolved(self._base(command) | {"target_id": str(target.id)})

    def on_message(self, command: AppCommand, target: Message) -> JsonObject:
        """A message command."""
        self._resolved.add("messages", target.id, message_payloads.message(target))
        return self._with_resolved(self._base(command) | {"target_id": str(target.id)})

    def selected(self, component: JsonObject, values: list[str]) -> JsonObject:
        """`data` of a select menu of users, roles, channels or texts."""
        kind = int_of(component, "type")
        for value in values:
            self._resolve_selected(kind, value)
        data: JsonObject = {
            "custom_id": component["custom_id"],
            "component_type": kind,
            "id": component.get("id", 0),
            "values": values,
        }
        return self._with_resolved(data)

    def _base(self, command: AppCommand) -> JsonObject:
        data: JsonObject = {"id": str(command.id), "name": command.name, "type": command.type}
        return data if command.guild_id is None else data | {"guild_id": optional_id(command.guild_id)}

    def _with_resolved(self, data: JsonObject) -> JsonObject:
        return data | {"resolved": self._resolved.parts} if self._resolved.parts else data

    def _options(
        self, command: AppCommand, declared: list[JsonObject], values: Mapping[str, object], focused: str | None
    ) -> list[JsonObject]:
        known = {text_of(item, "name"): item for item in declared}
        for name in values:
            if name not in known:
                raise PersonRefused(f"/{command.name} has no option {name!r}")
        options: list[JsonObject] = []
        for name, option in known.items():
            if name in values:
                options.append(self._option(option, values[name], partial=focused == name))
            elif option.get("required") and focused is None:
                raise PersonRefused(f"/{command.name} needs the option {name!r}")
        return options

    def _option(self, option: JsonObject, value: object, *, partial: bool) -> JsonObject:
        kind = int_of(option, "type")
        if partial:
            return {"type": kind, "name": option["name"], "value": str(value), "focused": True}
        if kind in (schema.STRING, schema.INTEGER, schema.NUMBER):
            sent = _plain(option, kind, value)
        elif kind == schema.BOOLEAN:
            if not isinstance(value, bool):
                raise _wrong(option, "true or false")
            sent = value
        elif kind == schema.ATTACHMENT:
            sent = self._attach(option, value)
        else:
            sent = self._named(option, kind, value)
        return {"type": kind, "name": option["name"], "value": sent}

    def _named(self, option: JsonObject, kind: int, value: object) -> str:
        """Users, roles, channels and mentionables, by id."""
        if isinstance(value, bool) or not str(value).isdecimal():
            raise _wrong(option, "an id")
        key = int(str(value))
        resolve: dict[int, Callable[[int], bool]] = {
            schema.USER: self._try_user,
            schema.ROLE: self._try_role,
            schema.CHANNEL: lambda item: self._try_channel(item, schema.channel_types(option)),
            schema.MENTIONABLE: lambda item: self._try_user(item) or self._try_role(item),
        }
        if not resolve[kind](key):
            raise _wrong(option, f"something this person can see ({key} is not)")
        return str(key)

    def _try_user(self, key: int) -> bool:
        user = self._core.users.get(key)
        if user is not None:
            self._resolve_user(user)
        return user is not None

    def _try_role(self, key: int) -> bool:
        role = None if self._guild is None else self._guild.roles.get(key)
        if role is not None:
            self._resolved.add("roles", key, payloads.role(role))
        return role is not None

    def _try_channel(self, key: int, kinds: list[object]) -> bool:
        channel = None if self._guild is None else self._guild.channels.get(key)
        if channel is None or (kinds and channel.type not in kinds):
            return False
        self._resolved.add("channels", key, payloads.partial_channel(channel, 0))
        return True

    def _resolve_user(self, user: User) -> None:
        self._resolved.add("users", user.id, payloads.user(user))
        if self._guild is not None and (member := self._guild.members.get(user.id)):
            payload = payloads.member(member) | {"permissions": str(self._access.of(user, self._channel))}
            self._resolved.add("members", user.id, payload)

    def _resolve_selected(self, kind: int, value: str) -> None:
        if kind == 3:
            return
        key = int(value) if value.isdecimal() else 0
        found = {
            5: lambda: self._try_user(key),
            6: lambda: self._try_role(key),
            7: lambda: self._try_user(key) or self._try_role(key),
            8: lambda: self._try_channel(key, []),
        }[kind]()
        if not found:
            raise PersonRefused(f"there is nothing with the id {value} to choose")

    def _attach(self, option: JsonObject, value: object) -> str:
        """A file, given as `{"filename": ..., "content": text, "content_type": ...}`."""
        if not isinstance(value, dict) or not text_of(value, "filename"):
            raise _wrong(option, "a file: an object with filename and content")
        new_id = self._core.ids.next()
        name = text_of(value, "filename")
        url = f"{self._core.file_base}/ephemeral-attachments/{self._channel.id}/{new_id}/{name}"
        content_type = text_of(value, "content_type") or "text/plain; charset=utf-8"
        file = Attachment(new_id, name, content_type, text_of(value, "content").encode(), url, ephemeral=True)
        self._resolved.add("attachments", new_id, message_payloads.attachment(self._core.keep_file(file)))
        return str(new_id)


def _plain(option: JsonObject, kind: int, value: object) -> object:
    checked = _typed(option, kind, value)
    choices = objects(option.get("choices"))
    if choices:
        for choice in choices:
            if checked in (choice["value"], choice["name"]):
                return choice["value"]
        raise _wrong(option, "one of: " + ", ".join(text_of(item, "name") for item in choices))
    measured = len(checked) if isinstance(checked, str) else checked
    low, high = ("min_length", "max_length") if kind == schema.STRING else ("min_value", "max_value")
    _check_bounds(option, measured, low, high)
    if isinstance(checked, str) and len(checked) > 6000:
        raise _wrong(option, "at most 6,000 characters")
    return checked


def _typed(option: JsonObject, kind: int, value: object) -> str | int | float:
    if kind == schema.STRING and isinstance(value, str):
        return value
    if option.get("choices") and isinstance(value, str):
        return value
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _wrong(option, {schema.STRING: "text", schema.INTEGER: "a whole number"}.get(kind, "a number"))
    if kind == schema.STRING:
        raise _wrong(option, "text")
    if kind == schema.INTEGER and (not float(value).is_integer() or abs(value) > 2**53):
        raise _wrong(option, "a whole number between -2^53 and 2^53")
    return int(value) if kind == schema.INTEGER else value


def _check_bounds(option: JsonObject, measured: float, low: str, high: str) -> None:
    least, most = option.get(low), option.get(high)
    if isinstance(least, int | float) and measured < least:
        raise _wrong(option, f"at least {least}")
    if isinstance(most, int | float) and measured > most:
        raise _wrong(option, f"at most {most}")


def _wrong(option: JsonObject, wanted: str) -> PersonRefused:
    return PersonRefused(f"option {option['name']!r} has to be {wanted}")
