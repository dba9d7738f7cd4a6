"""Sessions that give and take points, in a real database, beside the model.

The model of the ledger is the independent one in whole numbers; that of sessions, here, knows which
units of a cart earned what, for the customer and for whoever brought them, and what a session paid
with. The audit runs with every step.
"""

import asyncio
from collections.abc import Coroutine, Sequence
from copy import deepcopy
from dataclasses import replace
from datetime import timedelta
from random import SystemRandom, randrange
from typing import Any, TypeVar
from uuid import uuid4

import msgspec
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from habitue.loyalty.ledger import Cause
from habitue.loyalty.program import LoyaltyProgram
from habitue.loyalty.refusals import NotAwaiting
from habitue.loyalty.settling import begin, settled
from habitue.promotions.campaign import Campaign
from habitue.promotions.effects import (
    AddLoyaltyPoints,
    DeductLoyaltyPoints,
    RollbackAddedPoints,
    RollbackDeductedPoints,
)
from habitue.promotions.evaluate import Purpose
from habitue.promotions.returned import ReturnWish
from habitue.store.loyalty import PointsQuery
from habitue.usecases.activate_points import Answering, activate_session
from habitue.usecases.adjust_points import Adjustment, add_points
from habitue.usecases.configure.referrals import (
    ReferralFields,
    ReferralOrder,
    create_referrals,
)
from habitue.usecases.delete_points import delete_points
from habitue.usecases.make_program_cards import CardWish, make_card
from habitue.usecases.points_told import points_told
from habitue.usecases.session_state import SessionOutcome
from habitue.usecases.settle_points import settle_due
from habitue.usecases.writing import Reply
from tests.building import Till, item
from tests.loyalty.points_machine import (
    CAUSE,
    FLOORS,
    NOW,
    TIER_HOURS,
    balances_in,
    lots_in,
    lots_of,
    points,
    tier_in,
    tier_of,
    told_of,
)
from tests.loyalty.points_model import PointsModel
from tests.usecases.points_shop import TABLES, complaints, query_of, read, save_program
from tests.usecases.points_sold import (
    GIFT,
    KINDS,
    SALES,
    THANKS,
    Part,
    Sale,
    Sold,
    Told,
    earns,
    rolled_back,
)
from tests.usecases.points_till import of_points

T = TypeVar("T")

PICKS = st.integers(0, 1_000)
#: Draws codes. Those of `random` are the same in every history, and a code is taken only once.
DRAW = SystemRandom().randrange


class SessionsMachine(RuleBasedStateMachine):
    """Two customers at a till, and a clock; `runner`, `till`, `club` and the campaign of referrals
    are set by the test. In a program of cards each of them shows one, whose points they are, and
    nobody earns for bringing the other."""

    runner: asyncio.Runner
    till: Till
    club: LoyaltyProgram
    bringing: Campaign
    round = 0

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    @initialize(
        policy=st.sampled_from(["only_pending", "within_balance", "unlimited"]),
        downgrade=st.sampled_from(["one_down", "balance_based"]),
        first=st.lists(SALES, min_size=1, max_size=3),
    )
    def opened(self, policy: Any, downgrade: Any, first: list[Sale]) -> None:
        type(self).round += 1
        self.hour = 0
        self.till.now = NOW
        for table in TABLES:
            self.run(self.till.shop.database.execute(f"DELETE FROM {table}"))
        changed = msgspec.structs.replace(
            self.club, return_policy=policy, tiers_downgrade=downgrade
        )
        type(self).club = self.run(save_program(self.till.shop, changed))
        self.owners = [f"{name}-{self.round}" for name in ("ada", "ben")]
        self.models = [
            PointsModel(policy, FLOORS, TIER_HOURS, downgrade == "one_down") for _ in self.owners
        ]
        for name in self.owners:
            self.run(self.till.tell(name, {}))
            if self.club.card_based:
                card = make_card(self.till.shop, self.club, CardWish(name), randrange, NOW)
                self.run(card)
        self.sessions: list[Sold] = []
        # the session by which each of them stands as brought by the other
        self.brought: list[Sold | None] = [None, None]
        self.codes = list(map(self.code_of, self.owners))
        for owner in range(2):
            self.gift(owner, GIFT)
        for sale in first:
            self.sell(sale)

    def code_of(self, advocate: str) -> str:
        """A new referral code of that customer."""
        order = ReferralOrder(
            campaign_id=self.bringing.id,
            advocate_ids=(advocate,),
            fields=ReferralFields(),
            pointer="/advocate",
        )
        application = self.till.application.id
        made = create_referrals(self.till.shop, application, order, DRAW, self.till.now)
        return self.run(made)[0].code

    def picked(self, pick: int, *states: str) -> Sold | None:
        found = [each for each in self.sessions if each.state in states]
        return found[pick % len(found)] if found else None

    def query(self, owner: int) -> PointsQuery:
        """The ledger of a customer, or of the card."""
        if self.club.card_based:
            return PointsQuery(None, None, self.club.id, "", card=self.owners[owner])
        return query_of(self.club, self.owners[owner])

    def put(self, sold: Sold, state: str, **more: Any) -> SessionOutcome:
        """Sends the whole session."""
        return self.run(
            self.till.put(
                sold.name,
                profile_id=self.owners[sold.owner],
                cart_items=[item("tea", str(points(price)), count) for price, count in sold.lines],
                attributes={"kind": sold.kind, "pays": points(sold.pays)},
                loyalty_cards=(self.owners[sold.owner],) if self.club.card_based else (),
                referral_code=sold.code,
                state=state,
                **more,
            )
        )

    def is_brought(self, sold: Sold) -> bool:
        """Whether the other customer earns with it: nobody is brought twice."""
        return bool(sold.code) and self.brought[sold.owner] in (None, sold)

    def gives(self, sold: Sold, outcome: SessionOutcome, models: list[PointsModel]) -> None:
        """Has the models give and take what the session does, under the names that were told."""
        told, model = of_points(outcome), models[sold.owner]
        spent = [each for each in told if isinstance(each, DeductLoyaltyPoints)]
        pays = 0 < sold.pays <= model.active
        assert [each.value for each in spent] == ([points(sold.pays)] if pays else [])
        for each in spent:
            assert model.spend(str(each.key), sold.pays)
            sold.paid = (str(each.key), sold.pays)
        earned = [each for each in told if isinstance(each, AddLoyaltyPoints)]
        hers = [each for each in earned if each.recipient == self.owners[sold.advocate]]
        his = [each for each in earned if each not in hers]
        units: dict[Part, int] = {
            (line, unit): price
            for line, (price, count) in enumerate(sold.lines)
            for unit in range(count)
        }
        sold.units = earns(his, units, KINDS[sold.kind], model)
        wanted = {**units, None: THANKS} if self.is_brought(sold) else {}
        sold.brought = earns(hers, wanted, KINDS[sold.kind], models[sold.advocate])

    def takes_back(self, sold: Sold, parts: Sequence[Part], *, paid: bool) -> list[Told]:
        """Has the models take back what those parts earned, and what was paid; what is told."""
        model, told = self.models[sold.owner], list[Told]()
        if paid and sold.paid is not None:
            before = model.spent
            assert model.reimburse(sold.paid[0])
            told.append((RollbackDeductedPoints, False, points(before - model.spent)))
            sold.paid = None
        for part in parts:
            taken = rolled_back(model, sold.units, part)
            told.append((RollbackAddedPoints, False, points(taken)))
            taken = rolled_back(self.models[sold.advocate], sold.brought, part)
            told.append((RollbackAddedPoints, True, points(taken)))
        return sorted((each for each in told if each[-1]), key=str)

    def takes_all_back(self, sold: Sold) -> list[Told]:
        """The same for everything; the customer can be brought again."""
        if self.brought[sold.owner] is sold:
            self.brought[sold.owner] = None
        return self.takes_back(sold, list({**sold.units, **sold.brought}), paid=True)

    def told_back(self, sold: Sold, outcome: SessionOutcome) -> list[Told]:
        advocate = self.owners[sold.advocate]
        told = [
            (type(each), getattr(each, "recipient", "") == advocate, each.value)
            for each in of_points(outcome)
            if isinstance(each, RollbackAddedPoints | RollbackDeductedPoints)
        ]
        return sorted(told, key=str)

    @rule(hours=st.integers(1, 60))
    def wait(self, hours: int) -> None:
        self.hour += hours
        self.till.now = NOW + timedelta(hours=self.hour)
        for model in self.models:
            model.wait(hours)

    @rule()
    def settle(self) -> None:
        """The job comes by."""
        self.run(settle_due(self.till.shop, self.till.now))

    @rule(owner=st.integers(0, 1), amount=st.integers(1, 3_000))
    def gift(self, owner: int, amount: int) -> None:
        key = uuid4()
        given = Adjustment(key, points(amount), "", CAUSE)
        self.run(add_points(self.till.shop, self.query(owner), "somebody", given, self.till.now))
        self.models[owner].earn(str(key), amount, 0, None)

    @rule(sale=SALES)
    def sell(self, sale: Sale) -> None:
        """A session comes to be, open or closed; a dry run before says the same."""
        owner, kind, lines, pays, closes, brought = sale
        sold = Sold(f"s{len(self.sessions)}-{self.round}", owner, kind, lines, pays)
        if brought and not self.club.card_based:
            sold.code = self.codes[sold.advocate]
        self.put(sold, "closed", purpose=Purpose(dry=True))
        self.sessions.append(sold)
        self.close(sold) if closes else self.promise(sold)

    def promise(self, sold: Sold) -> None:
        """An open session tells what it would leave, and leaves nothing."""
        outcome = self.put(sold, "open")
        trial = deepcopy(self.models)
        before = balances_in(trial[sold.owner])
        self.gives(replace(sold), outcome, trial)
        shop = self.till.shop
        shown = points_told(shop.program(self.till.application.id), outcome)
        (told,) = shown.cards or shown.programs
        assert told.ledgers[""].current == before
        assert told.ledgers[""].tentative == balances_in(trial[sold.owner])

    def close(self, sold: Sold) -> None:
        outcome = self.put(sold, "closed")
        sold.units, sold.brought, sold.paid, sold.returned = {}, {}, None, {}
        self.gives(sold, outcome, self.models)
        if self.is_brought(sold):
            self.brought[sold.owner] = sold
        sold.state = "closed"

    @precondition(lambda self: self.picked(0, "open"))
    @rule(pick=PICKS)
    def close_one(self, pick: int) -> None:
        sold = self.picked(pick, "open")
        assert sold is not None
        self.close(sold)

    @precondition(lambda self: self.picked(0, "closed", "returned"))
    @rule(pick=PICKS)
    def cancel(self, pick: int) -> None:
        sold = self.picked(pick, "closed", "returned")
        assert sold is not None
        outcome = self.run(self.till.put(sold.name, state="cancelled"))
        assert self.told_back(sold, outcome) == self.takes_all_back(sold)
        sold.state = "cancelled"

    @precondition(lambda self: self.picked(0, "closed"))
    @rule(pick=PICKS)
    def reopen(self, pick: int) -> None:
        sold = self.picked(pick, "closed")
        assert sold is not None
        outcome = self.run(self.till.reopen(sold.name))
        assert self.told_back(sold, outcome) == self.takes_all_back(sold)
        sold.state = "open"

    @precondition(lambda self: self.picked(0, "closed", "returned"))
    @rule(pick=PICKS, line=PICKS, count=st.integers(1, 3))
    def give_back(self, pick: int, line: int, count: int) -> None:
        sold = self.picked(pick, "closed", "returned")
        assert sold is not None
        lines = [each for each in range(len(sold.lines)) if sold.left(each)]
        if not lines:
            return
        at = lines[line % len(lines)]
        first, count = sold.returned.get(at, 0), min(count, sold.left(at))
        outcome = self.run(self.till.give_back(sold.name, ReturnWish(position=at, quantity=count)))
        units = [(at, each) for each in range(first, first + count)]
        assert self.told_back(sold, outcome) == self.takes_back(sold, units, paid=False)
        sold.returned[at] = first + count
        sold.state = "returned"

    @precondition(lambda self: self.sessions)
    @rule(pick=PICKS)
    def activate(self, pick: int) -> None:
        """The points of one session that await an action become active."""
        sold = self.sessions[pick % len(self.sessions)]
        waiting = [
            (model, name)
            for model, parts in (
                (self.models[sold.owner], sold.units),
                (self.models[sold.advocate], sold.brought),
            )
            for name, _ in parts.values()
            if name in model.lots and model.lots[name].start is None and model.lots[name].left
        ]
        answering = Answering(lambda activated: Reply(200, str(len(activated)).encode()))
        work = activate_session(
            self.till.shop,
            self.club,
            self.till.application.id,
            sold.name,
            Cause(),
            self.till.now,
            answering,
        )
        if not waiting:
            with pytest.raises(NotAwaiting):
                self.run(work)
            return
        assert self.run(work).body == str(len(waiting)).encode()
        for model, name in waiting:
            assert model.activate(name)

    @precondition(lambda self: not self.club.card_based)
    @rule(owner=st.integers(0, 1), really=st.integers(0, 8))
    def delete(self, owner: int, really: int) -> None:
        if really == 0:
            query = query_of(self.club, self.owners[owner])
            self.run(
                delete_points(
                    self.till.shop, query, "somebody", None, uuid4(), CAUSE, self.till.now
                )
            )
            self.models[owner].delete()

    @invariant()
    def it_is_as_the_model_says(self) -> None:
        for owner, model in enumerate(self.models):
            stored = self.run(read(self.till.shop, self.query(owner), self.till.now))
            ledger = settled(stored, self.club, self.till.now)
            assert told_of(ledger) == balances_in(model)
            assert lots_of(ledger) == lots_in(model)
            assert tier_of(begin(ledger, self.club, self.till.now)) == tier_in(model)
            assert model.books_close()

    @invariant()
    def the_audit_finds_nothing(self) -> None:
        assert self.run(complaints(self.till.shop.database)) == []
