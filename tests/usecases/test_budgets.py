"""Budgets of campaigns: what is taken at closing, what comes back, and for whom they count."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from habitue.promotions.effects import AcceptCoupon, RejectCoupon, SetDiscount
from habitue.promotions.returned import ReturnWish
from habitue.store.database import Database
from habitue.usecases.configure.limits import LimitWish
from habitue.usecases.session_state import SessionOutcome
from tests.building import Till, item, outcomes, rule

TEN_OFF = rule("session.total > 0", 'setDiscount("10 off", 10)')
COUPON = rule("couponValid()", 'setDiscount("10 off", 10)')
_CLOSED: dict[str, Any] = {"cart_items": [item("tea", 50)], "state": "closed"}


def limited(
    action: str, limit: int | str, *entities: str, period: Any = None
) -> tuple[LimitWish, ...]:
    return (LimitWish(action, Decimal(limit), entities, period),)


def given(outcome: SessionOutcome) -> Decimal:
    """The sum of the discounts on the whole session."""
    found = (each for each in outcomes(outcome.decision.effects) if isinstance(each, SetDiscount))
    return sum((each.value for each in found), Decimal(0))


def rejected(outcome: SessionOutcome) -> list[str]:
    found = outcomes(outcome.decision.effects)
    return [each.reason for each in found if isinstance(each, RejectCoupon)]


def accepted(outcome: SessionOutcome) -> list[str]:
    found = outcomes(outcome.decision.effects)
    return [each.value for each in found if isinstance(each, AcceptCoupon)]


async def left(database: Database) -> dict[str, Decimal]:
    """What remains of every shared budget, by name and place."""
    rows = await database.fetch(
        "SELECT name, coupon_id, identifier, store, sum(remaining) AS remaining "
        "FROM budget JOIN budget_slot ON budget_id = id GROUP BY 1, 2, 3, 4"
    )
    return {each["name"] + each["store"]: each["remaining"] for each in rows}


async def closes(till: Till, session_id: str, **fields: Any) -> SessionOutcome:
    return await till.put(session_id, **{**_CLOSED, **fields})


async def test_a_budget_of_money_is_given_out_to_the_last_unit_and_no_further(till: Till) -> None:
    await till.campaign(TEN_OFF, limits=limited("setDiscount", 35))
    found = [given(await closes(till, f"s{each}")) for each in range(5)]
    assert found == [10, 10, 10, 0, 0]
    assert await left(till.shop.database) == {"setDiscount/": Decimal(5)}


async def test_an_open_session_takes_nothing(till: Till) -> None:
    await till.campaign(TEN_OFF, limits=limited("setDiscount", 10))
    for each in ("s1", "s2"):
        assert given(await till.put(each, cart_items=[item("tea", 50)])) == 10
    assert given(await till.put("s1", state="closed")) == 10
    assert given(await till.put("s2", state="closed")) == 0
    assert given(await till.put("s3", cart_items=[item("tea", 50)])) == 0


@pytest.mark.parametrize("way", ["cancel", "reopen"])
async def test_what_is_taken_back_can_be_taken_again(till: Till, way: str) -> None:
    await till.campaign(TEN_OFF, limits=limited("setDiscount", 10))
    assert given(await closes(till, "s1")) == 10
    assert given(await closes(till, "s2")) == 0
    await (till.reopen("s1") if way == "reopen" else till.put("s1", state="cancelled"))
    assert await left(till.shop.database) == {"setDiscount/": Decimal(10)}
    assert await till.shop.database.fetchval("SELECT count(*) FROM budget_use") == 0
    assert given(await closes(till, "s3")) == 10
    if way == "reopen":
        assert given(await till.put("s1", state="closed")) == 0


async def test_a_return_gives_back_the_discounts_of_the_units_that_come_back(till: Till) -> None:
    await till.campaign(
        rule("session.total > 0", 'setDiscountPerItem("2 off", 2)'),
        limits=(*limited("setDiscount", 10), *limited("setDiscountEffect", 4)),
    )
    await closes(till, "s1", cart_items=[item("tea", 50, 4)])
    database = till.shop.database
    assert await left(database) == {"setDiscount/": Decimal(2), "setDiscountEffect/": 0}
    await till.give_back("s1", ReturnWish(0, quantity=1))
    assert await left(database) == {"setDiscount/": Decimal(4), "setDiscountEffect/": 1}
    await till.put("s1", state="cancelled")
    assert await left(database) == {"setDiscount/": Decimal(10), "setDiscountEffect/": 4}


async def test_a_return_that_runs_the_rules_takes_from_no_budget(till: Till) -> None:
    await till.campaign(
        rule("session.total > 60", 'setDiscount("a tenth", session.total / 10)'),
        limits=limited("setDiscount", 20),
        reevaluate_on_return=True,
    )
    assert given(await closes(till, "s1", cart_items=[item("tea", 50, 4)])) == 20
    assert given(await closes(till, "s2", cart_items=[item("tea", 50, 2)])) == 0
    await till.give_back("s1", ReturnWish(0, quantity=1), run_rules=True)
    assert await left(till.shop.database) == {"setDiscount/": Decimal(5)}
    assert given(await closes(till, "s3", cart_items=[item("tea", 50)])) == 0
    await till.give_back("s1", ReturnWish(0, quantity=2), run_rules=True)
    assert await left(till.shop.database) == {"setDiscount/": Decimal(20)}


async def test_a_limit_per_profile_counts_each_customer(till: Till) -> None:
    await till.campaign(TEN_OFF, limits=limited("setDiscount", 15, "Profile"))
    assert given(await closes(till, "s1", profile_id="maria")) == 10
    assert given(await closes(till, "s2", profile_id="maria")) == 0
    assert given(await closes(till, "s3", profile_id="paul")) == 10
    assert given(await closes(till, "s4")) == 0
    await till.put("s1", state="cancelled")
    assert given(await closes(till, "s5", profile_id="maria")) == 10
    assert await left(till.shop.database) == {}


async def test_what_an_open_session_said_counts_although_its_closing_does_not_say_it(
    till: Till,
) -> None:
    await till.campaign(TEN_OFF, limits=limited("setDiscount", 10, "Identifier"))
    cart = [item("tea", 50)]
    for each in ("s1", "s2"):
        await till.put(each, identifiers=("card-1",), cart_items=cart)
    assert given(await till.put("s1", state="closed")) == 10
    assert given(await till.put("s2", state="closed", profile_id="maria")) == 0


async def test_a_limit_per_identifier_counts_each_and_needs_one_to_close(till: Till) -> None:
    campaign = await till.campaign(COUPON, limits=limited("redeemCoupon", 1, "Identifier"))
    await till.coupon(campaign, usage_limit=0)
    fields: dict[str, Any] = {"coupon_codes": ("SALE",)}
    assert accepted(await closes(till, "s1", identifiers=("card-1", "card-2"), **fields)) == [
        "SALE"
    ]
    for each in ("card-1", "card-2"):
        outcome = await closes(till, each, identifiers=(each,), **fields)
        assert rejected(outcome) == ["ProfileLimitReached"]
    assert accepted(await closes(till, "s3", identifiers=("card-3",), **fields)) == ["SALE"]
    assert accepted(await till.put("s4", cart_items=[item("tea", 50)], **fields)) == ["SALE"]
    assert rejected(await till.put("s4", state="closed")) == ["EffectCouldNotBeApplied"]
    stored = await till.shop.database.fetch("SELECT identifier FROM budget")
    assert all("card" not in each["identifier"] for each in stored)


async def test_redemptions_of_a_whole_campaign(till: Till) -> None:
    campaign = await till.campaign(COUPON, limits=limited("redeemCoupon", 2))
    for code in ("ONE", "TWO", "THREE"):
        await till.coupon(campaign, code)
    outcome = await closes(till, "s1", coupon_codes=("ONE", "TWO", "THREE"))
    assert accepted(outcome) == ["ONE", "TWO"]
    assert rejected(outcome) == ["CampaignLimitReached"]
    await till.put("s1", state="cancelled")
    assert accepted(await closes(till, "s2", coupon_codes=("THREE",))) == ["THREE"]


async def test_a_limit_per_coupon_counts_the_coupons_apart(till: Till) -> None:
    campaign = await till.campaign(COUPON, limits=limited("setDiscount", 10, "Coupon"))
    for code in ("ONE", "TWO"):
        await till.coupon(campaign, code, usage_limit=0)
    for session_id, codes, worth in (
        ("s1", ("ONE",), 10),
        ("s2", ("ONE", "TWO"), 10),
        ("s3", ("ONE", "TWO"), 0),
    ):
        assert given(await closes(till, session_id, coupon_codes=codes)) == worth
    assert rejected(await closes(till, "s4", coupon_codes=("TWO",))) == ["EffectCouldNotBeApplied"]


async def test_a_limit_per_session_begins_anew_with_each(till: Till) -> None:
    two = rule("session.total > 0", 'setDiscount("a", 10)')
    more = rule("session.total > 0", 'setDiscount("b", 10)')
    await till.campaign(two, more, limits=limited("setDiscount", 15, "Session"))
    for each in ("s1", "s2"):
        assert given(await closes(till, each)) == 10
    assert await left(till.shop.database) == {}


@pytest.mark.parametrize(
    ("period", "last", "next_"),
    [
        ("daily", "2026-06-15T21:59", "2026-06-15T22:00"),
        ("weekly", "2026-06-21T21:59", "2026-06-21T22:00"),
        ("monthly", "2026-06-30T21:59", "2026-06-30T22:00"),
        ("yearly", "2026-12-31T22:59", "2026-12-31T23:00"),
    ],
)
async def test_a_period_is_that_of_the_application_s_calendar(
    till: Till, period: Any, last: str, next_: str
) -> None:
    await till.campaign(TEN_OFF, limits=limited("setDiscount", 10, period=period))
    assert given(await closes(till, "s1")) == 10
    till.now = datetime.fromisoformat(last).replace(tzinfo=UTC)
    assert given(await closes(till, "s2")) == 0
    till.now = datetime.fromisoformat(next_).replace(tzinfo=UTC)
    assert given(await closes(till, "s3")) == 10
    assert given(await closes(till, "s4")) == 0
    await till.put("s1", state="cancelled")
    assert given(await closes(till, "s5")) == 0


async def test_a_limit_that_is_changed_holds_at_once(till: Till) -> None:
    campaign = await till.campaign(TEN_OFF, limits=limited("setDiscount", 20))
    assert [given(await closes(till, f"a{each}")) for each in range(3)] == [10, 10, 0]
    await till.change_campaign(campaign, limits=limited("setDiscount", 30))
    assert [given(await closes(till, f"b{each}")) for each in range(2)] == [10, 0]
    await till.change_campaign(campaign, limits=limited("setDiscount", 15))
    await till.put("a0", state="cancelled")
    assert given(await closes(till, "c")) == 0
    await till.put("a1", state="cancelled")
    assert given(await closes(till, "d")) == 0
    await till.put("b0", state="cancelled")
    assert given(await closes(till, "e")) == 10


async def test_rules_can_ask_what_is_left(till: Till) -> None:
    limits = limited("setDiscount", 25)
    await till.campaign(
        rule('checkBudget("setDiscount", 20)', 'setDiscount("20 off", 20)'),
        rule(
            'checkBudget("setDiscount") and not checkBudget("setDiscount", 20)',
            'setDiscount("5 off", 5)',
        ),
        rule('not checkBudget("setDiscount")', 'addFreeItem("CONSOLATION", "a consolation")'),
        limits=limits,
    )
    found = [given(await closes(till, f"s{each}")) for each in range(2)]
    assert found == [25, 0]
    assert len((await closes(till, "s3")).decision.effects) == 1


async def test_one_rule_that_takes_too_much_leaves_the_budget_to_the_next(till: Till) -> None:
    await till.campaign(
        rule("session.total > 0", 'setDiscount("a", 6)', 'setDiscount("b", 6)'),
        rule("session.total > 0", 'setDiscount("c", 10)'),
        limits=limited("setDiscount", 10),
    )
    outcome = await closes(till, "s1")
    assert outcomes(outcome.decision.effects) == [SetDiscount("c", Decimal(10))]


async def test_a_budget_goes_with_its_campaign(till: Till) -> None:
    campaign = await till.campaign(TEN_OFF, limits=limited("setDiscount", 10))
    await closes(till, "s1")
    await till.delete_campaign(campaign)
    assert await left(till.shop.database) == {}
    await till.put("s1", state="cancelled")
    assert await till.shop.database.fetchval("SELECT count(*) FROM budget_use") == 0
