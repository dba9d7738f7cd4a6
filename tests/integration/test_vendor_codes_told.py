"""What answers tell of giveaways and of the referral code, through the vendor's own client."""

from typing import Any

import pytest
from talon_one.exceptions import NotFoundException

from tests.integration.test_vendor_catalogs import management
from tests.integration.test_vendor_client import client, effects_of, request
from tests.serving import Shopfront, rule

CART = [{"sku": "tea", "name": "tea", "quantity": 1, "price": 30}]
FILE = b"code,startdate,enddate,attributes\n" + b"".join(
    b'%s,2020-01-02T03:04:05Z,2098-01-02T03:04:05Z,"{""Color"": ""red"", ""Worth"": 2.5}"\n' % code
    for code in (b"KEY-1", b"KEY-2", b"KEY-3")
)


@pytest.fixture(scope="module")
def pool(front: Shopfront) -> int:
    """A pool of three codes; carts get one, reviews another."""
    front.manage("POST", "/v1/event_types", {"name": "review", "title": "Review"})
    made: int = front.manage("POST", "/v1/giveaways/pools", {"name": "keys"})["id"]
    management(front).import_pool_giveaways(made, up_file=FILE.decode())
    features = ["giveaways", "referrals"]
    cart = ["and", [">", [".", "Session", "Total"], 20]]
    front.campaign(rule(cart, ["awardGiveaway", made]), name="Carts", features=features)
    review = ["and", ["=", [".", "Event", "Type"], "review"]]
    front.campaign(rule(review, ["awardGiveaway", made]), name="Reviews", features=features)
    return made


def put(front: Shopfront, session: str, dry: bool = False, **fields: Any) -> Any:
    content = ["awardedGiveaways", "referral", "customerProfile"]
    return client(front).update_customer_session_v2(session, request(content, **fields), dry=dry)


def test_giveaways_are_told_once_they_are_given(front: Shopfront, pool: int) -> None:
    opened = put(front, "gift", profileId="gus", cartItems=CART)
    assert (opened.awarded_giveaways, opened.referral) == ([], None)
    tried = put(front, "gift", dry=True, profileId="gus", cartItems=CART, state="closed")
    assert [each.profile_integration_id for each in tried.awarded_giveaways] == ["gus"]
    closed = put(front, "gift", state="closed")
    (effect,) = effects_of(closed)
    (given,) = closed.awarded_giveaways
    assert (effect[0], effect[1]["giveawayId"], effect[1]["code"]) == (
        "awardGiveaway", given.id, given.code
    )  # fmt: skip
    inventory = client(front).get_customer_inventory("gus", giveaways=True, profile=True)
    assert [each.to_dict() for each in inventory.giveaways] == [given.to_dict()]
    assert (given.pool_id, given.used, given.import_id) == (pool, True, 1)
    assert (given.profile_integration_id, given.profile_id) == ("gus", inventory.profile.id)
    assert given.attributes == {"Color": "red", "Worth": 2.5}
    assert (given.start_date.year, given.end_date.year) == (2020, 2098)
    client(front).reopen_customer_session("gift")
    assert put(front, "gift", state="closed").awarded_giveaways == []


def test_events_tell_what_they_give_at_once(front: Shopfront, pool: int) -> None:
    event = {"profileId": "eve", "type": "review", "responseContent": ["awardedGiveaways"]}
    told = front.call("POST", "/v2/events?silent=no", event).json
    (given,) = told["awardedGiveaways"]
    (effect,) = told["effects"]
    assert (given["id"], given["code"]) == (effect["props"]["giveawayId"], effect["props"]["code"])
    assert (given["profileIntegrationId"], given["used"]) == ("eve", True)


def test_the_code_of_a_session_is_told_with_whom_it_has_referred(front: Shopfront) -> None:
    front.open_shop(name="Friends")
    brought = rule(["and", ["referralValid"]], ["setDiscount", "brought", 5])
    campaign = front.campaign(brought, name="Friends")
    put(front, "a1", profileId="ada", cartItems=CART)
    order = {"campaignId": campaign, "advocateProfileIntegrationId": "ada", "usageLimit": 5}
    code = front.call("POST", "/v1/referrals", order).json["code"]

    def told(session: str, **fields: Any) -> Any:
        referral = put(front, session, **fields).referral
        assert (referral.code, referral.campaign_id, referral.usage_limit) == (code, campaign, 5)
        assert referral.advocate_profile_integration_id == "ada"
        return referral.usage_counter, referral.referred_customers

    cart = {"cartItems": CART, "referralCode": code}
    assert told("f1", profileId="bob", **cart) == (0, [])
    assert told("f1", dry=True, profileId="bob", state="closed", **cart) == (1, ["bob"])
    assert told("f1", state="closed") == (1, ["bob"])
    assert told("f2", profileId="amy", state="closed", **cart) == (2, ["amy", "bob"])
    assert told("f3", profileId="bob", state="closed", **cart) == (2, ["amy", "bob"])
    (owned,) = client(front).get_customer_inventory("ada", referrals=True).referrals
    assert (owned.usage_counter, owned.referred_customers) == (2, ["amy", "bob"])
    back = {"return": {"returnedCartItems": [{"position": 0}]}, "responseContent": ["referral"]}
    returned = front.call("POST", "/v2/customer_sessions/f2/returns", back).json["referral"]
    assert (returned["code"], returned["referredCustomers"]) == (code, ["amy", "bob"])
    check_friends(front, code)
    assert told("f1", state="cancelled") == (1, ["amy"])
    assert put(front, "f4", profileId="cyd", referralCode="NOWHERE").referral is None


def check_friends(front: Shopfront, code: str) -> None:
    """What staff are told of whom ada has referred."""
    staff, id_ = management(front), front.application_id
    found = staff.get_application_customer_friends(id_, "ada", with_total_result_size=True)
    assert [(each.session_id, each.friend_integration_id) for each in found.data] == [
        ("f1", "bob"),
        ("f2", "amy"),
    ]
    assert found.total_result_size == 2
    assert {(each.advocate_integration_id, each.code) for each in found.data} == {("ada", code)}
    last = staff.get_application_customer_friends(id_, "ada", page_size=1, sort="-created")
    assert ([each.session_id for each in last.data], last.has_more) == (["f2"], True)
    assert staff.get_application_customer_friends(id_, "bob").data == []
    with pytest.raises(NotFoundException):
        staff.get_application_customer_friends(id_, "nobody")
