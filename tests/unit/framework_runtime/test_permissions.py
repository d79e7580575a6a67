"""Discord's permission arithmetic."""

from __future__ import annotations

from hikari import Permissions
from hypothesis import given
from hypothesis import strategies as st

from migaga.framework.permissions import (
    ALL,
    ChannelView,
    Overwrite,
    RoleView,
    base_permissions,
    channel_permissions,
    permission_names,
)

P = Permissions
GUILD, OWNER, ANNA, STAFF, MUTED = 1, 2, 3, 10, 11
BITS = st.integers(min_value=0, max_value=int(ALL)).filter(lambda bits: not bits & P.ADMINISTRATOR)
EVERYONE = int(P.VIEW_CHANNEL | P.SEND_MESSAGES | P.EMBED_LINKS | P.READ_MESSAGE_HISTORY)


def role(role_id: int, bits: int, position: int = 1) -> RoleView:
    return RoleView(role_id, f"role {role_id}", int(bits), position)


def roles(everyone: int = EVERYONE, staff: int = 0, muted: int = 0) -> dict[int, RoleView]:
    return {GUILD: role(GUILD, everyone, 0), STAFF: role(STAFF, staff), MUTED: role(MUTED, muted)}


def within(
    overwrites: dict[int, Overwrite],
    *,
    member: int = ANNA,
    member_roles: tuple[int, ...] = (STAFF,),
    all_roles: dict[int, RoleView] | None = None,
    timed_out: bool = False,
    kind: int = 0,
    parent: ChannelView | None = None,
) -> P:
    channel = ChannelView(100, "general", kind, parent_id=99 if parent else None, overwrites=overwrites)
    return channel_permissions(
        guild_id=GUILD,
        owner_id=OWNER,
        roles=roles() if all_roles is None else all_roles,
        channel=channel,
        parent=parent,
        member_id=member,
        member_roles=member_roles,
        timed_out=timed_out,
    )


def test_roles_add_up_and_those_that_are_gone_count_nothing() -> None:
    found = base_permissions(
        guild_id=GUILD, owner_id=OWNER, roles=roles(staff=int(P.KICK_MEMBERS)), member_id=ANNA, member_roles=(STAFF, 77)
    )
    assert found == P(EVERYONE) | P.KICK_MEMBERS


@given(overwrites=st.dictionaries(st.sampled_from([GUILD, ANNA, STAFF]), st.builds(Overwrite, BITS, BITS)))
def test_owners_and_administrators_may_everything_whatever_the_channel_says(overwrites: dict[int, Overwrite]) -> None:
    assert within(overwrites, member=OWNER) == ALL
    assert within(overwrites, all_roles=roles(staff=int(P.ADMINISTRATOR)), timed_out=True) == ALL


def test_the_member_wins_over_roles_and_roles_over_everyone() -> None:
    send = int(P.SEND_MESSAGES)
    assert not within({GUILD: Overwrite(0, send)}) & P.SEND_MESSAGES
    assert within({GUILD: Overwrite(0, send), STAFF: Overwrite(send, 0)}) & P.SEND_MESSAGES
    both = {STAFF: Overwrite(send, 0), MUTED: Overwrite(0, send)}
    assert within(both, member_roles=(STAFF, MUTED)) & P.SEND_MESSAGES
    assert not within({**both, ANNA: Overwrite(0, send)}, member_roles=(STAFF, MUTED)) & P.SEND_MESSAGES


def test_nothing_is_allowed_in_a_channel_that_is_not_seen() -> None:
    assert within({GUILD: Overwrite(int(P.MANAGE_MESSAGES), int(P.VIEW_CHANNEL))}) == P.NONE


def test_without_sending_there_are_no_embeds() -> None:
    assert not within({GUILD: Overwrite(0, int(P.SEND_MESSAGES))}) & P.EMBED_LINKS


def test_a_timed_out_member_can_only_look() -> None:
    assert within({}, timed_out=True) == P.VIEW_CHANNEL | P.READ_MESSAGE_HISTORY


def test_a_thread_has_its_parents_overwrites_and_its_own_sending() -> None:
    parent = ChannelView(99, "parent", 0, overwrites={GUILD: Overwrite(int(P.SEND_MESSAGES_IN_THREADS), 0)})
    found = within({GUILD: Overwrite(0, EVERYONE)}, kind=11, parent=parent)
    assert found & P.SEND_MESSAGES_IN_THREADS
    assert found & P.EMBED_LINKS


@given(everyone=BITS, staff=BITS, allow=BITS, deny=BITS)
def test_the_result_is_within_what_was_given_and_keeps_what_the_member_was_allowed(
    everyone: int, staff: int, allow: int, deny: int
) -> None:
    found = within({ANNA: Overwrite(allow, deny)}, all_roles=roles(everyone, staff))
    assert int(found) & ~(everyone | staff | allow) == 0
    assert int(found) & deny & ~allow == 0
    if found:
        assert found & P.VIEW_CHANNEL


def test_permissions_are_named_as_in_discords_settings() -> None:
    assert permission_names(P.MANAGE_GUILD | P.BAN_MEMBERS) == ["Ban Members", "Manage Server"]
