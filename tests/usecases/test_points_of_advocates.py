"""Points of a session for whoever brought the customer: given, taken back, merged, erased."""

import asyncio
from decimal import Decimal
from typing import Any

from habitue.customers.card import Actor
from habitue.customers.merge import MergeReason
from habitue.loyalty.ledger import Balances, Cause
from habitue.loyalty.program import LoyaltyProgram
from habitue.promotions.effects import (
    AddLoyaltyPoints,
    ChangeLoyaltyTierLevel,
    RejectReferral,
    RollbackAddedPoints,
)
from habitue.promotions.evaluate import Purpose
from habitue.promotions.returned import ReturnWish
from habitue.store.database import open_database
from habitue.store.location import External
from habitue.usecases.activate_points import Answering, activate_session
from habitue.usecases.erase_customer import erase_customer
from habitue.usecases.merge_customers import merge_customers
from habitue.usecases.shop import Shop, ShopSettings
from habitue.usecases.unmerge_customers import unmerge_customers
from habitue.usecases.writing import Reply
from tests.building import Till, item, rule
from tests.harness.planted import plant
from tests.usecases.points_shop import complaints
from tests.usecases.points_till import balances, club_of, of_points, told, transactions
from tests.usecases.test_issuing import refer

TEA = item("tea", 10, 3)
FRIENDS = 16


def points(active: int, **others: int) -> Balances:
    return Balances(Decimal(active), **{name: Decimal(each) for name, each in others.items()})


async def bringing(till: Till, *effects: str, **fields: Any) -> tuple[LoyaltyProgram, str]:
    """A program, and maria's code, for which a friend's session gives what those effects say."""
    club = await club_of(till, **{"return_policy": "unlimited", **fields})
    given = effects or ('addLoyaltyPoints("brought", {id}, "", 20, "", "", false, "Advocate")',)
    campaign = await till.campaign(
        rule("referralValid()", *(each.replace("{id}", str(club.id)) for each in given)),
        reevaluate_on_return=True,
    )
    return club, (await refer(till, campaign)).code


async def closes(till: Till, code: str, who: str = "paul", session: str = "s1") -> Any:
    sent: dict[str, Any] = {"cart_items": [TEA], "referral_code": code}
    return await till.put(session, profile_id=who, state="closed", **sent)


async def test_the_advocate_earns_when_the_friend_closes(till: Till) -> None:
    club, code = await bringing(till, tiers=[("Silver", 20)])
    sent: dict[str, Any] = {"profile_id": "paul", "cart_items": [TEA], "referral_code": code}
    await till.put(**sent)
    dry = await till.put("s9", purpose=Purpose(dry=True), **sent)
    assert ("AddLoyaltyPoints", Decimal(20)) in told(dry.decision.effects)
    assert await transactions(till.shop.database) == []
    closed = await till.put(state="closed")
    (given,) = (each for each in of_points(closed) if isinstance(each, AddLoyaltyPoints))
    assert (given.recipient, given.card, given.value) == ("maria", "", Decimal(20))
    # the tier is hers, and paul's session says nothing of it
    assert not [each for each in of_points(closed) if isinstance(each, ChangeLoyaltyTierLevel)]
    assert await balances(till, club, "maria") == points(20)
    assert await balances(till, club, "paul") == points(0)
    reopened = await till.reopen()
    (back,) = (each for each in of_points(reopened) if isinstance(each, RollbackAddedPoints))
    assert (back.recipient, back.value, back.key) == ("maria", Decimal(20), given.key)
    assert await balances(till, club, "maria") == points(0)
    await till.put(state="closed")
    assert await balances(till, club, "maria") == points(20)
    await till.put(state="cancelled")
    assert await balances(till, club, "maria") == points(0)
    kinds = [kind for kind, _ in await transactions(till.shop.database)]
    assert kinds == ["earn", "take_back"] * 2
    assert await complaints(till.shop.database) == []


async def test_both_earn_and_units_that_come_back_are_taken_from_both(till: Till) -> None:
    club, code = await bringing(
        till,
        'addLoyaltyPointsPerItem("hers", {id}, "coins", 5, session.cart_items, "", "", false, '
        '"Advocate")',
        'addLoyaltyPointsPerItem("his", {id}, "coins", 2)',
        'addLoyaltyPoints("whole", {id}, "coins", session.cart_item_total, "", "", false, '
        '"Advocate")',
    )
    await closes(till, code)
    assert await balances(till, club, "maria", "coins") == points(45)
    assert await balances(till, club, "paul", "coins") == points(6)
    await till.give_back("s1", ReturnWish(position=0, quantity=2), run_rules=True)
    assert await balances(till, club, "maria", "coins") == points(15)
    assert await balances(till, club, "paul", "coins") == points(2)
    assert await complaints(till.shop.database) == []


async def test_nobody_else_is_an_advocate(till: Till) -> None:
    club, code = await bringing(till)
    cards = await club_of(till, name="cards", card_based=True)
    await till.campaign(
        rule("true", f'addLoyaltyPoints("x", {club.id}, "", 1, "", "", false, "Advocate")'),
        rule("true", f'addLoyaltyPoints("x", {club.id}, "", 1, "", "", false, "anna")'),
        rule("true", f'addLoyaltyPoints("x", {cards.id}, "", 1, "", "", false, "Advocate")'),
    )
    asked = await till.put(
        profile_id="paul",
        cart_items=[TEA],
        referral_code=code,
        state="closed",
        purpose=Purpose(failures=True),
    )
    assert [value for kind, value in told(asked.decision.effects) if "Points" in kind] == [20]
    assert {
        "there is no advocate",
        "'anna' is nobody; points are for Current or Advocate",
        "the points of cards are on cards, and an advocate shows none",
    } <= {each.details for each in asked.decision.failures}
    # nobody brings herself
    own = await closes(till, code, "maria", "s2")
    assert [type(each) for each in of_points(own)] == [RejectReferral]
    assert await balances(till, club, "maria") == points(20)


async def test_points_that_await_are_activated_with_the_session(till: Till) -> None:
    club, code = await bringing(
        till,
        'addLoyaltyPoints("hers", {id}, "", 20, "on_action", "", false, "Advocate")',
        'addLoyaltyPoints("his", {id}, "", 7, "on_action")',
    )
    await closes(till, code)
    assert await balances(till, club, "maria") == points(0, pending=20)
    answering = Answering(lambda activated: Reply(200, str(len(activated)).encode()))
    reply = await activate_session(
        till.shop, club, till.application.id, "s1", Cause(), till.now, answering
    )
    assert reply.body == b"2"
    assert await balances(till, club, "maria") == points(20)
    assert await balances(till, club, "paul") == points(7)


async def test_what_was_returned_does_not_keep_the_rest_from_being_activated(till: Till) -> None:
    club = await club_of(till)
    each = f'addLoyaltyPointsPerItem("tea", {club.id}, "", 10, session.cart_items, "on_action")'
    await till.campaign(rule("true", each))
    await till.put(profile_id="paul", cart_items=[TEA], state="closed")
    await till.give_back("s1", ReturnWish(position=0, quantity=1))
    assert await balances(till, club, "paul") == points(0, pending=20)
    answering = Answering(lambda activated: Reply(200, str(len(activated)).encode()))
    reply = await activate_session(
        till.shop, club, till.application.id, "s1", Cause(), till.now, answering
    )
    assert reply.body == b"2"
    assert await balances(till, club, "paul") == points(20)


async def id_of(till: Till, name: str) -> int:
    found: int = await till.shop.database.fetchval(
        "SELECT customer_id FROM customer_identifier WHERE value = $1", name
    )
    return found


async def test_points_are_found_where_a_merge_took_them(till: Till) -> None:
    club, code = await bringing(till)
    await closes(till, code)
    await closes(till, code, "rosa", "s2")
    maria, paul = await id_of(till, "maria"), await id_of(till, "paul")
    till.wait(hours=1)
    reason = MergeReason(kind="request")
    await merge_customers(till.shop, paul, maria, Actor(), reason, till.now)
    assert await balances(till, club, "paul") == points(40)
    # who gave the points and who has them are one by now; and rosa's have gone there, too
    await till.put("s1", state="cancelled")
    assert await balances(till, club, "maria") == points(20)
    await unmerge_customers(till.shop, maria, Actor(), till.now)
    assert await balances(till, club, "maria") == points(20)
    await till.put("s2", state="cancelled")
    assert await balances(till, club, "maria") == points(0)
    assert await complaints(till.shop.database) == []


async def test_whoever_is_erased_is_not_named_in_sessions_of_friends(till: Till) -> None:
    _, code = await bringing(till)
    await closes(till, code)
    await till.reopen()
    await closes(till, code)
    await erase_customer(till.shop, till.application.id, "maria", till.now)
    database = till.shop.database
    for table, column in (("session", "document"), ("session_event", "effects")):
        rows = await database.fetch(f"SELECT {column}::text AS text FROM {table}")
        assert [row["text"] for row in rows if '"maria"' in (row["text"] or "")] == []
    cancelled = await till.put("s1", state="cancelled")
    assert ("RollbackAddedPoints", Decimal(20)) in told(cancelled.decision.effects)
    assert await complaints(database) == []


async def brought_by_all(till: Till, url: str) -> tuple[int, Decimal]:
    """What maria has when many friends close with her code at once, each at a till of its own: the
    number of her lots, and what her account says that she can spend."""
    _, code = await bringing(till)
    await closes(till, code)
    async with open_database(
        External(url), pool_size_max=FRIENDS, patience_seconds=120, lock_wait_seconds=120
    ) as many:
        await asyncio.gather(*(many.fetchval("SELECT pg_sleep(0.05)") for _ in range(FRIENDS)))

        async def bring(number: int) -> None:
            shop = Shop(many, ShopSettings(lock_wait_seconds=120))
            await shop.refresh()
            await closes(Till(shop, till.application), code, f"friend-{number}", f"f{number}")

        await asyncio.gather(*map(bring, range(FRIENDS)))
    database = till.shop.database
    lots = await database.fetchval("SELECT count(*) FROM loyalty_lot WHERE amount = 20")
    return lots, await database.fetchval("SELECT sum(active) FROM loyalty_account")


async def test_many_friends_at_once_bring_every_point(till: Till, database_url: str) -> None:
    assert await brought_by_all(till, database_url) == (FRIENDS + 1, Decimal(20 * FRIENDS + 20))
    assert await complaints(till.shop.database) == []


async def test_without_both_guards_the_balance_forgets_some(till: Till, database_url: str) -> None:
    await plant(till.shop.database, "no version of the customer")
    await plant(till.shop.database, "no version of the account")
    lots, active = await brought_by_all(till, database_url)
    assert (lots, active < 20 * lots) == (FRIENDS + 1, True)
