"""People whom the tests of reading share, in a database that a served shop shows."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from habitue.customers.card import Channel, StatusChange, Told
from habitue.store.database import open_database
from habitue.store.location import External
from habitue.usecases.shop import Shop
from tests.customers.customer_cards import REGISTERED, TILL, make_card, profile


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Shop]:
    """The shop of that database, in this process."""
    async with open_database(External(url)) as database:
        shop = Shop(database)
        await shop.refresh()
        yield shop


async def make_meera(shop: Shop) -> int:
    """Meera is known at the till and in the app, each by identifiers of its own."""
    mobile = ("mobile", "6591234567")
    channel = Channel("mobile", "6591234567", primary=True, verified=True, meta={"residence": True})
    till = profile(
        shop,
        first_name="Meera",
        last_name="Tan",
        identifiers=(mobile, ("email", "meera.tan@orchard.sg"), ("externalId", "ORC0001042")),
        fields={"employee": Told("false", REGISTERED)},
        channels=(channel,),
    )
    app = profile(
        shop,
        "MOBILE_APP",
        "orchard-app-1",
        first_name="Meera",
        identifiers=(mobile, ("cuid", "cuid_6591234567")),
    )
    return await make_card(
        shop,
        till,
        app,
        loyalty_type="loyalty",
        associated_with="orchard.till03",
        extended_fields={"gender": Told("Female", REGISTERED)},
        statuses=(StatusChange("ACTIVE", "Active", "", REGISTERED, TILL),),
    )


async def make_arjun(shop: Shop, mobile: str = "6598765432") -> int:
    """Arjun is known at the till alone."""
    told = profile(shop, first_name="Arjun", last_name="Tan", identifiers=(("mobile", mobile),))
    return await make_card(shop, told)
