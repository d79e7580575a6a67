"""Which bot hears of which event: what happens in a channel is told to those who can see it."""

from __future__ import annotations

from migaga_emulator.world.core import Access, Core
from migaga_emulator.world.dispatch import Dispatch
from migaga_emulator.world.permissions import Permission

_NEEDED: tuple[tuple[str, int], ...] = (
    ("MESSAGE_", int(Permission.VIEW_CHANNEL)),
    ("TYPING_START", int(Permission.VIEW_CHANNEL)),
    ("CHANNEL_PINS_UPDATE", int(Permission.VIEW_CHANNEL)),
    ("THREAD_", int(Permission.VIEW_CHANNEL)),
    ("INVITE_", int(Permission.MANAGE_CHANNELS)),
)
"""What a bot must be allowed in the channel of an event, by how the event's name begins.

CHANNEL_CREATE, CHANNEL_UPDATE and CHANNEL_DELETE are not among them: Discord tells bots of every channel of a guild,
as GUILD_CREATE lists every channel; only of threads is a bot told nothing that cannot see them (topics/threads,
"Permissions"). That invites need MANAGE_CHANNELS is (observed).
"""


class Sight:
    """Decides from the state as it is, in about two microseconds: a cache would have to watch every change of it."""

    def __init__(self, core: Core, access: Access) -> None:
        self._core = core
        self._access = access

    def may_see(self, bot_id: int, dispatch: Dispatch) -> bool:
        """Whether Discord sends this event to this bot, whatever its intents."""
        if dispatch.bot_id is not None:
            return dispatch.bot_id == bot_id
        if dispatch.guild_id is None:
            return True
        bot = self._core.bots.get(bot_id)
        if bot is None or dispatch.guild_id not in bot.guild_ids:
            return False
        channel = self._core.channels.get(dispatch.channel_id or 0)
        if channel is None:
            return True
        needed = next((bit for start, bit in _NEEDED if dispatch.name.startswith(start)), None)
        return needed is None or bool(self._access.of(bot.user, channel) & needed)
