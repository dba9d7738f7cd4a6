"""Telling of coupons that staff change and delete."""

from talon_one.models.coupons_notification_data import CouponsNotificationData

from habitue.store.coupon_filters import CouponFilter
from habitue.usecases.configure.coupon_checks import CouponFields
from habitue.usecases.configure.coupons import (
    delete_coupon,
    delete_matching_coupons,
    update_coupon,
    update_coupon_batch,
)
from tests.building import Till, rule
from tests.outbound.test_notifications import TEA, Post, messages, notification, till

__all__ = ["till"]


async def test_coupons_that_staff_change_and_delete(till: Till) -> None:
    shop, application_id = till.shop, till.application.id
    campaign = await till.campaign(rule("couponValid()", 'setDiscount("x", 1)'))
    place = (shop, application_id, campaign.id)
    sale = await till.coupon(campaign, "SALE", recipient="ann")
    rest = await till.coupon(campaign, "REST")
    await delete_coupon(*place, (await till.coupon(campaign, "GONE")).id, till.now)
    post = Post(till)
    await notification(till, "coupon", application_id)
    await notification(till, "coupon", application_id, scopes=("rule_engine",))
    assert await post.told() == []

    # Being used is no change.
    await till.put("s1", profile_id="ann", cart_items=[TEA], coupon_codes=("SALE",), state="closed")
    assert await post.told() == []
    fields = CouponFields(usage_limit=7, recipient_integration_id="ann")
    await update_coupon(*place, sale.id, fields, till.now)
    (changed,) = await post.told()
    assert (changed["NotificationType"], changed["Operation"]) == ("CouponUpdated", "Updated")
    (shown,) = changed["data"]
    assert (shown["id"], shown["usageLimit"], shown["usageCounter"]) == (sale.id, 7, 1)
    assert shown["ApplicationId"] == application_id
    assert shown["recipientIntegrationId"] == "ann"
    assert CouponsNotificationData.from_dict(changed) is not None

    await update_coupon_batch(*place, None, CouponFields(usage_limit=9), till.now)
    (both,) = await post.told()
    assert [(each["id"], each["usageLimit"]) for each in both["data"]] == [
        (sale.id, 9),
        (rest.id, 9),
    ]
    await delete_coupon(*place, sale.id, till.now)
    (gone,) = await post.told()
    assert (gone["NotificationType"], gone["TypeOfChange"]) == ("CouponDeleted", "management_api")
    assert [(each["value"], each["recipientIntegrationId"]) for each in gone["data"]] == [
        ("SALE", "")
    ]
    assert CouponsNotificationData.from_dict(gone) is not None
    wanted = CouponFilter(application_id=application_id, campaign_ids=(campaign.id,), now=till.now)
    assert await delete_matching_coupons(shop, wanted) == 1
    assert await delete_matching_coupons(shop, wanted) == 0
    assert [each["totalResultSize"] for each in await post.told()] == [1]
    assert len(await messages(till)) == 4
