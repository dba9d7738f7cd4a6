"""Who a visitor is: the seeds' values, every spelling, and what a browser is not believed."""

import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.tracker.conftest import (
    SECRET,
    Tracked,
    device_id,
    event,
    identify,
    tracked_shop,
    warnings_of,
)

#: contracts/tracker, section 4: the spellings of both pages, and what each is compared by.
PHONES = [
    ("71112223344", "+71112223344"),
    ("81112223344", "+71112223344"),
    ("+71112223344", "+71112223344"),
    ("+7(111)2223344", "+71112223344"),
    ("+7(111)222-33-44", "+71112223344"),
    ("+7 (111) 222-33-44", "+71112223344"),
    ("+7 (111) 222 33 44", "+71112223344"),
    ("+7 111 222 33 44", "+71112223344"),
    ("+7-111-222-33-44", "+71112223344"),
    ("8-111-222-33-44", "+71112223344"),
    ("5577999617074", "+5577999617074"),
    ("31687224865", "+31687224865"),
    ("56948840030", "+56948840030"),
    ("123456789012345", "+123456789012345"),
]


@pytest.fixture(scope="module")
async def signed(server_url: str, template: str) -> AsyncIterator[Tracked]:
    """A shop that signs its visitors."""
    async with tracked_shop(server_url, template, tracker_secret=SECRET) as shop:
        yield shop


def proof(*texts: str) -> str:
    return hmac.new(SECRET.encode(), "\n".join(texts).encode(), hashlib.sha256).hexdigest()


@pytest.mark.parametrize(("spelling", "normal_form"), PHONES)
async def test_every_phone_of_the_documentation_finds_one_customer(
    tracked: Tracked, did: str, spelling: str, normal_form: str
) -> None:
    reply = tracked.collect(identify(phone=spelling), did=did)
    assert reply.json["warnings"] == []
    found = tracked.customer("mobile", "%2B" + normal_form[1:])
    assert found is not None
    assert found == await tracked.holder("device", did)


@pytest.mark.parametrize(
    ("phone", "code"),
    [
        ("phone", "bad_characters"),
        ("70000000000", "filler"),
        ("77777777777", "filler"),
        ("1234567", "length"),
        ("+7 (111) 222-33-44, +7 111 333", "bad_characters"),
        ("+7 (___) ___-__-__", "bad_characters"),
        ("7111222334", "length"),
        ("1", "length"),
        (True, "not_text"),
        (["71112223344"], "not_text"),
        ("1" * 41, "length"),
    ],
)
async def test_a_junk_phone_costs_the_phone_and_not_the_customer(
    tracked: Tracked, did: str, phone: Any, code: str
) -> None:
    reply = tracked.collect(identify(external_id=f"junk-{did}", phone=phone), did=did)
    assert reply.status == 200
    assert [field for field, _ in warnings_of(reply)] == ["phone"]
    person = await tracked.holder("externalId", f"junk-{did}")
    assert person == await tracked.holder("device", did)
    kinds = [each["kind"] for each in (await tracked.profile(person))["identifiers"]]
    assert kinds == ["externalId"]


async def test_the_seeds_snippet_makes_the_card_and_drops_its_two_bad_contacts(
    tracked: Tracked, did: str
) -> None:
    reply = tracked.collect(
        identify(
            external_id="customerId",
            email="email",
            phone="phone",
            custom={"customDataName1": "customDataValue1", "customDataName2": "customDataValue2"},
            location="defaultStockId",
            links=[
                {"Name": "testLinkName1", "Value": "testValue1"},
                {"name": "testLinkName2", "value": "testValue2"},
            ],
            consent_email=True,
        ),
        did=did,
    )
    assert warnings_of(reply) == [
        ("email", "syntax"),
        ("phone", "bad_characters"),
        ("location", "unknown_stock"),
    ]
    profile = await tracked.profile(tracked.customer("externalId", "customerId"))
    assert {name: each["value"] for name, each in profile["fields"].items()} == {
        "customDataName1": "customDataValue1",
        "customDataName2": "customDataValue2",
    }
    assert "location" not in profile["told"]
    links = [each for each in profile["identifiers"] if each["kind"].startswith("softLink:")]
    assert [(each["kind"], each["value"]) for each in sorted(links, key=lambda e: e["kind"])] == [
        ("softLink:testLinkName1", "testValue1"),
        ("softLink:testLinkName2", "testValue2"),
    ]


@pytest.mark.parametrize("guest", ["", " ", "null", "undefined", None])
async def test_a_guest_is_not_a_customer_of_that_name(
    tracked: Tracked, did: str, guest: Any
) -> None:
    reply = tracked.collect(identify(external_id=guest, email=f"g{did}@examplemail.com"), did=did)
    assert reply.json["warnings"] == []
    profile = await tracked.profile(await tracked.holder("device", did))
    assert [each["kind"] for each in profile["identifiers"]] == ["email"]


async def test_numbers_are_ids_and_links_come_in_every_form(tracked: Tracked) -> None:
    forms: list[Any] = [
        [{"name": "form card", "value": "1"}],
        [{"Name": "form card", "Value": "1"}],
        {"form card": "1"},
        {"Name": "form card", "Value": 1},
        '[{"name": "form card", "value": "1"}]',
        "form card,1",
        [{"name": "form card", "value": "1"}, {"name": "", "value": "x"}, {"name": "y"}, 7],
    ]
    devices = [device_id() for _ in forms]
    for each, links in zip(devices, forms, strict=True):
        assert tracked.collect(identify(links=links), did=each).json["warnings"] == []
    owners = {await tracked.holder("device", each) for each in devices}
    assert len(owners) == 1
    one, two = device_id(), device_id()
    tracked.collect(identify(external_id=100_777), did=one)
    tracked.collect(identify(external_id="100777"), did=two)
    assert await tracked.holder("device", one) == await tracked.holder("device", two)


@pytest.mark.parametrize(
    ("location", "kept", "warned"),
    [
        ("Екатеринбург", "Екатеринбург", []),
        ("NY", "NY", []),
        ("Atlantis", None, [("location", "unknown_stock")]),
        ("Е" * 51, None, [("location", "too_long")]),
        ("", None, []),
    ],
)
async def test_only_regions_of_the_feed_are_kept(
    tracked: Tracked, did: str, location: str, kept: str | None, warned: Any
) -> None:
    reply = tracked.collect(identify(external_id=f"r-{did}", location=location), did=did)
    assert warnings_of(reply) == warned
    told = (await tracked.profile(await tracked.holder("device", did)))["told"]
    assert told.get("location", {}).get("value") == kept


@pytest.mark.parametrize(
    ("sent", "state", "basis"),
    [
        ({}, "granted", "assumed"),
        ({"consent_email": True}, "granted", "stated"),
        ({"consent_email": "true"}, "granted", "stated"),
        ({"consent_email": False}, "denied", "stated"),
        ({"consent_email": "false"}, "denied", "stated"),
        ({"consent_email": "maybe"}, None, None),
    ],
)
async def test_consent_that_is_absent_is_given(
    tracked: Tracked, did: str, sent: Any, state: str | None, basis: str | None
) -> None:
    tracked.collect(identify(external_id=f"c-{did}", **sent), did=did)
    part = await tracked.part(await tracked.holder("device", did))
    found = [(each["state"], each["basis"]) for each in part["consents"]]
    assert found == ([] if state is None else [(state, basis)])


async def test_a_no_never_unsubscribes_and_others_do_not_speak_for_the_person(
    tracked: Tracked,
) -> None:
    own, other = device_id(), device_id()
    tracked.collect(identify(external_id="S-1", consent_email=True), did=own)
    person = await tracked.holder("externalId", "S-1")
    before = (await tracked.part(person))["consents"]
    tracked.collect(identify(external_id="S-1", consent_email=False), did=own)
    tracked.collect(identify(external_id="S-1", consent_email="false"), did=other)
    message = {"id": "x", "type": "subscription", "name": "manage", "data": {"email_bulk": False}}
    reply = tracked.collect(message, did=other)
    assert warnings_of(reply) == [("consent_email", "not_trusted")]
    assert (await tracked.part(person))["consents"] == before
    tracked.collect(message, did=own)  # its own word: who said yes here may say no here
    tracked.collect(identify(external_id="S-1") | {"id": "other"}, did=own)
    moved = {**message, "id": "y"}
    assert warnings_of(tracked.collect(moved, did=own)) == []
    assert [each["state"] for each in (await tracked.part(person))["consents"]] == [
        "granted",
        "withdrawn",
        "withdrawn",
    ]


async def test_a_browser_does_not_replace_what_a_till_told(tracked: Tracked, did: str) -> None:
    email = {"type": "email", "value": "till@examplemail.com"}
    channel = {**email, "primary": True, "verified": True}
    person = tracked.register(
        identifiers=[email, {"type": "externalId", "value": "T-1"}], commChannels=[channel]
    )
    reply = tracked.collect(identify(external_id="T-1", email="thief@examplemail.com"), did=did)
    assert warnings_of(reply) == [("email", "not_verified")]
    assert await tracked.holder("device", did) == person
    assert tracked.customer("email", "thief@examplemail.com") is None
    assert tracked.customer("email", "till@examplemail.com") == person
    attributes = await tracked.database.fetchval(
        "SELECT attributes ->> 'Email' FROM customer WHERE id = $1", person
    )
    assert attributes == "till@examplemail.com"


async def test_identifiers_of_two_people_join_nobody(tracked: Tracked, did: str) -> None:
    one, two = device_id(), device_id()
    tracked.collect(identify(external_id="J-1", email="j1@examplemail.com"), did=one)
    tracked.collect(identify(external_id="J-2", email="j2@examplemail.com"), did=two)
    reply = tracked.collect(identify(external_id="J-1", email="j2@examplemail.com"), did=did)
    assert warnings_of(reply) == [("email", "held_by_another")]
    assert await tracked.holder("device", did) == await tracked.holder("externalId", "J-1")
    assert tracked.customer("email", "j2@examplemail.com") == await tracked.holder(
        "externalId", "J-2"
    )
    assert await tracked.count("customer_merge") == 0


async def test_a_lead_becomes_a_part_of_the_customer(tracked: Tracked) -> None:
    lead, shop = device_id(), device_id()
    tracked.collect(identify(email="lead@examplemail.com"), event("view", "1"), did=lead)
    guest = await tracked.holder("device", lead)
    tracked.collect(identify(external_id="L-1"), did=shop)
    person = await tracked.holder("externalId", "L-1")
    assert guest != person
    reply = tracked.collect(identify(external_id="L-1", email="lead@examplemail.com"), did=lead)
    assert reply.json["warnings"] == []
    assert tracked.customer("email", "lead@examplemail.com") == person
    assert await tracked.holder("device", lead) == person
    assert [each.name for each in await tracked.timeline(person)] == ["view"]
    assert await tracked.timeline(guest) == []


async def test_another_address_on_the_same_device_is_another_person(
    tracked: Tracked, did: str
) -> None:
    tracked.collect(identify(email="first@examplemail.com"), did=did)
    first = await tracked.holder("device", did)
    tracked.collect(identify(email="second@examplemail.com"), did=did)
    assert await tracked.holder("device", did) != first
    assert tracked.customer("email", "first@examplemail.com") == first


async def test_everything_of_a_profile_is_kept_and_read_again(tracked: Tracked, did: str) -> None:
    """contracts/tracker, seed of the second vendor."""
    reply = tracked.collect(
        identify(
            "r46",
            external_id=100_500,
            email="john.doe@examplemail.com",
            phone="4400114527199",
            first_name="John",
            last_name="Doe",
            birthday="1990-03-11",
            age=31,
            gender="m",
            location="NY",
            bought_something=True,
            loyalty_id="000001234567",
            loyalty_card_location="NY",
            loyalty_status="5% discount",
            loyalty_bonuses=1123,
            loyalty_bonuses_to_next_level=1877,
            fb_id="000000000354677",
            vk_id="vk031845",
            telegram_id="0125762968357835",
            kids=[{"gender": "m", "birthday": "2001-04-12"}, {"gender": "f"}],
            auto='[{"brand": "Nissan", "model": "Qashqai", "vds": "TM7N243E4G0BJG978"}]',
            newsletter_topics=["shoes", "bags"],
        ),
        did=did,
    )
    assert reply.json["warnings"] == []
    person = tracked.customer("mobile", "%2B4400114527199")
    profile = await tracked.profile(person)
    assert {name: each["value"] for name, each in profile["told"].items() if name != "age"} == {
        "first_name": "John",
        "last_name": "Doe",
        "birthday": "1990-03-11",
        "gender": "male",
        "location": "NY",
        "bought_something": True,
        "loyalty_card_location": "NY",
        "loyalty_status": "5% discount",
        "loyalty_bonuses": 1123,
        "loyalty_bonuses_to_next_level": 1877,
        "kids": [{"gender": "male", "birthday": "2001-04-12"}, {"gender": "female"}],
        "vehicles": [{"brand": "Nissan", "model": "Qashqai", "vds": "TM7N243E4G0BJG978"}],
    }
    assert profile["fields"]["newsletter_topics"]["value"] == ["shoes", "bags"]
    assert len(profile["identifiers"]) == 7
    assert (await tracked.part(person))["consents"] == []
    assert tracked.customer("softLink:vk_id", "vk031845") == person


async def test_a_device_that_many_share_is_nobodys(server_url: str, template: str) -> None:
    async with tracked_shop(server_url, template, shared_cards_max=3) as shop:
        kiosk = device_id()
        for number in range(6):
            sid = f"v{number}"
            shop.collect(identify(external_id=f"K-{number}"), did=kiosk, sid=sid)
            shop.collect(event("view", str(number)), did=kiosk, sid=sid)
        last = await shop.holder("externalId", "K-5")
        assert [json.loads(e.document)["items"] for e in await shop.timeline(last)] == [
            [{"id": "5"}]
        ]
        shop.collect(event("view", "nobody's"), did=kiosk, sid="later")
        assert await shop.holder("device", kiosk) != last
        assert len(await shop.timeline(last)) == 1


async def test_a_signature_is_believed_and_a_bad_one_is_not(signed: Tracked) -> None:
    till = "20991231235959"
    own, thief = device_id(), device_id()
    signed.collect(
        identify(external_id="P-1", valid_till=till, signature=proof("P-1" + till), gender="f"),
        did=own,
    )
    person = await signed.holder("externalId", "P-1")
    for wrong, code in (
        ({"valid_till": till, "signature": proof("P-2" + till)}, "bad_signature"),
        ({"valid_till": "20200101000000", "signature": proof("P-1" + "2" * 14)}, "expired"),
        ({"valid_till": "soon", "signature": "x"}, "bad_valid_till"),
    ):
        reply = signed.collect(identify(external_id="P-1", **wrong), did=thief)
        assert warnings_of(reply) == [("signature", code)]
    rows = await signed.database.fetch(
        "SELECT proven FROM customer_device WHERE customer_id = $1", person
    )
    assert sorted(row["proven"] for row in rows) == [False, True]


async def test_an_id_without_a_proof_is_not_joined_with_somebodys_address(
    signed: Tracked,
) -> None:
    victim, thief = device_id(), device_id()
    signed.collect(identify(email="victim@examplemail.com"), did=victim)
    person = await signed.holder("device", victim)
    reply = signed.collect(identify(external_id="thief", email="victim@examplemail.com"), did=thief)
    assert warnings_of(reply) == [("email", "held_by_another")]
    assert await signed.holder("externalId", "thief") != person
    till = "20991231235959"
    whole = proof("V-1", "victim@examplemail.com", "", till)
    signed.collect(
        identify(
            external_id="V-1", email="victim@examplemail.com", valid_till=till, signature=whole
        ),
        did=victim,
    )
    assert await signed.holder("externalId", "V-1") == person
