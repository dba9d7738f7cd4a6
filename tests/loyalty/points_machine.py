"""Random histories of two owners' points, against the model; where they are kept is left open.

A subclass says how a ledger is read and how a decision is kept. After every step what is kept is
what the model says: balances, every lot, holds, the tier, and that the books close.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from habitue.loyalty import decide
from habitue.loyalty.booking import Booking
from habitue.loyalty.ledger import (
    Balances,
    Cause,
    Ledger,
    LedgerDecision,
    LotsUnread,
    balances_of,
    total,
)
from habitue.loyalty.program import LoyaltyProgram, Tier
from habitue.loyalty.settling import begin, current_tier, settled
from habitue.loyalty.terms import Terms
from habitue.model.errors import Refusal
from tests.loyalty.points_model import PointsModel

NOW = datetime(2026, 6, 15, 12, 0, tzinfo=UTC)
CAUSE = Cause(name="a reason", actor="the tests")
FLOORS = (1_000, 2_500, 6_000)
TIER_HOURS = 60

OWNERS = st.integers(0, 1)
AMOUNTS = st.integers(1, 5_000)
#: Less than most owners have, so that most of it succeeds.
SMALL = st.one_of(st.integers(1, 300), AMOUNTS)
HOURS = st.integers(1, 80)
LASTING = st.one_of(st.none(), HOURS)
PICKS = st.integers(0, 1_000)


def points(hundredths: int) -> Decimal:
    return Decimal(hundredths).scaleb(-2)


def hour(number: int | None) -> datetime | None:
    return None if number is None else NOW + timedelta(hours=number)


def program(policy: str = "only_pending", **fields: Any) -> LoyaltyProgram:
    """A program whose tiers last 60 hours."""
    tiers = tuple(
        Tier(index, f"tier {index}", points(floor), NOW) for index, floor in enumerate(FLOORS, 1)
    )
    defaults: dict[str, Any] = {
        "name": "club",
        "tiers": tiers,
        "tiers_expiration": "tier_start_date",
        "tiers_expire_in": f"{TIER_HOURS}h",
        "tiers_downgrade": "balance_based",
        "return_policy": policy,
    }
    return LoyaltyProgram(id=1, created=NOW, **{**defaults, **fields})


class PointsMachine(RuleBasedStateMachine):
    """Two owners and a clock."""

    def __init__(self) -> None:
        super().__init__()
        self.hour = 0
        self.names = 0
        self.program = program()
        self.models: list[PointsModel] = []

    #: How many lots are read at first, and then, where they can be read in part.
    depths: tuple[int | None, ...] = (None,)

    def load(self, owner: int, depth: int | None = None) -> Ledger:
        """The ledger as it is kept; with a depth only a part of it."""
        raise AssertionError("a subclass says where")

    def keep(self, *decisions: LedgerDecision) -> None:
        """Keeps all decisions, or none."""
        raise AssertionError("a subclass says where")

    def reset(self) -> None:
        """Forgets everything that is kept."""
        raise AssertionError("a subclass says where")

    @initialize(
        policy=st.sampled_from(["only_pending", "within_balance", "unlimited"]),
        downgrade=st.sampled_from(["one_down", "balance_based"]),
    )
    def opened(self, policy: str, downgrade: str) -> None:
        self.program = program(policy, tiers_downgrade=downgrade)
        self.models = [
            PointsModel(policy, FLOORS, TIER_HOURS, downgrade == "one_down") for _ in range(2)
        ]
        self.reset()

    @property
    def now(self) -> datetime:
        return NOW + timedelta(hours=self.hour)

    def name(self) -> str:
        self.names += 1
        return str(UUID(int=self.names * 7_919 % 1_000_003 << 64))

    def does(self, owner: int, action: Callable[[Booking], object]) -> bool:
        """Whether the ledger lets it happen."""
        for depth in self.depths:
            try:
                booking = begin(self.load(owner, depth), self.program, self.now)
                action(booking)
            except Refusal:
                return False
            except LotsUnread:
                continue
            self.keep(booking.decision())
            return True
        raise AssertionError("all lots were read")

    @rule(hours=HOURS)
    def wait(self, hours: int) -> None:
        self.hour += hours
        for model in self.models:
            model.wait(hours)

    @rule(owner=OWNERS)
    def settle(self, owner: int) -> None:
        """The job comes by."""
        assert self.does(owner, lambda booking: None)

    @rule(owner=OWNERS, amount=AMOUNTS, delay=st.one_of(st.just(0), HOURS), lasts=LASTING)
    def earn(self, owner: int, amount: int, delay: int, lasts: int | None) -> None:
        name, begins = self.name(), self.hour + delay
        terms = Terms(hour(begins), hour(None if lasts is None else begins + lasts))
        assert self.does(owner, lambda b: decide.earn(b, UUID(name), points(amount), terms, CAUSE))
        self.models[owner].earn(name, amount, delay, lasts)

    @rule(owner=OWNERS, amount=AMOUNTS, lasts=LASTING)
    def earn_on_action(self, owner: int, amount: int, lasts: int | None) -> None:
        name = self.name()
        terms = Terms(None, None, "" if lasts is None else f"{lasts}h")
        assert self.does(owner, lambda b: decide.earn(b, UUID(name), points(amount), terms, CAUSE))
        self.models[owner].earn(name, amount, None, lasts)

    @rule(owner=OWNERS, pick=PICKS)
    def activate(self, owner: int, pick: int) -> None:
        waiting = [lot for lot in self.models[owner].lots.values() if lot.start is None]
        if waiting:
            name = waiting[pick % len(waiting)].name
            told = self.models[owner].activate(name)
            key = UUID(self.name())
            lot = self.load(owner).lots.get(UUID(name))
            assert told is (lot is not None and lot.remaining > 0)
            if told:
                assert self.does(
                    owner, lambda b: decide.activate(b, key, b.lots[UUID(name)], CAUSE)
                )

    @rule(owner=OWNERS, amount=AMOUNTS, part=SMALL)
    def earn_and_spend(self, owner: int, amount: int, part: int) -> None:
        self.earn(owner, amount, 0, None)
        self.spend(owner, part)

    @rule(owner=OWNERS, amount=SMALL)
    def spend(self, owner: int, amount: int) -> None:
        name = self.name()
        told = self.does(owner, lambda b: decide.deduct(b, UUID(name), points(amount), CAUSE))
        assert told is self.models[owner].spend(name, amount)

    @rule(owner=OWNERS, pick=PICKS)
    def reimburse(self, owner: int, pick: int) -> None:
        model = self.models[owner]
        if model.spends:
            name = sorted(model.spends)[pick % len(model.spends)]
            parts = [(UUID(lot), points(part)) for lot, part in model.spends[name].items()]
            key = UUID(self.name())
            assert self.does(owner, lambda b: decide.reimburse(b, key, parts, CAUSE))
            assert model.reimburse(name)

    @rule(owner=OWNERS, amount=SMALL, lasts=LASTING)
    def hold(self, owner: int, amount: int, lasts: int | None) -> None:
        name, until = self.name(), hour(None if lasts is None else self.hour + lasts)
        told = self.does(owner, lambda b: decide.hold(b, UUID(name), points(amount), until, CAUSE))
        assert told is self.models[owner].hold(name, amount, lasts)

    @rule(owner=OWNERS, amount=SMALL, pick=PICKS)
    def post(self, owner: int, amount: int, pick: int) -> None:
        model = self.models[owner]
        name = sorted(model.holds)[pick % len(model.holds)] if model.holds else self.name()
        key = UUID(self.name())
        told = self.does(
            owner, lambda b: decide.post_hold(b, key, UUID(name), points(amount), CAUSE)
        )
        assert told is model.post(name, amount)

    @rule(owner=OWNERS, pick=PICKS)
    def void(self, owner: int, pick: int) -> None:
        model = self.models[owner]
        name = sorted(model.holds)[pick % len(model.holds)] if model.holds else self.name()
        key = UUID(self.name())
        told = self.does(owner, lambda b: decide.void_hold(b, key, UUID(name), CAUSE))
        assert told is model.void(name)

    @rule(owner=OWNERS, amount=AMOUNTS, pick=PICKS)
    def take_back(self, owner: int, amount: int, pick: int) -> None:
        model = self.models[owner]
        if model.lots:
            name = sorted(model.lots)[pick % len(model.lots)]
            key, taken = UUID(self.name()), list[Decimal]()
            assert self.does(
                owner,
                lambda b: taken.append(decide.take_back(b, key, UUID(name), points(amount), CAUSE)),
            )
            assert taken == [points(model.take_back(name, amount))]

    @rule(owner=OWNERS, amount=SMALL)
    def transfer(self, owner: int, amount: int) -> None:
        name = self.name()
        sender = begin(self.load(owner), self.program, self.now)
        receiver = begin(self.load(1 - owner), self.program, self.now)
        model, other = self.models[owner], self.models[1 - owner]
        try:
            decide.transfer(sender, receiver, UUID(name), points(amount), CAUSE)
        except Refusal:
            assert not model.send(other, name, amount)
            return
        self.keep(sender.decision(), receiver.decision())
        assert model.send(other, name, amount)

    @rule(owner=OWNERS, pick=PICKS)
    def delete(self, owner: int, pick: int) -> None:
        if pick > 900:
            key = UUID(self.name())
            assert self.does(owner, lambda b: decide.delete_all(b, key, CAUSE))
            self.models[owner].delete()

    @invariant()
    def it_is_as_the_model_says(self) -> None:
        for owner, model in enumerate(self.models):
            ledger = settled(self.load(owner), self.program, self.now)
            assert told_of(ledger) == balances_in(model)
            assert lots_of(ledger) == lots_in(model)
            assert tier_of(begin(ledger, self.program, self.now)) == tier_in(model)
            assert not model.debt or not model.active
            assert model.books_close()
            for account in ledger.accounts.values():
                assert total(account.totals.values()) == 0


def told_of(ledger: Ledger) -> Balances:
    return balances_of(ledger)


def balances_in(model: PointsModel) -> Balances:
    return Balances(
        active=points(model.active),
        pending=points(model.open - model.active),
        held=points(model.held),
        spent=points(model.spent),
        expired=points(model.expired),
        negative=points(model.debt),
    )


def lots_of(ledger: Ledger) -> dict[str, Decimal]:
    return {str(lot.key): lot.remaining for lot in ledger.lots.values() if lot.remaining}


def lots_in(model: PointsModel) -> dict[str, Decimal]:
    return {lot.name: points(lot.left) for lot in model.lots.values() if lot.left}


def tier_of(booking: Booking) -> tuple[Decimal, datetime, datetime | None] | None:
    tier, state = current_tier(booking)
    if tier is None or state is None:
        return None
    return tier.min_points, state.start, state.expiry


def tier_in(model: PointsModel) -> tuple[Decimal, datetime, datetime | None] | None:
    if model.tier is None:
        return None
    since = hour(model.tier.since)
    assert since is not None
    return points(model.tier.floor), since, hour(model.tier.until)
