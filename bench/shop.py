"""The shop of the session benchmark: one application, its key, running campaigns, coupons.

Campaigns come in four kinds in equal turns: thresholds of the total, items of a category and brand,
attributes of customer and session, coupons. Of a hundred, a cart meets about eight.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from bench import carts
from habitue.model.attributes import AttributeType, Entity
from habitue.rules.notation import read_text
from habitue.rules.parse import render_expression
from habitue.store.database import Database
from habitue.usecases.configure.applications import ApplicationFields, create_application
from habitue.usecases.configure.attributes import AttributeFields, create_attribute
from habitue.usecases.configure.campaigns import CampaignFields, create_campaign
from habitue.usecases.configure.keys import create_key
from habitue.usecases.configure.rulesets import create_ruleset
from habitue.usecases.shop import Shop

KEY = "hab_i_of-the-session-benchmark"
NOW = datetime.now(UTC)

_ATTRIBUTES: tuple[tuple[Entity, str, AttributeType], ...] = (
    ("CustomerSession", "channel", "string"),
    ("CustomerSession", "device", "string"),
    ("CustomerSession", "landingPage", "string"),
    ("CustomerSession", "giftWrap", "boolean"),
    ("CustomerSession", "loyaltyVisits", "number"),
    ("CartItem", "brand", "string"),
    ("CartItem", "color", "string"),
    ("CartItem", "size", "string"),
    ("CartItem", "margin", "number"),
    ("CartItem", "image", "string"),
    ("CustomerProfile", "tier", "string"),
    ("CustomerProfile", "segments", "(list string)"),
    ("CustomerProfile", "newsletter", "boolean"),
)


class Shopfront(NamedTuple):
    """What the benchmark needs to know of its shop."""

    shop: Shop
    application_id: int
    coupon_campaign_ids: tuple[int, ...]


async def build_shop(database: Database, campaigns: int) -> Shopfront:
    """A new shop with that many running campaigns, at least four, and `carts.COUPONS` coupons."""
    shop = Shop(database)
    await shop.refresh()
    fields = ApplicationFields(name="Web shop", timezone="Europe/Amsterdam", currency="EUR")
    application_id = (await create_application(shop, fields, NOW)).id
    expires = NOW + timedelta(days=1)
    await create_key(shop, KEY, "integration", "bench", application_id, expires, NOW)
    for entity, name, type_ in _ATTRIBUTES:
        attribute = AttributeFields(entity=entity, name=name, type=type_)
        await create_attribute(shop, attribute, NOW)
    ids = [
        await _running(shop, application_id, number, rule)
        for number, rule in zip(range(campaigns), _rules(), strict=False)
    ]
    coupon_campaign_ids = tuple(ids[3::4])
    await _copy_coupons(database, application_id, coupon_campaign_ids)
    return Shopfront(shop, application_id, coupon_campaign_ids)


async def _running(shop: Shop, application_id: int, number: int, rule: dict[str, Any]) -> int:
    fields = CampaignFields(name=f"Campaign {number}", features=("coupons",))
    campaign = await create_campaign(shop, application_id, fields, NOW)
    document = {"rules": [rule], "bindings": []}
    await create_ruleset(shop, application_id, campaign.id, document, True, NOW)
    return campaign.id


def _rules() -> Iterator[dict[str, Any]]:
    number = 0
    while True:
        yield _threshold(number)
        yield _of_items(number)
        yield _of_attributes(number)
        yield _of_coupon(number)
        number += 1


def _threshold(number: int) -> dict[str, Any]:
    total = 300 + 150 * number
    return _rule(f"session.total >= {total}", 'setDiscount("Big cart", session.total * 0.02)')


def _of_items(number: int) -> dict[str, Any]:
    category, brand = f"category-{number % carts.CATEGORIES:02d}", f"brand-{number % carts.BRANDS}"
    of_both = f'item.category == "{category}" and item.attributes["brand"] == "{brand}"'
    return _rule(
        f"exists(session.cart_items, lambda item: {of_both})",
        'setDiscountPerItem("Brand week", lambda item: item.price * 0.1,'
        f" filter(session.cart_items, lambda item: {of_both}))",
    )


def _of_attributes(number: int) -> dict[str, Any]:
    tier = carts.TIERS[number % len(carts.TIERS)]
    channel = carts.CHANNELS[number // 5 % len(carts.CHANNELS)]
    return _rule(
        f'profile.attributes["tier"] == "{tier}" and session.attributes["channel"] == "{channel}"'
        " and session.total >= 100",
        f'showNotification("Offer", "For {tier} members", "A gift waits for you.")',
    )


def _of_coupon(number: int) -> dict[str, Any]:
    return _rule(
        f"couponValid() and session.total >= {50 + number}",
        'setDiscount("Code", session.total * 0.05)',
    )


def _rule(when: str, then: str) -> dict[str, Any]:
    condition = render_expression(read_text(when))
    return {
        "title": when[:40],
        "condition": condition,
        "effects": [render_expression(read_text(then))],
    }


async def _copy_coupons(
    database: Database, application_id: int, campaign_ids: tuple[int, ...]
) -> None:
    columns = ("code", "application_id", "id", "campaign_id", "usage_limit", "created")
    rows = [
        (
            carts.ids_of(index)[2],
            application_id,
            carts.FIRST_COUPON_ID + index,
            campaign_ids[index % len(campaign_ids)],
            0,
            NOW,
        )
        for index in range(carts.COUPONS)
    ]
    await database.copy_records_to_table("coupon", records=rows, columns=columns)
