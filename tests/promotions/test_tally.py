"""The tally of budgets as a value: addresses, taking, rolling back, what is written."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from habitue.promotions.budgets import Budget, Budgets, Counted, Place, Take, limit_name
from habitue.promotions.campaign import Limit
from habitue.promotions.coupon import Coupon
from habitue.promotions.effects import AddFreeItem, Effect, SetDiscount
from habitue.promotions.tally import BudgetUsedUp, Tally, gives_of, takes_of

NOW = datetime(2026, 6, 15, 12, 0, tzinfo=UTC)


def limit(action: Any, amount: int | str, *entities: Any, period: Any = None) -> Limit:
    return Limit(action, Decimal(amount), entities, period)


def place(**fields: Any) -> Place:
    return Place(NOW, UTC, **fields)


def tally(*limits: Limit, read: Budgets | None = None, **fields: Any) -> Tally:
    return Tally({7: limits}, read or Budgets(), place(**fields))


def discount(value: int | str, coupon_id: int | None = None, campaign_id: int = 7) -> Effect:
    return Effect(campaign_id, 1, 0, "rule", SetDiscount("off", Decimal(value)), coupon_id)


def test_names_tell_action_entities_and_the_period() -> None:
    assert limit_name(limit("setDiscount", 1), NOW, UTC) == "setDiscount/"
    weekly = limit("redeemCoupon", 1, "Store", "Coupon", period="weekly")
    assert limit_name(weekly, NOW, UTC) == (
        "redeemCoupon/Coupon,Store/weekly/2026-06-15T00:00:00+00:00"
    )


def test_a_store_has_a_budget_of_its_own() -> None:
    kept = limit("setDiscount", 10, "Store")
    north = Budget(7, "setDiscount/Store", store="north")
    read = Budgets(shared=(Counted(north, Decimal(8)),))
    assert tally(kept, read=read, store="north").remaining(7, 0, "setDiscount") == 2
    assert tally(kept, read=read, store="south").remaining(7, 0, "setDiscount") == 10
    assert tally(kept, read=read).remaining(7, 0, "setDiscount") is None


@pytest.mark.parametrize(
    ("entities", "fields", "refusal"),
    [
        ((), {}, "CampaignLimitReached"),
        (("Coupon",), {}, "CouponLimitReached"),
        (("Profile", "Store"), {"has_profile": True, "store": "north"}, "ProfileLimitReached"),
        (("Profile", "Store"), {"store": "north"}, "ProfileRequired"),
        (("Identifier",), {"identifiers": ("a",)}, "ProfileLimitReached"),
        (("Identifier",), {"closes": True}, "EffectCouldNotBeApplied"),
        (("Identifier",), {}, None),
    ],
)
def test_why_a_coupon_is_refused(
    entities: tuple[str, ...], fields: dict[str, Any], refusal: str | None
) -> None:
    coupon = Coupon(3, 1, 7, "SALE", NOW)
    found = tally(limit("redeemCoupon", 0, *entities), **fields)
    assert found.coupon_refusal(coupon) == refusal


def test_the_least_of_several_budgets_counts_and_all_are_taken_from() -> None:
    daily = limit("setDiscount", 5, period="daily")
    found = tally(limit("setDiscount", 8), daily)
    assert found.remaining(7, 0, "setDiscount") == 5
    found.take(7, 0, "setDiscount", Decimal(4))
    assert found.remaining(7, 0, "setDiscount") == 1
    with pytest.raises(BudgetUsedUp, match="1 left"):
        found.take(7, 0, "setDiscount", Decimal(2))
    assert found.remaining(7, 0, "setDiscount") == 1


def test_a_coupon_s_own_discount_limit_is_one_more_budget() -> None:
    coupon = Coupon(3, 1, 7, "GIFT", NOW, discount_limit=Decimal(50), discount_counter=Decimal(45))
    found = Tally({}, Budgets(), place(), [coupon])
    assert found.remaining(7, 3, "setDiscount") == 5
    assert found.remaining(7, 0, "setDiscount") is None
    (take,) = takes_of(found, [discount(5, 3), discount(9)], ())
    budget = Budget(7, "discountLimit", coupon_id=3)
    assert take == Take(budget, Decimal(5), Decimal(50), shared=True)


def test_only_what_is_given_in_the_end_is_paid_for() -> None:
    found = tally(limit("setDiscount", 100), limit("addFreeItemEffect", 3))
    free = Effect(7, 1, 0, "rule", AddFreeItem("tea", "tea"))
    effects = [discount(4), discount(6), discount(5, campaign_id=8), free, free]
    takes = takes_of(found, effects, ())
    assert [(each.budget.name, each.amount) for each in takes] == [
        ("addFreeItemEffect/", Decimal(2)),
        ("setDiscount/", Decimal(10)),
    ]


def test_a_use_gives_back_no_more_than_it_was() -> None:
    of_coupon = Counted(Budget(7, "setDiscount/Coupon", coupon_id=3), Decimal(4))
    of_campaign = Counted(Budget(7, "setDiscount/"), Decimal(7))
    before = [discount(4, 3), discount(5)]
    gives = gives_of([of_campaign, of_coupon], before, [discount(1, 3)])
    assert gives == (
        Counted(of_campaign.budget, Decimal(7)),
        Counted(of_coupon.budget, Decimal(3)),
    )
    assert gives_of([of_campaign], before, before) == ()


_AMOUNTS = st.decimals(0, 20, places=2)


@given(st.lists(st.tuples(_AMOUNTS, st.booleans()), max_size=12))
def test_no_order_of_tries_takes_more_than_there_is(tries: list[tuple[Decimal, bool]]) -> None:
    found = tally(limit("setDiscount", 30))
    kept = Decimal(0)
    for amount, succeeds in tries:
        mark, before = found.mark(), found.remaining(7, 0, "setDiscount")
        try:
            found.take(7, 0, "setDiscount", amount)
        except BudgetUsedUp:
            assert before is not None
            assert amount > before
            continue
        if succeeds:
            kept += amount
        else:
            found.roll_back(mark)
    assert kept <= 30
    assert found.remaining(7, 0, "setDiscount") == 30 - kept
