"""Whatever happens to pods, a Deployment keeps its limits and comes to rest."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from tests.unit.operator_local.deploys import Deploys

from migaga_operator.json_types import as_whole, at_path


class Rolls(RuleBasedStateMachine):
    """People, processes and the controller, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.all = Deploys()

    @initialize(
        replicas=st.integers(0, 6),
        surge=st.sampled_from(["25%", "0%", "100%", 0, 1, 3]),
        unavailable=st.sampled_from([0, 1, 2, "25%", "50%"]),
        min_ready=st.sampled_from([0, 5]),
    )
    def begin(self, replicas: int, surge: str | int, unavailable: str | int, min_ready: int) -> None:
        self.all = Deploys(replicas=replicas, surge=surge, unavailable=unavailable, min_ready=min_ready)

    def limits(self) -> tuple[int, int]:
        """Pods that there may be at most, and that must be available at least."""

        def share(value: object, up: int) -> int:
            number = as_whole(value)
            return number if number is not None else (self.all.replicas * int(str(value)[:-1]) + up) // 100

        surge, unavailable = share(self.all.surge, 99), share(self.all.unavailable, 0)
        if not surge and not unavailable:
            unavailable = 1
        return self.all.replicas + surge, max(0, self.all.replicas - unavailable)

    @rule()
    def control(self) -> None:
        most, least = self.limits()
        before, available = len(self.all.active), as_whole(at_path(self.all.look().status, "availableReplicas")) or 0
        found = self.all.step()
        assert len(set(found.delete)) == len(found.delete)
        assert before + found.create <= max(before, most)
        after = as_whole(at_path(self.all.look().status, "availableReplicas")) or 0
        assert after >= min(available, least)

    @rule(replicas=st.integers(0, 6))
    def scale(self, replicas: int) -> None:
        self.all.scale(replicas)

    @rule(template=st.sampled_from(["one", "two", "three"]))
    def roll(self, template: str) -> None:
        self.all.roll(template)

    @precondition(lambda self: self.all.pods)
    @rule(data=st.data(), ready=st.booleans(), phase=st.sampled_from(["Running", "Running", "Pending", "Failed"]))
    def become(self, data: st.DataObject, ready: bool, phase: str) -> None:
        self.all.set(data.draw(st.sampled_from(sorted(self.all.pods))), ready=ready and phase == "Running", phase=phase)

    @precondition(lambda self: self.all.pods)
    @rule(data=st.data())
    def vanish(self, data: st.DataObject) -> None:
        del self.all.pods[data.draw(st.sampled_from(sorted(self.all.pods)))]

    @rule(seconds=st.integers(1, 700))
    def wait(self, seconds: int) -> None:
        self.all.now += timedelta(seconds=seconds)
        self.all.forget_leaving()

    @invariant()
    def knows_what_it_says(self) -> None:
        first, second = self.all.look(), self.all.look()
        assert first == second

    def teardown(self) -> None:
        self.all.settle()
        assert self.all.is_at_rest


TestRolls = Rolls.TestCase
TestRolls.settings = settings(max_examples=40, stateful_step_count=20, deadline=None)
