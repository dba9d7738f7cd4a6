"""Coupons in files and in great numbers."""

import asyncio
import csv
import io
import itertools
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import aiohttp
import pytest
from talon_one import ManagementApi, NewCouponCreationJob

from habitue.usecases import coupon_jobs
from habitue.usecases.coupon_jobs import work_at_coupon_jobs
from tests.management.conftest import Client, with_campaign

NOW = datetime(2098, 12, 1, tzinfo=UTC)
FILE = """value,expirydate,startdate,recipientintegrationid,limitval,attributes,discountlimit
COUP1,2027-07-01T04:00:00Z,2027-05-01T04:00:00Z,,1,,2.4
"COUP,2",,,anna,0,{},
COUP3,,,,,,
"""
ONE_MORE = {"usageLimit": 1, "numberOfCoupons": 1}


async def upload(client: Client, path: str, text: str | bytes) -> tuple[int, Any]:
    form = aiohttp.FormData()
    raw = text.encode() if isinstance(text, str) else text
    form.add_field("upFile", raw, filename="coupons.csv", content_type="text/csv")
    url = f"{client.url}{path}"
    async with client.session.post(url, data=form, headers=client.headers) as response:
        return response.status, await response.json()


async def export(client: Client, campaign: str, query: str = "") -> list[dict[str, str]]:
    application, campaign_id = campaign.split("/campaigns/")
    url = f"{client.url}{application}/export_coupons?campaignId={campaign_id}&{query}"
    async with client.session.get(url, headers=client.headers) as response:
        assert response.status == 200
        assert response.headers["content-type"].startswith("text/csv")
        return list(csv.DictReader(io.StringIO(await response.text())))


def drawing() -> Callable[[int], int]:
    """Numbers one after the other."""
    numbers = itertools.count()
    return lambda below: next(numbers) % below


async def work(client: Client) -> int:
    return await work_at_coupon_jobs(client.shop, drawing(), lambda: NOW)


async def jobs(client: Client, campaign: str) -> list[tuple[str, str, int, int]]:
    _, page = await client.send("GET", f"{campaign}/coupon_jobs")
    return [
        (each["kind"], each["status"], each["done"], each["numberOfCoupons"])
        for each in page["data"]
    ]


async def test_a_file_of_coupons_comes_back_as_it_went_in(client: Client) -> None:
    campaign = await with_campaign(client)
    status, told = await upload(client, f"{campaign}/import_coupons", FILE)
    assert (status, told["entity"], told["amount"]) == (200, "Coupon", 3)
    rows = await export(client, campaign)
    names = ("value", "limitval", "discount_limitval", "recipientintegrationid", "expirydate")
    assert [tuple(row[name] for name in names) for row in rows] == [
        ("COUP1", "1", "2.4", "", "2027-07-01T04:00:00Z"),
        ("COUP,2", "0", "0", "anna", ""),
        ("COUP3", "1", "0", "", ""),
    ]
    assert len({row["batchid"] for row in rows}) == 1
    assert {row["importid"] for row in rows} == {str(told["id"])}
    _, made = await client.send("POST", f"{campaign}/coupons?silent=no", ONE_MORE)
    _, page = await client.send("GET", f"{campaign}/coupons/no_total")
    assert [each.get("importId") for each in page["data"]] == [told["id"]] * 3 + [None]
    made_id = made["data"][0]["id"]
    assert (await client.send("DELETE", f"{campaign}/coupons/{made_id}"))[0] == 204
    assert await export(client, campaign, "valuesOnly=true&value=coup3") == [{"value": "COUP3"}]
    status, again = await upload(client, f"{campaign}/import_coupons", FILE)
    assert (status, again["id"]) == (200, told["id"])


async def test_a_file_with_a_wrong_row_is_refused_as_a_whole(client: Client) -> None:
    campaign = await with_campaign(client)
    wrong = FILE + "CO,,,,,,\nCOUP1,,,,,,\nCOUP5,soon,,,-1,[],x\n"
    status, told = await upload(client, f"{campaign}/import_coupons", wrong)
    assert status == 400
    lines = [(each["source"]["line"], each["title"]) for each in told["errors"]]
    assert [int(line) for line, _ in lines] == sorted(int(line) for line, _ in lines)
    assert {title for _, title in lines} >= {"Invalid length", "Duplicate", "Invalid date"}
    assert await export(client, campaign) == []
    assert (await upload(client, f"{campaign}/import_coupons", "code\nX\n"))[0] == 400


async def test_every_row_that_cannot_be_read_is_told(client: Client) -> None:
    campaign = await with_campaign(client)
    rows = [
        "value,recipientintegrationid",
        "COUPA,",
        "COUPB",
        "M\xfcCO,",
        "CO,",
        "COUPD,,",
        "COUPE,",
    ]
    sent = "\n".join(rows).encode("latin-1")
    status, told = await upload(client, f"{campaign}/import_coupons", sent)
    found = [(each["source"]["line"], each["title"]) for each in told["errors"]]
    assert (status, found) == (
        400,
        [
            *(("3", "Unreadable"), ("4", "Unreadable")),
            *(("5", "Invalid length"), ("6", "Unreadable")),
        ],
    )
    assert await export(client, campaign) == []


async def test_codes_that_exist_are_refused_or_left_alone(client: Client) -> None:
    campaign = await with_campaign(client)
    await upload(client, f"{campaign}/import_coupons", FILE)
    more = FILE + "COUP4,,,,,,\n"
    status, told = await upload(client, f"{campaign}/import_coupons", more)
    assert status == 400
    assert [int(each["source"]["line"]) for each in told["errors"]] == [2, 3, 4]
    status, told = await upload(client, f"{campaign}/import_coupons?skipDuplicates=true", more)
    assert status == 200
    assert [row["value"] for row in await export(client, campaign)] == [
        "COUP1",
        "COUP,2",
        "COUP3",
        "COUP4",
    ]


async def test_coupons_are_made_beside_requests(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(coupon_jobs, "PART", 40)
    campaign = await with_campaign(client)
    order = {
        "numberOfCoupons": 100,
        "usageLimit": 5,
        "attributes": {},
        "couponSettings": {"validCharacters": list("0123456789"), "couponPattern": "BIG###"},
    }
    status, told = await client.send("POST", f"{campaign}/coupons_async", order)
    assert status == 200
    assert await jobs(client, campaign) == [("create", "pending", 0, 100)]
    assert await export(client, campaign) == []
    assert await work(client) == 1
    assert await jobs(client, campaign) == [("create", "completed", 100, 100)]
    rows = await export(client, campaign, f"batchId={told['batchId']}")
    assert len({row["value"] for row in rows}) == 100
    assert {row["limitval"] for row in rows} == {"5"}
    assert await work(client) == 0


async def test_a_job_that_was_cut_off_is_gone_on_with_and_makes_nothing_twice(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(coupon_jobs, "PART", 30)
    campaign = await with_campaign(client)
    order = {"numberOfCoupons": 100, "usageLimit": 1, "attributes": {}}
    await client.send("POST", f"{campaign}/coupons_async", order)
    made = 0

    def failing(below: int) -> int:
        nonlocal made
        made += 1
        if made > 70:
            raise RuntimeError("the process is gone")
        return made

    with pytest.raises(RuntimeError):
        await work_at_coupon_jobs(client.shop, failing, lambda: NOW)
    assert await jobs(client, campaign) == [("create", "pending", 60, 100)]
    assert await work(client) == 0
    later = NOW + coupon_jobs.TAKEN
    assert await work_at_coupon_jobs(client.shop, drawing(), lambda: later) == 1
    assert await jobs(client, campaign) == [("create", "completed", 100, 100)]
    assert len(await export(client, campaign)) == 100


async def test_a_pattern_that_is_used_up_ends_the_job(client: Client) -> None:
    campaign = await with_campaign(client)
    order = {
        "numberOfCoupons": 10,
        "usageLimit": 1,
        "attributes": {},
        "couponSettings": {"validCharacters": list("0123456789"), "couponPattern": "TEN#"},
    }
    await client.send("POST", f"{campaign}/coupons_async", order)
    one = {"numberOfCoupons": 1, "usageLimit": 1, "couponPattern": "TEN7"}
    await client.send("POST", f"{campaign}/coupons", one)
    assert await work(client) == 1
    assert await jobs(client, campaign) == [("create", "failed", 9, 10)]
    too_many = {**order, "numberOfCoupons": 11}
    assert ("/numberOfCoupons", "Out of range") in await client.faults(
        "POST", f"{campaign}/coupons_async", too_many
    )


async def test_coupons_are_deleted_beside_requests(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(coupon_jobs, "PART", 2)
    campaign = await with_campaign(client)
    await upload(client, f"{campaign}/import_coupons", FILE + "OTHER,,,,,,\n")
    order = {"filters": {"value": "coup"}}
    status, told = await client.send("POST", f"{campaign}/coupons_deletion_jobs", order)
    assert (status, told["status"], told["numberOfCoupons"]) == (202, "pending", 3)
    assert await work(client) == 1
    assert [row["value"] for row in await export(client, campaign)] == ["OTHER"]
    assert await jobs(client, campaign) == [("delete", "completed", 3, 3)]


async def test_the_vendors_client_orders_coupons(client: Client, vendor: ManagementApi) -> None:
    campaign = await with_campaign(client)
    application, campaign_id = campaign.removeprefix("/v1/applications/").split("/campaigns/")
    order = NewCouponCreationJob(numberOfCoupons=7, usageLimit=1, attributes={})
    told = await asyncio.to_thread(
        vendor.create_coupons_async, int(application), int(campaign_id), order
    )
    assert await work(client) == 1
    assert len(await export(client, campaign, f"batchId={told.batch_id}")) == 7
