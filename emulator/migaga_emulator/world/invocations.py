"""People who use what bots offer: commands, context menus, buttons, selects, modals, autocomplete. Part of `People`."""

from __future__ import annotations

from collections.abc import Mapping

from migaga_emulator.world import errors
from migaga_emulator.world.command_data import CommandData, PersonRefused
from migaga_emulator.world.commands import CHAT_INPUT, MESSAGE, USER, Commands
from migaga_emulator.world.components import BUTTON, LABEL, SELECTS, TEXT_INPUT, walk
from migaga_emulator.world.core import Access, Core
from migaga_emulator.world.drafts import EPHEMERAL
from migaga_emulator.world.interactions import AUTOCOMPLETE, COMMAND, COMPONENT, MODAL, SHOW_MODAL, Interactions, Source
from migaga_emulator.world.permissions import ALL, Permission, names
from migaga_emulator.world.state import AppCommand, Bot, Channel, Interaction, Message, User
from migaga_emulator.world.wire import JsonObject, int_of, objects, text_of


class Invocations:
    """Makes interactions after the checks of Discord's client; each method returns the `Interaction` to wait for."""

    def __init__(self, core: Core, access: Access, commands: Commands, interactions: Interactions) -> None:
        self._core = core
        self._access = access
        self._commands = commands
        self._interactions = interactions

    def slash(
        self, user_id: int, bot_id: int, channel_id: int, command: str, values: Mapping[str, object] | None = None
    ) -> Interaction:
        """Run "name", "name sub" or "name group sub" with plain values by option name (ids for users, roles, ...)."""
        user, bot, channel = self._core.user(user_id), self._core.bots[bot_id], self._core.channel(channel_id)
        words = command.lstrip("/").split()
        found = self._usable(user, bot, channel, words[0] if words else "", CHAT_INPUT)
        data = CommandData(self._core, self._access, channel).chat(found, words[1:], values or {})
        return self._interactions.begin(bot, user, channel, Source(COMMAND, data, " ".join(words)))

    def autocomplete(
        self,
        user_id: int,
        bot_id: int,
        channel_id: int,
        command: str,
        *,
        focused: str,
        values: Mapping[str, object] | None = None,
    ) -> Interaction:
        """Type into the option `focused`, whose text so far is in `values`; the answer holds the suggestions."""
        user, bot, channel = self._core.user(user_id), self._core.bots[bot_id], self._core.channel(channel_id)
        words = command.lstrip("/").split()
        found = self._usable(user, bot, channel, words[0] if words else "", CHAT_INPUT)
        given = {focused: ""} | dict(values or {})
        data = CommandData(self._core, self._access, channel).chat(found, words[1:], given, focused)
        if not any(item.get("name") == focused and item.get("autocomplete") for item in _declared(found.body)):
            raise PersonRefused(f"option {focused!r} of /{found.name} suggests nothing")
        return self._interactions.begin(bot, user, channel, Source(AUTOCOMPLETE, data, " ".join(words)))

    def user_menu(self, user_id: int, bot_id: int, channel_id: int, name: str, target_id: int) -> Interaction:
        """Run a user command on somebody."""
        user, bot, channel = self._core.user(user_id), self._core.bots[bot_id], self._core.channel(channel_id)
        found = self._usable(user, bot, channel, name, USER)
        data = CommandData(self._core, self._access, channel).on_user(found, self._core.user(target_id))
        return self._interactions.begin(bot, user, channel, Source(COMMAND, data, name))

    def message_menu(self, user_id: int, bot_id: int, channel_id: int, name: str, message_id: int) -> Interaction:
        """Run a message command on a message of the channel."""
        user, bot, channel = self._core.user(user_id), self._core.bots[bot_id], self._core.channel(channel_id)
        found = self._usable(user, bot, channel, name, MESSAGE)
        data = CommandData(self._core, self._access, channel).on_message(found, self._seen(user, channel, message_id))
        return self._interactions.begin(bot, user, channel, Source(COMMAND, data, name))

    def press(self, user_id: int, channel_id: int, message_id: int, custom_id: str) -> Interaction:
        """Press a button, by its custom id or its label."""
        user, channel = self._core.user(user_id), self._core.channel(channel_id)
        message = self._seen(user, channel, message_id)
        component = _component(message, (BUTTON,), custom_id)
        if component.get("url"):
            raise PersonRefused(f"the button {custom_id!r} is a link: the bot does not hear of it")
        data: JsonObject = {
            "custom_id": component["custom_id"],
            "component_type": BUTTON,
            "id": component.get("id", 0),
        }
        return self._from_message(user, channel, message, data)

    def choose(self, user_id: int, channel_id: int, message_id: int, custom_id: str, values: list[str]) -> Interaction:
        """Choose in a select menu: option values or labels, or ids."""
        user, channel = self._core.user(user_id), self._core.channel(channel_id)
        message = self._seen(user, channel, message_id)
        component = _component(message, SELECTS, custom_id)
        chosen = [_option_value(component, value) for value in values]
        least, most = int_of(component, "min_values", 1), int_of(component, "max_values", 1)
        if not least <= len(chosen) <= most:
            raise PersonRefused(f"the menu {custom_id!r} takes {least} to {most} values, not {len(chosen)}")
        data = CommandData(self._core, self._access, channel).selected(component, chosen)
        return self._from_message(user, channel, message, data)

    def submit(self, user_id: int, interaction_id: int, values: Mapping[str, object]) -> Interaction:
        """Send off the modal that `interaction_id` was answered with, once; values by custom id."""
        shown = self._interactions.get(interaction_id)
        if shown.answer_type != SHOW_MODAL or shown.user.id != user_id or shown.modal_submitted:
            raise PersonRefused(f"no modal is open for this person from interaction {interaction_id}")
        modal = shown.answer_data
        known = {text_of(item, "custom_id") for item in walk(modal.get("components")) if item.get("custom_id")}
        for name in values:
            if name not in known:
                raise PersonRefused(f"the modal has no input {name!r}, only: {', '.join(sorted(known))}")
        data: JsonObject = {
            "custom_id": modal["custom_id"],
            "components": [_filled(item, values) for item in objects(modal.get("components"))],
        }
        channel, bot = self._core.channel(shown.channel_id), self._core.bots[shown.application_id]
        source = Source(MODAL, data, message=shown.message, parent=shown)
        shown.modal_submitted = True
        return self._interactions.begin(bot, shown.user, channel, source)

    def _from_message(self, user: User, channel: Channel, message: Message, data: JsonObject) -> Interaction:
        bot = self._core.bots.get(message.author.id)
        if bot is None:
            raise PersonRefused("only messages of bots have components")
        return self._interactions.begin(bot, user, channel, Source(COMPONENT, data, message=message))

    def _seen(self, user: User, channel: Channel, message_id: int) -> Message:
        message = self._interactions.find_message(message_id) or channel.messages.get(message_id)
        if message is None:
            raise errors.unknown("Message")
        if message.flags & EPHEMERAL and message.ephemeral_to != user.id:
            raise PersonRefused("this message is shown to somebody else only")
        if not self._access.of(user, channel) & Permission.VIEW_CHANNEL:
            raise errors.missing_access()
        return message

    def _usable(self, user: User, bot: Bot, channel: Channel, name: str, kind: int) -> AppCommand:
        """The command as this person finds it in this channel."""
        found = self._commands.find(bot, channel.guild_id, name, kind)
        if found is None:
            raise PersonRefused(f"{bot.name} has no command {name!r} here")
        bits = self._access.of(user, channel)
        if not bits & Permission.VIEW_CHANNEL:
            raise errors.missing_access()
        if channel.guild_id is None:
            self._check_dm(found, bot, channel)
            return found
        if bot.user.id not in self._core.guild(channel.guild_id).bot_ids:
            raise PersonRefused(f"{bot.name} is not in this guild")
        contexts = found.body.get("contexts")
        if isinstance(contexts, list) and 0 not in contexts:
            raise PersonRefused(f"/{name} cannot be used in guilds")
        self._check_permissions(found, bits)
        return found

    @staticmethod
    def _check_permissions(found: AppCommand, bits: int) -> None:
        if not bits & Permission.USE_APPLICATION_COMMANDS:
            raise PersonRefused("this person may not use application commands here")
        wanted = found.body.get("default_member_permissions")
        if not isinstance(wanted, str) or bits & ALL == ALL:
            return
        if int(wanted) == 0:
            raise PersonRefused(f"/{found.name} is for administrators")
        lacking = int(wanted) & ~bits
        if lacking:
            raise PersonRefused(f"/{found.name} needs {', '.join(names(lacking))}")

    @staticmethod
    def _check_dm(found: AppCommand, bot: Bot, channel: Channel) -> None:
        contexts = found.body.get("contexts")
        in_dms = 1 in contexts if isinstance(contexts, list) else found.body.get("dm_permission") is not False
        if found.guild_id is not None or not in_dms or channel.bot_id != bot.user.id:
            raise PersonRefused(f"/{found.name} cannot be used in this direct message channel")


def _declared(body: JsonObject) -> list[JsonObject]:
    """All options of a command, those of sub-commands too."""
    options = objects(body.get("options"))
    return options + [inner for item in options for inner in _declared(item)]


def _component(message: Message, kinds: tuple[int, ...], custom_id: str) -> JsonObject:
    for item in walk(message.components):
        if item.get("type") in kinds and custom_id in (item.get("custom_id"), item.get("label")):
            if item.get("disabled"):
                raise PersonRefused(f"the component {custom_id!r} is disabled")
            return item
    raise PersonRefused(f"the message has no component {custom_id!r}")


def _option_value(component: JsonObject, value: str) -> str:
    options = objects(component.get("options"))
    if component.get("type") != 3:
        return value
    for option in options:
        if value in (option.get("value"), option.get("label")):
            return text_of(option, "value")
    raise PersonRefused(f"the menu has no option {value!r}")


def _filled(item: JsonObject, values: Mapping[str, object]) -> JsonObject:
    """A row or label of a modal as it is sent back."""
    filled: JsonObject = {"type": item["type"], "id": int_of(item, "id")}
    if item.get("type") == LABEL:
        component = item.get("component")
        filled["component"] = _input(component, values) if isinstance(component, dict) else {}
    else:
        filled["components"] = [_input(child, values) for child in objects(item.get("components"))]
    return filled


def _input(component: JsonObject, values: Mapping[str, object]) -> JsonObject:
    name = text_of(component, "custom_id")
    filled: JsonObject = {"type": component["type"], "id": int_of(component, "id"), "custom_id": name}
    if component.get("type") != TEXT_INPUT:
        chosen = values.get(name, [])
        return filled | {"values": [str(item) for item in chosen] if isinstance(chosen, list) else [str(chosen)]}
    text = str(values.get(name, component.get("value") or ""))
    least = int_of(component, "min_length", 1 if component.get("required", True) else 0)
    most = int_of(component, "max_length", 4000)
    if text or component.get("required", True):
        if len(text) < least or (not text and component.get("required", True)):
            raise PersonRefused(f"the input {name!r} needs at least {max(least, 1)} characters")
        if len(text) > most:
            raise PersonRefused(f"the input {name!r} takes at most {most} characters")
    return filled | {"value": text}
