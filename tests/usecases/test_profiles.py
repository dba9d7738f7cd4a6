"""What is known of a customer: laid over, evaluated, stored together, and erased."""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from habitue.model.errors import InvalidInput, NotFound
from habitue.model.idempotency import Idempotency
from habitue.promotions.decide_profile import ProfileCommand
from habitue.promotions.effects import (
    RollbackCoupon,
    RollbackDiscount,
    SetDiscount,
    UpdateAttribute,
)
from habitue.promotions.evaluate import Purpose
from habitue.usecases.erase_customer import erase_customer
from habitue.usecases.update_profile import ProfileOutcome, update_profiles
from habitue.usecases.writing import Reply
from tests.building import NOW, Till, item, outcomes, rule, stored
from tests.harness.judge import violations


async def send(till: Till, *commands: ProfileCommand) -> list[ProfileOutcome]:
    told: list[ProfileOutcome] = []

    def render(found: Sequence[ProfileOutcome], program: object) -> Reply:
        told[:] = found
        return Reply(200, b"{}")

    await update_profiles(till.shop, till.application.id, commands, till.now, render)
    return told


async def attributes(till: Till) -> list[dict[str, Any]]:
    return [each["attributes"] for each in (await stored(till.shop.database))["customer"]]


async def test_attributes_are_laid_over_and_null_removes(till: Till) -> None:
    (outcome,) = await send(till, ProfileCommand("maria", {"Name": "Maria", "City": "Bonn"}))
    assert outcome.event_type == "talon_profile_created"
    (outcome,) = await send(till, ProfileCommand("maria", {"City": None, "Phone": "1"}))
    assert outcome.event_type == "talon_profile_updated"
    assert await attributes(till) == [{"Name": "Maria", "Phone": "1"}]


async def test_only_a_request_that_runs_the_rules_is_activity(till: Till) -> None:
    select = "SELECT last_activity FROM customer"
    await send(till, ProfileCommand("maria", {}))
    till.wait(hours=1)
    await send(till, ProfileCommand("maria", {"Name": "Maria"}))
    assert await till.shop.database.fetchval(select) == NOW
    await send(till, ProfileCommand("maria", {}, Purpose(dry=True)))
    assert await till.shop.database.fetchval(select) == NOW
    await send(till, ProfileCommand("maria", {}, Purpose()))
    assert await till.shop.database.fetchval(select) == NOW + timedelta(hours=1)


async def test_rules_run_without_a_session(till: Till) -> None:
    settle = 'updateAttribute("Profile.Attributes.City", "Bonn")'
    await till.campaign(
        rule('profile.attributes["Name"] == "Maria"', settle),
        rule("session.total > 0", 'setDiscount("never", 1)'),
    )  # fmt: skip
    (outcome,) = await send(till, ProfileCommand("maria", {"Name": "Maria"}, Purpose()))
    expected = [UpdateAttribute("Profile.Attributes.City", "Bonn")]
    assert outcomes(outcome.decision.effects) == expected
    assert await attributes(till) == [{"Name": "Maria", "City": "Bonn"}]


async def test_a_dry_run_stores_nothing(till: Till) -> None:
    await send(till, ProfileCommand("maria", {"Name": "Maria"}))
    before = await stored(till.shop.database)
    await send(till, ProfileCommand("maria", {"Name": "Other"}, Purpose(dry=True)))
    await send(till, ProfileCommand("new", {"Name": "New"}, Purpose(dry=True)))
    assert await stored(till.shop.database) == before


@pytest.mark.parametrize(
    ("commands", "pointer"),
    [
        ([ProfileCommand("a", {"Name": "A"}), ProfileCommand("b", {"Name": 1}, None, "/1")],
         "/1/attributes/Name"),
        ([ProfileCommand("a", {"Name": "A"}), ProfileCommand("a", {}, None, "/1")],
         "/1/integrationId"),
        ([ProfileCommand("a", {"Unknown": "A"})], "/attributes/Unknown"),
    ],
)  # fmt: skip
async def test_of_several_profiles_all_are_stored_or_none(
    till: Till, commands: list[ProfileCommand], pointer: str
) -> None:
    before = await stored(till.shop.database)
    with pytest.raises(InvalidInput) as refusal:
        await send(till, *commands)
    assert [each.pointer for each in refusal.value.faults] == [pointer]
    assert await stored(till.shop.database) == before


async def test_several_profiles_are_stored_together(till: Till) -> None:
    await send(till, ProfileCommand("b", {"Name": "B"}))
    await send(till, ProfileCommand("c", {"Name": "C"}), ProfileCommand("b", {"City": "Bonn"}))
    found = sorted(await attributes(till), key=str)
    assert found == [{"City": "Bonn", "Name": "B"}, {"Name": "C"}]


async def test_after_erasing_the_books_are_there_and_the_person_is_not(till: Till) -> None:
    await till.attribute("CustomerSession", "note", "string")
    await till.attribute("CartItem", "engraving", "string")
    campaign = await till.campaign(
        rule("couponValid()", 'setDiscount("5 off", 5)',
             'updateAttribute("Profile.Attributes.City", "secret city")',
             'showNotification("Info", "For you", profile.attributes["Name"])',
             'customEffect(1, "gift", {"for": profile.attributes["Name"]})')
    )  # fmt: skip
    await till.coupon(campaign)
    await till.put(
        "s0", profile_id="paul", cart_items=[item("tea", 1)], attributes={"note": "kept"}
    )
    await send(till, ProfileCommand("maria", {"Name": "secret name"}))
    await till.put(
        profile_id="maria",
        cart_items=[item("tea", "12.50", 2, attributes={"engraving": "secret words"})],
        attributes={"note": "secret note"},
        identifiers=["secret terminal"],
        coupon_codes=["SALE"],
        state="closed",
    )
    await erase_customer(till.shop, till.application.id, "maria", till.now)
    tables = await stored(till.shop.database)
    assert "secret" not in str(tables)
    assert "kept" in str(tables)
    assert sorted(each["total_sales"] for each in tables["customer"]) == [0, 25]
    assert len(tables["redemption"]) == 1
    assert await violations(till.shop.database) == []
    session = await till.read()
    assert session.totals.total == Decimal(25)
    assert SetDiscount("5 off", Decimal(5)) in outcomes(session.effects)
    outcome = await till.put(state="cancelled")
    assert outcomes(outcome.decision.effects) == [
        RollbackCoupon("SALE"),
        RollbackDiscount("5 off", Decimal(5)),
    ]
    assert await violations(till.shop.database) == []


async def test_nobody_is_erased_under_an_unknown_id(till: Till) -> None:
    await send(till, ProfileCommand("maria", {"Name": "Maria"}))
    before = await stored(till.shop.database)
    with pytest.raises(NotFound):
        await erase_customer(till.shop, till.application.id, "paul", till.now)
    assert await stored(till.shop.database) == before


async def test_an_answer_given_while_anonymous_is_erased_with_its_later_owner(till: Till) -> None:
    await till.attribute("CustomerSession", "note", "string")
    key = Idempotency(b"k" * 16, b"h" * 32)
    await till.put(cart_items=[item("tea", 1)], attributes={"note": "secret"}, idempotency=key)
    await till.put(profile_id="maria")
    assert len((await stored(till.shop.database))["receipt"]) == 1
    await erase_customer(till.shop, till.application.id, "maria", till.now)
    assert (await stored(till.shop.database))["receipt"] == []


async def test_a_dry_run_is_no_activity(till: Till) -> None:
    await till.put(profile_id="maria")
    active = till.now
    till.wait(hours=1)
    outcome = await till.put("other", profile_id="maria", purpose=Purpose(dry=True))
    assert outcome.owner_after.last_activity == active
    (dry,) = await send(till, ProfileCommand("maria", {}, Purpose(dry=True)))
    assert dry.customer.last_activity == active
    (live,) = await send(till, ProfileCommand("maria", {}, Purpose()))
    assert live.customer.last_activity == till.now
