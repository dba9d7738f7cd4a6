"""Requests per minute: exact, whoever counts, and free where there is no limit."""

import asyncio
from collections import Counter as Tally
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest

from habitue.customers.settings import RegistrationSettings
from habitue.edges.capillary.attribution import TillPrincipal
from habitue.edges.capillary.door import CAPILLARY, endpoint_of
from habitue.edges.http.openapi import document
from habitue.edges.http.operation import Operation
from habitue.edges.services import Services
from habitue.model.errors import TooManyRequests
from habitue.store import rate_limits
from habitue.store.database import Database, open_database
from habitue.store.location import External
from habitue.usecases.limit_rate import PRESETS, REGISTER, UPDATE, limit_of, limit_rate
from habitue.usecases.shop import Shop
from tests.capillary.conftest import LOGIN, make_till, set_rules, till_headers
from tests.capillary.served import practise, practising
from tests.configure.shops import NOW, opened

SECOND = timedelta(seconds=1)
PRACTICE = Operation("addPractice", "POST", "/v2/customers", practise, CAPILLARY)
PRINCIPAL = TillPrincipal(1, LOGIN, LOGIN)


def test_presets_are_those_of_the_regions() -> None:
    assert PRESETS == {
        "none": {},
        "us": {},
        "asia2_singapore": {"POST /v2/customers": 100, "PUT /v2/customers/{id}": 1000},
        "asia1_n_virginia": {"POST /v2/customers": 600, "PUT /v2/customers/{id}": 600},
        "emea_ireland": {"POST /v2/customers": 100, "PUT /v2/customers/{id}": 50},
    }


def test_a_shop_may_set_limits_of_its_own() -> None:
    rules = RegistrationSettings(
        rate_limit_preset="emea_ireland", rate_limits={REGISTER: 7, "GET /v2/customers/{id}": 9}
    )
    assert [limit_of(rules, each) for each in (REGISTER, UPDATE, "GET /v2/customers/{id}")] == [
        7,
        50,
        9,
    ]
    off = RegistrationSettings(rate_limit_preset="emea_ireland", rate_limits={REGISTER: 0})
    assert limit_of(off, REGISTER) == 0
    assert limit_of(RegistrationSettings(), REGISTER) == 0
    assert limit_of(RegistrationSettings(rate_limit_preset="no such"), REGISTER) == 0


@pytest.mark.parametrize(
    ("method", "path", "endpoint"),
    [
        ("POST", "/v2/customers", REGISTER),
        ("PUT", "/v2/customers/{customerId:int}", UPDATE),
        ("PUT", "/v2/customers/lookup", UPDATE),
        ("GET", "/v2/customers/lookup", "GET /v2/customers/lookup"),
        ("POST", "/v2/customers/{id}/x/{other}", "POST /v2/customers/{id}/x/{id}"),
    ],
)
def test_endpoints_are_named_by_their_method_and_path(
    method: str, path: str, endpoint: str
) -> None:
    assert endpoint_of(method, path) == endpoint


async def taken(shop: Shop, limit: int, later: timedelta, credential: int = 1) -> bool:
    try:
        await limit_rate(shop, credential, REGISTER, limit, NOW + later)
    except TooManyRequests:
        return False
    return True


async def test_a_minute_begins_with_the_first_request(database: Database) -> None:
    shop = await opened(database)
    moments = [0, 10, 20, 30, 59, 60, 61, 62, 63, 119, 120, 500]
    found = [await taken(shop, 3, seconds * SECOND) for seconds in moments]
    assert found == [
        *(True, True, True, False, False),
        *(True, True, True, False, False),
        *(True, True),
    ]


async def test_the_refused_are_told_when_to_come_again(database: Database) -> None:
    shop = await opened(database)
    assert await taken(shop, 1, timedelta())
    for seconds, expected in ((0, 60), (0.5, 60), (17, 43), (59, 1), (59.9, 1)):
        with pytest.raises(TooManyRequests) as caught:
            await limit_rate(shop, 1, REGISTER, 1, NOW + seconds * SECOND)
        assert caught.value.retry_seconds == expected
        assert caught.value.message == "The limit of 1 requests per minute is reached"


async def test_credentials_and_endpoints_are_counted_apart(database: Database) -> None:
    shop = await opened(database)
    assert await taken(shop, 1, timedelta())
    assert not await taken(shop, 1, timedelta())
    assert await taken(shop, 1, timedelta(), credential=2)
    await limit_rate(shop, 1, UPDATE, 1, NOW)
    rows = await database.fetch("SELECT * FROM rate_window ORDER BY credential_id, endpoint")
    assert [tuple(row.values()) for row in rows] == [
        (1, REGISTER, NOW, 1),
        (1, UPDATE, NOW, 1),
        (2, REGISTER, NOW, 1),
    ]


async def test_a_raised_limit_counts_at_once(database: Database) -> None:
    shop = await opened(database)
    assert [await taken(shop, 2, SECOND) for _ in range(3)] == [True, True, False]
    assert [await taken(shop, 3, SECOND) for _ in range(2)] == [True, False]
    assert not await taken(shop, 1, SECOND)


async def test_windows_that_ran_out_are_deleted_later(database: Database) -> None:
    shop = await opened(database)
    await taken(shop, 9, timedelta())
    await taken(shop, 9, timedelta(minutes=30), credential=2)
    for minutes, expected in ((60, [1, 2]), (61, [2]), (91, [])):
        await rate_limits.purge(database, NOW + timedelta(minutes=minutes))
        rows = await database.fetch("SELECT credential_id FROM rate_window ORDER BY 1")
        assert [row["credential_id"] for row in rows] == expected


async def test_without_a_limit_the_database_is_not_asked(database: Database) -> None:
    shop = await opened(database)
    closed: Database = None  # type: ignore[assignment]
    shop.database = closed
    await CAPILLARY.admit(PRINCIPAL, PRACTICE, Services(shop), NOW)


async def test_the_door_counts_by_the_shops_rules(database: Database) -> None:
    shop = await opened(database)
    await set_rules(shop, rate_limit_preset="asia2_singapore", rate_limits={REGISTER: 2})
    for _ in range(2):
        await CAPILLARY.admit(PRINCIPAL, PRACTICE, Services(shop), NOW)
    with pytest.raises(TooManyRequests):
        await CAPILLARY.admit(PRINCIPAL, PRACTICE, Services(shop), NOW)


async def test_many_at_once_are_counted_exactly(database: Database, database_url: str) -> None:
    async with open_database(External(database_url)) as second:
        shops = [Shop(database), Shop(second)]
        tries = [taken(shops[number % 2], 37, timedelta()) for number in range(200)]
        assert Tally(await asyncio.gather(*tries)) == {True: 37, False: 163}


async def _register(session: aiohttp.ClientSession, url: str) -> tuple[int, int, str]:
    async with session.post(url, headers=till_headers()) as response:
        answer = await response.json()
        retry = response.headers.get("retry-after", "")
        return response.status, answer.get("createdId", 0), retry


async def test_two_processes_let_exactly_the_limit_through(database_url: str) -> None:
    async with open_database(External(database_url)) as database:
        shop = await opened(database)
        await make_till(shop)
        await set_rules(shop, rate_limit_preset="emea_ireland")
        began = datetime.now(UTC)
        with practising(database_url, ("--workers", "2")) as front:
            url = f"{front.base}/v2/customers"
            connector = aiohttp.TCPConnector(limit=0, force_close=True)
            async with aiohttp.ClientSession(connector=connector) as session:
                replies = await asyncio.gather(*(_register(session, url) for _ in range(400)))
            refused = await asyncio.to_thread(
                front.send, "POST", "/v2/customers", None, till_headers()
            )
        assert datetime.now(UTC) - began < timedelta(minutes=1), "the machine is too slow"
        assert Tally(status for status, _, _ in replies) == {200: 100, 429: 300}
        assert len({process for _, process, _ in replies} - {0}) == 2
        assert all(1 <= int(retry) <= 60 for status, _, retry in replies if status == 429)
        assert refused.json == {
            "errors": [
                {
                    "status": False,
                    "code": 429,
                    "message": "The limit of 100 requests per minute is reached",
                }
            ]
        }
        assert await database.fetchval("SELECT requests FROM rate_window") == 100


def test_the_documentation_tells_of_the_limits() -> None:
    answers = document([PRACTICE])["paths"]["/v2/customers"]["post"]["responses"]
    schema = answers["429"]["content"]["application/json"]["schema"]
    assert schema == answers["401"]["content"]["application/json"]["schema"]
