"""Registration over a socket: the contract's requests, and what becomes of them."""

from typing import Any

import pytest

from tests.capillary.conftest import LOGIN, Counter
from tests.capillary.registrations import (
    Seen,
    add,
    codes,
    created,
    customer,
    identifier,
    mobile,
    profile,
)


@pytest.fixture
def seen(counter: Counter) -> Seen:
    return Seen(counter)


def test_the_reference_request_gives_a_card_that_reads_back(
    counter: Counter, seen: Seen, program_id: int
) -> None:
    number = mobile()
    body = {
        "loyaltyInfo": {"loyaltyType": "loyalty"},
        "associatedWith": LOGIN,
        "createDate": "2025-03-04T09:15:20+08:00",
        "profiles": [
            {
                "firstName": "Meera",
                "lastName": "Tan",
                "identifiers": [
                    identifier("mobile", number),
                    identifier("email", f"m{number}@orchard.sg"),
                    identifier("externalId", f"ORC{number}"),
                ],
                "commChannels": [
                    {
                        "type": "mobile",
                        "value": number,
                        "primary": True,
                        "verified": True,
                        "subscribed": True,
                        "meta": {"residence": True, "office": False},
                        "attributes": {},
                    },
                    {
                        "type": "email",
                        "value": f"m{number}@orchard.sg",
                        "primary": "true",
                        "verified": "false",
                        "meta": {"residence": "true"},
                    },
                ],
                "source": "INSTORE",
                "accountId": "",
                "fields": {"employee": "false", "dateofbirth": "14-02-1991"},
            }
        ],
        "extendedFields": {"gender": "Female", "city": "Singapore", "zip": "238841"},
        "loyaltyProgramEnrollments": [
            {
                "programId": program_id,
                "tierNumber": 1,
                "loyaltyPoints": 75,
                "tierExpiryDate": "2096-03-03T23:59:59+08:00",
                "pointsExpiryDate": "2096-03-03T23:59:59+08:00",
            }
        ],
        "referralCode": "",
        "statusLabel": "Active",
    }
    status, answer = add(counter, body)
    points = {
        "entityType": "USER",
        "rawAwardedPoints": 75,
        "awardedPoints": 75,
        "type": "points",
    }
    assert (status, answer["warnings"], answer["sideEffects"]) == (200, [], [points])
    card = seen.customer(answer["createdId"])
    (shown,) = card["profiles"]
    assert (shown["firstName"], shown["lastName"]) == ("Meera", "Tan")
    assert shown["identifiers"] == body["profiles"][0]["identifiers"]  # type: ignore[index]
    assert shown["fields"] == {"employee": "false", "dateofbirth": "14-02-1991"}
    assert [each["primary"] for each in shown["commChannels"]] == [True, True]
    assert [each["verified"] for each in shown["commChannels"]] == [True, False]
    assert card["extendedFields"] == {"gender": "Female", "city": "Singapore", "zip": "238841"}
    assert card["associatedWith"] == LOGIN
    assert card["loyaltyInfo"]["loyaltyType"] == "loyalty"
    assert card["loyaltyInfo"]["attributionV2"]["createDate"].startswith("2025-03-04T01:15:20")


def test_one_person_from_three_sources_is_one_card(counter: Counter, seen: Seen) -> None:
    number = mobile()
    id_ = created(counter, identifier("mobile", number))
    app = profile(
        identifier("mobile", int(number)),
        identifier("cuid", f"cuid_{number}"),
        source="MOBILE_APP",
        accountId="app-1",
    )
    status, answer = add(counter, customer(app))
    assert (status, answer["createdId"], codes(answer)) == (200, id_, [8050])
    assert answer["warnings"][0]["message"] == "Same Customer found in other sources,Combining"
    other = profile(
        identifier("mobile", number),
        identifier("wechat", f"w{number}"),
        source="WECHAT",
        accountId="WX-SG",
    )
    status, answer = add(counter, customer(other))
    assert (answer["createdId"], codes(answer)) == (id_, [8050])
    shown = seen.customer(id_)["profiles"]
    assert [(each["source"], each["accountId"]) for each in shown] == [
        ("INSTORE", ""),
        ("MOBILE_APP", "app-1"),
        ("WECHAT", "WX-SG"),
    ]
    assert seen.id_of("cuid", f"cuid_{number}") == id_
    assert seen.id_of("wechat", f"w{number}") == id_


def test_the_web_shops_id_and_the_tills_external_id_are_one_customer(
    counter: Counter, seen: Seen
) -> None:
    number = mobile()
    id_ = created(counter, identifier("mobile", number), identifier("externalId", f"E{number}"))
    web = profile(identifier("integrationId", f"E{number}"), source="ECOMMERCE")
    _, answer = add(counter, customer(web))
    assert (answer["createdId"], codes(answer)) == (id_, [8050])


def test_the_source_may_stand_in_the_query(counter: Counter) -> None:
    body = customer(profile(identifier("mobile", mobile()), source=None))
    assert add(counter, body)[1]["errors"][0]["code"] == 8004
    assert add(counter, body, "?source=INSTORE&format=json")[0] == 200


def test_a_retry_with_a_key_is_answered_alike_and_registers_once(counter: Counter) -> None:
    body = customer(profile(identifier("mobile", mobile())))
    key = {"idempotency-key": f"key-{mobile()}"}
    first = add(counter, body, **key)
    assert first[0] == 200
    assert add(counter, body, **key) == first
    status, answer = add(counter, customer(profile(identifier("mobile", mobile()))), **key)
    assert (status, codes(answer, "errors")) == (409, [409])


def test_updates_and_identifier_changes_have_their_codes(counter: Counter, seen: Seen) -> None:
    number = mobile()
    id_ = created(counter, identifier("mobile", number), firstName="Mira")
    body = customer({"lastName": "Tan"})
    reply = counter.send("PUT", f"/v2/customers/{id_}?source=INSTORE", body)
    assert (reply.status, reply.json) == (
        200,
        {"createdId": id_, "warnings": [], "sideEffects": []},
    )
    reply = counter.send("PUT", "/v2/customers/999999?source=INSTORE", body)
    assert codes(reply.json, "errors") == [8009]
    reply = counter.send("PUT", f"/v2/customers/{id_}?source=ECOMMERCE", body)
    assert codes(reply.json, "errors") == [8065]
    where = f"source=INSTORE&identifierName=mobile&identifierValue={number}"
    reply = counter.send("PUT", f"/v2/customers/lookup?{where}", customer({"lastName": "Lim"}))
    assert reply.json["createdId"] == id_
    assert seen.customer(id_)["profiles"][0]["lastName"] == "Lim"
    downgrade = customer({"firstName": "M"}, loyaltyInfo={"loyaltyType": "non_loyalty"})
    reply = counter.send("PUT", f"/v2/customers/{id_}?source=INSTORE", downgrade)
    assert codes(reply.json, "errors") == [8018]
    change = f"/v2/customers/{id_}/changeIdentifier?source=INSTORE"
    add_mail = {"add": [identifier("email", f"u{number}@orchard.sg")]}
    assert counter.send("POST", change, add_mail).json == {"createdId": id_, "warnings": []}
    assert codes(counter.send("POST", change, add_mail).json) == [8072, 8070]
    assert codes(counter.send("POST", change, {}).json, "errors") == [8070]
    other = created(counter, identifier("externalId", f"o{number}"), source="ECOMMERCE")
    merged = counter.send("POST", change, {"add": [identifier("externalId", f"o{number}")]})
    assert (merged.json["createdId"], codes(merged.json)) == (other, [8051])
    assert seen.id_of("mobile", number) == other


def test_a_customer_without_loyalty_is_registered_by_an_address(
    counter: Counter, seen: Seen
) -> None:
    address = f"lee{mobile()}@example.org"
    body = {
        "loyaltyInfo": {"loyaltyType": "non_loyalty"},
        "profiles": [
            {
                "firstName": "Lee",
                "lastName": "Park",
                "identifiers": [identifier("email", address)],
                "fields": {},
                "source": "WECHAT",
                "accountId": "WX-SG",
            }
        ],
        "subscriptionInfo": {
            "subscriptions": [
                {
                    "channel": "EMAIL",
                    "accountId": "",
                    "priority": "BULK",
                    "type": "OPTIN",
                    "sourceName": "WECHAT",
                }
            ]
        },
    }
    status, answer = add(counter, body)
    assert (status, answer["warnings"]) == (200, [])
    card = seen.customer(answer["createdId"])
    assert card["loyaltyInfo"]["loyaltyType"] == "non_loyalty"
    path = f"/v2/customers/{answer['createdId']}/permissions?channel=email"
    (permission,) = counter.send("GET", path).json["permissions"]
    assert (permission["allowed"], permission["reason"]) == (True, "granted")


def test_a_card_is_issued_at_registration_and_changes_hands(counter: Counter, seen: Seen) -> None:
    number = mobile()
    series = {
        "code": f"GOLD{number}",
        "name": "Gold physical",
        "type": "PHYSICAL",
        "expiryDays": 365,
        "cardExpiryEnabled": True,
        "cardGenerationConfiguration": {
            "prefix": f"G{number}",
            "suffix": "2025",
            "offset": 76,
            "length": 16,
            "method": "DEFAULT",
        },
        "cardGenerationEnabled": True,
        "isActive": True,
        "trigger": "SERIES_ID",
        "maxActiveCardsPerCustomer": 1,
    }
    series_id = counter.send("POST", "/v2/card/series", series).json["entity"]
    wanted = {"seriesId": series_id, "count": 2, "statusLabel": "NOT_ISSUED"}
    first, second = counter.send("POST", "/v2/card/generate", wanted).json["entity"]
    assert first == f"G{number}00000000000000772025"
    card = identifier("cardnumber", first, seriesId=series_id, statusLabel="ACTIVE")
    owner = created(counter, identifier("mobile", number), card)
    (held,) = seen.customer(owner)["cardDetails"]
    assert (held["cardNumber"], held["statusInfo"]["status"]) == (first, "ACTIVE")
    assert seen.id_of("cardnumber", first) == owner
    other = created(counter, identifier("mobile", mobile()))
    change = f"/v2/customers/{other}/changeIdentifier?source=INSTORE"
    taken = counter.send("POST", change, {"add": [card]})
    assert (taken.status, codes(taken.json, "errors")) == (400, [3027])
    delink = {**card, "statusLabel": "NOT_ISSUED"}
    path = f"/v2/customers/{owner}/changeIdentifier?source=INSTORE"
    assert counter.send("POST", path, {"remove": [delink]}).json == {
        "createdId": owner,
        "warnings": [],
    }
    assert counter.send("POST", change, {"add": [card]}).json == {
        "createdId": other,
        "warnings": [],
    }
    assert seen.id_of("cardnumber", first) == other
    capped = counter.send(
        "POST", change, {"add": [identifier("cardnumber", second, seriesId=series_id)]}
    )
    assert codes(capped.json, "errors") == [3036]


def test_a_loyalty_card_leads_to_its_customer_by_both_its_ids(counter: Counter, seen: Seen) -> None:
    number = mobile()
    series: dict[str, Any] = {"code": f"EXT{number}", "name": "External", "type": "PHYSICAL"}
    series |= {"isActive": True, "trigger": "SERIES_ID"}
    series_id = counter.send("POST", "/v2/card/series", series).json["entity"]
    card = {"seriesId": series_id, "cardNumber": f"C{number}", "cardExternalId": f"X{number}"}
    added = counter.send("POST", "/v2/card", {**card, "statusLabel": "NOT_ISSUED"})
    assert added.status == 200, added.body
    assert seen.id_of("cardExternalId", f"X{number}") is None
    link = identifier("cardnumber", f"C{number}", seriesId=series_id, statusLabel="ACTIVE")
    owner = created(counter, identifier("mobile", number), link)
    for kind, value in (("cardExternalId", f"X{number}"), ("cardnumber", f"C{number}")):
        assert seen.id_of(kind, value) == owner
        query = f"source=INSTORE&identifierName={kind}&identifierValue={value}"
        told = {"profiles": [{"firstName": kind}]}
        reply = counter.send("PUT", f"/v2/customers/lookup?{query}", told)
        assert (reply.status, reply.json["createdId"]) == (200, owner)
        assert seen.customer(owner)["profiles"][0]["firstName"] == kind
    query = f"source=INSTORE&identifierName=cardExternalId&identifierValue=C{number}"
    reply = counter.send("PUT", f"/v2/customers/lookup?{query}", {"profiles": [{"lastName": "x"}]})
    assert (reply.status, codes(reply.json, "errors")) == (400, [8015])


def test_an_update_is_refused_where_the_source_does_not_know_the_identifier(
    counter: Counter, seen: Seen
) -> None:
    number, address = mobile(), "known.elsewhere@orchard.sg"
    owner = created(counter, identifier("mobile", number))
    web = profile(identifier("mobile", number), identifier("email", address), source="ECOMMERCE")
    assert add(counter, customer(web))[0] == 200
    before = seen.customer(owner)
    query = f"identifierName=email&identifierValue={address}"
    told = {"profiles": [{"firstName": "Zoe"}]}
    reply = counter.send("PUT", f"/v2/customers/lookup?source=INSTORE&{query}", told)
    assert (reply.status, codes(reply.json, "errors")) == (400, [8065])
    assert seen.customer(owner) == before
    reply = counter.send("PUT", f"/v2/customers/lookup?source=ECOMMERCE&{query}", told)
    assert (reply.status, reply.json["createdId"]) == (200, owner)
