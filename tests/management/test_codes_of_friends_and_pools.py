"""Referral codes and giveaway pools over the wire, as staff see them."""

import asyncio
from datetime import UTC, datetime

from talon_one import ManagementApi

from habitue.usecases.configure.referrals import ReferralFields, ReferralOrder, create_referrals
from tests.building import Draw
from tests.configure.shops import NOW
from tests.management.conftest import Client, with_campaign
from tests.management.test_coupon_files import upload


async def test_a_pool_is_filled_by_a_file_and_read_back(client: Client) -> None:
    pool = await client.made("/v1/giveaways/pools", {"name": "vouchers"})
    path = f"/v1/giveaways/pools/{pool['id']}"
    text = 'code,startdate,attributes\nKEY-1,,\nKEY-1,2026-01-01T00:00:00Z,"{""a"": 1}"\n'
    status, told = await upload(client, f"{path}/import", text)
    assert (status, told["amount"], told["entity"]) == (200, 2, "Giveaway")
    assert (await client.send("GET", path))[1] == pool
    assert (await client.send("GET", "/v1/giveaways/pools"))[1]["data"] == [pool]
    database = client.shop.database
    assert await database.fetchval("SELECT count(*) FROM giveaway WHERE code = 'KEY-1'") == 2
    wrong = "code,startdate,enddate\nKEY-2,2026-01-02T00:00:00Z,2026-01-01T00:00:00Z\n"
    assert (await upload(client, f"{path}/import", wrong))[0] == 400
    assert await database.fetchval("SELECT count(*) FROM giveaway") == 2


async def test_referral_codes_are_listed_changed_and_deleted(client: Client) -> None:
    path = await with_campaign(client)
    campaign_id, application_id = int(path.split("/")[-1]), int(path.split("/")[3])
    order = ReferralOrder(
        campaign_id=campaign_id,
        advocate_ids=("maria", "paul"),
        fields=ReferralFields(usage_limit=3),
        pointer="/advocates",
    )
    made = await create_referrals(client.shop, application_id, order, Draw(), NOW)
    listed = f"{path}/referrals/no_total"
    _, found = await client.send("GET", f"{listed}?advocate=paul")
    assert [each["code"] for each in found["data"]] == [made[1].code]
    one = f"{path}/referrals/{made[0].id}"
    wrong = {"usageLimit": -1}
    assert await client.faults("PUT", one, wrong) == [("/usageLimit", "Out of range")]
    body = {"friendProfileIntegrationId": "anna", "usageLimit": 0}
    _, changed = await client.send("PUT", one, body)
    assert (changed["friendProfileIntegrationId"], changed["usageLimit"]) == ("anna", 0)
    assert (await client.send("DELETE", one))[0] == 204
    assert (await client.send("DELETE", one))[0] == 404
    _, left = await client.send("GET", listed)
    assert [each["advocateProfileIntegrationId"] for each in left["data"]] == ["paul"]


CODES = """code,advocateprofileintegrationid,startdate,expirydate,limitval,attributes
SPRING-1,maria,2026-01-01T00:00:00Z,2027-01-01T00:00:00Z,0,"{""kind"": ""10_off""}"
"SPRING,2",paul,,,,
AUTUMN-3,anna,,2026-02-01T01:00:00+01:00,5,{}
"""


async def test_referral_codes_come_out_of_a_file_and_go_into_one(
    client: Client, vendor: ManagementApi
) -> None:
    path = await with_campaign(client)
    ids = int(path.split("/")[3]), int(path.split("/")[5])
    attribute = {"entity": "Referral", "name": "kind", "title": "Kind", "type": "string"}
    await client.made("/v1/attributes", {**attribute, "description": "", "editable": True})
    told = await asyncio.to_thread(vendor.import_referrals, *ids, up_file=CODES)
    assert (told.amount, told.entity) == (3, "Referral")
    again = await asyncio.to_thread(vendor.import_referrals, *ids, up_file=CODES)
    assert (again.id, again.amount) == (told.id, 3)
    listing = vendor.get_referrals_without_total_count
    found = (await asyncio.to_thread(listing, *ids, sort="-usageLimit")).data
    assert [(each.code, each.usage_limit) for each in found] == [
        ("AUTUMN-3", 5),
        ("SPRING,2", 1),
        ("SPRING-1", 0),
    ]
    assert (found[2].attributes, found[2].advocate_profile_integration_id) == (
        {"kind": "10_off"},
        "maria",
    )
    assert found[2].start_date == datetime(2026, 1, 1, tzinfo=UTC)
    assert len({each.batch_id for each in found} - {"", None}) == 1
    assert {each.import_id for each in found} == {told.id}
    part = (await asyncio.to_thread(listing, *ids, code="spring 2")).data
    assert [each.code for each in part] == ["SPRING,2"]
    assert (await asyncio.to_thread(listing, *ids, valid="expired")).data[0].code == "AUTUMN-3"
    assert await client.faults("GET", f"{path}/referrals/no_total?sort=x") == [("sort", "enum")]


async def test_a_file_of_referral_codes_with_faults_makes_none(client: Client) -> None:
    path = await with_campaign(client)
    assert (await upload(client, f"{path}/import_referrals", CODES.replace("{}", "")))[0] == 400
    good = "code,advocateprofileintegrationid\nTAKEN,maria\n"
    assert (await upload(client, f"{path}/import_referrals", good))[0] == 200
    wrong = """code,advocateprofileintegrationid,startdate,expirydate,limitval,attributes
TAKEN,paul,,,,
NEW1,,,,,
NEW2,paul,2026-01-02T00:00:00Z,2026-01-01T00:00:00Z,-1,
NEW2,paul,,,x,[]
ABC,paul,,,,"{""unknown"": 1}"
"""
    status, refused = await upload(client, f"{path}/import_referrals", wrong)
    assert status == 400
    told = [
        (each["source"]["line"], each["title"], each["details"].split(":")[0])
        for each in refused["errors"]
    ]
    assert told == [
        ("2", "Duplicate", "code"),
        ("3", "Missing", "advocateprofileintegrationid"),
        ("4", "Out of range", "limitval"),
        ("4", "Invalid period", "expirydate"),
        ("5", "Invalid number", "limitval"),
        ("5", "Invalid type", "attributes"),
        ("6", "Invalid length", "code"),
        ("6", "Unknown", "attributes/unknown"),
    ]
    database = client.shop.database
    assert await database.fetchval("SELECT count(*) FROM referral") == 1
    assert (await client.send("DELETE", path))[0] == 204
    assert await database.fetchval("SELECT count(*) FROM referral") == 0
