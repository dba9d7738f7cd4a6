"""Referral codes and giveaway pools over the wire, as staff see them."""

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
