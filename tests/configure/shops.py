"""A small shop to configure: the fixtures' vocabulary of these tests."""

from datetime import UTC, datetime
from typing import Any

from habitue.promotions.campaign import Application, Campaign
from habitue.store.database import Database
from habitue.usecases.configure.applications import ApplicationFields, create_application
from habitue.usecases.configure.campaigns import CampaignFields, create_campaign
from habitue.usecases.shop import Shop

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)

#: Ten off for everybody.
TEN_OFF: dict[str, Any] = {
    "rules": [
        {"title": "Ten off", "condition": ["and", True], "effects": [["setDiscount", "Ten", 10]]}
    ],
    "bindings": [],
}


async def opened(database: Database) -> Shop:
    """A shop with nothing in it."""
    shop = Shop(database)
    await shop.refresh()
    return shop


async def with_application(shop: Shop, **fields: Any) -> Application:
    """A new application in euros."""
    given = {"name": "Web shop", "timezone": "Europe/Berlin", "currency": "EUR", **fields}
    return await create_application(shop, ApplicationFields(**given), NOW)


async def with_campaign(shop: Shop, application_id: int, **fields: Any) -> Campaign:
    """A new campaign with coupons."""
    given = {"name": "Autumn", "features": ("coupons",), **fields}
    return await create_campaign(shop, application_id, CampaignFields(**given), NOW)
