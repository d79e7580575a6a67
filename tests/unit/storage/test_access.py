"""Which of several access rules decides."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migaga.storage.access import AccessRule, Scope, decide

HERE, THERE = 10, 11


def rule(scope: Scope, target: str, allowed: bool, channel: int | None = None) -> AccessRule:
    return AccessRule(scope, target, allowed, channel)


@pytest.mark.parametrize(
    ("rules", "allowed"),
    [
        ([], True),
        ([rule("module", "points", False)], False),
        ([rule("module", "games", False)], True),
        ([rule("module", "points", False), rule("module", "points", True, HERE)], True),
        ([rule("module", "points", False), rule("module", "points", True, THERE)], False),
        ([rule("module", "points", True), rule("module", "points", False, HERE)], False),
        ([rule("module", "points", False), rule("command", "points give", True)], True),
        ([rule("module", "points", True), rule("command", "points give", False)], False),
        ([rule("command", "points give", True), rule("module", "points", False, HERE)], False),
        ([rule("command", "points", False)], False),
        ([rule("command", "points", False), rule("command", "points give", True)], True),
        ([rule("command", "give", False)], True),
        ([rule("command", "points giv", False)], True),
    ],
)
def test_the_most_specific_rule_decides(rules: list[AccessRule], allowed: bool) -> None:
    assert decide(rules, HERE, "points", "points give") is allowed


def test_rules_for_commands_say_nothing_about_listeners() -> None:
    assert decide([rule("command", "points give", False)], HERE, "points", None)


@given(
    st.lists(
        st.builds(
            AccessRule,
            st.sampled_from(["module", "command"]),
            st.sampled_from(["points", "points give"]),
            st.booleans(),
            st.sampled_from([None, HERE, THERE]),
        ),
        unique_by=lambda one: (one.scope, one.target, one.channel_id),
    ),
)
def test_the_order_of_rules_does_not_matter(rules: list[AccessRule]) -> None:
    assert decide(rules, HERE, "points", "points give") == decide(rules[::-1], HERE, "points", "points give")
