"""The cases that follow from the contract, by their numbers in its section 17.

Each is a function of a served shop, with an application of its own where others could disturb it.
"""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeAlias
from urllib.parse import quote

from habitue.promotions.effects import NO_CAMPAIGN
from tests.conformance.scene import FEATURES, TEA
from tests.integration.test_vendor_loyalty import CLUB
from tests.serving import Reply, Shopfront, rule

COUPON = rule(["and", ["couponValid"]], ["setDiscount", "five off", 5])
Case: TypeAlias = Callable[[Shopfront], None]


def update(front: Shopfront, session_id: str, query: str = "", **fields: Any) -> Any:
    """What comes of an update that must succeed."""
    reply = front.put(session_id, query, **fields)
    assert reply.status == 200, reply.body
    return reply.json


def effects(answer: Any) -> list[tuple[str, Any]]:
    """Types and properties."""
    return [(each["effectType"], each["props"]) for each in answer["effects"]]


def with_coupon(front: Shopfront, code: str, **fields: Any) -> None:
    """A shop of its own with a campaign that gives five for the code."""
    front.open_shop(name=f"Shop of {code}")
    front.coupon(front.campaign(COUPON, name=code), code, **fields)


def reopen(front: Shopfront, session_id: str) -> Reply:
    return front.call("PUT", f"/v2/customer_sessions/{session_id}/reopen")


def give_back(front: Shopfront, session_id: str, quantity: int) -> Any:
    items = [{"position": 0, "quantity": quantity}]
    path = f"/v2/customer_sessions/{session_id}/returns"
    return front.call("POST", path, {"return": {"returnedCartItems": items}}).json


def a_dry_update_changes_nothing(front: Shopfront) -> None:
    with_coupon(front, "DRY-1", usageLimit=0)
    update(front, "dry", couponCodes=["DRY-1"], cartItems=TEA)
    before = front.call("GET", "/v2/customer_sessions/dry").json
    other = [{"sku": "pot", "quantity": 1, "price": 99}]
    dry = update(front, "dry", "?dry=true", cartItems=other, content=["customerSession"])
    assert effects(dry) == []
    assert (dry["customerSession"]["couponCodes"], dry["customerSession"]["total"]) == ([], 99)
    assert front.call("GET", "/v2/customer_sessions/dry").json == before


def codes_that_are_left_out_stay(front: Shopfront) -> None:
    with_coupon(front, "STAY-1", usageLimit=0)
    sent: dict[str, Any] = {
        "couponCodes": ["STAY-1"],
        "referralCode": "SOMEBODYS",
        "cartItems": TEA,
    }
    update(front, "stay", profileId="ann", **sent)
    kept = update(front, "stay")["customerSession"]
    assert (kept["couponCodes"], kept["referralCode"]) == (["STAY-1"], "SOMEBODYS")
    dropped = update(front, "stay", couponCodes=[], referralCode="")
    session = dropped["customerSession"]
    assert (session["couponCodes"], session["referralCode"], effects(dropped)) == ([], "", [])


def four_at_once_are_served_in_turn(front: Shopfront) -> None:
    """Here the vendor refuses the fourth; it waits, and is refused where that takes too long
    (docs/decisions/0129, tests/integration/test_waiting.py)."""
    update(front, "queue", profileId="quinn")
    with ThreadPoolExecutor(4) as pool:
        sent = [pool.submit(front.put, "queue", cartItems=TEA) for _ in range(4)]
        answers = [each.result() for each in sent]
    assert [each.status for each in answers] == [200, 200, 200, 200]
    counts = sorted(each.json["customerSession"]["updateCount"] for each in answers)
    assert counts == [2, 3, 4, 5]


def states_go_their_ways(front: Shopfront) -> None:
    front.open_shop(name="States")
    update(front, "states", cartItems=TEA, state="closed")
    assert front.put("states", state="open").status == 400
    assert reopen(front, "states").status == 200
    assert update(front, "states", cartItems=[])["customerSession"]["total"] == 0
    update(front, "states", state="cancelled")
    for state in ("open", "closed", "cancelled"):
        assert front.put("states", state=state).status == 400
    assert reopen(front, "states").status == 400


def the_last_use_is_the_firsts(front: Shopfront) -> None:
    with_coupon(front, "LAST-1", usageLimit=1)
    accepted = [("acceptCoupon", {"value": "LAST-1"}), ("setDiscount", _FIVE)]
    for name in ("last-a", "last-b"):
        opened = update(front, name, couponCodes=["LAST-1"], cartItems=TEA)
        assert effects(opened) == accepted
    assert effects(update(front, "last-b", state="closed")) == accepted
    refused = {"value": "LAST-1", "rejectionReason": "CouponLimitReached"}
    assert effects(update(front, "last-a", state="closed")) == [("rejectCoupon", refused)]


_FIVE = {"name": "five off", "value": 5}


def cancelling_takes_back_and_frees(front: Shopfront) -> None:
    with_coupon(front, "FREE-1", usageLimit=1)
    sent: dict[str, Any] = {"couponCodes": ["FREE-1"], "cartItems": TEA, "state": "closed"}
    update(front, "free-a", **sent)
    cancelled = update(front, "free-a", state="cancelled", content=["coupons"])
    taken_back = [("rollbackCoupon", {"value": "FREE-1"}), ("rollbackDiscount", _FIVE)]
    assert effects(cancelled) == taken_back
    assert [each["usageCounter"] for each in cancelled["coupons"]] == [0]
    assert effects(update(front, "free-b", **sent))[0] == ("acceptCoupon", {"value": "FREE-1"})


def one_unit_of_three_takes_its_own_back(front: Shopfront) -> None:
    front.open_shop(name="Units")
    front.campaign(rule(["and", True], ["setDiscountPerItem", "one", 1]), name="Units")
    update(front, "units", cartItems=[{**TEA[0], "quantity": 3}], state="closed")
    back = {"name": "one#0", "value": 1, "cartItemPosition": 0}
    for unit in range(3):
        returned = effects(give_back(front, "units", 1))
        assert returned == [("rollbackDiscount", {**back, "cartItemSubPosition": unit})]


def an_unknown_coupon_is_no_campaigns(front: Shopfront) -> None:
    answer = update(front, "unknown", couponCodes=["NO-SUCH-CODE"], cartItems=TEA)
    (refused,) = [each for each in answer["effects"] if each["effectType"] == "rejectCoupon"]
    assert refused["props"] == {"value": "NO-SUCH-CODE", "rejectionReason": "CouponNotFound"}
    cause = {key: refused[key] for key in ("campaignId", "rulesetId", "ruleIndex", "ruleName")}
    wanted = {"campaignId": NO_CAMPAIGN, "rulesetId": 0, "ruleIndex": 0, "ruleName": ""}
    assert cause == wanted == {**wanted, "campaignId": -1}


def old_clients_and_odd_ids_are_understood(front: Shopfront) -> None:
    odd = "odd/100%$1 ä"
    path = quote(odd, safe="")
    dry = update(front, path, "?dry=True", cartItems=TEA)
    assert dry["customerSession"]["integrationId"] == odd
    assert front.call("GET", f"/v2/customer_sessions/{path}").status == 404
    assert update(front, path, cartItems=TEA)["customerSession"]["integrationId"] == odd
    stored = front.call("GET", f"/v2/customer_sessions/{path}").json
    assert stored["customerSession"]["integrationId"] == odd


def numbers_are_numbers_and_ids_are_whole(front: Shopfront) -> None:
    items = [{"sku": "tea", "quantity": 1, "price": 1.0}]
    reply = front.put("numbers", cartItems=items, profileId="nina")
    session = json.loads(reply.body, parse_float=lambda text: f"a fraction: {text}")
    found = session["customerSession"]
    whole = ("id", "applicationId", "updateCount", "total", "cartItemTotal")
    assert {name: type(found[name]) for name in whole} == dict.fromkeys(whole, int)
    assert b'"position":0' in reply.body.replace(b" ", b"")


def a_tenth_is_not_rounded(front: Shopfront) -> None:
    front.open_shop(name="A tenth")
    tenth = ["setDiscount", "10 %", ["*", [".", "Session", "Total"], 0.1]]
    front.campaign(rule(["and", True], tenth), name="A tenth")
    items = [{"sku": "tea", "quantity": 1, "price": 99.99}]
    reply = front.put("tenth", cartItems=items)
    assert b'"value":9.999}' in reply.body.replace(b" ", b"")


def a_loser_of_a_group_says_so(front: Shopfront) -> None:
    with_coupon(front, "LOSER-1", usageLimit=0)
    ten = front.campaign(rule(["and", True], ["setDiscount", "ten", 10]), name="Ten")
    path = f"/v1/applications/{front.application_id}/campaign_set"
    elements = [{"type": "CAMPAIGN", "campaignId": each} for each in (ten - 1, ten)]
    group = {"type": "SET", "name": "All", "evaluationMode": "highestDiscount"}
    front.manage("PUT", path, {"set": {**group, "elements": elements}})
    refused = {
        "value": "LOSER-1",
        "rejectionReason": "CouponPartOfNotTriggeredCampaign",
        "campaignExclusionReason": "CampaignGaveLowerDiscount",
    }
    found = effects(update(front, "loser", couponCodes=["LOSER-1"], cartItems=TEA))
    assert found == [("setDiscount", {"name": "ten", "value": 10}), ("rejectCoupon", refused)]


def a_part_is_given_until_nothing_is_left(front: Shopfront) -> None:
    front.open_shop(name="Parts", enablePartialDiscounts=True)
    limits = [{"action": "setDiscount", "limit": 7, "entities": []}]
    front.campaign(rule(["and", True], ["setDiscount", "five", 5]), name="Parts", limits=limits)
    found = [
        effects(update(front, f"part-{each}", cartItems=TEA, state="closed")) for each in range(3)
    ]
    given = {"name": "five", "desiredValue": 5}
    assert found == [
        [("setDiscount", {**given, "value": 5})],
        [("setDiscount", {**given, "value": 2})],
        [],
    ]


def points_go_as_the_program_says(front: Shopfront) -> None:
    front.open_shop(name="Policies")
    wanted = {"only_pending": (0, 30, 0), "within_balance": (10, 0, 0), "unlimited": (30, 0, 20)}
    for policy in wanted:
        name, subscribed = f"policy_{policy}", [front.application_id]
        program = front.manage(
            "POST",
            "/v1/loyalty_programs",
            {**CLUB, "name": name, "subscribedApplications": subscribed, "returnPolicy": policy},
        )["id"]
        sent: dict[str, Any] = {"profileId": policy, "cartItems": TEA}
        earn = rule(["and", True], ["addLoyaltyPoints", "earned", program, "", 30])
        campaign = front.campaign(earn, name=policy, features=FEATURES)
        update(front, policy, state="closed", **sent)
        path = f"/v1/loyalty_programs/{program}/profile/{policy}"
        if policy != "only_pending":
            front.manage("PUT", f"{path}/deduct_points", {"points": 20, "name": "spent"})
        cancelled = effects(update(front, policy, state="cancelled"))
        balance = front.call("GET", f"{path}/balances").json["balance"]
        taken = sum(props["value"] for _, props in cancelled)
        found = (taken, balance["activePoints"], balance["negativePoints"])
        assert found == wanted[policy], policy
        one = f"/v1/applications/{front.application_id}/campaigns/{campaign}"
        front.manage("PUT", one, {"name": policy, "state": "disabled"})


def a_giveaway_is_told_at_closing(front: Shopfront) -> None:
    front.open_shop(name="Giveaways")
    pool = front.manage("POST", "/v1/giveaways/pools", {"name": "keys"})["id"]
    head = b'--x\r\nContent-Disposition: form-data; name="upFile"; filename="a.csv"\r\n\r\n'
    headers = {
        "authorization": "ManagementKey-v1 a-management-key-of-the-tests",
        "content-type": "multipart/form-data; boundary=x",
    }
    content = head + b"code\nKEY-1\n\r\n--x--\r\n"
    reply = front.send("POST", f"/v1/giveaways/pools/{pool}/import", content, headers)
    assert reply.status == 200, reply.body
    award = rule(["and", True], ["awardGiveaway", pool])
    front.campaign(award, name="Giveaways", features=FEATURES)
    opened = update(front, "gift", profileId="gus", cartItems=TEA)
    promised = {"poolId": pool, "poolName": "keys", "recipientIntegrationId": "gus"}
    assert effects(opened) == [("willAwardGiveaway", promised)]
    assert "KEY-1" not in json.dumps(opened)
    ((kind, props),) = effects(update(front, "gift", state="closed"))
    assert (kind, props.pop("giveawayId") > 0) == ("awardGiveaway", True)
    assert props == {**promised, "code": "KEY-1"}


def an_event_is_silent_by_default(front: Shopfront) -> None:
    front.open_shop(name="Silent")
    event = {"profileId": "sil", "type": "review"}
    reply = front.call("POST", "/v2/events", event)
    assert (reply.status, reply.body) == (204, b"")
    told = front.call("POST", "/v2/events?silent=no", event)
    empty: dict[str, Any] = {"effects": [], "createdCoupons": [], "createdReferrals": []}
    assert (told.status, told.json) == (200, empty)


CASES: dict[int, Case] = dict(
    enumerate(
        (
            a_dry_update_changes_nothing,
            codes_that_are_left_out_stay,
            four_at_once_are_served_in_turn,
            states_go_their_ways,
            the_last_use_is_the_firsts,
            cancelling_takes_back_and_frees,
            one_unit_of_three_takes_its_own_back,
            an_unknown_coupon_is_no_campaigns,
            old_clients_and_odd_ids_are_understood,
            numbers_are_numbers_and_ids_are_whole,
            a_tenth_is_not_rounded,
            a_loser_of_a_group_says_so,
            a_part_is_given_until_nothing_is_left,
            points_go_as_the_program_says,
            a_giveaway_is_told_at_closing,
            an_event_is_silent_by_default,
        ),
        1,
    )
)
