"""The guild, channels and people of a test, and what they see of the bot. Made by `bot.py`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import hikari

from migaga.testing.quiet import Quiet
from migaga_emulator.populate import TEXT_CHANNEL
from migaga_emulator.world import state
from migaga_emulator.world.channels import ChannelChange
from migaga_emulator.world.drafts import Upload
from migaga_emulator.world.roles import RoleChange
from migaga_emulator.world.world import World

_EPHEMERAL = 64
_NO_ANSWER = "the bot did not answer"


@dataclass(frozen=True, slots=True)
class Channel:
    """A channel of a guild."""

    state: state.Channel

    @property
    def id(self) -> int:
        """Its id."""
        return self.state.id

    @property
    def mention(self) -> str:
        """As it is written in a message."""
        return f"<#{self.id}>"


class Guild:
    """A guild."""

    def __init__(self, world: World, guild: state.Guild) -> None:
        self._world = world
        self.state = guild

    @property
    def id(self) -> int:
        """Its id."""
        return self.state.id

    @property
    def general(self) -> Channel:
        """Its first channel."""
        return Channel(next(iter(self.state.channels.values())))

    def channel(
        self,
        name: str,
        *,
        kind: hikari.ChannelType | int = TEXT_CHANNEL,
        deny: hikari.Permissions = hikari.Permissions.NONE,
        allow: hikari.Permissions = hikari.Permissions.NONE,
        to: int | None = None,
        nsfw: bool = False,
    ) -> Channel:
        """Make a channel. `allow` and `deny` hold for a role or member `to`; for everybody when left out."""
        overwrites: list[state.Overwrite] = []
        if allow or deny:
            target = self.id if to is None else to
            overwrites.append(state.Overwrite(target, int(target not in self.state.roles), int(allow), int(deny)))
        wanted = ChannelChange(
            frozenset({"name", "nsfw", "permission_overwrites"}), name=name, nsfw=nsfw, overwrites=overwrites
        )
        return Channel(self._world.channels.create(None, self.state, int(kind), wanted))

    def role(
        self, name: str, *, permissions: hikari.Permissions = hikari.Permissions.NONE, position: int | None = None
    ) -> int:
        """Make a role and return its id."""
        wanted = RoleChange(name=name, permissions=int(permissions), position=position)
        return self._world.roles.create(None, self.state, wanted).id

    def emoji(self, name: str, *, animated: bool = False) -> str:
        """Make a custom emoji and return it as it is written in a message."""
        made = self._world.guilds.add_emoji(self.state, name, animated=animated)
        return f"<{'a' if animated else ''}:{made.name}:{made.id}>"

    def give(self, person: Person, role: int) -> None:
        """Give a member a role."""
        owner = self._world.core.user(self.state.owner_id)
        self._world.members.add_role(owner, self.state, person.id, role)

    def roles_of(self, person: Person) -> list[int]:
        """Return the ids of a member's roles."""
        return list(self.state.members[person.id].role_ids)


class Reply:
    """A message of the bot, or a form that it shows. It changes when the bot edits it."""

    def __init__(
        self,
        message: state.Message | None,
        interaction: state.Interaction | None = None,
        *,
        sent: state.Message | None = None,
        more: Sequence[state.Message] = (),
    ) -> None:
        self._message = message
        self._interaction = interaction
        self._sent = sent
        self._more = more

    def __bool__(self) -> bool:
        """Whether the bot answered."""
        return self._message is not None

    @property
    def sent(self) -> state.Message:
        """The person's own message, for what `says` returned."""
        assert self._sent is not None, "this answers no message"
        return self._sent

    @property
    def any_message(self) -> state.Message:
        """The bot's message, or the person's own when the bot said nothing."""
        return self._message if self._message is not None else self.sent

    @property
    def message(self) -> state.Message:
        """The message as the emulator holds it."""
        assert self._message is not None, _NO_ANSWER
        return self._message

    @property
    def interaction(self) -> state.Interaction:
        """The interaction that it answers."""
        assert self._interaction is not None, "this answers no interaction"
        return self._interaction

    @property
    def id(self) -> int:
        """The message's id."""
        return self.message.id

    @property
    def content(self) -> str:
        """Its text."""
        return self.message.content

    @property
    def embeds(self) -> Sequence[Mapping[str, object]]:
        """Its embeds, as Discord's JSON."""
        return self.message.embeds

    @property
    def embed(self) -> Mapping[str, object]:
        """Its only embed."""
        assert len(self.embeds) == 1, f"it has {len(self.embeds)} embeds"
        return self.embeds[0]

    @property
    def components(self) -> Sequence[Mapping[str, object]]:
        """Its buttons and menus, as Discord's JSON, without the rows."""
        return list(_walk(self.message.components))

    @property
    def labels(self) -> list[str]:
        """What is written on its buttons."""
        return [str(part.get("label", "")) for part in self.components if part.get("type") == 2]

    @property
    def attachments(self) -> Sequence[state.Attachment]:
        """Its files, with their bytes in `data`."""
        return self.message.attachments

    @property
    def pings(self) -> list[int]:
        """Ids of the people and roles that it pings."""
        mentions = self.message.mentions
        return [user.id for user in mentions.users] + list(mentions.role_ids)

    @property
    def ephemeral(self) -> bool:
        """Whether only one person sees it."""
        return bool(self.message.flags & _EPHEMERAL)

    @property
    def followups(self) -> list[Reply]:
        """What the bot said after its first answer."""
        if self._interaction is None:
            return [Reply(message) for message in self._more]
        return [Reply(message, self._interaction) for message in self.interaction.followups]

    @property
    def modal(self) -> Mapping[str, object]:
        """The form that it shows, as Discord's JSON."""
        assert self.interaction.answer_type == 9, f"{_NO_ANSWER} with a form"
        return self.interaction.answer_data

    def component(self, label: str) -> str:
        """Return the custom id of the component with this label, placeholder or custom id.

        Raises:
            AssertionError: There is none; says which there are.
        """
        for part in self.components:
            if label in (part.get("label"), part.get("placeholder"), part.get("custom_id")):
                assert not part.get("disabled"), f"{label!r} is disabled"
                return str(part["custom_id"])
        raise AssertionError(f"there is no component {label!r}, only {[_shown(part) for part in self.components]}")


def _walk(parts: Sequence[Mapping[str, object]]) -> Iterator[Mapping[str, object]]:
    for part in parts:
        inner = part.get("components")
        if isinstance(inner, list):
            yield from _walk(inner)
        elif "custom_id" in part or "url" in part:
            yield part


def _shown(part: Mapping[str, object]) -> object:
    return part.get("label") or part.get("placeholder") or part.get("custom_id")


class Person:
    """A person, who acts in the first channel of their guild unless a channel is named."""

    def __init__(self, guild: Guild, user: state.User, quiet: Quiet) -> None:
        self.guild = guild
        self.user = user
        self._quiet = quiet
        self._world = quiet.emulator.world
        self._people = self._world.people

    @property
    def id(self) -> int:
        """The user id."""
        return self.user.id

    @property
    def mention(self) -> str:
        """As it is written in a message."""
        return f"<@{self.id}>"

    async def joins(self) -> None:
        """Join the guild."""
        self._quiet.begin()
        self._people.join(self.id, self.guild.id)
        await self._quiet.wait()

    async def leaves(self) -> None:
        """Leave the guild."""
        self._quiet.begin()
        self._people.leave(self.id, self.guild.id)
        await self._quiet.wait()

    async def says(
        self, content: str, channel: Channel | None = None, *, files: Mapping[str, bytes] | None = None
    ) -> Reply:
        """Write a message. What is returned has no message when the bot said nothing; `sent` is the person's own."""
        self._quiet.begin()
        uploads = [Upload(str(n), name, "text/plain", data) for n, (name, data) in enumerate((files or {}).items())]
        where = (channel or self.guild.general).id
        sent = self._people.post(self.id, where, content, uploads=uploads or None)
        return await self._heard(sent)

    async def writes(self, content: str) -> Reply:
        """Write the bot a direct message."""
        self._quiet.begin()
        return await self._heard(self._people.dm(self.id, self._quiet.account.user.id, content))

    async def edits(self, reply: Reply, content: str) -> Reply:
        """Change the message that `says` has sent."""
        self._quiet.begin()
        sent = reply.sent
        self._people.edit(self.id, sent.channel_id, sent.id, content)
        return await self._heard(sent)

    async def deletes(self, reply: Reply) -> None:
        """Delete the message that `says` has sent."""
        self._quiet.begin()
        self._people.delete(self.id, reply.sent.channel_id, reply.sent.id)
        await self._quiet.wait()

    async def reacts(self, reply: Reply, emoji: str) -> None:
        """React to a message: the bot's answer, or the person's own when there was none."""
        self._quiet.begin()
        message = reply.any_message
        self._people.react(self.id, message.channel_id, message.id, emoji)
        await self._quiet.wait()

    async def unreacts(self, reply: Reply, emoji: str) -> None:
        """Take a reaction back."""
        self._quiet.begin()
        message = reply.any_message
        self._people.unreact(self.id, message.channel_id, message.id, emoji)
        await self._quiet.wait()

    async def slash(self, command: str, channel: Channel | None = None, /, **options: object) -> Reply:
        """Use a slash command. Options are texts, numbers, people, channels or ids; `_` in their names means `-`."""
        self._quiet.begin()
        values = {name.replace("_", "-"): _plain(value) for name, value in options.items()}
        where = (channel or self.guild.general).id
        return await self._answered(
            self._people.use.slash(self.id, self._quiet.account.user.id, where, command, values)
        )

    async def types(self, command: str, focused: str, text: str, /, **options: object) -> list[str]:
        """Type into an option of a slash command and return the names that are suggested."""
        self._quiet.begin()
        values = {name.replace("_", "-"): _plain(value) for name, value in options.items()} | {focused: text}
        interaction = self._people.use.autocomplete(
            self.id, self._quiet.account.user.id, self.guild.general.id, command, focused=focused, values=values
        )
        await self._quiet.wait()
        choices = interaction.answer_data.get("choices")
        assert isinstance(choices, list), "nothing was suggested"
        return [str(choice["name"]) for choice in choices]

    async def menu(self, name: str, target: Person | Reply) -> Reply:
        """Use a command of the context menu of a person or a message."""
        self._quiet.begin()
        use, bot, where = self._people.use, self._quiet.account.user.id, self.guild.general.id
        if isinstance(target, Person):
            return await self._answered(use.user_menu(self.id, bot, where, name, target.id))
        message = target.any_message
        return await self._answered(use.message_menu(self.id, bot, message.channel_id, name, message.id))

    async def press(self, reply: Reply, label: str) -> Reply:
        """Press a button, by its label or custom id."""
        self._quiet.begin()
        message = reply.message
        custom_id = reply.component(label)
        return await self._answered(self._people.use.press(self.id, message.channel_id, message.id, custom_id))

    async def chooses(self, reply: Reply, menu: str, *values: str) -> Reply:
        """Choose in a menu, by its placeholder or custom id."""
        self._quiet.begin()
        message = reply.message
        custom_id = reply.component(menu)
        use = self._people.use
        return await self._answered(use.choose(self.id, message.channel_id, message.id, custom_id, list(values)))

    async def submits(self, reply: Reply, **fields: str) -> Reply:
        """Fill in the form that `reply` shows and submit it."""
        self._quiet.begin()
        return await self._answered(self._people.use.submit(self.id, reply.interaction.id, fields))

    async def _answered(self, interaction: state.Interaction) -> Reply:
        await self._quiet.wait()
        return Reply(interaction.response, interaction)

    async def _heard(self, sent: state.Message) -> Reply:
        await self._quiet.wait()
        here = [message for message in self._quiet.said if message.channel_id == sent.channel_id]
        return Reply(here[0] if here else None, sent=sent, more=here[1:])


def _plain(value: object) -> object:
    return str(value.id) if isinstance(value, Person | Channel | hikari.Unique) else value
