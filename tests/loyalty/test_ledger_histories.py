"""Random histories in memory, and that a ledger does not mind who brings it up to date, or when."""

from datetime import timedelta
from uuid import UUID

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import run_state_machine_as_test

from habitue.loyalty import decide
from habitue.loyalty.ledger import Ledger, LedgerDecision, PostingSet
from habitue.loyalty.settling import begin
from habitue.loyalty.terms import Terms
from habitue.loyalty.tier import TierChange
from tests.loyalty.points_machine import CAUSE, NOW, PointsMachine, hour, points, program


class InMemory(PointsMachine):
    """Ledgers that are kept as values."""

    def reset(self) -> None:
        self.ledgers = [Ledger(1, "", owner, NOW) for owner in range(2)]

    def load(self, owner: int, depth: int | None = None) -> Ledger:
        return self.ledgers[owner]

    def keep(self, *decisions: LedgerDecision) -> None:
        for decision in decisions:
            self.ledgers[decision.after.root_id] = decision.after


def test_random_histories() -> None:
    run_state_machine_as_test(
        InMemory,
        settings=settings(
            max_examples=60,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


EARNED = st.lists(
    st.tuples(st.integers(1, 9_000), st.integers(0, 90), st.one_of(st.none(), st.integers(1, 90))),
    min_size=1,
    max_size=8,
)


@settings(max_examples=150, deadline=None)
@given(
    EARNED,
    st.lists(st.tuples(st.integers(1, 90), st.integers(1, 4_000)), max_size=3),
    st.lists(st.integers(1, 300), max_size=8),
    st.sampled_from(["one_down", "balance_based"]),
)
def test_it_does_not_matter_who_looks_and_when(
    earned: list[tuple[int, int, int | None]],
    held: list[tuple[int, int]],
    looks: list[int],
    downgrade: str,
) -> None:
    """The job every day, the job after a pause, or nobody until the end: the same postings."""
    club = program("unlimited", tiers_downgrade=downgrade)
    booking = begin(Ledger(1, "", 0, NOW), club, NOW)
    for index, (amount, delay, lasts) in enumerate(earned, 1):
        terms = Terms(hour(delay), hour(None if lasts is None else delay + lasts))
        decide.earn(booking, UUID(int=index), points(amount), terms, CAUSE)
    for index, (until, amount) in enumerate(held, 100):
        part = min(points(amount), booking.active)
        if part:
            decide.hold(booking, UUID(int=index), part, hour(until), CAUSE)
    decide.take_back(booking, UUID(int=200), UUID(int=1), points(earned[0][0]), CAUSE)
    ledger = booking.decision().after
    end = NOW + timedelta(hours=301)
    at_once = begin(ledger, club, end).decision()
    sets, changes = list[PostingSet](), list[TierChange]()
    for look in (*sorted(NOW + timedelta(hours=each) for each in looks), end):
        decision = begin(ledger, club, look).decision()
        ledger = decision.after
        sets += decision.sets
        changes += decision.tier_changes
    assert ledger == at_once.after
    assert tuple(sets) == at_once.sets
    assert tuple(changes) == at_once.tier_changes
