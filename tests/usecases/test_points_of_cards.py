"""Points of the card that a session names: given, spent, asked about and taken back on the card."""

import random
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from habitue.loyalty.ledger import Balances, Cause, balances_of
from habitue.loyalty.program import LoyaltyProgram
from habitue.loyalty.settling import settled
from habitue.promotions.effects import AddLoyaltyPoints, DeductLoyaltyPoints, RollbackAddedPoints
from habitue.promotions.evaluate import Purpose
from habitue.promotions.resources import Asking
from habitue.promotions.returned import ReturnWish
from habitue.store.loyalty import PointsQuery
from habitue.usecases.adjust_points import Adjustment, add_points
from habitue.usecases.change_program_card import (
    card_points,
    delete_card,
    link_profile,
    read_card,
    set_card_status,
    transfer_card,
)
from habitue.usecases.erase_customer import erase_customer
from habitue.usecases.make_program_cards import CardWish, make_card
from habitue.usecases.points_told import points_told
from habitue.usecases.resources import asked
from tests.building import Till, item, rule
from tests.usecases.points_shop import add_customer, complaints, points_rows
from tests.usecases.points_till import balances, club_of, of_points, told, transactions

TEA = item("tea", 10, 3)
DRAW = random.Random(5).randrange


async def cards_of(till: Till, *identifiers: str, **fields: Any) -> LoyaltyProgram:
    """A card-based program with those cards."""
    club = await club_of(till, card_based=True, return_policy="unlimited", **fields)
    for each in identifiers:
        await make_card(till.shop, club, CardWish(each), DRAW, till.now)
    return club


async def on_card(till: Till, club: LoyaltyProgram, identifier: str, sub: str = "") -> Balances:
    state = await card_points(till.shop, till.shop.database, club, identifier, till.now)
    return balances_of(settled(state.ledger(sub), club, till.now))


async def load_card(till: Till, club: LoyaltyProgram, identifier: str, points: int) -> None:
    query = PointsQuery(None, None, club.id, "", card=identifier)
    given = Adjustment(uuid4(), Decimal(points), "", Cause(name="by hand"))
    await add_points(till.shop, query, identifier, given, till.now)


def earns(club: LoyaltyProgram) -> dict[str, Any]:
    return rule("session.total > 0", f'addLoyaltyPoints("tea", {club.id}, "", session.total)')


def failures(outcome: Any) -> list[str | None]:
    return [each.details for each in outcome.decision.failures]


async def test_a_session_earns_on_its_card_and_gives_back(till: Till) -> None:
    club = await cards_of(till, "plastic-1", "plastic-2")
    await till.campaign(earns(club))
    cart: dict[str, Any] = {"cart_items": [TEA], "loyalty_cards": ("plastic-1",)}
    opened = await till.put(profile_id="anna", **cart)
    (promise,) = of_points(opened)
    assert isinstance(promise, AddLoyaltyPoints)
    assert (promise.card, promise.recipient, promise.value) == ("plastic-1", "anna", Decimal(30))
    assert await transactions(till.shop.database) == []
    # the stored session knows its card
    closed = await till.put(state="closed")
    assert [each.key for each in of_points(closed)] == [promise.key]
    assert closed.decision.points == ()
    assert await on_card(till, club, "plastic-1") == Balances(Decimal(30))
    assert await on_card(till, club, "plastic-2") == Balances()
    assert (await till.read()).loyalty_cards == ("plastic-1",)
    reopened = await till.reopen()
    (back,) = of_points(reopened)
    assert isinstance(back, RollbackAddedPoints)
    assert (back.card, back.value, back.key) == ("plastic-1", Decimal(30), promise.key)
    assert await on_card(till, club, "plastic-1") == Balances()
    # another card at the till now
    await till.put(state="closed", loyalty_cards=("plastic-2",))
    assert await on_card(till, club, "plastic-1") == Balances()
    assert await on_card(till, club, "plastic-2") == Balances(Decimal(30))
    await till.put(state="cancelled")
    assert await on_card(till, club, "plastic-2") == Balances()
    kinds = ["earn", "take_back"] * 2
    assert [kind for kind, _ in await transactions(till.shop.database)] == kinds
    assert await complaints(till.shop.database) == []


async def test_nobody_in_particular_may_pay_with_a_card(till: Till) -> None:
    club = await cards_of(till, "plastic-1")
    pays = f'deductLoyaltyPoints("pays", {club.id}, "", 40)'
    enough = f"loyaltyPointsRedeemable({club.id}, 40) and loyaltyBalance({club.id}) > 39"
    await till.campaign(rule(enough, pays, 'setDiscount("paid", 4)'))
    cart: dict[str, Any] = {"cart_items": [TEA], "loyalty_cards": ("plastic-1",)}
    poor = await till.put(**cart)
    assert poor.decision.effects == ()
    await load_card(till, club, "plastic-1", 100)
    paid = await till.put(state="closed")
    spent, _ = of_points(paid)
    assert isinstance(spent, DeductLoyaltyPoints)
    assert (spent.card, spent.recipient, spent.value) == ("plastic-1", "", Decimal(40))
    assert await on_card(till, club, "plastic-1") == Balances(Decimal(60), spent=Decimal(40))
    cancelled = await till.put(state="cancelled")
    assert told(cancelled.decision.effects) == [
        ("RollbackDeductedPoints", 40),
        ("RollbackDiscount", 4),
    ]
    assert of_points(cancelled)[0].card == "plastic-1"
    assert await on_card(till, club, "plastic-1") == Balances(Decimal(100))
    assert await complaints(till.shop.database) == []


async def test_units_that_come_back_take_their_points_off_the_card(till: Till) -> None:
    club = await cards_of(till, "plastic-1")
    each = f'addLoyaltyPointsPerItem("tea", {club.id}, "fuel", 10)'
    whole = f'addLoyaltyPoints("whole", {club.id}, "", session.cart_item_total)'
    await till.campaign(rule("true", each), rule("true", whole), reevaluate_on_return=True)
    await till.put(cart_items=[TEA], loyalty_cards=("plastic-1",), state="closed")
    assert await on_card(till, club, "plastic-1", "fuel") == Balances(Decimal(30))
    back = await till.give_back("s1", ReturnWish(position=0, quantity=2), run_rules=True)
    assert told(back.decision.effects) == [
        ("RollbackAddedPoints", 10),
        ("RollbackAddedPoints", 10),
        ("RollbackAddedPoints", 30),
        ("AddLoyaltyPoints", 10),
    ]
    assert await on_card(till, club, "plastic-1", "fuel") == Balances(Decimal(10))
    assert await on_card(till, club, "plastic-1") == Balances(Decimal(10))
    assert await complaints(till.shop.database) == []


@pytest.mark.parametrize(
    ("card", "reason"),
    [
        ((), "there is no card of club here, and its points are on cards"),
        (("nobodys",), "there is no card of club here, and its points are on cards"),
        (("asleep",), "card asleep is inactive"),
        (("lost",), "card lost was replaced by found"),
    ],
)
async def test_a_card_that_cannot_be_used_gives_nothing_and_says_why(
    till: Till, card: tuple[str, ...], reason: str
) -> None:
    club = await cards_of(till, "asleep", "lost")
    await set_card_status(till.shop, club, "asleep", "inactive", till.now)
    await transfer_card(till.shop, club, "lost", "found", "lost", till.now)
    await till.campaign(
        earns(club),
        rule(f"not loyaltyCardValid({club.id})", 'setDiscount("without", 1)'),
        rule(f"loyaltyCardValid({club.id})", 'setDiscount("with", 2)'),
    )
    before = await points_rows(till.shop.database)
    closed = await till.put(
        profile_id="anna",
        cart_items=[TEA],
        loyalty_cards=card,
        state="closed",
        purpose=Purpose(failures=True),
    )
    assert told(closed.decision.effects) == [("SetDiscount", 1)]
    assert reason in failures(closed)
    assert await points_rows(till.shop.database) == before


async def test_a_linked_card_is_registered(till: Till) -> None:
    club = await cards_of(till, "plastic-1")
    await till.campaign(
        rule(f"loyaltyCardValid({club.id})", 'setDiscount("valid", 1)'),
        rule(f"loyaltyCardRegistered({club.id})", 'setDiscount("registered", 2)'),
    )
    cart: dict[str, Any] = {"cart_items": [TEA], "loyalty_cards": ("plastic-1",)}
    assert told((await till.put(**cart)).decision.effects) == [("SetDiscount", 1)]
    await add_customer(till.shop.database, "anna")
    await link_profile(till.shop, club, "plastic-1", "anna", till.now)
    again = await till.put(**cart)
    assert told(again.decision.effects) == [("SetDiscount", 1), ("SetDiscount", 2)]
    # a dry run sees its own payload only
    dry = await till.put(cart_items=[TEA], purpose=Purpose(dry=True))
    assert dry.decision.effects == ()


async def test_points_are_taken_back_where_the_card_went(till: Till) -> None:
    club = await cards_of(till, "plastic-1", "plastic-2")
    await till.campaign(earns(club))
    for number in (1, 2):
        cards = (f"plastic-{number}",)
        await till.put(f"s{number}", cart_items=[TEA], loyalty_cards=cards, state="closed")
    await transfer_card(till.shop, club, "plastic-1", "plastic-9", "lost", till.now)
    await delete_card(till.shop, club, "plastic-2", uuid4(), Cause(), till.now)
    cancelled = await till.put("s1", state="cancelled")
    assert told(cancelled.decision.effects) == [("RollbackAddedPoints", 30)]
    assert await on_card(till, club, "plastic-9") == Balances()
    gone = await till.put("s2", state="cancelled")
    assert gone.decision.effects == ()
    assert await complaints(till.shop.database) == []


async def test_two_programs_of_one_number_and_a_tier(till: Till) -> None:
    club = await cards_of(till, "4711", tiers=[("Silver", 20)])
    other = await cards_of(till, "4711", name="fuel")
    own = await club_of(till, name="own")
    await till.campaign(
        *(earns(each) for each in (club, other, own)),
        rule(f'loyaltyTier({club.id}) == "Silver"', 'setDiscount("silver", 1)'),
    )
    sent: dict[str, Any] = {"profile_id": "anna", "cart_items": [TEA], "loyalty_cards": ("4711",)}
    opened = await till.put(**sent)
    program = till.shop.program(till.application.id)
    shown = points_told(program, opened)
    assert [each.program.id for each in shown.programs] == [own.id]
    assert [(each.card.identifier, each.program.id) for each in shown.cards] == [
        ("4711", club.id),
        ("4711", other.id),
    ]
    ledger = shown.cards[0].ledgers[""]
    assert (ledger.current, ledger.tentative) == (Balances(), Balances(Decimal(30)))
    closed = await till.put(state="closed")
    assert [kind for kind, _ in told(closed.decision.effects)] == ["AddLoyaltyPoints"] * 3
    ledger = points_told(program, closed).cards[0].ledgers[""]
    assert ledger.current == ledger.tentative == Balances(Decimal(30))
    assert ledger.standing.tier is not None
    assert ledger.standing.tier.name == "Silver"
    assert await balances(till, own, "anna") == Balances(Decimal(30))
    second = await till.put("s2", **sent)
    assert ("SetDiscount", Decimal(1)) in told(second.decision.effects)
    assert await complaints(till.shop.database) == []


async def test_whoever_is_erased_leaves_no_card_and_the_points_go_back(till: Till) -> None:
    club = await cards_of(till, "plastic-1")
    await till.campaign(earns(club))
    sent: dict[str, Any] = {"cart_items": [TEA], "loyalty_cards": ("plastic-1",)}
    await till.put(profile_id="anna", state="closed", **sent)
    await erase_customer(till.shop, till.application.id, "anna", till.now)
    session = await till.read()
    (kept,) = (each.outcome for each in session.effects)
    assert isinstance(kept, AddLoyaltyPoints)
    assert (session.loyalty_cards, kept.card, kept.recipient) == ((), "", "")
    cancelled = await till.put(state="cancelled")
    assert told(cancelled.decision.effects) == [("RollbackAddedPoints", 30)]
    assert await on_card(till, club, "plastic-1") == Balances()
    assert (await read_card(till.shop, till.shop.database, club, "plastic-1")).links == ()
    assert await complaints(till.shop.database) == []


async def test_cards_are_read_where_rules_use_them(till: Till) -> None:
    club, own = await cards_of(till), await club_of(till, name="own")
    names_one = Asking(till.now, loyalty_cards=("plastic-1",))

    def question(asking: Asking) -> bytes | None:
        return asked(till.shop.program(till.application.id), asking, ("owners", "points"))

    await till.campaign(rule("true", f'addLoyaltyPoints("own", {own.id}, "", 1)'))
    points = b'"points":{"programs":[%d],"session":false}' % own.id
    assert question(names_one) == b"{" + points + b"}"
    await till.campaign(earns(club))
    owners = b'{"owners":{"cards":%s,"card_programs":[%d],"advocate":null,"session":false},'
    assert question(names_one) == owners % (b'["plastic-1"]', club.id) + points + b"}"
    assert question(Asking(till.now)) == owners % (b"null", club.id) + points + b"}"
    assert question(Asking(till.now, dry=True)) == b"{" + points + b"}"
    assert question(Asking(till.now, loyalty_cards=())) == b"{" + points + b"}"
