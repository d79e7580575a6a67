from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import reduce
from operator import or_

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migaga_emulator.world import permissions
from migaga_emulator.world.permissions import Permission
from migaga_emulator.world.state import Channel, Guild, Member, Overwrite, Role, User

bits = st.integers(min_value=0, max_value=permissions.ALL).map(lambda value: value & permissions.ALL)
pairs = st.tuples(bits, bits)


def make(
    everyone: int,
    roles: list[int],
    overwrites: Mapping[int, tuple[int, int]],
    *,
    owner: bool = False,
    timeout: float | None = None,
) -> tuple[Guild, Channel, Member]:
    """A guild 1 with roles 10.., a member 5 who has all of them, and a channel with overwrites by target."""
    guild = Guild(1, "g", 5 if owner else 6, 0.0)
    guild.roles = {1: Role(1, "@everyone", everyone, 0)}
    for number, role_bits in enumerate(roles):
        guild.roles[10 + number] = Role(10 + number, "r", role_bits, number + 1)
    member = Member(User(5, "m"), 1, 0.0, [10 + number for number in range(len(roles))], timeout_until=timeout)
    channel = Channel(2, 0, 1)
    channel.overwrites = {key: Overwrite(key, int(key == 5), *pair) for key, pair in overwrites.items()}
    return guild, channel, member


def either(values: Iterable[int]) -> int:
    return reduce(or_, values, 0)


@given(bits, st.lists(bits, max_size=3), st.dictionaries(st.sampled_from([1, 5, 10, 11, 12]), pairs))
def test_a_bit_follows_the_order_of_everyone_roles_and_member(
    everyone: int, roles: list[int], overwrites: dict[int, tuple[int, int]]
) -> None:
    guild, channel, member = make(everyone, roles, overwrites)
    got = permissions.in_channel(guild, channel, member, 0.0)
    base = everyone | either(roles)
    if base & Permission.ADMINISTRATOR:
        assert got == permissions.ALL
        return
    role_pairs = [overwrites[10 + n] for n in range(len(roles)) if 10 + n in overwrites]
    for bit in Permission:
        if bit == Permission.ADMINISTRATOR:
            continue
        allowed = bool(base & bit)
        if 1 in overwrites and (overwrites[1][0] | overwrites[1][1]) & bit:
            allowed = bool(overwrites[1][0] & bit)
        if any((allow | deny) & bit for allow, deny in role_pairs):
            allowed = any(allow & bit for allow, _ in role_pairs)
        if 5 in overwrites and (overwrites[5][0] | overwrites[5][1]) & bit:
            allowed = bool(overwrites[5][0] & bit)
        if bit == Permission.VIEW_CHANNEL and not allowed:
            assert got == 0
            return
        if got:
            assert bool(got & bit) == allowed


@given(bits, st.lists(bits, max_size=3), st.dictionaries(st.sampled_from([1, 5, 10]), pairs))
def test_the_owner_may_do_everything_everywhere(
    everyone: int, roles: list[int], overwrites: dict[int, tuple[int, int]]
) -> None:
    guild, channel, member = make(everyone, roles, overwrites, owner=True)
    assert permissions.in_channel(guild, channel, member, 0.0) == permissions.ALL


@given(bits, st.lists(bits, max_size=2))
def test_a_timed_out_member_can_only_read(everyone: int, roles: list[int]) -> None:
    everyone &= ~Permission.ADMINISTRATOR
    roles = [value & ~Permission.ADMINISTRATOR for value in roles]
    guild, channel, member = make(everyone, roles, {}, timeout=10.0)
    readable = int(Permission.VIEW_CHANNEL | Permission.READ_MESSAGE_HISTORY)
    assert permissions.in_channel(guild, channel, member, 9.0) & ~readable == 0
    free, _, again = make(everyone, roles, {})
    assert permissions.in_channel(guild, channel, member, 10.0) == permissions.in_channel(free, channel, again, 0.0)


def test_of_two_roles_at_one_position_the_older_stands_higher() -> None:
    assert permissions.rank(Role(10, "a", 0, 1)) > permissions.rank(Role(11, "b", 0, 1))
    assert permissions.rank(Role(11, "b", 0, 2)) > permissions.rank(Role(10, "a", 0, 1))


@pytest.mark.parametrize("value", [0, 8, 1 << 52, permissions.ALL])
def test_names_tell_each_set_bit(value: int) -> None:
    assert either(Permission[name] for name in permissions.names(value)) == value
