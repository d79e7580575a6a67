"""Apologies are accepted in the time of a fault alone, and only when nothing is run after them."""

from __future__ import annotations

import pytest

from migaga_emulator.control.shapes import Answer, MessageInfo
from migaga_emulator.scenarios.apologies import PATIENCE, RECOVERING, Apologies, asked_at, is_apology

SORRY = "The bot cannot reach its Database right now."
NOON = 1_700_000_000.0


class Watch:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> float:
        return self.now


def at(seconds: float) -> int:
    """The id of an interaction that was made then."""
    return (round(seconds * 1000) - 1_420_070_400_000) << 22


def answer(
    asked: float, content: str = SORRY, *, calls: int = 1, kind: int = 4, choices: tuple[str, ...] = ()
) -> Answer:
    message = MessageInfo(9, 8, 7, content, (), (), 0, {})
    shown = [{"name": name, "value": name} for name in choices]
    return Answer(at(asked), True, True, False, kind, False, True, 0.1, message, (), shown, None, calls)


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def apologies(watch: Watch) -> Apologies:
    """In an outage from `NOON` to 30 s later."""
    found = Apologies(watch)
    window = found.begin()
    watch.now = NOON + 30
    found.end(window)
    return found


def test_an_id_tells_when_it_was_made() -> None:
    assert asked_at(at(NOON)) == NOON


@pytest.mark.parametrize("asked", [NOON - PATIENCE, NOON, NOON + 29, NOON + 30 + RECOVERING])
def test_an_apology_in_an_outage_is_as_good_as_an_answer(apologies: Apologies, asked: float) -> None:
    assert apologies.excuses(answer(asked))
    assert apologies.count == 1


@pytest.mark.parametrize("asked", [NOON - PATIENCE - 1, NOON + 31 + RECOVERING])
def test_an_apology_without_a_reason_is_a_wrong_answer(apologies: Apologies, asked: float) -> None:
    assert not apologies.excuses(answer(asked))
    assert apologies.count == 0


def test_while_it_lasts_an_apology_is_good(watch: Watch) -> None:
    apologies = Apologies(watch)
    assert not apologies.excuses(answer(NOON))
    apologies.begin()
    assert apologies.excuses(answer(NOON + 1_000))


def test_an_answer_that_names_no_reason_is_no_apology(apologies: Apologies) -> None:
    assert not apologies.excuses(answer(NOON + 1, "Something went wrong."))


def test_suggestions_apologise_by_being_none_or_by_naming_the_reason() -> None:
    assert is_apology(answer(NOON, "", kind=8))
    assert is_apology(answer(NOON, "", kind=8, choices=("The database cannot be reached",)))
    assert not is_apology(answer(NOON, "", kind=8, choices=("apple",)))


def test_what_is_run_after_its_apology_is_told(apologies: Apologies) -> None:
    apologies.excuses(answer(NOON + 1))
    apologies.excuses(answer(NOON + 2, calls=2))
    assert apologies.complaints(lambda asked: {at(NOON + 1): 1, at(NOON + 2): 2}[asked]) == []
    (complaint,) = apologies.complaints(lambda asked: 2)
    assert complaint.startswith("1 commands were run after an apology")
    assert str(at(NOON + 1)) in complaint


def test_in_a_partition_another_process_may_run_what_was_refused(watch: Watch) -> None:
    apologies = Apologies(watch)
    apologies.begin(final=False)
    assert apologies.excuses(answer(NOON + 1))
    assert apologies.count == 1
    assert apologies.complaints(lambda asked: 9) == []


def test_faults_beside_each_other_end_each_for_itself(watch: Watch) -> None:
    apologies = Apologies(watch)
    first = apologies.begin()
    second = apologies.begin(final=False)
    watch.now = NOON + 10
    apologies.end(first)
    assert apologies.excuses(answer(NOON + 100))
    apologies.end(second)
    assert not apologies.excuses(answer(NOON + 100))
