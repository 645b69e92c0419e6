"""Landing, deciding, releasing and dying in any order: nobody is mailed twice or who must not be, and no decision is lost."""

import shutil
import tempfile
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from tests.unit.activation.machine import World

STEPS_EACH = 40
ONE = st.integers(0, 30)
BACK = st.integers(0, 3)
SHARE = st.floats(0, 1)
EVENTS = st.lists(
    st.tuples(
        st.sampled_from([
            "sign_up", "sign_up", "sign_up_at", "merge", "merge", "ticket", "order", "renewal", "renewal", "win_back", "browse_abandonment",
            "cart_abandonment", "nurture", "first_purchase", "unsubscribed", "subscribed",
        ]),
        ONE,
        ONE,
    ),
    max_size=6,
)  # fmt: skip
TALLY: Counter[str] = Counter()


class Machine(RuleBasedStateMachine):
    """One shop; hypothesis says what happens next."""

    @initialize()
    def open(self) -> None:
        self.home = Path(tempfile.mkdtemp(prefix="machine"))
        self.world = World(self.home)

    @rule(events=EVENTS, is_stale=st.integers(0, 9))
    def land(self, events: list[tuple[str, int, int]], is_stale: int) -> None:
        self.world.land(events, is_stale=is_stale == 9)

    @rule(back=st.sampled_from([0, 0, 1, 2, 3]))
    def decide(self, back: int) -> None:
        self.world.decide(back)

    @rule(days=st.integers(2, 4))
    def backfill(self, days: int) -> None:
        self.world.backfill(days)

    @rule(back=BACK, dies=SHARE)
    def decide_and_die(self, back: int, dies: float) -> None:
        self.world.decide(back, dies=dies)

    @rule(back=st.sampled_from([0, 0, 1, 2, 3]))
    def release(self, back: int) -> None:
        self.world.release(back)

    @rule(back=BACK, dies=SHARE)
    def release_and_die(self, back: int, dies: float) -> None:
        self.world.release(back, dies=dies)

    @rule(one=ONE, statement=st.sampled_from(["unsubscribed", "unsubscribed", "complained", "bounced", "subscribed"]))
    def say(self, one: int, statement: str) -> None:
        self.world.say(one, statement)

    @rule(one=ONE, flow=st.sampled_from([None, "welcome", "renewal"]))
    def override(self, one: int, flow: str | None) -> None:
        self.world.override(one, flow)

    @rule(one=ONE)
    def erase(self, one: int) -> None:
        self.world.erase(one)

    @invariant()
    def nobody_is_mailed_who_must_not_be(self) -> None:
        if hasattr(self, "world"):
            self.world.check()

    def teardown(self) -> None:
        if hasattr(self, "world"):
            try:
                self.world.finish()
                TALLY.update(self.world.tally)
            finally:
                shutil.rmtree(self.home)


@pytest.mark.timeout(0)
def test_anything_may_happen_in_any_order(request: pytest.FixtureRequest) -> None:
    """`--machine-steps 1000 -s` for more steps, and how many of what there were."""
    steps: int = request.config.getoption("--machine-steps")
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        Machine,
        settings=settings(
            max_examples=-(-steps // STEPS_EACH), stateful_step_count=STEPS_EACH, deadline=None, derandomize=True, database=None,
            phases=(Phase.generate, Phase.shrink), suppress_health_check=list(HealthCheck), print_blob=False,
        ),
    )  # fmt: skip
    request.config.get_terminal_writer().line(f"\n{dict(TALLY)}")
    assert TALLY["kills"] > 0
    assert TALLY["emails"] > 0
