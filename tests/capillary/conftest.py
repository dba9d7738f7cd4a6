"""A served shop with a till, over sockets; and the door by itself, over a database of its own."""

import base64
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from habitue.customers.organisation import SettingsEntry
from habitue.customers.settings import RegistrationSettings
from habitue.model.keys import Permission, till_credentials
from habitue.store.database import open_database
from habitue.store.location import External
from habitue.usecases.configuration import Change, save_configuration
from habitue.usecases.configure.keys import create_key
from habitue.usecases.configure.loyalty_programs import (
    LoyaltyProgramFields,
    TierWish,
    create_loyalty_program,
)
from habitue.usecases.shop import Shop
from tests.capillary.served import practising
from tests.conftest import fresh_database
from tests.serving import FAR, Reply, Shopfront, serving

LOGIN, PASSWORD = "orchard-till03", "a till's password"


def basic(credentials: str) -> dict[str, str]:
    """The header that shows these credentials."""
    return {"authorization": "Basic " + base64.b64encode(credentials.encode()).decode()}


def till_headers(login: str = LOGIN, password: str = PASSWORD) -> dict[str, str]:
    """What a till sends with every request."""
    return basic(till_credentials(login, password))


async def make_till(
    shop: Shop,
    login: str = LOGIN,
    password: str = PASSWORD,
    permissions: tuple[Permission, ...] = (),
) -> int:
    """A key of the kind "till"; its id."""
    kept = till_credentials(login, password)
    key = await create_key(
        shop, kept, "till", login, None, FAR, datetime.now(UTC), "none", permissions
    )
    return key.id


async def set_rules(shop: Shop, **rules: Any) -> None:
    """Sets rules of registration, for every process on the shop's database."""
    entry = SettingsEntry(settings=RegistrationSettings(**rules))
    version = shop.configuration.version
    await save_configuration(shop.database, version, [Change(entry)])
    await shop.refresh()


@dataclass
class Counter:
    """A served shop as a till sees it."""

    front: Shopfront
    headers: Mapping[str, str]

    def send(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> Reply:
        """A request with the till's password."""
        return self.front.send(method, path, body, {**self.headers, **(headers or {})})


@pytest.fixture(scope="module")
async def capillary_url(server_url: str, template: str) -> AsyncIterator[str]:
    """The URL of a database with one till, which the tests of one file share."""
    async with fresh_database(server_url, template) as url:
        async with open_database(External(url)) as database:
            shop = Shop(database)
            await shop.refresh()
            await make_till(shop, permissions=("privacy",))
        yield url


@pytest.fixture(scope="module")
async def program_id(capillary_url: str) -> int:
    """A loyalty program with the tiers Bronze, from 0 points on, and Silver, from 100 on."""
    async with open_database(External(capillary_url)) as database:
        shop = Shop(database)
        await shop.refresh()
        fields = LoyaltyProgramFields(
            name="OrchardDefaultProgram",
            timezone="Asia/Singapore",
            tiers=(TierWish("Bronze", Decimal(0)), TierWish("Silver", Decimal(100))),
        )
        return (await create_loyalty_program(shop, fields, datetime.now(UTC))).id


@pytest.fixture(scope="module")
async def counter(capillary_url: str) -> AsyncIterator[Counter]:
    """A served shop; tests of a file share it."""
    with serving(capillary_url) as front:
        yield Counter(front, till_headers())


@pytest.fixture(scope="module")
async def practice(capillary_url: str) -> AsyncIterator[Counter]:
    """The door alone, served with an endpoint that says who came in."""
    with practising(capillary_url) as front:
        yield Counter(front, till_headers())


@pytest.fixture
async def rules(capillary_url: str) -> Any:
    """Sets rules for one test."""
    async with open_database(External(capillary_url)) as database:
        shop = Shop(database)
        await shop.refresh()

        async def change(**fields: Any) -> None:
            await shop.refresh()
            await set_rules(shop, **fields)

        yield change
        await change()
