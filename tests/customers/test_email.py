"""E-mail addresses: syntax, comparison, placeholders, and what holds for any text."""

import email_validator
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from habitue.customers.email import _PLAIN, Email, NoEmail, _nobodys, read_email
from habitue.customers.settings import RegistrationSettings

SETTINGS = RegistrationSettings()


@pytest.mark.parametrize(
    ("written", "normal_form"),
    [
        ("anna@shop.ru", "anna@shop.ru"),
        ("  Anna.Petrova+News@Shop.RU \n", "anna.petrova+news@shop.ru"),
        ("a.n.n.a@gmail.com", "a.n.n.a@gmail.com"),
        ("anna@examplemail.com", "anna@examplemail.com"),
        ("anna@myexample.com", "anna@myexample.com"),
        ("o'brien!x@shop.ie", "o'brien!x@shop.ie"),
        ("anna@ПОЧТА.рф", "anna@xn--80a1acny.xn--p1ai"),
        ("anna@xn--80a1acny.xn--p1ai", "anna@xn--80a1acny.xn--p1ai"),
        ("АННА@почта.рф", "анна@xn--80a1acny.xn--p1ai"),
        ("ju\u0308rgen@shop.de", "j\u00fcrgen@shop.de"),
        ("a" * 64 + "@shop.ru", "a" * 64 + "@shop.ru"),
        ("a@" + "b" * 63 + ".ru", "a@" + "b" * 63 + ".ru"),
        ("tester@shop.ru", "tester@shop.ru"),
    ],
)
def test_addresses_of_people(written: str, normal_form: str) -> None:
    assert read_email(written, SETTINGS) == Email(normal_form)


@pytest.mark.parametrize(
    ("written", "placeholder"),
    [
        ("5f0c@unknown.email", "placeholder_domain"),
        ("anna@noemail.local", "placeholder_domain"),
        ("anna@corp.local", "placeholder_domain"),
        ("anna@localhost", "placeholder_domain"),
        ("o'brien@localhost", "placeholder_domain"),
        ("o'brien@shop.test", "placeholder_domain"),
        ("anna@shop.test", "placeholder_domain"),
        ("anna@shop.invalid", "placeholder_domain"),
        ("anna@shop.example", "placeholder_domain"),
        ("anonymous@example.com", "placeholder_local_part"),
        ("Anonymous@shop.ru", "placeholder_local_part"),
        ("no-reply@shop.ru", "placeholder_local_part"),
        ("test+17@shop.ru", "placeholder_local_part"),
    ],
)
def test_addresses_of_nobody(written: str, placeholder: str) -> None:
    read = read_email(written, SETTINGS)
    assert isinstance(read, Email)
    assert (read.normal_form, read.placeholder) == (written.lower(), placeholder)


def test_a_shop_names_its_own_placeholders() -> None:
    own = RegistrationSettings(
        placeholder_domains=("Guest.Shop.ru",), placeholder_local_parts=("Till",)
    )
    assert read_email("x@guest.shop.ru", own) == Email("x@guest.shop.ru", "placeholder_domain")
    assert read_email("x@1.guest.shop.ru", own) == Email("x@1.guest.shop.ru", "placeholder_domain")
    assert read_email("x@shop.ru", own) == Email("x@shop.ru")
    assert read_email("till@shop.ru", own) == Email("till@shop.ru", "placeholder_local_part")
    assert read_email("x@example.com", own) == Email("x@example.com")
    assert read_email("x@shop.invalid", own) == Email("x@shop.invalid", "placeholder_domain")


@pytest.mark.parametrize(
    ("junk", "reason"),
    [
        ("", "empty"),
        ("  ", "empty"),
        (None, "not_text"),
        (5, "not_text"),
        (True, "not_text"),
        ("email", "syntax"),
        ("anna@", "syntax"),
        ("@shop.ru", "syntax"),
        ("anna@shop", "syntax"),
        ("anna@@shop.ru", "syntax"),
        ("anna@shop..ru", "syntax"),
        (".anna@shop.ru", "syntax"),
        ("an na@shop.ru", "syntax"),
        ("anna@-shop.ru", "syntax"),
        ("anna@1.2.3.4", "syntax"),
        ("anna@[1.2.3.4]", "syntax"),
        ("anna@.localhost", "syntax"),
        ("an na@localhost", "syntax"),
        ('"anna"@shop.ru', "syntax"),
        ("Anna <anna@shop.ru>", "syntax"),
        ("anna@shop.ru, boris@shop.ru", "syntax"),
        ("anna\x00@shop.ru", "syntax"),
        ("anna\ud800@shop.ru", "syntax"),
        ("anna@sh\ud800op.ru", "syntax"),
        ("a" * 65 + "@shop.ru", "syntax"),
        ("a@" + "b" * 64 + ".ru", "syntax"),
        ("a@" + "b." * 130 + "ru", "length"),
        ("a" * 10_000, "length"),
    ],
)
def test_what_is_no_address(junk: object, reason: str) -> None:
    read = read_email(junk, SETTINGS)
    assert isinstance(read, NoEmail)
    assert read.reason == reason


ADDRESS_LIKE = st.builds(
    "{}@{}".format,
    st.text(alphabet="aZ09._+-'ßİΣéе\u0308\u200b ", max_size=12),
    st.text(alphabet="aZ09.-ßéжΣ。\u0308", max_size=12).map("{}.com".format) | st.just("localhost"),
)


@given(st.one_of(st.text(), ADDRESS_LIKE, st.emails()))
@settings(max_examples=400, deadline=None)
def test_reading_is_total_and_a_normal_form_stays_as_it_is(text: str) -> None:
    read = read_email(text, SETTINGS)
    if isinstance(read, Email):
        assert read_email(read.normal_form, SETTINGS) == read


@given(st.emails())
@settings(max_examples=300, deadline=None)
def test_case_makes_no_difference(address: str) -> None:
    assert read_email(address.upper(), SETTINGS) == read_email(address.lower(), SETTINGS)


def joined(alphabet: str, separator: str, length_max: int) -> st.SearchStrategy[str]:
    parts = st.lists(st.text(alphabet, min_size=1, max_size=length_max), min_size=1, max_size=3)
    return parts.map(separator.join)


PLAIN_ADDRESSES = st.builds(
    "{}@{}.{}".format,
    joined("axz059_+-", ".", 20),
    st.lists(joined("axn059", "-", 5), min_size=1, max_size=3).map(".".join),
    st.sampled_from(["ru", "com", "museum", "local", "example", "test", "arpa", "unknown.email"]),
)


@given(PLAIN_ADDRESSES)
@settings(max_examples=500, deadline=None)
def test_what_looks_plain_is_what_the_library_accepts_unchanged(address: str) -> None:
    assert _PLAIN.fullmatch(address)
    stand_in = ".com" if _nobodys(address.rpartition("@")[2], SETTINGS) else ""
    read = email_validator.validate_email(
        address + stand_in, check_deliverability=False, strict=True
    )
    assert f"{read.local_part}@{read.ascii_domain}" == address + stand_in
    assert isinstance(read_email(address, SETTINGS), Email)
