"""Identifiers: every kind, every reason of rejection, and the claims they are owned under."""

from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from habitue.customers.card import HeldIdentifier
from habitue.customers.claims import profile_key
from habitue.customers.identifier import (
    CARD,
    DEVICE,
    EMAIL,
    EXTERNAL_ID,
    INTEGRATION_ID,
    KINDS,
    MOBILE,
    Rejected,
    canonical_kind,
    key_of,
    read_identifier,
    soft_link,
)
from habitue.customers.settings import RegistrationSettings
from habitue.model.limits import IDENTIFIER_LENGTH_MAX

SINCE = datetime(2026, 11, 20, 12, tzinfo=UTC)
DEFAULTS = RegistrationSettings()
#: Values for the kinds that do not take any.
SAMPLES = {MOBILE: "79161234567", EMAIL: "anna@shop.ru"}


def read(
    kind: str,
    value: object,
    source: str = "INSTORE",
    shop: RegistrationSettings = DEFAULTS,
) -> HeldIdentifier | Rejected:
    return read_identifier(kind, value, source, shop, SINCE)


def held(kind: str, value: object) -> HeldIdentifier:
    identifier = read(kind, value)
    assert isinstance(identifier, HeldIdentifier)
    return identifier


@pytest.mark.parametrize(
    ("written", "kind"),
    [
        ("mobile", "mobile"),
        ("email", "email"),
        ("externalId", "externalId"),
        ("integrationId", "integrationId"),
        ("wechat", "wechat"),
        ("unionId", "unionId"),
        ("martjackId", "martjackId"),
        ("fbId", "fbId"),
        ("facebook", "fbId"),
        ("tmall_uname", "tmall_uname"),
        ("ali_uname", "ali_uname"),
        ("jd_uname", "jd_uname"),
        ("vip_uname", "vip_uname"),
        ("cuid", "cuid"),
        ("mobilePush", "mobilePush"),
        ("line", "line"),
        ("device", "device"),
        ("card", "card"),
        ("cardnumber", "card"),
        ("cardNumber", "card"),
        ("CARDNUMBER", "card"),
        (" Mobile ", "mobile"),
        ("softLink:wallet", "softLink:wallet"),
        ("softlink: Wallet Id ", "softLink:Wallet Id"),
        ("softLink:a:b", "softLink:a:b"),
    ],
)
def test_kinds_have_one_spelling(written: str, kind: str) -> None:
    assert canonical_kind(written) == kind
    assert held(written, SAMPLES.get(kind, "w-1")).kind == kind


@pytest.mark.parametrize(
    "kind", ["", "phone", "softLink", "softLink:", "softLink: ", "softLink:a\x00", "card number"]
)
def test_other_kinds_are_unknown(kind: str) -> None:
    rejected = read(kind, "1")
    assert isinstance(rejected, Rejected)
    assert (rejected.value, rejected.reason) == ("1", "unknown_kind")
    assert canonical_kind("softLink:" + "n" * 100) == "softLink:" + "n" * 100
    assert canonical_kind("softLink:" + "n" * 101) is None


def test_a_phone_is_read_by_the_region_of_its_source() -> None:
    shop = RegistrationSettings(phone_region="RU", phone_regions={"LINE": "", "WECHAT": "IN"})
    assert read("mobile", " 8 (916) 123-45-67 ", shop=shop) == HeldIdentifier(
        MOBILE, "8 (916) 123-45-67", "+79161234567", SINCE, opinion="valid"
    )
    assert read("mobile", 81312345678, "LINE", shop) == HeldIdentifier(
        MOBILE, "81312345678", "+81312345678", SINCE, opinion="valid"
    )
    assert read("mobile", "9812345678", "WECHAT", shop) == HeldIdentifier(
        MOBILE, "9812345678", "+919812345678", SINCE, opinion="valid"
    )


def test_an_address_of_nobody_is_held_and_is_no_identity() -> None:
    assert read("email", "Anna@Shop.ru") == HeldIdentifier(
        EMAIL, "Anna@Shop.ru", "anna@shop.ru", SINCE
    )
    assert read("email", "Meera@unknown.email") == HeldIdentifier(
        EMAIL, "Meera@unknown.email", "meera@unknown.email", SINCE, False, "placeholder_domain"
    )
    assert read("email", "noreply@shop.ru") == HeldIdentifier(
        EMAIL, "noreply@shop.ru", "noreply@shop.ru", SINCE, False, "placeholder_local_part"
    )


def test_other_values_are_compared_as_they_are() -> None:
    assert read("wechat", " oX-1 a ") == HeldIdentifier("wechat", "oX-1 a", "oX-1 a", SINCE)
    assert read("cardNumber", 4000123) == HeldIdentifier(CARD, "4000123", "4000123", SINCE)
    assert held("cuid", "Ab") != held("cuid", "ab")


@pytest.mark.parametrize(
    ("kind", "value", "shown", "reason"),
    [
        ("mobile", "phone", "phone", "bad_characters"),
        ("mobile", "12", "12", "length"),
        ("mobile", "70000000000", "70000000000", "filler"),
        ("mobile", -79161234567, "", "not_text"),
        ("email", "email", "email", "syntax"),
        ("email", 7, "7", "syntax"),
        ("email", "", "", "empty"),
        ("externalId", " ", "", "empty"),
        ("externalId", None, "", "not_text"),
        ("externalId", True, "", "not_text"),
        ("externalId", {"a": 1}, "", "not_text"),
        ("externalId", -1, "", "not_text"),
        ("externalId", "null", "null", "no_value"),
        ("integrationId", "undefined", "undefined", "no_value"),
        ("device", "NaN", "NaN", "no_value"),
        ("card", "[object Object]", "[object Object]", "no_value"),
        ("line", "a\x00b", "a\ufffdb", "bad_characters"),
        ("line", "a\x1bb", "a\ufffdb", "bad_characters"),
        ("line", "a\nb", "a\ufffdb", "bad_characters"),
        ("line", "a\ud800", "a\ufffd", "bad_characters"),
        ("line", "a" * 1001, "a" * 80, "length"),
        ("softLink:wallet", "anna@shop.ru", "anna@shop.ru", "email_shaped"),
        ("softLink:wallet", "anna@example.com", "anna@example.com", "email_shaped"),
    ],
)
def test_rejections_name_their_reason(kind: str, value: object, shown: str, reason: str) -> None:
    rejected = read(kind, value)
    assert isinstance(rejected, Rejected)
    assert (rejected.kind, rejected.value, rejected.reason) == (kind, shown, reason)


def test_at_the_bounds() -> None:
    assert read("line", 10**5000) == Rejected("line", "", "not_text")
    assert held("line", "a" * IDENTIFIER_LENGTH_MAX).normal_form == "a" * IDENTIFIER_LENGTH_MAX
    assert held("softLink:handle", "@anna").normal_form == "@anna"
    assert held("externalId", 0).normal_form == "0"


def test_a_shops_rules_for_external_ids() -> None:
    shop = RegistrationSettings(external_id_prefix="C-", external_id_length=5)
    assert isinstance(read("externalId", "C-123", shop=shop), HeldIdentifier)
    assert read("externalId", "D-123", shop=shop) == Rejected(EXTERNAL_ID, "D-123", "prefix")
    assert read("externalId", "C-1234", shop=shop) == Rejected(
        EXTERNAL_ID, "C-1234", "exact_length"
    )
    assert read("externalId", "null", shop=shop) == Rejected(EXTERNAL_ID, "null", "no_value")
    assert isinstance(read("integrationId", "x", shop=shop), HeldIdentifier)
    assert isinstance(read("card", "x", shop=shop), HeldIdentifier)


def test_a_store_side_id_is_one_claim_at_every_door() -> None:
    key = profile_key("C-7", sandbox=False)
    assert key_of(held(EXTERNAL_ID, "C-7"), "live") == key
    assert key_of(held(INTEGRATION_ID, " C-7 "), "live") == key
    assert key_of(held(EXTERNAL_ID, "C-7"), "wholesale") != key


def test_the_same_value_of_other_kinds_is_another_claim() -> None:
    kinds = [*KINDS[2:], soft_link("a"), soft_link("A"), soft_link("b")]
    keys = {key_of(held(kind, "7"), "live") for kind in kinds}
    assert DEVICE in kinds
    assert len(keys) == len(kinds) - 1  # an external id and an integration id are one


def test_spellings_of_one_phone_or_address_are_one_claim() -> None:
    phones = ["+7 916 123-45-67", "89161234567", 79161234567]
    assert len({key_of(held(MOBILE, phone), "live") for phone in phones}) == 1
    addresses = ["Anna@Shop.ru", "anna@SHOP.RU "]
    assert len({key_of(held(EMAIL, address), "live") for address in addresses}) == 1


VALUES = st.one_of(
    st.text(), st.integers(), st.none(), st.booleans(), st.floats(), st.lists(st.text())
)


@given(st.one_of(st.sampled_from([*KINDS, "softLink:x", "CardNumber"]), st.text()), VALUES)
@settings(max_examples=400, deadline=None)
def test_reading_is_total_and_a_normal_form_stays_as_it_is(kind: str, value: object) -> None:
    first = read(kind, value)
    msgspec.json.encode(first)
    if isinstance(first, HeldIdentifier):
        again = held(first.kind, first.normal_form)
        assert again.normal_form == first.normal_form
        assert key_of(again, "live") == key_of(first, "live")
        assert "\x00" not in first.value


@pytest.mark.parametrize(("source", "identity"), [("INSTORE", True), ("WEBSITE", False)])
def test_an_address_of_documentation_is_nobodys_where_anybody_writes(
    source: str, identity: bool
) -> None:
    held = read_identifier("email", "meera@example.org", source, RegistrationSettings(), SINCE)
    assert isinstance(held, HeldIdentifier)
    assert held.identity is identity
