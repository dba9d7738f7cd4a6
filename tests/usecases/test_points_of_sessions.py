"""Points that sessions give and take: tentative while open, posted at closing, taken back after."""

from decimal import Decimal
from uuid import uuid4

import pytest

from habitue.loyalty.ledger import Balances, Cause
from habitue.promotions.effects import (
    AddLoyaltyPoints,
    ChangeLoyaltyTierLevel,
    DeductLoyaltyPoints,
    RollbackAddedPoints,
)
from habitue.promotions.evaluate import Purpose
from habitue.promotions.resources import Asking
from habitue.promotions.returned import ReturnWish
from habitue.usecases.erase_customer import erase_customer
from habitue.usecases.resources import asked
from tests.building import Till, item, rule
from tests.usecases.points_shop import complaints
from tests.usecases.points_till import balances, club_of, gift, of_points, told, transactions

TEA = item("tea", 10, 3)


def points(active: int, **others: int) -> Balances:
    return Balances(Decimal(active), **{name: Decimal(each) for name, each in others.items()})


async def test_an_open_session_promises_and_a_closed_one_posts(till: Till) -> None:
    club = await club_of(till)
    await till.campaign(
        rule("session.total > 0", f'addLoyaltyPoints("tea", {club.id}, "", session.total)')
    )
    opened = await till.put(profile_id="anna", cart_items=[TEA])
    (promise,) = of_points(opened)
    assert isinstance(promise, AddLoyaltyPoints)
    assert promise.value == Decimal(30)
    assert (promise.recipient, promise.start) == ("anna", till.now)
    assert await transactions(till.shop.database) == []
    again = await till.put(profile_id="anna", cart_items=[TEA])
    assert [each.key for each in of_points(again)] == [promise.key]
    closed = await till.put(state="closed")
    assert [each.key for each in of_points(closed)] == [promise.key]
    assert await transactions(till.shop.database) == [("earn", 30)]
    assert await balances(till, club, "anna") == points(30)
    assert await complaints(till.shop.database) == []


async def test_a_dry_run_says_the_same_and_posts_nothing(till: Till) -> None:
    club = await club_of(till)
    await till.campaign(rule("true", f'addLoyaltyPoints("tea", {club.id}, "", 5.005)'))
    dry = await till.put(
        profile_id="anna", cart_items=[TEA], state="closed", purpose=Purpose(dry=True)
    )
    assert told(dry.decision.effects) == [("AddLoyaltyPoints", Decimal("5.01"))]
    assert await transactions(till.shop.database) == []


async def test_points_per_unit_are_taken_back_with_the_unit(till: Till) -> None:
    club = await club_of(till, return_policy="unlimited")
    each = f'addLoyaltyPointsPerItem("tea", {club.id}, "", lambda item: item.price)'
    await till.campaign(rule("true", each))
    closed = await till.put(profile_id="anna", cart_items=[TEA], state="closed")
    units = [(it.position, it.sub_position, it.value) for it in of_points(closed)]
    assert units == [(0, 0, 10), (0, 1, 10), (0, 2, 10)]
    assert len({it.key for it in of_points(closed)}) == 3
    back = await till.give_back("s1", ReturnWish(position=0, quantity=2))
    assert [(it.position, it.sub_position, it.value) for it in of_points(back)] == [
        (0, 0, 10),
        (0, 1, 10),
    ]
    assert await balances(till, club, "anna") == points(10)
    cancelled = await till.put(state="cancelled")
    (last,) = of_points(cancelled)
    assert isinstance(last, RollbackAddedPoints)
    assert last.value == Decimal(10)
    assert (last.sub_position, last.key) == (2, of_points(closed)[2].key)
    assert await balances(till, club, "anna") == points(0)
    assert await complaints(till.shop.database) == []


async def test_points_are_spent_only_where_there_are_enough(till: Till) -> None:
    club = await club_of(till)
    await till.campaign(
        rule(
            "session.total > 0",
            f'deductLoyaltyPoints("pays", {club.id}, "", 100)',
            'setDiscount("paid", 10)',
        )
    )
    without = await till.put(profile_id="anna", cart_items=[TEA])
    assert without.decision.effects == ()
    await gift(till, club, "anna", 150, key=uuid4(), subledger="", cause=Cause(name="gift"))
    paid = await till.put(state="closed")
    assert told(paid.decision.effects) == [("DeductLoyaltyPoints", 100), ("SetDiscount", 10)]
    assert await balances(till, club, "anna") == points(50, spent=100)
    reopened = await till.reopen()
    assert told(reopened.decision.effects) == [
        ("RollbackDeductedPoints", 100),
        ("RollbackDiscount", 10),
    ]
    assert await balances(till, club, "anna") == points(150)
    await till.put(state="closed")
    assert await balances(till, club, "anna") == points(50, spent=100)
    assert await complaints(till.shop.database) == []


@pytest.mark.parametrize(
    ("policy", "pending", "told_back", "left"),
    [
        ("only_pending", "immediate", [], points(10)),
        ("only_pending", "30D", [("RollbackAddedPoints", 30)], points(0)),
        ("within_balance", "immediate", [("RollbackAddedPoints", 10)], points(0)),
        ("unlimited", "immediate", [("RollbackAddedPoints", 30)], points(0, negative=20)),
    ],
)
async def test_how_much_is_taken_back_is_the_policy_of_the_program(
    till: Till,
    policy: str,
    pending: str,
    told_back: list[tuple[str, int]],
    left: Balances,
) -> None:
    club = await club_of(till, return_policy=policy, default_pending=pending)
    add = f'addLoyaltyPoints("tea", {club.id}, "", 30)'
    spend = f'deductLoyaltyPoints("pays", {club.id}, "", 20)'
    await till.campaign(rule('session.integration_id == "s1"', add))
    await till.campaign(rule('session.integration_id == "s2"', spend))
    await till.put("s1", profile_id="anna", cart_items=[TEA], state="closed")
    await till.put("s2", profile_id="anna", cart_items=[TEA], state="closed")
    cancelled = await till.put("s1", state="cancelled")
    assert told(cancelled.decision.effects) == told_back
    found = await balances(till, club, "anna")
    assert found == Balances(left.active, spent=found.spent, negative=left.negative)
    assert await complaints(till.shop.database) == []


async def test_a_tier_is_told_when_it_is_reached_and_once(till: Till) -> None:
    club = await club_of(till, tiers=[("silver", 50), ("gold", 100)])
    await till.campaign(
        rule("true", f'addLoyaltyPoints("tea", {club.id}, "", 60)'),
        rule(f'loyaltyTier({club.id}) == "silver"', 'setDiscount("for silver", 1)'),
        rule('profile.loyalty.attributes["club"].tier == "silver"', 'setDiscount("by name", 1)'),
        rule(f"loyaltyPointsRedeemable({club.id}, 61)", 'setDiscount("rich", 1)'),
        rule(
            f'loyaltyBalance({club.id}) + 60 == loyaltyBalance({club.id}, "tentativeCurrent")',
            'setDiscount("as promised", 1)',
        ),
    )
    first = await till.put("s1", profile_id="anna", cart_items=[TEA], state="closed")
    assert [each for each in of_points(first) if isinstance(each, ChangeLoyaltyTierLevel)] == [
        ChangeLoyaltyTierLevel(club.id, "", "silver")
    ]
    assert told(first.decision.effects)[1:] == [("SetDiscount", 1)]
    second = await till.put("s2", profile_id="anna", cart_items=[TEA], state="closed")
    assert [each for each in of_points(second) if isinstance(each, ChangeLoyaltyTierLevel)] == [
        ChangeLoyaltyTierLevel(club.id, "", "gold", "silver")
    ]
    assert [each.name for each in of_points(second)[2:]] == [
        "for silver",
        "by name",
        "rich",
        "as promised",
    ]
    third = await till.put("s3", profile_id="anna", cart_items=[TEA], state="closed")
    assert not any(isinstance(each, ChangeLoyaltyTierLevel) for each in of_points(third))


async def test_several_programs_and_subledgers_in_one_session(till: Till) -> None:
    club, other = await club_of(till), await club_of(till, "other")
    await till.campaign(
        rule(
            "true",
            f'addLoyaltyPoints("a", {club.id}, "", 1)',
            f'addLoyaltyPoints("b", {club.id}, "", 2)',
            f'addLoyaltyPoints("c", {club.id}, "coins", 4)',
            f'addLoyaltyPoints("d", {other.id}, "", 8)',
        )
    )
    closed = await till.put(profile_id="anna", cart_items=[TEA], state="closed")
    assert len({each.key for each in of_points(closed)}) == 4
    assert await balances(till, club, "anna") == points(3)
    assert await balances(till, club, "anna", "coins") == points(4)
    assert await balances(till, other, "anna") == points(8)


async def test_a_rule_that_fails_takes_and_gives_no_points(till: Till) -> None:
    club = await club_of(till)
    failing = 'setDiscount("never", 1 / (session.total - session.total))'
    await till.campaign(
        rule("true", f'addLoyaltyPoints("a", {club.id}, "", 100)', failing),
        rule("true", f'deductLoyaltyPoints("b", {club.id}, "", 100)'),
        rule("true", f'addLoyaltyPoints("c", {club.id}, "", 1)'),
    )
    closed = await till.put(profile_id="anna", cart_items=[TEA], state="closed")
    assert told(closed.decision.effects) == [("AddLoyaltyPoints", 1)]
    assert await balances(till, club, "anna") == points(1)


async def test_nobody_gives_points_to_an_anonymous_cart_or_in_programs_of_others(
    till: Till,
) -> None:
    club = await club_of(till, subscribed_application_ids=())
    await till.campaign(rule("true", f'addLoyaltyPoints("a", {club.id}, "", 100)'))
    refused = await till.put("s1", profile_id="anna", cart_items=[TEA], state="closed")
    assert refused.decision.effects == ()
    mine = await club_of(till, "mine")
    await till.campaign(rule("true", f'addLoyaltyPoints("a", {mine.id}, "", 100)'))
    anonymous = await till.put("s2", cart_items=[TEA], state="closed")
    assert anonymous.decision.effects == ()
    assert await transactions(till.shop.database) == []


async def test_the_rest_is_judged_again_with_the_points_that_closing_found(till: Till) -> None:
    club = await club_of(till, return_policy="unlimited")
    spend = f'deductLoyaltyPoints("pays", {club.id}, "", 100)'
    add = f'addLoyaltyPoints("total", {club.id}, "coins", session.total)'
    await till.campaign(rule("session.total > 0", spend, add), reevaluate_on_return=True)
    await till.put("s0", profile_id="anna")
    await gift(till, club, "anna", 100, key=uuid4(), subledger="", cause=Cause(name="gift"))
    await till.put("s1", profile_id="anna", cart_items=[TEA], state="closed")
    back = await till.give_back("s1", ReturnWish(position=0, quantity=1), run_rules=True)
    assert told(back.decision.effects) == [
        ("RollbackAddedPoints", 30),
        ("AddLoyaltyPoints", 20),
    ]
    assert await balances(till, club, "anna") == points(0, spent=100)
    assert await balances(till, club, "anna", "coins") == points(20)
    stored = await till.read("s1")
    assert told(stored.effects) == [("DeductLoyaltyPoints", 100), ("AddLoyaltyPoints", 20)]
    cancelled = await till.put("s1", state="cancelled")
    assert told(cancelled.decision.effects) == [
        ("RollbackDeductedPoints", 100),
        ("RollbackAddedPoints", 20),
    ]
    assert await balances(till, club, "anna") == points(100)
    assert await balances(till, club, "anna", "coins") == points(0)
    assert await complaints(till.shop.database) == []


async def test_deducted_and_added_in_one_session_come_back_both(till: Till) -> None:
    club = await club_of(till, return_policy="unlimited")
    await till.campaign(
        rule(
            "true",
            f'addLoyaltyPoints("a", {club.id}, "", 100)',
            f'deductLoyaltyPoints("b", {club.id}, "", 100)',
        )
    )
    closed = await till.put("s1", profile_id="anna", cart_items=[TEA], state="closed")
    assert isinstance(of_points(closed)[1], DeductLoyaltyPoints)
    await till.put("s1", state="cancelled")
    assert await balances(till, club, "anna") == points(0)
    assert await complaints(till.shop.database) == []


async def test_erasing_a_person_takes_names_out_of_points_and_leaves_amounts(till: Till) -> None:
    club = await club_of(till)
    await till.campaign(rule("true", f'addLoyaltyPoints("for anna", {club.id}, "", 5)'))
    await till.put("s1", profile_id="anna", cart_items=[TEA], state="closed")
    await erase_customer(till.shop, till.application.id, "anna", till.now)
    for table, column in (("session", "document"), ("session_event", "effects")):
        rows = await till.shop.database.fetch(f"SELECT {column}::text AS text FROM {table}")
        assert [row["text"] for row in rows if "anna" in row["text"]] == []
    assert told((await till.read("s1")).effects) == [("AddLoyaltyPoints", 5)]
    assert await complaints(till.shop.database) == []


async def test_what_rules_do_not_use_is_not_read(till: Till) -> None:
    asking = Asking(till.now)
    assert asked(till.shop.program(till.application.id), asking, ("points",)) is None
    club, _ = await club_of(till), await club_of(till, "other")
    assert asked(till.shop.program(till.application.id), asking, ("points",)) is None
    await till.campaign(rule("true", f'addLoyaltyPoints("tea", {club.id}, "", 1)'))
    program = till.shop.program(till.application.id)
    question = b'{"points":{"programs":[%d],"session":false}}' % club.id
    assert asked(program, asking, ("points",)) == question
