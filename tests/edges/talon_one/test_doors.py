"""Who comes in through the two doors, and what those who do not are told."""

from datetime import datetime, timedelta
from inspect import isawaitable

import pytest
from starlette.datastructures import Headers

from habitue.edges.key_lookup import REREAD_SECONDS
from habitue.edges.services import Services
from habitue.edges.talon_one.doors import (
    INTEGRATION,
    MANAGEMENT,
    KeyDoor,
    ManagementPrincipal,
    Principal,
)
from habitue.model.errors import Unauthorized
from habitue.promotions.configuration import Configuration
from habitue.store.database import Database
from habitue.usecases.configure.keys import create_key, revoke_key
from habitue.usecases.shop import Shop
from tests.configure.shops import NOW, opened, with_application

LATER = NOW + timedelta(days=1)


class CountingShop(Shop):
    """Counts how often the configuration is read."""

    reads = 0

    async def refresh(self) -> Configuration:
        self.reads += 1
        return await super().refresh()


@pytest.fixture
async def services(database: Database) -> Services:
    """A shop with a key of each kind: `web` and `staff`."""
    shop = await opened(database)
    application = await with_application(shop)
    await create_key(shop, "web", "integration", "Web", application.id, LATER, NOW)
    await create_key(shop, "staff", "management", "Staff", None, LATER, NOW)
    return Services(shop)


async def enter(
    door: KeyDoor, services: Services, header: str | None, now: datetime = NOW
) -> Principal | ManagementPrincipal | None:
    headers = Headers({} if header is None else {"authorization": header})
    found = door.authenticate(headers, services, now)
    return await found if isawaitable(found) else found


@pytest.mark.parametrize("header", ["ApiKey-v1 web", "apikey-V1 web", "ApiKey-v1   web "])
async def test_an_integration_key_opens_its_application(services: Services, header: str) -> None:
    principal = await enter(INTEGRATION, services, header)
    (application_id,) = services.shop.configuration.applications
    assert principal == Principal(1, application_id)
    assert INTEGRATION.scope(principal) == f"integration {application_id}"


async def test_a_management_key_opens_management(services: Services) -> None:
    principal = await enter(MANAGEMENT, services, "ManagementKey-v1 staff")
    assert isinstance(principal, ManagementPrincipal)
    assert (principal.key_id, principal.key.is_limited) == (2, False)


STRANGERS = [
    (INTEGRATION, None, "This needs a header Authorization: ApiKey-v1 <key>"),
    (INTEGRATION, "", "This needs a header"),
    (INTEGRATION, "ApiKey-v1", "This needs a header"),
    (INTEGRATION, "web", "This needs a header"),
    (INTEGRATION, "ManagementKey-v1 web", "This needs a header"),
    (INTEGRATION, "ApiKey-v1 staff", "This key is not valid here"),
    (INTEGRATION, "ApiKey-v1 WEB", "This key is not valid here"),
    (INTEGRATION, "ApiKey-v1 web web", "This key is not valid here"),
    (MANAGEMENT, "ManagementKey-v1 web", "This key is not valid here"),
    (MANAGEMENT, "ApiKey-v1 staff", "This needs a header Authorization: ManagementKey-v1"),
]


async def test_nobody_else_comes_in(services: Services) -> None:
    for door, header, told in STRANGERS:
        with pytest.raises(Unauthorized) as caught:
            await enter(door, services, header)
        assert caught.value.message.startswith(told)


async def test_a_key_expires_at_its_moment(services: Services) -> None:
    moment = timedelta(microseconds=1)
    for _ in range(2):
        await enter(INTEGRATION, services, "ApiKey-v1 web", LATER - moment)
    with pytest.raises(Unauthorized) as caught:
        await enter(INTEGRATION, services, "ApiKey-v1 web", LATER)
    assert caught.value.message == "This key has expired"


async def test_a_key_made_elsewhere_is_found(services: Services, database: Database) -> None:
    elsewhere = await opened(database)
    await create_key(elsewhere, "new", "management", "New", None, LATER, NOW)
    assert getattr(await enter(MANAGEMENT, services, "ManagementKey-v1 new"), "key_id", 0) == 3


async def test_a_revoked_key_opens_nothing_once_that_is_known(services: Services) -> None:
    for _ in range(2):
        await enter(MANAGEMENT, services, "ManagementKey-v1 staff")
    await revoke_key(services.shop, 2)
    with pytest.raises(Unauthorized):
        await enter(MANAGEMENT, services, "ManagementKey-v1 staff")


async def test_wrong_keys_do_not_keep_the_database_busy(database: Database) -> None:
    shop = CountingShop(database)
    services, door = Services(shop), KeyDoor("x", "management", "ManagementKey-v1")
    for _ in range(50):
        with pytest.raises(Unauthorized):
            await enter(door, services, "ManagementKey-v1 wrong")
    assert 1 <= shop.reads <= 1 + 10 / REREAD_SECONDS


def test_a_refusal_is_answered_in_the_words_of_the_protocol() -> None:
    answer = INTEGRATION.refuse(Unauthorized("This key has expired"), None)
    assert answer.status == 401
    assert answer.body == INTEGRATION.error_type(401, None)(  # type: ignore[arg-type]
        "This key has expired", [], 401
    )
