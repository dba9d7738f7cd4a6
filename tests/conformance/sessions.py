"""Checks of the operations on sessions and on profiles, and of customers' audiences."""

from typing import Any

from talon_one.models import (
    CustomerProfileAudienceRequest,
    CustomerProfileIntegrationRequestV2,
    MultipleCustomerProfileIntegrationRequest,
    NewAudience,
    ReturnIntegrationRequest,
    UpdateAudience,
)

from tests.conformance.scene import TEA, Answer, Scene, effect, profile, state
from tests.integration.test_vendor_client import request

CONTENT = ["customerSession", "customerProfile", "coupons", "triggeredCampaigns", "event"]


def _tea(returned: int = 0) -> dict[str, Any]:
    return {
        **TEA[0], "returnedQuantity": returned, "remainingQuantity": 2 - returned, "position": 0,
        "attributes": {},
    }  # fmt: skip


def _session(session_id: str, profile_id: str, code: str, **fields: Any) -> dict[str, Any]:
    return {
        "id": "?session", "created": "?", "integrationId": session_id, "applicationId": 1,
        "profileId": profile_id, "couponCodes": [code], "referralCode": "", "loyaltyCards": [],
        "state": "closed", "cartItems": [_tea()], "additionalCosts": {}, "identifiers": [],
        "attributes": {}, "firstSession": True, "updateCount": 1, "total": 20,
        "cartItemTotal": 20, "additionalCostTotal": 0, "updated": "?", **fields,
    }  # fmt: skip


def _event(kind: str, session_id: str, profile_id: str) -> dict[str, Any]:
    return {
        "id": "?event", "created": "?", "applicationId": 1, "profileId": profile_id, "type": kind,
        "attributes": {}, "sessionId": session_id, "effects": [],
    }  # fmt: skip


def _given(scene: Scene, code: str) -> list[dict[str, Any]]:
    """What the coupon gives on two teas."""
    made = [("acceptCoupon", {"value": code})] + [
        (
            "setDiscountPerItem",
            {"name": "one off#0", "value": 1, "position": 0, "subPosition": unit},
        )
        for unit in (0, 1)
    ]
    return [_of_coupon(scene, kind, **props) for kind, props in made]


def _of_coupon(scene: Scene, kind: str, **props: Any) -> dict[str, Any]:
    made = effect(scene, "coupons", "One off", kind, **props)
    return {**made, "triggeredByCoupon": "?coupon"}


def _campaign(scene: Scene) -> dict[str, Any]:
    return {
        "id": scene.ids["coupons"], "created": "?", "applicationId": 1, "userId": 1,
        "name": "Coupons", "description": "", "attributes": {}, "state": "enabled",
        "activeRulesetId": "?", "tags": [],
        "features": ["coupons", "referrals", "loyalty", "giveaways", "achievements"], "limits": [],
        "campaignGroups": [], "type": "advanced", "linkedStoreIds": [], "budgets": [],
        "updated": "?", "frontendState": "running", "storesImported": False,
        "stageRevision": False, "version": 0,
    }  # fmt: skip


def coupon(scene: Scene, code: str, **fields: Any) -> dict[str, Any]:
    """A coupon of the scene."""
    return {
        "id": "?coupon", "created": "?", "campaignId": scene.ids["coupons"], "value": code,
        "usageLimit": 1, "reservationLimit": 0, "limits": [], "usageCounter": 0,
        "reservationCounter": 0, "attributes": {}, "recipientIntegrationId": "",
        "reservation": True, "batchId": "?", "isReservationMandatory": False,
        "implicitlyReserved": False, **fields,
    }  # fmt: skip


def update_session(scene: Scene) -> Answer:
    scene.front.coupon(scene.ids["coupons"], "SESSION-1")
    body = {"profileId": "sue", "couponCodes": ["SESSION-1"], "cartItems": TEA, "state": "closed"}
    answer = scene.api.update_customer_session_v2("sue/1 %", request(CONTENT, **body))
    return answer, state(
        *_given(scene, "SESSION-1"),
        customerSession=_session("sue/1 %", "sue", "SESSION-1"),
        customerProfile=profile("sue", closedSessions=1, totalSales=20),
        coupons=[coupon(scene, "SESSION-1", usageCounter=1, profileRedemptionCount=1)],
        triggeredCampaigns=[_campaign(scene)],
        event=_event("talon_session_closed", "sue/1 %", "sue"),
    )


def get_session(scene: Scene) -> Answer:
    scene.front.coupon(scene.ids["coupons"], "SESSION-2")
    scene.closes("tom-1", "tom", couponCodes=["SESSION-2"])
    session = _session("tom-1", "tom", "SESSION-2")
    wanted = {"customerSession": session, "effects": _given(scene, "SESSION-2")}
    return scene.api.get_customer_session("tom-1"), wanted


def return_items(scene: Scene) -> Answer:
    scene.front.coupon(scene.ids["coupons"], "SESSION-3")
    scene.closes("ulf-1", "ulf", couponCodes=["SESSION-3"])
    items = [{"position": 0, "quantity": 1}]
    content = ["customerSession", "customerProfile", "event", "previousReturns"]
    body = {"return": {"returnedCartItems": items}, "responseContent": content}
    rolled_back = {"cartItemPosition": 0, "cartItemSubPosition": 0}
    returned = {
        "id": "?", "created": "?", "applicationId": 1, "accountId": 1,
        "returnedCartItems": [{"position": 0, "quantity": 1, "sku": "tea"}],
        "eventId": "?event", "sessionId": "?session", "sessionIntegrationId": "ulf-1",
        "profileId": "?", "profileIntegrationId": "ulf",
    }  # fmt: skip
    changed = {"state": "partially_returned", "cartItems": [_tea(returned=1)], "updateCount": 2}
    return scene.api.return_cart_items("ulf-1", ReturnIntegrationRequest.from_dict(body)), state(
        _of_coupon(scene, "rollbackDiscount", name="one off#0", value=1, **rolled_back),
        customerSession=_session("ulf-1", "ulf", "SESSION-3", **changed),
        customerProfile=profile("ulf", closedSessions=1, totalSales=10),
        event=_event("talon_session_partially_returned", "ulf-1", "ulf"),
        previousReturns=[],
        **{"return": returned},
    )


def reopen_session(scene: Scene) -> Answer:
    scene.front.coupon(scene.ids["coupons"], "SESSION-4")
    scene.closes("vic-1", "vic", couponCodes=["SESSION-4"])
    units = [
        _of_coupon(
            scene, "rollbackDiscount", name="one off#0", value=1, cartItemPosition=0,
            cartItemSubPosition=unit,
        )
        for unit in (0, 1)
    ]  # fmt: skip
    rolled_back = [_of_coupon(scene, "rollbackCoupon", value="SESSION-4"), *units]
    return scene.api.reopen_customer_session("vic-1"), {"effects": rolled_back}


def update_profile(scene: Scene) -> Answer:
    body = {"attributes": {"level": "gold"}, "responseContent": ["customerProfile"]}
    sent = CustomerProfileIntegrationRequestV2.from_dict(body)
    wanted = state(customerProfile=profile("wim", attributes={"level": "gold"}))
    return scene.api.update_customer_profile_v2("wim", sent), wanted


def update_profiles(scene: Scene) -> Answer:
    customers: list[dict[str, Any]] = [
        {"integrationId": "xea", "attributes": {"level": "red"}},
        {"integrationId": "xeb", "attributes": {}},
    ]
    sent = MultipleCustomerProfileIntegrationRequest.from_dict({"customerProfiles": customers})
    assert scene.api.update_customer_profiles_v2(sent) is None, "silent unless told otherwise"
    profiles = [profile(each["integrationId"], attributes=each["attributes"]) for each in customers]
    states = [{"customerProfile": each} for each in profiles]
    answer = scene.api.update_customer_profiles_v2(sent, silent="no")
    return answer, {"integrationStates": states}


def erase_customer(scene: Scene) -> Answer:
    scene.front.call("PUT", "/v2/customer_profiles/yan", {"attributes": {"level": "gold"}})
    assert scene.api.delete_customer_data("yan") is None
    scene.front.call("PUT", "/v2/customer_profiles/yan", {})
    sent = CustomerProfileIntegrationRequestV2.from_dict({"responseContent": ["customerProfile"]})
    left = scene.api.update_customer_profile_v2("yan", sent)
    return left, state(customerProfile=profile("yan"))


def _audience(scene: Scene, name: str) -> Any:
    body = {"name": name, "integration": "mparticle", "integrationId": f"ext {name}"}
    return scene.api.create_audience_v2(NewAudience.from_dict(body))


def _audience_wanted(name: str, external: str) -> dict[str, Any]:
    return {
        "accountId": 1, "id": "?", "created": "?", "name": name, "sandbox": False,
        "description": "", "integration": "mparticle", "integrationId": f"ext {external}",
        "createdIn3rdParty": True,
    }  # fmt: skip


def _joins(scene: Scene, profile_id: str, audience_id: int) -> Any:
    change = {"action": "add", "profileIntegrationId": profile_id, "audienceId": audience_id}
    sent = CustomerProfileAudienceRequest.from_dict({"data": [change]})
    return scene.api.update_customer_profile_audiences(sent)


def _profile_after(scene: Scene, profile_id: str) -> Any:
    return scene.api.get_customer_inventory(profile_id, profile=True)


def create_audience(scene: Scene) -> Answer:
    return _audience(scene, "created"), _audience_wanted("created", "created")


def update_audience(scene: Scene) -> Answer:
    made = _audience(scene, "old")
    answer = scene.api.update_audience_v2(made.id, UpdateAudience.from_dict({"name": "new"}))
    return answer, _audience_wanted("new", "old")


def delete_audience(scene: Scene) -> Answer:
    made = _audience(scene, "deleted")
    _joins(scene, "zoe", made.id)
    assert scene.api.delete_audience_v2(made.id) is None
    return _profile_after(scene, "zoe"), {"profile": profile("zoe")}


def empty_audience(scene: Scene) -> Answer:
    made = _audience(scene, "emptied")
    _joins(scene, "abe", made.id)
    assert scene.api.delete_audience_memberships_v2(made.id) is None
    return _profile_after(scene, "abe"), {"profile": profile("abe")}


def change_memberships(scene: Scene) -> Answer:
    made = _audience(scene, "joined")
    assert _joins(scene, "bea", made.id) is None
    memberships = [{"id": made.id, "name": "joined"}]
    wanted = {"profile": profile("bea", audienceMemberships=memberships)}
    return _profile_after(scene, "bea"), wanted


def change_members(scene: Scene) -> Answer:
    made = _audience(scene, "painted")
    _joins(scene, "cal", made.id)
    assert scene.api.update_audience_customers_attributes(made.id, {"level": "blue"}) is None
    memberships = [{"id": made.id, "name": "painted"}]
    painted = profile("cal", attributes={"level": "blue"}, audienceMemberships=memberships)
    return _profile_after(scene, "cal"), {"profile": painted}


CHECKS = {
    "updateCustomerSessionV2": update_session,
    "getCustomerSession": get_session,
    "returnCartItems": return_items,
    "reopenCustomerSession": reopen_session,
    "updateCustomerProfileV2": update_profile,
    "updateCustomerProfilesV2": update_profiles,
    "deleteCustomerData": erase_customer,
    "createAudienceV2": create_audience,
    "updateAudienceV2": update_audience,
    "deleteAudienceV2": delete_audience,
    "deleteAudienceMembershipsV2": empty_audience,
    "updateCustomerProfileAudiences": change_memberships,
    "updateAudienceCustomersAttributes": change_members,
}
