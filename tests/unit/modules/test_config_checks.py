"""What a prefix and a name of points may be."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migaga.api import UserError, check_prefix
from migaga_modules.config.checks import check_points_name
from migaga_modules.config.settings import CoreOptions, PointsOptions, settings_embed

PREFIXES = ["!", "?", "m!", "hey", "🪿", "👨\u200d👩\u200d👧", "~", "|", "$$", "🐧", "!!!!!", "-", ">"]


@pytest.mark.parametrize("prefix", PREFIXES)
def test_usual_prefixes_are_taken(prefix: str) -> None:
    assert check_prefix(prefix) == prefix


@pytest.mark.parametrize(
    ("prefix", "reason"),
    [
        ("", "empty"),
        ("  ", "empty"),
        ("!!!!!!", "at most 5 characters; this one has 6"),
        ("a b", "spaces"),
        ("a\n", "spaces"),
        ("!\u200b", "spaces"),
        ("/", "slash command"),
        ("`", "markdown"),
        ("**", "markdown"),
        ("_", "markdown"),
        ("||", "markdown"),
        ("~~", "markdown"),
        ("\\", "markdown"),
        ("@bot", "mention"),
        ("<@1>", "mention"),
    ],
)
def test_other_prefixes_are_refused_with_the_reason(prefix: str, reason: str) -> None:
    with pytest.raises(UserError, match=reason):
        check_prefix(prefix)


@given(st.text(max_size=8))
def test_a_prefix_that_is_taken_can_begin_a_message(prefix: str) -> None:
    try:
        taken = check_prefix(prefix)
    except UserError:
        return
    assert 1 <= len(taken) <= 5
    assert not any(character.isspace() for character in taken)
    assert f"{taken}help".startswith(prefix)


@pytest.mark.parametrize(("name", "reason"), [("  ", "empty"), ("x" * 31, "at most 30"), ("a\nb", "one line")])
def test_names_of_points_that_are_no_names_are_refused(name: str, reason: str) -> None:
    with pytest.raises(UserError, match=reason):
        check_points_name(name)


def test_a_name_of_points_loses_the_space_around_it() -> None:
    assert check_points_name("  shiny *gems* 🪿") == "shiny *gems* 🪿"


def test_the_settings_are_shown_with_names_that_are_no_markdown() -> None:
    core = CoreOptions.load({"log_channel": "123456789012345678"})
    embed = settings_embed("`", core, PointsOptions.load({"name": "*a* @everyone", "emoji": "💎"}))
    assert [(field.name, field.value) for field in embed.fields] == [
        ("Prefix", "`ˋ`"),
        ("Log channel", "<#123456789012345678>"),
        ("Points name", "\\*a\\* \\@everyone"),
        ("Points emoji", "💎"),
    ]


def test_what_is_not_set_is_said_to_be_so() -> None:
    embed = settings_embed("!", CoreOptions.load({}), PointsOptions.load({}))
    assert [field.value for field in embed.fields] == ["`!`", "Not set", "points", "Not set"]
