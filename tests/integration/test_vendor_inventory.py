"""The inventory of a customer through the vendor's own client, over a real socket."""

from typing import Any

import pytest
from talon_one.exceptions import NotFoundException

from habitue.store.database import open_database
from habitue.store.location import External
from tests.integration.test_vendor_audiences import made, move
from tests.integration.test_vendor_client import client
from tests.integration.test_vendor_loyalty import CLUB, add
from tests.serving import Shopfront, rule

CART = [{"sku": "tea", "quantity": 1, "price": 30}]


@pytest.fixture(scope="module")
def held(front: Shopfront) -> dict[str, int]:
    """Everything that emma has."""
    ids: dict[str, int] = {}
    given = front.campaign(rule(["and", ["couponValid"]], ["setDiscount", "five", 5]), name="Given")
    stopped = front.campaign(rule(["and", ["couponValid"]], ["setDiscount", "x", 1]), name="Off")
    later = {"startDate": "2098-01-01T00:00:00Z"}
    over = {"expiryDate": "2020-01-01T00:00:00Z", "startDate": "2019-01-01T00:00:00Z"}
    for code, campaign, fields in (
        ("USED-ONE", given, {"usageLimit": 5}),
        ("MINE-ONLY", given, {"recipientIntegrationId": "emma"}),
        ("MINE-LATER", given, {"recipientIntegrationId": "emma", **later}),
        ("MINE-OVER", given, {"recipientIntegrationId": "emma", **over}),
        ("MINE-OFF", stopped, {"recipientIntegrationId": "emma"}),
        ("RESERVED", given, {}),
        ("SOMEBODYS", given, {"recipientIntegrationId": "other"}),
        ("NOBODYS", given, {}),
    ):
        ids[code] = front.coupon(campaign, code, **fields)
    application = f"/v1/applications/{front.application_id}"
    front.manage("PUT", f"{application}/campaigns/{stopped}", {"name": "Off", "state": "disabled"})
    front.put("e1", profileId="emma", cartItems=CART, couponCodes=["USED-ONE"], state="closed")
    reserved = front.call("POST", "/v1/coupon_reservations/RESERVED", {"integrationIDs": ["emma"]})
    assert reserved.status == 201, reserved.body
    ids["club"] = int(front.manage("POST", "/v1/loyalty_programs", CLUB)["id"])
    front.manage("POST", "/v1/loyalty_programs", {**CLUB, "name": "unused", "title": "Unused"})
    add(front, ids["club"], "emma", points=150, name="welcome")
    add(front, ids["club"], "emma", points=7, name="late", pendingDuration="30D")
    add(front, ids["club"], "emma", points=3, name="stars", subledgerId="stars")
    ids["audience"] = made(front, "Regulars").id
    move(front, ("add", "emma", ids["audience"]))
    return ids


def inventory(front: Shopfront, whose: str = "emma", **flags: bool) -> Any:
    return client(front).get_customer_inventory(whose, **flags)


def test_without_flags_there_is_nothing(front: Shopfront, held: dict[str, int]) -> None:
    reply = front.call("GET", "/v1/customer_profiles/emma/inventory")
    assert (reply.status, reply.json) == (200, {})
    with pytest.raises(NotFoundException):
        inventory(front, "unknown", profile=True)
    assert front.call("GET", "/v1/customer_profiles/emma/inventory?loyalty=maybe").status == 400


def test_the_profile(front: Shopfront, held: dict[str, int]) -> None:
    found = inventory(front, profile=True)
    assert (found.profile.integration_id, found.profile.closed_sessions) == ("emma", 1)
    assert [each.name for each in found.profile.audience_memberships] == ["Regulars"]
    assert (found.coupons, found.loyalty, found.referrals) == (None, None, None)


def test_coupons_in_each_state(front: Shopfront, held: dict[str, int]) -> None:
    coupons = inventory(front, coupons=True).coupons
    assert {each.value: (each.state, each.profile_redemption_count) for each in coupons} == {
        "USED-ONE": ("used", 1),
        "MINE-ONLY": ("active", 0),
        "MINE-LATER": ("pending", 0),
        "MINE-OVER": ("expired", 0),
        "MINE-OFF": ("disabled", 0),
        "RESERVED": ("active", 0),
    }
    assert [each.id for each in coupons] == sorted(each.id for each in coupons)
    front.call("PUT", "/v2/customer_sessions/e1/reopen")
    coupons = inventory(front, coupons=True).coupons
    assert "USED-ONE" not in {each.value for each in coupons}


def test_points_by_program(front: Shopfront, held: dict[str, int]) -> None:
    loyalty = inventory(front, loyalty=True).loyalty
    assert list(loyalty.programs) == [str(held["club"])]
    program = loyalty.programs[str(held["club"])]
    assert (program.name, program.title) == ("club", "The club")
    ledger = program.ledger
    assert (ledger.current_balance, ledger.pending_balance) == (150, 7)
    assert (ledger.tentative_current_balance, ledger.expired_balance) == (150, 0)
    assert (ledger.current_tier.name, ledger.points_to_next_tier) == ("Silver", 150)
    told = front.call("GET", "/v1/customer_profiles/emma/inventory?loyalty=true").json
    assert told["loyalty"]["programs"][str(program.id)]["ledger"]["nextTierName"] == "Gold"
    assert program.join_date is not None
    assert {name: each.current_balance for name, each in program.sub_ledgers.items()} == {
        "stars": 3
    }


def test_cards_that_are_linked(front: Shopfront, held: dict[str, int]) -> None:
    carded = {
        "name": "carded",
        "title": "Carded",
        "timezone": "UTC",
        "defaultValidity": "unlimited",
        "defaultPending": "immediate",
        "allowSubledger": False,
        "cardBased": True,
        "sandbox": False,
        "usersPerCardLimit": 2,
    }
    program = front.manage("POST", "/v1/loyalty_programs", carded)["id"]
    path = f"/v1/loyalty_programs/{program}/cards"
    made_card = front.call("POST", path, {"customerProfileIds": ["emma"]})
    assert made_card.status == 200, made_card.body
    cards = inventory(front, loyalty=True).loyalty.cards
    assert [(each.program_id, each.identifier) for each in cards] == [
        (program, made_card.json["identifier"])
    ]
    assert cards[0].ledger.current_balance == 0


def test_codes_that_refer_others(front: Shopfront, held: dict[str, int]) -> None:
    campaign = front.campaign(
        rule(["and", ["referralValid"]], ["setDiscount", "brought", 5]), name="Friends"
    )
    made_code = front.call(
        "POST",
        "/v1/referrals",
        {"campaignId": campaign, "advocateProfileIntegrationId": "emma", "usageLimit": 2},
    )
    assert made_code.status == 201, made_code.body
    code = made_code.json["code"]
    front.put("f1", profileId="friend", cartItems=CART, referralCode=code)
    (open_still,) = inventory(front, referrals=True).referrals
    assert (open_still.code, open_still.usage_counter) == (code, 0)
    assert open_still.referred_customers == []
    front.put("f1", state="closed")
    (referral,) = inventory(front, referrals=True).referrals
    assert (referral.usage_counter, referral.referred_customers) == (1, ["friend"])
    assert referral.advocate_profile_integration_id == "emma"
    assert inventory(front, "friend", referrals=True).referrals == []


async def test_giveaways_that_were_given(
    front: Shopfront, held: dict[str, int], shop_url: str
) -> None:
    emma = inventory(front, profile=True).profile.id
    async with open_database(External(shop_url)) as database:
        await database.execute(
            "INSERT INTO giveaway (pool_id, code, used, created) VALUES (7, 'GIFT', true, now())"
        )
        await database.execute(
            "INSERT INTO giveaway_award"
            " (customer_id, giveaway_id, root_id, pool_id, profile_id, at)"
            " SELECT $1, id, $1, 7, 'emma', now() FROM giveaway WHERE code = 'GIFT'",
            emma,
        )
    (gift,) = inventory(front, giveaways=True).giveaways
    assert (gift.code, gift.pool_id, gift.used, gift.attributes) == ("GIFT", 7, True, {})
    assert (gift.profile_integration_id, gift.profile_id) == ("emma", emma)


def test_parts_of_which_there_is_nothing_are_empty(front: Shopfront, held: dict[str, int]) -> None:
    move(front, ("add", "fred", held["audience"]))
    found = inventory(
        front, "fred", coupons=True, referrals=True, giveaways=True, achievements=True
    )
    assert (found.coupons, found.referrals, found.giveaways, found.achievements) == ([], [], [], [])
    assert found.profile is None
