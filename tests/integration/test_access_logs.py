"""The log of requests: what is in it, what is found, and that requests do not notice it."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import pytest
import talon_one
from talon_one import ManagementApi

from habitue.model.errors import StoreUnavailable
from habitue.store import access_log
from habitue.store.access_log import AccessRow
from habitue.store.database import Database, open_database
from habitue.store.location import External
from habitue.usecases.access_log import WAITING_BYTES_MAX, AccessLog, purge_access_log
from tests.serving import MANAGEMENT_KEY, Shopfront, make_management_key, serving

SPAN = "rangeStart=2020-01-01T00:00:00Z&rangeEnd=2090-01-01T00:00:00Z"


@pytest.fixture(scope="module")
async def logged(shop_url: str) -> Any:
    """A served shop that notes all requests."""
    await make_management_key(shop_url)
    with serving(shop_url, ["--access-log", "all"]) as shopfront:
        shopfront.open_shop()
        yield shopfront


def found(front: Shopfront, query: str = "", application_id: int = 0) -> Any:
    path = f"/v1/applications/{application_id or front.application_id}/access_logs/no_total"
    return front.manage("GET", f"{path}?{SPAN}{query}")


def noted(front: Shopfront, count: int) -> list[dict[str, Any]]:
    """The log as soon as it has so many entries."""
    until = time.monotonic() + 15
    while len(data := found(front)["data"]) < count and time.monotonic() < until:
        time.sleep(0.1)
    return list(data)


def test_requests_are_noted_as_they_came(logged: Shopfront) -> None:
    begun = datetime.now(UTC)
    put = logged.put("a%20session", profileId="ann", state="open")
    refused = logged.call("PUT", "/v2/customer_sessions/s2?dry=true", b'{"customerSession": 7}')
    broken = logged.call("PUT", "/v2/customer_sessions/s3", b"\xff{nul\x00")
    read = logged.call("GET", "/v2/customer_sessions/a%20session")
    unknown = logged.send("PUT", "/v2/customer_sessions/s4", {}, {"authorization": "ApiKey-v1 x"})
    assert [each.status for each in (put, refused, broken, read, unknown)] == [
        200,
        400,
        400,
        200,
        401,
    ]
    entries = noted(logged, 4)
    assert [(each["method"], each["requestUri"], each["status"]) for each in entries] == [
        ("PUT", "/v2/customer_sessions/a%20session", 200),
        ("PUT", "/v2/customer_sessions/s2?dry=true", 400),
        ("PUT", "/v2/customer_sessions/s3", 400),
        ("GET", "/v2/customer_sessions/a%20session", 200),
    ]
    assert '"profileId": "ann"' in entries[0]["requestPayload"]
    assert entries[0]["responsePayload"].encode() == put.body
    assert entries[1]["responsePayload"].encode() == refused.body
    assert (entries[2]["requestPayload"], entries[3]["requestPayload"]) == ("\ufffd{nul\x00", "")
    assert len({each["uuid"] for each in entries}) == 4
    assert begun <= datetime.fromisoformat(entries[0]["time"]) <= datetime.now(UTC)

    def statuses(query: str) -> list[int]:
        return [each["status"] for each in found(logged, query)["data"]]

    assert statuses("&status=error") == [400, 400]
    assert statuses("&status=success&method=get") == [200]
    assert statuses("&method=delete") == []
    assert statuses(f"&path={quote('s[23]$')}") == [400, 400]
    assert statuses("&sort=-time&pageSize=1&skip=1") == [400]
    assert found(logged, "&pageSize=3")["hasMore"] is True
    assert found(logged, "&pageSize=3&skip=1")["hasMore"] is False
    other = logged.manage(
        "POST", "/v1/applications", {"name": "O", "timezone": "UTC", "currency": "EUR"}
    )
    assert found(logged, application_id=other["id"]) == {"hasMore": False, "data": []}
    key = {"authorization": f"ManagementKey-v1 {MANAGEMENT_KEY}"}
    path = f"/v1/applications/{logged.application_id}/access_logs/no_total"
    for query, parameter in ((f"{SPAN}&path=((", "path"), (f"{SPAN}&path=%00", "path")):
        reply = logged.send("GET", f"{path}?{query}", None, key)
        assert (reply.status, reply.json["errors"][0]["source"]) == (400, {"parameter": parameter})
    assert logged.send("GET", path, None, key).status == 400


def test_the_vendors_client_reads_the_log(logged: Shopfront) -> None:
    logged.call("GET", "/v2/customer_sessions/nobodys")
    configuration = talon_one.Configuration(
        host=logged.base,
        api_key_prefix={"api_key_v1": "ManagementKey-v1"},
        api_key={"api_key_v1": MANAGEMENT_KEY},
    )
    noted(logged, 1)
    api = ManagementApi(talon_one.ApiClient(configuration))
    now = datetime.now(UTC)
    read = api.get_access_logs_without_total_count(
        logged.application_id, now - timedelta(days=1), now + timedelta(days=1), method="get"
    )
    assert read.data
    assert {each.method for each in read.data} == {"GET"}


@pytest.fixture
async def database(shop_url: str) -> Any:
    async with open_database(External(shop_url)) as opened:
        yield opened


def row(at: datetime, content: bytes = b"", application_id: int = 900) -> AccessRow:
    return AccessRow(application_id, uuid4(), at, "GET", "/x", 400, content, content)


async def test_a_log_that_is_full_forgets_and_one_that_cannot_be_written_waits(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = datetime.now(UTC)
    log = AccessLog("errors")
    assert (log.notes(399), log.notes(400), AccessLog("none").notes(500)) == (False, True, False)
    size = 1024 * 1024
    for _ in range(20):
        log.add(row(now, bytes(size)))
    room = WAITING_BYTES_MAX // (2 * size)

    async def away(*_: object) -> None:
        raise StoreUnavailable

    with monkeypatch.context() as patched:
        patched.setattr(access_log, "add", away)
        with pytest.raises(StoreUnavailable):
            await log.write(database)
    log.add(row(now))
    assert await log.write(database) == room
    assert await log.write(database) == 0
    log.add(row(now))
    assert await log.write(database) == 1
    count = "SELECT count(*) FROM access_log WHERE application_id = 900"
    assert await database.fetchval(count) == room + 1
    await database.execute("DELETE FROM access_log WHERE application_id = 900")


async def test_two_who_write_at_once_write_each_row_once(database: Database) -> None:
    log = AccessLog("all")
    for _ in range(3):
        log.add(row(datetime.now(UTC), application_id=902))
    first, second = await asyncio.gather(log.write(database), log.write(database))
    assert (first, second) == (3, 0)
    count = "SELECT count(*) FROM access_log WHERE application_id = 902"
    assert await database.fetchval(count) == 3
    await database.execute("DELETE FROM access_log WHERE application_id = 902")


async def test_what_is_old_is_forgotten(database: Database) -> None:
    now = datetime.now(UTC)
    log = AccessLog("all")
    for days in (4, 3, 2):
        log.add(row(now - timedelta(days=days), application_id=901))
    await log.write(database)
    await purge_access_log(database, now)
    left = await database.fetch("SELECT at FROM access_log WHERE application_id = 901")
    assert [each["at"] for each in left] == [now - timedelta(days=2)]
