"""Control routes that make and read what the world consists of."""

from __future__ import annotations

from dataclasses import asdict

from migaga_emulator.control import views
from migaga_emulator.control.context import Context, Request, Route
from migaga_emulator.control.given import ControlFault, Given
from migaga_emulator.populate import TEXT_CHANNEL, Plot, populate, text_channel
from migaga_emulator.world import payloads
from migaga_emulator.world.channels import GUILD_TYPES, ChannelChange
from migaga_emulator.world.intents import PRIVILEGED
from migaga_emulator.world.roles import RoleChange
from migaga_emulator.world.state import Overwrite


def overview(context: Context, request: Request) -> object:
    """Counts of everything."""
    core = context.world.core
    return {
        "bots": len(core.bots),
        "guilds": len(core.guilds),
        "users": len(core.users),
        "sessions": sum(1 for _ in context.hub.sessions()),
        "connections": context.faults.live,
    }


def rules(context: Context, request: Request) -> object:
    """The limits in force."""
    return asdict(context.rules)


def list_bots(context: Context, request: Request) -> object:
    """All bots."""
    return [views.bot(bot) for bot in context.world.bots.values()]


def create_bot(context: Context, request: Request) -> object:
    """A bot with its application; `privileged_intents` are those switched on (default: all)."""
    given = request.body("name", "id", "token", "privileged_intents")
    try:
        bot = context.world.guilds.create_bot(
            given.text("name"),
            bot_id=given.optional_id("id"),
            token=given.optional_text("token"),
            privileged_intents=given.number("privileged_intents", int(PRIVILEGED)),
        )
    except ValueError as error:
        raise ControlFault(400, str(error)) from error
    return views.bot(bot)


def registered_commands(context: Context, request: Request) -> object:
    """The registered commands of a bot: the global ones, or those of `guild`."""
    bot, guild_id = context.bot(request.id("bot")), request.query("guild").optional_id("guild")
    found = context.world.commands.all((bot.application_id, guild_id))
    return [context.world.commands.payload(command) for command in found]


def list_users(context: Context, request: Request) -> object:
    """All people and bot users."""
    return [views.user(user) for user in context.world.core.users.values()]


def create_users(context: Context, request: Request) -> object:
    """One person, or `count` of them called `<username>1`, `<username>2`, ..."""
    given = request.body("username", "global_name", "id", "count")
    name, count = given.text("username"), given.number("count", 1, least=1, most=100_000)
    try:
        if count == 1:
            made = [
                context.world.guilds.create_user(
                    name, global_name=given.optional_text("global_name"), user_id=given.optional_id("id")
                )
            ]
        else:
            made = [context.world.guilds.create_user(f"{name}{n}") for n in range(1, count + 1)]
    except ValueError as error:
        raise ControlFault(400, str(error)) from error
    return [views.user(user) for user in made]


def list_guilds(context: Context, request: Request) -> object:
    """All guilds."""
    return [views.guild(guild) for guild in context.world.core.guilds.values()]


def read_guild(context: Context, request: Request) -> object:
    """One guild."""
    return views.guild(context.world.core.guild(request.id("guild")))


def create_guild(context: Context, request: Request) -> object:
    """A guild with its owner, channels and members; bots join last, so that their GUILD_CREATE has everything."""
    given = request.body("name", "owner", "id", "channels", "members", "bots")
    world = context.world
    owner_id = given.optional_id("owner")
    owner = world.core.user(owner_id) if owner_id is not None else world.guilds.create_user("owner")
    bots = [context.bot(bot_id) for bot_id in given.ids("bots")]
    members = [world.core.user(user_id) for user_id in given.ids("members")]
    try:
        guild = world.guilds.create(given.text("name"), owner, guild_id=given.optional_id("id"))
    except ValueError as error:
        raise ControlFault(400, str(error)) from error
    for name in given.texts("channels") if given.has("channels") else ["general"]:
        text_channel(world, guild, name)
    for user in members:
        world.members.join(guild, user)
    for bot in bots:
        world.guilds.add_bot(guild, bot)
    return views.guild(guild)


def create_guilds(context: Context, request: Request) -> object:
    """Many guilds at once, all alike, with the same people."""
    given = request.body("count", "name", "members", "channels", "bot")
    bot_id = given.optional_id("bot")
    plot = Plot(
        members=given.number("members", 5, most=100_000),
        channels=tuple(given.texts("channels")) if given.has("channels") else ("general",),
        name=given.text("name", "Guild"),
    )
    bot = context.bot(bot_id) if bot_id is not None or len(context.world.bots) == 1 else None
    guilds, people = populate(context.world, bot, given.number("count", least=1, most=100_000), plot)
    return {"guilds": [views.guild(guild) for guild in guilds], "users": [views.user(user) for user in people]}


def list_members(context: Context, request: Request) -> object:
    """The members of a guild."""
    return [views.member(member) for member in context.world.core.guild(request.id("guild")).members.values()]


def read_member(context: Context, request: Request) -> object:
    """One member of a guild."""
    core = context.world.core
    return views.member(core.member(core.guild(request.id("guild")), request.id("user")))


def add_members(context: Context, request: Request) -> object:
    """People become members of a guild, as if they had joined; nothing is announced in a channel."""
    guild = context.world.core.guild(request.id("guild"))
    users = [context.world.core.user(user_id) for user_id in request.body("users").ids("users")]
    return [views.member(context.world.members.join(guild, user)) for user in users]


def add_bot(context: Context, request: Request) -> object:
    """A bot joins a guild. `permissions`: of its role; `top`: whether its role stands above all others."""
    given = request.body("bot", "permissions", "top")
    guild, bot = context.world.core.guild(request.id("guild")), context.bot(given.id("bot"))
    top = given.boolean("top", default=True)
    if given.has("permissions"):
        context.world.guilds.add_bot(guild, bot, bits=given.number("permissions"), top=top)
    else:
        context.world.guilds.add_bot(guild, bot, top=top)
    return views.guild(guild)


def remove_bot(context: Context, request: Request) -> object:
    """A bot leaves a guild."""
    guild = context.world.core.guild(request.id("guild"))
    context.world.guilds.remove_bot(guild, context.bot(request.id("bot")))
    return views.guild(guild)


def list_roles(context: Context, request: Request) -> object:
    """The roles of a guild."""
    return [payloads.role(role) for role in context.world.core.guild(request.id("guild")).roles.values()]


def create_role(context: Context, request: Request) -> object:
    """A role."""
    given = request.body("name", "permissions", "color", "hoist", "mentionable", "position")
    wanted = RoleChange(
        name=given.text("name"),
        permissions=given.optional_number("permissions"),
        color=given.optional_number("color"),
        hoist=given.boolean("hoist"),
        mentionable=given.boolean("mentionable"),
        position=given.optional_number("position"),
    )
    guild = context.world.core.guild(request.id("guild"))
    return payloads.role(context.world.roles.create(None, guild, wanted))


def create_channel(context: Context, request: Request) -> object:
    """A channel of a guild. `overwrites`: objects with `id`, `type` (0 role, 1 member), `allow`, `deny`."""
    given = request.body("name", "type", "topic", "nsfw", "parent", "overwrites")
    kind = given.number("type", TEXT_CHANNEL)
    if kind not in GUILD_TYPES:
        raise ControlFault(400, f"'type' must be one of {', '.join(map(str, GUILD_TYPES))}, not {kind}")
    present = {"name", "topic", "nsfw", "permission_overwrites"} | ({"parent_id"} if given.has("parent") else set())
    wanted = ChannelChange(
        frozenset(present),
        name=given.text("name"),
        topic=given.optional_text("topic"),
        nsfw=given.boolean("nsfw"),
        parent_id=given.optional_id("parent"),
        overwrites=[_overwrite(item) for item in given.objects("overwrites", "id", "type", "allow", "deny")],
    )
    guild = context.world.core.guild(request.id("guild"))
    return payloads.guild_channel(context.world.channels.create(None, guild, kind, wanted))


def create_emoji(context: Context, request: Request) -> object:
    """A custom emoji; people react with it as `name:id`."""
    given = request.body("name", "animated")
    guild = context.world.core.guild(request.id("guild"))
    emoji = context.world.guilds.add_emoji(guild, given.text("name"), animated=given.boolean("animated"))
    return payloads.emoji(emoji)


def list_messages(context: Context, request: Request) -> object:
    """The messages of a channel, oldest first; those that only one person sees are not among them."""
    channel = context.world.core.channel(request.id("channel"))
    limit = request.query("limit").number("limit", 100, least=1, most=10_000)
    return [views.message(message) for message in list(channel.messages.values())[-limit:]]


def read_message(context: Context, request: Request) -> object:
    """One message."""
    world = context.world
    message_id = request.id("message")
    hidden = world.interactions.find_message(message_id)
    return views.message(hidden or world.messages.get(world.core.channel(request.id("channel")), message_id))


def _overwrite(given: Given) -> Overwrite:
    return Overwrite(given.id("id"), given.number("type", most=1), given.number("allow", 0), given.number("deny", 0))


ROUTES: tuple[Route, ...] = (
    ("GET", "", overview),
    ("GET", "/", overview),
    ("GET", "/rules", rules),
    ("GET", "/bots", list_bots),
    ("POST", "/bots", create_bot),
    ("GET", "/bots/{bot}/commands", registered_commands),
    ("GET", "/users", list_users),
    ("POST", "/users", create_users),
    ("GET", "/guilds", list_guilds),
    ("POST", "/guilds", create_guild),
    ("POST", "/guilds/bulk", create_guilds),
    ("GET", "/guilds/{guild}", read_guild),
    ("GET", "/guilds/{guild}/members", list_members),
    ("POST", "/guilds/{guild}/members", add_members),
    ("GET", "/guilds/{guild}/members/{user}", read_member),
    ("POST", "/guilds/{guild}/bots", add_bot),
    ("DELETE", "/guilds/{guild}/bots/{bot}", remove_bot),
    ("GET", "/guilds/{guild}/roles", list_roles),
    ("POST", "/guilds/{guild}/roles", create_role),
    ("POST", "/guilds/{guild}/channels", create_channel),
    ("POST", "/guilds/{guild}/emojis", create_emoji),
    ("GET", "/channels/{channel}/messages", list_messages),
    ("GET", "/channels/{channel}/messages/{message}", read_message),
)
