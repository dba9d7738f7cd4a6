"""Points of carts, whatever the rules: what is promised is given, and what is given comes back."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from habitue.customers.customer import Customer
from habitue.loyalty import decide
from habitue.loyalty.ledger import Balances, Cause, Ledger, LedgerDecision, balances_of
from habitue.loyalty.program import LoyaltyProgram, ReturnPolicy
from habitue.loyalty.settling import begin, settled
from habitue.loyalty.terms import Terms
from habitue.promotions.campaign import Application, Campaign, StoredRuleset
from habitue.promotions.configuration import Configuration
from habitue.promotions.decide import Decision, SessionCommand, State, decide_update
from habitue.promotions.decide_return import ReturnCommand, decide_return
from habitue.promotions.effects import RollbackAddedPoints
from habitue.promotions.evaluate import Purpose
from habitue.promotions.program import Program, build_program
from habitue.promotions.resources import Points, ProgramPoints, Resources
from habitue.promotions.returned import ReturnWish
from habitue.promotions.session import SessionUpdate
from tests.building import NOW, item, rule, update

CLUB = 9
Name = tuple[int, str]

EFFECTS = st.sampled_from(
    [
        f'addLoyaltyPoints("a", {CLUB}, "", session.total)',
        f'addLoyaltyPoints("b", {CLUB}, "", 7.5, "30D")',
        f'addLoyaltyPoints("c", {CLUB}, "coins", 3, "on_action", "1M")',
        f'addLoyaltyPointsPerItem("d", {CLUB}, "", lambda item: item.price / 3)',
        f'addLoyaltyPointsPerItem("e", {CLUB}, "coins", 1)',
        f'deductLoyaltyPoints("f", {CLUB}, "", 20)',
        f'deductLoyaltyPoints("g", {CLUB}, "coins", 2)',
        'setDiscount("h", 1 / (session.total - 50))',
    ]
)
RULES = st.lists(
    st.tuples(
        st.sampled_from(
            [
                "true",
                "session.total > 20",
                f"loyaltyBalance({CLUB}) > 30",
                f"loyaltyPointsRedeemable({CLUB}, 40)",
                f'loyaltyBalance({CLUB}, "tentativeCurrent", "coins") > 3',
            ]
        ),
        st.lists(EFFECTS, min_size=1, max_size=3),
    ),
    min_size=1,
    max_size=4,
)
CARTS = st.lists(
    st.builds(
        item, st.sampled_from(["tea", "pot"]), st.sampled_from(["10", "33.33"]), st.integers(1, 3)
    ),
    min_size=1,
    max_size=3,
)
GIFTS = st.integers(0, 80)
POLICIES: st.SearchStrategy[ReturnPolicy] = st.sampled_from(
    ["only_pending", "within_balance", "unlimited"]
)
OWNER = Customer(7, created=NOW, last_activity=NOW, version=3)
SOME = settings(max_examples=60, deadline=None)


def club(policy: ReturnPolicy) -> LoyaltyProgram:
    return LoyaltyProgram(
        id=CLUB,
        name="club",
        created=NOW,
        subscribed_application_ids=(1,),
        allow_subledger=True,
        return_policy=policy,
    )


def program_of(rules: list[tuple[str, list[str]]], policy: ReturnPolicy) -> Program:
    """One campaign with those rules, and one loyalty program."""
    document = {"rules": [rule(when, *then) for when, then in rules], "bindings": []}
    campaign = Campaign(1, 1, "campaign", NOW, NOW, active_ruleset_id=2)
    configuration = Configuration(
        version=1,
        applications={1: Application(1, "shop", "Europe/Berlin", "EUR", NOW, NOW)},
        campaigns={1: campaign},
        rulesets={2: StoredRuleset(2, 1, NOW, document)},
        loyalty_programs={CLUB: club(policy)},
    )
    return build_program(configuration, 1)


def state_of(ledgers: Mapping[Name, Ledger], **fields: Any) -> State:
    """A state in which the customer has those ledgers."""
    by_subledger = {subledger: each for (_, subledger), each in ledgers.items()}
    programs = {CLUB: ProgramPoints(None, by_subledger)}
    spent = fields.pop("spent", {})
    resources = Resources(points=Points(OWNER.id, programs, spent))
    return State(12, OWNER, resources=resources, **fields)


def gifted(points: int, policy: ReturnPolicy) -> dict[Name, Ledger]:
    """A main ledger with so many points of a gift."""
    booking = begin(Ledger(CLUB, "", OWNER.id, NOW), club(policy), NOW)
    if points:
        decide.earn(booking, UUID(int=1), Decimal(points), Terms(NOW), Cause())
    return {(CLUB, ""): booking.ledger}


def after(
    ledgers: Mapping[Name, Ledger], decided: tuple[LedgerDecision, ...]
) -> dict[Name, Ledger]:
    """The ledgers once that is saved."""
    return {
        **ledgers,
        **{(each.after.program_id, each.after.subledger): each.after for each in decided},
    }


def spent_by(decided: tuple[LedgerDecision, ...]) -> dict[UUID, tuple[tuple[UUID, Decimal], ...]]:
    """What each transaction took out of which lots."""
    return {
        posted.key: tuple(
            (posting.lot, posting.amount)
            for posting in posted.postings
            if posting.place == "spent" and posting.lot is not None
        )
        for each in decided
        for posted in each.sets
        if posted.kind == "spend"
    }


def told(ledgers: Mapping[Name, Ledger], policy: ReturnPolicy) -> dict[Name, Balances]:
    """All balances that are not zero."""
    found = {name: balances_of(settled(each, club(policy), NOW)) for name, each in ledgers.items()}
    return {name: each for name, each in found.items() if each != Balances()}


def sent(program: Program, state: State, wanted: SessionUpdate, *, dry: bool = False) -> Decision:
    command = SessionCommand(1, "s1", wanted, Purpose(dry=dry))
    return decide_update(state, command, program, NOW)


@SOME
@given(RULES, CARTS, GIFTS, POLICIES)
def test_open_dry_and_closed_carts_do_the_same_to_points(
    rules: list[tuple[str, list[str]]], cart: list[Any], gift: int, policy: ReturnPolicy
) -> None:
    program, state = program_of(rules, policy), state_of(gifted(gift, policy))
    wanted = update(profile_id="anna", cart_items=cart)
    closing = msgspec.structs.replace(wanted, state="closed")
    opened, closed = sent(program, state, wanted), sent(program, state, closing)
    dry = sent(program, state, closing, dry=True)
    assert opened.effects == closed.effects == dry.effects
    assert opened.points == closed.points == dry.points
    assert opened.resource_changes.points == ()
    assert closed.resource_changes.points == closed.points


@SOME
@given(RULES, CARTS, GIFTS)
def test_cancelling_restores_every_balance_where_the_policy_is_unlimited(
    rules: list[tuple[str, list[str]]], cart: list[Any], gift: int
) -> None:
    program, before = program_of(rules, "unlimited"), gifted(gift, "unlimited")
    wanted = update(profile_id="anna", cart_items=cart, state="closed")
    closed = sent(program, state_of(before), wanted)
    ledgers = after(before, closed.points)
    state = state_of(ledgers, stored=closed.session, spent=spent_by(closed.points), event_id=2)
    cancelled = sent(program, state, SessionUpdate(state="cancelled"))
    assert told(after(ledgers, cancelled.points), "unlimited") == told(before, "unlimited")


@SOME
@given(RULES, CARTS, GIFTS, POLICIES, st.data())
def test_returning_in_parts_takes_back_what_returning_at_once_does(
    rules: list[tuple[str, list[str]]],
    cart: list[Any],
    gift: int,
    policy: ReturnPolicy,
    data: st.DataObject,
) -> None:
    program, before = program_of(rules, policy), gifted(gift, policy)
    wanted = update(profile_id="anna", cart_items=cart, state="closed")
    closed = sent(program, state_of(before), wanted)
    counts = [data.draw(st.integers(0, line.quantity)) for line in cart]
    wishes = [ReturnWish(line, None, count) for line, count in enumerate(counts) if count]
    if not wishes:
        return
    parts = [ReturnWish(each.position) for each in wishes for _ in range(each.quantity or 0)]
    parts = [msgspec.structs.replace(each, quantity=1) for each in parts]

    def returned(*returns: tuple[ReturnWish, ...]) -> tuple[dict[Name, Ledger], list[Any]]:
        ledgers, session = after(before, closed.points), closed.session
        effects: list[Any] = []
        for number, each in enumerate(returns):
            state = state_of(
                ledgers, stored=session, spent=spent_by(closed.points), event_id=100 + number
            )
            decision = decide_return(state, ReturnCommand(1, "s1", each), program, NOW)
            ledgers, session = after(ledgers, decision.points), decision.session
            effects += [it.outcome for it in decision.effects]
        return ledgers, [it for it in effects if isinstance(it, RollbackAddedPoints)]

    at_once, told_once = returned(tuple(wishes))
    in_parts, told_in_parts = returned(*[(each,) for each in parts])
    assert told(at_once, policy) == told(in_parts, policy)
    assert sum(it.value for it in told_once) == sum(it.value for it in told_in_parts)
