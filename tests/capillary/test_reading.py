"""Reading customers over the wire: finding, showing, searching, many at once."""

from typing import Any
from urllib.parse import quote

import pytest

from habitue.customers.loyalty_card import CardWish
from habitue.usecases.link_card import link_card
from tests.building import NOW
from tests.capillary.conftest import Counter
from tests.capillary.people import make_arjun, make_meera, opened
from tests.customers.customer_cards import TILL, make_card, profile

LOOKUP = "/v2/customers/lookup?"
MOBILE = "identifierName=mobile&identifierValue="


@pytest.fixture(scope="module")
async def meera(capillary_url: str) -> int:
    """Meera's id."""
    async with opened(capillary_url) as shop:
        return await make_meera(shop)


@pytest.fixture(scope="module")
async def arjun(capillary_url: str) -> int:
    """Arjun's id."""
    async with opened(capillary_url) as shop:
        return await make_arjun(shop)


def code_of(counter: Counter, path: str) -> tuple[int, int]:
    """HTTP status and code of the one error that comes back."""
    reply = counter.send("GET", path)
    (error,) = reply.json["errors"]
    assert error["status"] is False
    return reply.status, error["code"]


@pytest.mark.parametrize(
    "query",
    [
        f"source=INSTORE&{MOBILE}6591234567",
        f"source=instore&{MOBILE}%2B65%209123%204567",
        f"source=ALL&{MOBILE}6591234567",
        "source=ALL&identifierName=externalId&identifierValue=ORC0001042",
        "source=INSTORE&identifierName=email&identifierValue=MEERA.TAN@orchard.sg",
        "source=MOBILE_APP&accountId=orchard-app-1&identifierName=cuid"
        "&identifierValue=cuid_6591234567",
        f"source=MOBILE_APP&accountId=orchard-app-1&{MOBILE}6591234567",
        "source=ALL&identifierName=integrationId&identifierValue=ORC0001042",
    ],
)
def test_customer_is_found_by_each_identifier(counter: Counter, meera: int, query: str) -> None:
    reply = counter.send("GET", LOOKUP + query)
    assert (reply.status, reply.json) == (200, {"entity": meera, "warnings": []})


@pytest.mark.parametrize(
    ("query", "code"),
    [
        (f"{MOBILE}6591234567", 8001),
        (f"source=&{MOBILE}6591234567", 8001),
        (f"source=NOWHERE&{MOBILE}6591234567", 8003),
        (f"source=MOBILE_APP&{MOBILE}6591234567", 8045),
        ("source=INSTORE", 8002),
        ("source=INSTORE&identifierName=mobile", 8002),
        ("source=INSTORE&identifierValue=6591234567", 8002),
        ("source=INSTORE&identifierName=shoe&identifierValue=1", 8013),
        (f"source=INSTORE&{MOBILE}6590000000", 8015),
        (f"source=INSTORE&{MOBILE}nonsense", 8015),
        ("source=INSTORE&identifierName=cuid&identifierValue=cuid_6591234567", 8065),
        (f"source=TMALL&{MOBILE}6591234567", 8065),
        (f"source=MOBILE_APP&accountId=another&{MOBILE}6591234567", 8065),
        (f"source=INSTORE&{MOBILE}{'9' * 1001}", 400),
        (f"source=INSTORE&{MOBILE}%00", 400),
        (f"source=INSTORE&{MOBILE}%ff", 400),
    ],
)
def test_lookup_says_what_is_wrong(counter: Counter, meera: int, query: str, code: int) -> None:
    assert code_of(counter, LOOKUP + query) == (400, code)


def test_customer_is_shown_as_all_sources_know_it(counter: Counter, meera: int) -> None:
    moment = "2025-03-04T01:15:20Z"
    till = {
        "id": 7100421,
        "code": "orchard.till03",
        "description": "",
        "name": "orchard.till03",
        "type": "TILL",
    }
    attribution = {
        "createDate": moment,
        "createdBy": till,
        "modifiedBy": till,
        "modifiedDate": moment,
    }
    mobile = {"type": "mobile", "value": "6591234567"}
    at_till = [
        mobile,
        {"type": "email", "value": "meera.tan@orchard.sg"},
        {"type": "externalId", "value": "ORC0001042"},
    ]
    in_app = [mobile, {"type": "cuid", "value": "cuid_6591234567"}]
    told: dict[str, Any] = {
        "attribution": attribution,
        "userId": meera,
        "conflictingProfileList": [],
        "autoUpdateTime": moment,
    }
    reply = counter.send("GET", f"/v2/customers/{meera}?source=ALL")
    assert reply.status == 200
    assert reply.json == {
        "id": meera,
        "profiles": [
            {
                **told,
                "firstName": "Meera",
                "lastName": "Tan",
                "fields": {"employee": "false"},
                "identifiers": at_till,
                "commChannels": [
                    {
                        "type": "mobile",
                        "value": "6591234567",
                        "primary": True,
                        "verified": True,
                        "meta": {"residence": True},
                        "attributes": {},
                    }
                ],
                "source": "INSTORE",
                "accountId": "",
                "identifiersAll": at_till,
            },
            {
                **told,
                "firstName": "Meera",
                "lastName": "",
                "fields": {},
                "identifiers": in_app,
                "commChannels": [],
                "source": "MOBILE_APP",
                "accountId": "orchard-app-1",
                "identifiersAll": in_app,
            },
        ],
        "loyaltyInfo": {
            "loyaltyType": "loyalty",
            "attributionV2": {**attribution, "createdFromSource": "INSTORE"},
            "lifetimePurchases": 0,
        },
        "segments": {},
        "associatedWith": "orchard.till03",
        "extendedFields": {"gender": "Female"},
        "cardDetails": [],
        "warnings": [],
    }


def test_one_source_shows_its_own_profile_alone(counter: Counter, meera: int) -> None:
    query = "source=MOBILE_APP&accountId=orchard-app-1"
    reply = counter.send("GET", f"/v2/customers/{meera}?{query}")
    assert [each["source"] for each in reply.json["profiles"]] == ["MOBILE_APP"]
    details = counter.send(
        "GET",
        f"/v2/customers/lookup/customerDetails?{query}&identifierName=cuid"
        "&identifierValue=cuid_6591234567",
    )
    assert details.json == reply.json


def test_embeds_show_what_was_asked_for(counter: Counter, meera: int) -> None:
    path = f"/v2/customers/{meera}?source=ALL&embed=mlp,subscriptions&embed=customerStatus"
    shown = counter.send("GET", path).json
    assert shown["subscriptionInfo"] == {
        "subscriptions": [
            {"channel": channel, "priority": priority, "type": "OPTIN"}
            for priority in ("TRANS", "BULK")
            for channel in ("EMAIL", "SMS")
        ]
    }
    assert shown["customerStatus"] == {
        "status": "ACTIVE",
        "label": "Active",
        "reason": "",
        "createdOn": "2025-03-04T01:15:20Z",
    }
    assert shown["loyaltyProgramDetails"] == []


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("{meera}", 8016),
        ("{meera}?source=NOWHERE", 8012),
        ("{meera}?source=WECHAT", 8091),
        ("{meera}?source=TMALL", 8065),
        ("{meera}?source=ALL&embed=everything", 400),
        ("{meera}?source=ALL&gapToUpgrade=-1", 400),
        ("{meera}?source=ALL&gapToRenew=soon", 400),
        ("meera?source=ALL", 400),
        ("9007199254740992?source=ALL", 400),
        ("0?source=ALL", 8015),
        ("9007199254740991?source=ALL", 8015),
        ("lookup/customerDetails?identifierName=mobile&identifierValue=1", 8016),
        ("lookup/customerDetails?source=NOWHERE&identifierName=mobile&identifierValue=1", 8012),
        ("lookup/customerDetails?source=LINE&identifierName=mobile&identifierValue=1", 8091),
        ("lookup/customerDetails?source=ALL&identifierValue=1", 8092),
        ("lookup/customerDetails?source=ALL&identifierName=mobile", 8093),
        ("lookup/customerDetails?source=ALL&identifierName=x&identifierValue=1", 8013),
        ("lookup/customerDetails?source=ALL&identifierName=mobile&identifierValue=1", 8015),
        (f"lookup/customerDetails?source=TMALL&{MOBILE}6591234567", 8065),
    ],
)
def test_get_says_what_is_wrong(counter: Counter, meera: int, path: str, code: int) -> None:
    assert code_of(counter, "/v2/customers/" + path.format(meera=meera)) == (400, code)


def test_literal_paths_go_before_ids(counter: Counter, meera: int) -> None:
    assert code_of(counter, "/v2/customers/lookup") == (400, 8001)
    assert counter.send("GET", "/v2/customers/search?q=").status == 200
    assert code_of(counter, "/v2/customers/lookup/statusLog") == (400, 400)


def search(counter: Counter, text: str, more: str = "") -> Any:
    reply = counter.send("GET", f"/v2/customers/search?q={quote(text)}{more}")
    assert reply.status == 200
    return reply.json


def test_search_finds_by_the_beginning_of_names_and_identifiers(
    counter: Counter, meera: int, arjun: int
) -> None:
    assert search(counter, "mEE") == {
        "data": [
            {
                "userId": meera,
                "matchedIdentifiers": [
                    {
                        "idType": kind,
                        "idValue": value,
                        "source": source,
                        "accountId": account,
                    }
                    for kind, value, source, account in (
                        ("firstName", "Meera", "INSTORE", ""),
                        ("email", "meera.tan@orchard.sg", "INSTORE", ""),
                        ("firstName", "Meera", "MOBILE_APP", "orchard-app-1"),
                    )
                ],
                "profiles": [
                    {"source": "INSTORE", "firstName": "Meera", "lastName": "Tan"},
                    {"source": "MOBILE_APP", "firstName": "Meera", "lastName": ""},
                ],
            }
        ],
        "pagination": {"limit": 10, "offset": 0, "total": 1},
        "warnings": [],
        "errors": [],
    }
    assert [each["userId"] for each in search(counter, "tan")["data"]] == [meera, arjun]
    assert [each["userId"] for each in search(counter, "orc0001")["data"]] == [meera]
    assert search(counter, "eera")["pagination"]["total"] == 0


def test_search_is_paged(counter: Counter, meera: int, arjun: int) -> None:
    page = search(counter, "tan", "&limit=1&offset=1")
    assert [each["userId"] for each in page["data"]] == [arjun]
    assert page["pagination"] == {"limit": 1, "offset": 1, "total": 2}
    beyond = search(counter, "tan", "&limit=100&offset=9007199254740991")
    assert (beyond["data"], beyond["pagination"]["total"]) == ([], 2)


@pytest.mark.parametrize("text", ["%", "_", "\\", "m%", "%eera", "'", "", " ", "x" * 1001])
def test_nothing_in_a_search_has_a_meaning(counter: Counter, meera: int, text: str) -> None:
    assert search(counter, text)["pagination"]["total"] == 0


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("q=a&offset=-1", 8100),
        ("q=a&limit=0", 8101),
        ("q=a&limit=-5", 8101),
        ("q=a&limit=101", 8102),
        ("q=a&limit=many", 400),
        ("q=a&offset=1.5", 400),
        ("q=%ff", 400),
        ("q=%00", 400),
    ],
)
def test_search_says_what_is_wrong(counter: Counter, query: str, code: int) -> None:
    assert code_of(counter, "/v2/customers/search?" + query) == (400, code)


def test_many_customers_are_read_at_once(counter: Counter, meera: int, arjun: int) -> None:
    reply = counter.send("POST", "/v2/bulk/getCustomers", [arjun, 10**15, meera, arjun])
    assert reply.status == 200
    assert [each["id"] for each in reply.json["data"]] == [arjun, meera]
    alone = counter.send("GET", f"/v2/customers/{meera}?source=ALL").json
    assert reply.json["data"][1] == alone


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ([], 8119),
        (list(range(101)), 8120),
        (["one"], 400),
        ([-1], 400),
        ([1.5], 400),
        ([None], 400),
        ({}, 400),
        (b"[1,", 400),
        (b"", 400),
    ],
)
def test_bulk_read_says_what_is_wrong(counter: Counter, body: Any, code: int) -> None:
    reply = counter.send("POST", "/v2/bulk/getCustomers", body)
    assert reply.status == 400
    assert [each["code"] for each in reply.json["errors"]] == [code]


async def test_identifier_on_too_many_cards_leads_to_nobody(
    counter: Counter, capillary_url: str
) -> None:
    async with opened(capillary_url) as shop:
        kiosk = await make_card(
            shop, profile(shop, "INSTORE", identifiers=(("device", "kiosk-1"),))
        )
        query = f"{LOOKUP}source=ALL&identifierName=device&identifierValue=kiosk-1"
        assert counter.send("GET", query).json["entity"] == kiosk
        await shop.database.execute(
            "INSERT INTO claim_holder (claim_key, root_id)"
            " SELECT claim_key, -root FROM claim, generate_series(1, 20) AS root"
            " WHERE customer_id = $1",
            kiosk,
        )
    assert code_of(counter, query) == (400, 8015)


def test_nobody_reads_without_credentials(counter: Counter, meera: int) -> None:
    for path in (f"/v2/customers/{meera}?source=ALL", "/v2/customers/search?q=a"):
        reply = counter.front.send("GET", path)
        assert (reply.status, reply.json["errors"][0]["code"]) == (401, 4000)


async def test_loyalty_cards_are_shown_and_lead_to_their_holder(
    counter: Counter, capillary_url: str
) -> None:
    series = {"code": "GOLD", "name": "Gold", "type": "PHYSICAL", "maxActiveCardsPerCustomer": 5}
    series_id = counter.send("POST", "/v2/card/series", series).json["entity"]
    async with opened(capillary_url) as shop:
        holder = await make_arjun(shop, "6598444444")
        await shop.refresh()
        for number in ("GOLD0001", "GOLD0002"):
            sent = {"seriesId": series_id, "cardNumber": number, "statusLabel": "NOT_ISSUED"}
            assert counter.send("POST", "/v2/card", sent).status == 200
            await shop.refresh()
            await link_card(shop, holder, CardWish(number=number), NOW, TILL)
    lookup = "identifierName=cardnumber&identifierValue="
    for source in ("ALL", "INSTORE"):
        found = counter.send("GET", f"{LOOKUP}source={source}&{lookup}GOLD0001")
        assert found.json == {"entity": holder, "warnings": []}
    assert code_of(counter, f"{LOOKUP}source=ALL&{lookup}GOLD9999") == (400, 8015)
    shown = counter.send("GET", f"/v2/customers/{holder}?source=ALL").json["cardDetails"]
    alone = counter.send("GET", "/v2/card?number=GOLD0002").json
    assert [each["cardNumber"] for each in shown] == ["GOLD0001", "GOLD0002"]
    assert {**shown[1], "warnings": []} == alone
    without = counter.send("GET", f"/v2/customers/{holder}?source=ALL&embed=ignoreCardDetails")
    assert "cardDetails" not in without.json
    (bulk,) = counter.send("POST", "/v2/bulk/getCustomers", [holder]).json["data"]
    assert bulk["cardDetails"] == shown
    suspended = {"label": "Suspended", "reason": "lost card"}
    by_card = f"/v2/customers/lookup/status?source=INSTORE&{lookup}GOLD0001"
    assert counter.send("PUT", by_card, suspended).status == 200
    log = counter.send("GET", f"/v2/customers/{holder}/statusLog").json["data"]
    assert [each["label"] for each in log] == ["Active", "Suspended"]
