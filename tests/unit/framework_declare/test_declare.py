"""What authors write becomes specs."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from enum import Enum
from typing import Annotated, Literal

import hikari
import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from migaga.api import (
    Autocomplete,
    AutocompleteContext,
    BaseModule,
    ChannelId,
    ChannelTypes,
    Choice,
    Choices,
    Context,
    Cooldown,
    Describe,
    Emoji,
    EventContext,
    GuildOptions,
    Inject,
    Length,
    Range,
    Rest,
    RoleId,
    TaskContext,
    autocomplete,
    command,
    component,
    group,
    listen,
    message_command,
    modal,
    option,
    task,
    user_command,
)
from migaga.framework.declare import read_module
from migaga.framework.spec import ModuleSpec, ParameterKind, ParameterSpec


class Colour(Enum):
    RED = "red"
    DARK_BLUE = "blue"


class Clock:
    """A service."""


class Everything(BaseModule):
    """Does everything.

    In many ways.
    """

    class Options(GuildOptions):
        greeting: str = option("Hello", "What to say before the name", max_length=50)
        share: Decimal = option(Decimal("0.5"), "A share", min=0, max=1)
        log: ChannelId | None = option(None, "Where to log")
        role: RoleId | None = option(None, "Who may")
        every: timedelta = option(timedelta(hours=1), "How often")
        colour: Colour = option(Colour.RED, "Which colour")
        star: Emoji = option(Emoji("⭐"), "Which emoji")
        size: int = option(3, "How many", choices=(1, 3))

    points = group("points", "Points of members")
    teams = points.group("teams", "Teams of members")

    @command
    async def plain(self, ctx: Context) -> None:
        """Take nothing."""

    @command(
        aliases=["hi", "say  Hello"],
        permissions=hikari.Permissions.SEND_MESSAGES,
        cooldown=Cooldown(1, timedelta(seconds=5)),
        localisations={"de": ("hallo", "Jemanden grüssen")},
    )
    async def say_hello(
        self, ctx: Context, options: Options, who: hikari.User | None = None, *, from_: str = "me"
    ) -> None:
        """Greet someone.

        It is polite.

        Args:
            who: The person to greet;
                yourself when left out.
            from_ (str): Who greets.

        Raises:
            UserError: never.
        """

    @points.command("give", text="give", aliases=["points add"])
    async def give_points(
        self,
        ctx: Context,
        member: hikari.Member,
        amount: Annotated[Decimal, Range(0)],
        colour: Colour,
        size: Literal["small", "large"],
        level: Annotated[int, Range(1, 10), Describe("How far", {"de": ("stufe", "Wie weit")})] = 1,
        channel: Annotated[hikari.PartialChannel | None, ChannelTypes(hikari.ChannelType.GUILD_TEXT)] = None,
        session: AsyncSession | None = None,
        clock: Annotated[Clock | None, Inject()] = None,
        reason: Annotated[str, Length(1, 100), Autocomplete("reasons"), Rest()] = "none",
    ) -> None:
        """Give points."""

    @teams.command()
    def sync_one(
        self, ctx: Context, shade: Annotated[int, Choices(Choice("Red", 1), 2)], file: hikari.Attachment
    ) -> None:
        """Handlers may be synchronous."""

    @command
    async def all_kinds(
        self,
        ctx: Context,
        a: float,
        b: bool,
        c: timedelta,
        d: hikari.Role,
        e: hikari.User | hikari.Role,
        f: hikari.GuildTextChannel,
        g: Emoji,
        h: hikari.Snowflake,
        i: Literal[1, 2],
    ) -> None:
        """Take all kinds."""

    @autocomplete
    async def reasons(self, ctx: AutocompleteContext, value: str) -> list[str]:
        return [value]

    @user_command("Show Points")
    async def show(self, ctx: Context, target: hikari.User) -> None: ...

    @message_command("Quote", guild_only=False)
    async def quote(self, ctx: Context, target: hikari.Message, options: Options) -> None: ...

    @listen(hikari.GuildMessageCreateEvent, bots=False, guild_only=True)
    async def on_message(self, event: hikari.MessageCreateEvent, ctx: EventContext, clock: Clock) -> None: ...

    @task(every=timedelta(minutes=5), once_per="shard")
    async def sweep(self, ctx: TaskContext) -> None: ...

    @component("press", owner_only=True)
    async def press(self, ctx: Context, game: int, choice: Literal["a", "b"], who: hikari.Snowflake) -> None: ...

    @modal("form")
    async def form(self, ctx: Context) -> None: ...


@pytest.fixture(scope="module")
def spec() -> ModuleSpec:
    return read_module(Everything)


def parameters(spec: ModuleSpec, handler: str) -> dict[str, ParameterSpec]:
    [found] = [command for command in spec.commands if command.handler == handler]
    return {parameter.argument: parameter for parameter in found.parameters}


def test_a_module_is_named_after_its_class_and_described_by_its_docstring(spec: ModuleSpec) -> None:
    assert (spec.name, spec.title) == ("everything", "Everything")
    assert spec.description == "Does everything.\n\nIn many ways."


def test_a_module_may_name_itself() -> None:
    class Other(BaseModule):
        name = "custom_name"

    assert read_module(Other).name == "custom_name"
    assert read_module(Other).description == ""


def test_a_command_is_named_after_its_method(spec: ModuleSpec) -> None:
    [found] = [command for command in spec.commands if command.handler == "say_hello"]
    assert found.path == ("say-hello",)
    assert found.text_names == (("say-hello",), ("hi",), ("say", "hello"))
    assert found.description == "Greet someone."
    assert found.help == "Greet someone.\n\nIt is polite."
    assert found.requirements.permissions == hikari.Permissions.SEND_MESSAGES
    assert found.localisations == {"de": ("hallo", "Jemanden grüssen")}


def test_descriptions_of_parameters_come_from_the_docstring(spec: ModuleSpec) -> None:
    found = parameters(spec, "say_hello")
    assert found["who"].description == "The person to greet; yourself when left out."
    assert (found["from_"].name, found["from_"].description) == ("from", "Who greets.")


def test_a_text_name_may_differ_from_the_slash_path(spec: ModuleSpec) -> None:
    [found] = [command for command in spec.commands if command.handler == "give_points"]
    assert found.path == ("points", "give")
    assert found.text_names == (("give",), ("points", "add"))
    assert found.group_descriptions == {("points",): "Points of members"}


def test_groups_nest_once(spec: ModuleSpec) -> None:
    [found] = [command for command in spec.commands if command.handler == "sync_one"]
    assert found.path == ("points", "teams", "sync-one")
    assert found.group_descriptions[("points", "teams")] == "Teams of members"


def test_markers_become_limits_choices_and_suggestions(spec: ModuleSpec) -> None:
    found = parameters(spec, "give_points")
    assert found["amount"].kind is ParameterKind.DECIMAL
    assert (found["amount"].minimum, found["amount"].maximum) == (0, None)
    assert [(choice.name, choice.value) for choice in found["colour"].choices] == [
        ("Red", "red"),
        ("Dark blue", "blue"),
    ]
    assert found["colour"].convert is Colour
    assert [choice.value for choice in found["size"].choices] == ["small", "large"]
    assert (found["level"].minimum, found["level"].maximum, found["level"].description) == (1, 10, "How far")
    assert found["level"].localisations == {"de": ("stufe", "Wie weit")}
    assert found["channel"].channel_types == (hikari.ChannelType.GUILD_TEXT,)
    assert not found["channel"].required
    assert (found["reason"].autocomplete, found["reason"].rest) == ("reasons", True)
    assert not found["level"].rest


def test_every_type_has_a_kind(spec: ModuleSpec) -> None:
    kinds = [parameter.kind for parameter in parameters(spec, "all_kinds").values()]
    assert kinds == [
        ParameterKind.NUMBER,
        ParameterKind.BOOLEAN,
        ParameterKind.DURATION,
        ParameterKind.ROLE,
        ParameterKind.MENTIONABLE,
        ParameterKind.CHANNEL,
        ParameterKind.EMOJI,
        ParameterKind.SNOWFLAKE,
        ParameterKind.INTEGER,
    ]
    assert parameters(spec, "all_kinds")["f"].channel_types == (hikari.ChannelType.GUILD_TEXT,)


def test_arguments_that_are_filled_by_type_are_no_parameters(spec: ModuleSpec) -> None:
    assert [one.type for one in spec.injected["give_points"]] == [AsyncSession, Clock]
    assert [one.type for one in spec.injected["say_hello"]] == [Everything.Options]
    assert [one.type for one in spec.injected["on_message"]] == [EventContext, Clock]
    assert [one.type for one in spec.injected["sweep"]] == [TaskContext]


def test_menus_listeners_tasks_and_components_are_found(spec: ModuleSpec) -> None:
    assert [(menu.name, menu.type) for menu in spec.menus] == [("Show Points", "user"), ("Quote", "message")]
    assert [(one.handler, one.bots, one.guild_only) for one in spec.listeners] == [("on_message", False, True)]
    assert [(one.every, one.once_per) for one in spec.tasks] == [(timedelta(minutes=5), "shard")]
    assert [(one.name, one.modal, one.parameters) for one in spec.components] == [
        ("press", False, ("game", "choice", "who")),
        ("form", True, ()),
    ]
    assert spec.autocompletes == ("reasons",)


def test_options_keep_their_kinds_defaults_and_limits(spec: ModuleSpec) -> None:
    found = {one.name: one for one in spec.options}
    assert list(found) == ["greeting", "share", "log", "role", "every", "colour", "star", "size"]
    assert (found["greeting"].kind, found["greeting"].maximum) == (ParameterKind.TEXT, 50)
    assert (found["log"].kind, found["log"].nullable) == (ParameterKind.CHANNEL, True)
    assert found["role"].kind is ParameterKind.ROLE
    assert [choice.value for choice in found["size"].choices] == [1, 3]
    assert spec.options_type is Everything.Options
    assert Everything.Options.module_name == "everything"


def test_intents_follow_from_what_a_module_listens_to(spec: ModuleSpec) -> None:
    assert spec.intents == hikari.Intents.GUILD_MESSAGES | hikari.Intents.MESSAGE_CONTENT


def test_direct_messages_are_asked_for_only_where_they_are_used() -> None:
    class Direct(BaseModule):
        @command(guild_only=False)
        async def ping(self, ctx: Context) -> None:
            """Ping."""

    class Slash(BaseModule):
        @command(as_text=False)
        async def ping(self, ctx: Context) -> None:
            """Ping."""

    class Joins(BaseModule):
        @listen(hikari.MemberCreateEvent)
        async def on_join(self, event) -> None: ...  # type: ignore[no-untyped-def]  # a type is not needed here

    assert hikari.Intents.DM_MESSAGES in read_module(Direct).intents
    assert read_module(Slash).intents == hikari.Intents.NONE
    assert read_module(Joins).intents == hikari.Intents.GUILD_MEMBERS


def test_methods_of_a_base_class_count_and_overridden_ones_once() -> None:
    class _Base(BaseModule):
        @command
        async def ping(self, ctx: Context) -> None:
            """Ping."""

        @command
        async def pong(self, ctx: Context) -> None:
            """Pong."""

    class Derived(_Base):
        @command
        async def ping(self, ctx: Context, loud: bool = False) -> None:
            """Ping louder."""

    spec = read_module(Derived)
    assert [(one.handler, one.description) for one in spec.commands] == [("ping", "Ping louder."), ("pong", "Pong.")]
