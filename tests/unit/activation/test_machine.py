"""Landing, deciding, releasing and dying in any order: nobody is mailed twice or who must not be, and no decision is lost."""

import logging
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from tests.unit.activation.machine import World

LOG = logging.getLogger(__name__)
STEPS_EACH = 30
ONE = st.integers(0, 30)
BACK = st.sampled_from([0, 0, 0, 1, 1, 2, 3])
SHARE = st.floats(0, 1)
WHAT = [
    *["morning"] * 6, *["land"] * 2, *["decide"] * 3, *["decide and die"] * 2, *["release"] * 3, *["release and die"] * 4,
    "backfill", "stop", "exclude", "erase", *["unsubscribed"] * 2, "complained", "bounced", "subscribed",
]  # fmt: skip
EVENTS = st.lists(
    st.tuples(
        st.sampled_from([
            *["sign_up"] * 3, "sign_up_at", "merge", "merge", "ticket", "order", "renewal", "renewal", "win_back", "browse_abandonment",
            "cart_abandonment", "nurture", "first_purchase", "unsubscribed", "subscribed",
        ]),
        ONE,
        ONE,
    ),
    min_size=1,
    max_size=6,
)  # fmt: skip
TALLY: Counter[str] = Counter()


class Machine(RuleBasedStateMachine):
    """One shop; hypothesis says what happens next."""

    world: World | None = None

    @initialize(is_closed=st.integers(0, 30))
    def open(self, is_closed: int) -> None:
        """The first example that hypothesis tries has the least of everything: one step, again and again. It is passed over."""
        if is_closed:
            self.home = Path(tempfile.mkdtemp(prefix="machine"))
            self.world = World(self.home)
            self.world.decide()
            self.world.release()
            self.world.morning([*[("sign_up", 0, 0)] * 3, ("renewal", 0, 0), ("renewal", 1, 0)])

    @rule(what=st.sampled_from(WHAT), back=BACK, dies=SHARE, one=ONE, events=EVENTS)
    def happens(self, what: str, back: int, dies: float, one: int, events: list[tuple[str, int, int]]) -> None:
        """One rule for everything: of several, hypothesis leaves some out for a whole example."""
        if self.world is None:
            return
        world = self.world
        done: dict[str, Callable[[], None]] = {
            "morning": lambda: world.morning(events),
            "land": lambda: world.land(events, is_stale=one == 9),
            "decide": lambda: world.decide(back),
            "backfill": lambda: world.backfill(2 + back % 2),
            "decide and die": lambda: world.decide(back, dies=dies),
            "release": lambda: world.release(back),
            "release and die": lambda: world.release(back, dies=dies),
            "stop": lambda: world.override(one, ["welcome", "renewal"][one % 2]),
            "exclude": lambda: world.override(one, None),
            "erase": lambda: world.erase(one),
        }
        done.get(what, lambda: world.say(one, what))()

    @invariant()
    def nobody_is_mailed_who_must_not_be(self) -> None:
        if self.world:
            self.world.check()

    def teardown(self) -> None:
        if self.world:
            try:
                self.world.finish()
                TALLY.update(self.world.tally)
                LOG.info("%s", dict(TALLY))
            finally:
                shutil.rmtree(self.home)


@pytest.mark.timeout(0)
def test_anything_may_happen_in_any_order(request: pytest.FixtureRequest) -> None:
    """`--machine-steps 1000 -s` for more steps, and how many of what there were."""
    steps: int = request.config.getoption("--machine-steps")
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        Machine,
        settings=settings(
            max_examples=1 + -(-steps // STEPS_EACH), stateful_step_count=STEPS_EACH, deadline=None, derandomize=True, database=None,
            phases=(Phase.generate,), suppress_health_check=list(HealthCheck), print_blob=False,
        ),
    )  # fmt: skip
    request.config.get_terminal_writer().line(f"\n{dict(TALLY)}")
    assert TALLY["kills"] > 0
    assert TALLY["emails"] > 0
