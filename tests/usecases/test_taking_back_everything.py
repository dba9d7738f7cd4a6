"""A session that is closed and taken back has counted nowhere: in no coupon, referral code, budget,
account of points, achievement or customer. A dry closing counts nowhere either, and says the same.

What the contract keeps (codes that were made, reservations and giveaways) is not given here.
"""

from collections.abc import Awaitable, Callable
from decimal import Decimal
from itertools import product
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest

from habitue.loyalty.ledger import Cause
from habitue.promotions.evaluate import Purpose
from habitue.promotions.returned import ReturnWish
from habitue.store.database import Database
from habitue.usecases.configure.limits import LimitWish
from habitue.usecases.configure.stores import StoreFields, create_store
from habitue.usecases.session_state import SessionOutcome
from tests.building import Till, item, rule
from tests.harness.budget_judge import budget_violations
from tests.harness.judge import violations
from tests.harness.scarcity_judge import scarcity_violations
from tests.usecases.points_shop import complaints
from tests.usecases.points_till import club_of, gift
from tests.usecases.test_achievements import FEATURES, target
from tests.usecases.test_issuing import refer

#: Every counter of the database, where it counts anything.
COUNTERS = (
    "SELECT code, usage_counter, discount_counter FROM coupon "
    "WHERE usage_counter > 0 OR discount_counter > 0",
    "SELECT code, usage_counter FROM referral WHERE usage_counter > 0",
    "SELECT name, coupon_id, identifier, store, granted - sum(remaining) FROM budget "
    "JOIN budget_slot ON budget_id = budget.id GROUP BY budget.id, name, coupon_id, identifier, "
    "store, granted HAVING granted <> sum(remaining)",
    "SELECT campaign_id, name, session_id, amount FROM budget_use",
    "SELECT id, closed_sessions, total_sales FROM customer WHERE total_sales > 0 "
    "OR closed_sessions > 0",
    "SELECT customer_id, open, held, spent, debt FROM loyalty_account "
    "WHERE open <> 0 OR held <> 0 OR spent <> 0 OR debt <> 0",
    "SELECT customer_id, progress FROM achievement_progress WHERE progress > 0",
    "SELECT coupon_id, session_id FROM redemption",
    "SELECT referral_id, session_id FROM referral_use",
)
Way = Callable[[Till, str], Awaitable[object]]


async def counted(database: Database) -> list[set[tuple[Any, ...]]]:
    """What every counter counts."""
    return [set(map(tuple, await database.fetch(each))) for each in COUNTERS]


@pytest.fixture
async def till(database: Database) -> Till:
    """A shop in which one session counts everywhere."""
    till = await Till.opened(database)
    for place in ("berlin", "hamburg"):
        fields = StoreFields(name=place, integration_id=place)
        await create_store(till.shop, till.application.id, fields, till.now)
    sale = await till.campaign(
        rule("couponValid()", 'setDiscount("sale", 5)'),
        name="sale",
        limits=(
            LimitWish("redeemCoupon", Decimal(90)),
            LimitWish("redeemCoupon", Decimal(80), ("Profile",)),
            LimitWish("setDiscount", Decimal(700), ("Identifier",), "monthly"),
        ),
    )
    await till.coupon(sale, "SALE", usage_limit=70)
    worth = await till.campaign(rule("couponValid()", 'setDiscount("gift", 10)'), name="gift")
    await till.coupon(worth, "GIFT", usage_limit=0, discount_limit=Decimal(60))
    friends = await till.campaign(
        rule("referralValid()", 'setDiscount("friend", 3)'),
        name="friends",
        limits=(LimitWish("redeemReferral", Decimal(50)),),
    )
    await refer(till, friends, usage_limit=40)
    await till.campaign(
        rule("true", 'setDiscountPerItem("one", 1)', 'addFreeItem("cup", "a cup")'),
        name="units",
        limits=(
            LimitWish("setDiscountEffect", Decimal(300), ("Store",), "weekly"),
            LimitWish("addFreeItemEffect", Decimal(20)),
        ),
    )
    club = await club_of(till, return_policy="unlimited")
    drinker = await target(till, 1000)
    await till.campaign(
        rule("true", f'addLoyaltyPoints("earned", {club.id}, "", session.total)'),
        rule(
            f"loyaltyPointsRedeemable({club.id}, 7)", f'deductLoyaltyPoints("", {club.id}, "", 7)'
        ),
        rule("true", f"increaseAchievementProgress({drinker.id}, session.total)"),
        name="club",
        features=FEATURES,
        limits=(LimitWish("createLoyaltyPoints", Decimal(10000)),),
    )
    await till.put("known", profile_id="paul")
    await gift(till, club, "paul", 100, key=uuid4(), subledger="", cause=Cause(name="gift"))
    return till


async def cancels(till: Till, name: str) -> None:
    await till.put(name, state="cancelled")


async def reopens(till: Till, name: str) -> None:
    await till.reopen(name)


async def closes_twice(till: Till, name: str) -> None:
    await till.reopen(name)
    await till.put(name, state="closed")
    await till.put(name, state="cancelled")


async def returns_some(till: Till, name: str) -> None:
    await till.give_back(name, ReturnWish(0, quantity=1))
    await till.put(name, state="cancelled")


async def returns_all(till: Till, name: str) -> None:
    for position in (1, 0):
        await till.give_back(name, ReturnWish(position))
    await till.put(name, state="cancelled")


WAYS: tuple[Way, ...] = (cancels, reopens, closes_twice, returns_some, returns_all)
CARTS = ([item("tea", "9.99", 3), item("pot", 40)], [item("tea", 1, 1), item("cup", "0.01", 2)])
CODES: tuple[dict[str, Any], ...] = (
    {"coupon_codes": ("SALE", "GIFT"), "identifiers": ("card-1", "card-2")},
    {"coupon_codes": ("GIFT",), "store_integration_id": "berlin"},
    {"coupon_codes": (), "store_integration_id": "hamburg"},
)


async def test_what_is_taken_back_has_counted_nowhere(till: Till) -> None:
    database = till.shop.database
    code = await database.fetchval("SELECT code FROM referral")
    stays = {"profile_id": "paul", "cart_items": CARTS[0], "state": "closed", **CODES[0]}
    await till.put("stays", **stays)
    counts = set[int]()
    for number, (way, cart, codes) in enumerate(product(WAYS, CARTS, CODES)):
        name = f"s{number}"
        sent = {"profile_id": "paul", "referral_code": code, "cart_items": cart, **codes}
        await till.put(name, **sent)
        before = await counted(database)
        await till.put(name, state="closed")
        closed = await counted(database)
        counts |= {index for index, each in enumerate(closed) if each != before[index]}
        await way(till, name)
        assert await counted(database) == before, (way.__name__, cart, codes)
    assert counts == set(range(len(COUNTERS))), "each counter has counted something meanwhile"
    wrong = [await violations(database), await budget_violations(database)]
    wrong += [await scarcity_violations(database), await complaints(database)]
    assert wrong == [[], [], [], []]


def told(outcome: SessionOutcome) -> list[tuple[int, Any]]:
    """What an answer gives, and which campaign does; without the keys, which a session gives."""
    nobody = {"key": UUID(int=0), "iteration_id": 0}
    found = []
    for effect in outcome.decision.effects:
        keys = {name: each for name, each in nobody.items() if hasattr(effect.outcome, name)}
        found.append((effect.campaign_id, msgspec.structs.replace(effect.outcome, **keys)))
    return found


async def test_a_dry_closing_says_what_a_closing_does(till: Till) -> None:
    database = till.shop.database
    code = await database.fetchval("SELECT code FROM referral")
    for number, (cart, codes) in enumerate(product(CARTS, CODES)):
        sent = {"profile_id": "paul", "referral_code": code, "cart_items": cart, **codes}
        before = await counted(database)
        dry = await till.put(f"s{number}", state="closed", purpose=Purpose(dry=True), **sent)
        assert await counted(database) == before
        closed = await till.put(f"s{number}", state="closed", **sent)
        assert told(dry) == told(closed) != []
        await till.put(f"s{number}", state="cancelled")
