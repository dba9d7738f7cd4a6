"""Phone numbers: the spellings that shops are told to send, junk, and what holds for any text."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from habitue.customers.phone import NoPhone, Phone, read_phone

REGIONS = ["RU", "KZ", "IN", "NL", ""]


def form(value: object, region: str = "RU") -> str:
    read = read_phone(value, region)
    assert isinstance(read, Phone), f"{value!r}: {read}"
    return read.normal_form


@pytest.mark.parametrize(
    ("written", "normal_form", "opinion"),
    [
        ("71112223344", "+71112223344", "possible"),
        ("81112223344", "+71112223344", "possible"),
        ("+71112223344", "+71112223344", "possible"),
        ("+7(111)2223344", "+71112223344", "possible"),
        ("+7(111)222-33-44", "+71112223344", "possible"),
        ("+7 (111) 222-33-44", "+71112223344", "possible"),
        ("+7 (111) 222 33 44", "+71112223344", "possible"),
        ("+7 111 222 33 44", "+71112223344", "possible"),
        ("+7-111-222-33-44", "+71112223344", "possible"),
        ("8-111-222-33-44", "+71112223344", "possible"),
        ("5577999617074", "+5577999617074", "valid"),
        ("31687224865", "+31687224865", "valid"),
        ("56948840030", "+56948840030", "valid"),
        ("123456789012345", "+123456789012345", "unknown"),
        ("4400114527199", "+4400114527199", "possible"),
    ],
)
def test_the_spellings_of_the_field(written: str, normal_form: str, opinion: str) -> None:
    read = read_phone(written, "RU")
    assert read == Phone(normal_form)
    assert isinstance(read, Phone)
    assert read.opinion == opinion


@pytest.mark.parametrize(
    ("written", "normal_form"),
    [
        (79161234567, "+79161234567"),
        ("  +7 916 123-45-67\n", "+79161234567"),
        ("tel:+7-916-123-45-67", "+79161234567"),
        ("TEL: 8 916 123 45 67", "+79161234567"),
        ("8.916.123.45.67", "+79161234567"),
        ("8/916/1234567", "+79161234567"),
        ("+7\t916\t1234567", "+79161234567"),
        ("+7\u00a0916\u2011123\u201345\u221267", "+79161234567"),
        ("\u202a+7 916 123-45-67\u202c", "+79161234567"),
        ("7916\u200b1234567\ufeff", "+79161234567"),
        ("＋７９１６１２３４５６７", "+79161234567"),
        ("٧٩١٦١٢٣٤٥٦٧", "+79161234567"),
        ("9161234567", "+79161234567"),
        ("+89161234567", "+79161234567"),
        ("0079161234567", "+79161234567"),
        ("81031687224865", "+31687224865"),
        ("810 89161234567", "+79161234567"),
        ("00 89161234567", "+79161234567"),
        ("81012345678", "+71012345678"),
        ("+81312345678", "+81312345678"),
        ("88005553535", "+78005553535"),
        ("12345678", "+12345678"),
    ],
)
def test_more_spellings_in_russia(written: object, normal_form: str) -> None:
    assert form(written) == normal_form


@pytest.mark.parametrize(
    ("written", "region", "normal_form"),
    [
        ("87012345678", "KZ", "+77012345678"),
        ("87012345678", "kz", "+77012345678"),
        ("9161234567", "KZ", "+9161234567"),
        ("81312345678", "", "+81312345678"),
        ("81312345678", "JP", "+81312345678"),
        ("+89161234567", "NL", "+89161234567"),
        ("81031687224865", "NL", "+81031687224865"),
        ("0031687224865", "NL", "+31687224865"),
        ("9812345678", "IN", "+919812345678"),
        ("6000000001", "IN", "+916000000001"),
        ("5012345678", "IN", "+5012345678"),
        ("919812345678", "IN", "+919812345678"),
        ("6591234567", "IN", "+916591234567"),
        ("6591234567", "", "+6591234567"),
        ("9812345678", "", "+9812345678"),
    ],
)
def test_each_region_has_its_own_habits(written: str, region: str, normal_form: str) -> None:
    assert form(written, region) == normal_form


@pytest.mark.parametrize(
    ("junk", "reason"),
    [
        ("", "empty"),
        (" \t\n", "empty"),
        (None, "not_text"),
        (True, "not_text"),
        (7.5, "not_text"),
        (["79161234567"], "not_text"),
        ("phone", "bad_characters"),
        ("+7 916 123-45-67 ext. 5", "bad_characters"),
        ("+7 (916) 123-45-__", "bad_characters"),
        ("79161234567, 79161234568", "bad_characters"),
        ("79161234567\n79161234568", "bad_characters"),
        ("++79161234567", "bad_characters"),
        ("7+9161234567", "bad_characters"),
        ("+7((916))1234567", "bad_characters"),
        ("+7(916)(123)4567", "bad_characters"),
        ("+7(9161234567", "bad_characters"),
        ("+7)916(1234567", "bad_characters"),
        ("79161234567\x00", "bad_characters"),
        ("7916123456\ud800", "bad_characters"),
        ("7" + " " * 39 + "1", "bad_characters"),
        (-79161234567, "bad_characters"),
        ("1", "length"),
        (1, "length"),
        ("()", "length"),
        ("+", "length"),
        ("1234567", "length"),
        ("1234567890123456", "length"),
        ("7916123456", "length"),
        ("791612345678", "length"),
        ("+7916123456789", "length"),
        ("000079161234567", "country_code"),
        ("+07916123456", "country_code"),
        ("09812345678", "country_code"),
        ("70000000000", "filler"),
        ("77777777777", "filler"),
        ("80000000000", "filler"),
        ("11111111111", "filler"),
        ("+1 000 000 0000", "filler"),
    ],
)
def test_junk_is_refused_with_its_reason(junk: object, reason: str) -> None:
    read = read_phone(junk, "RU")
    assert isinstance(read, NoPhone)
    assert read.reason == reason


def test_a_number_that_python_cannot_spell_is_no_phone() -> None:
    assert read_phone(10**5000, "RU") == NoPhone("bad_characters")


NUMBER_LIKE = st.text(alphabet="+0123456789789 ()-.\u00a0\u200e８", max_size=24)


@given(st.one_of(st.text(), NUMBER_LIKE, st.integers()), st.sampled_from(REGIONS))
@example("81089161234567", "RU")
@example("0089161234567", "KZ")
@example("\u2488\ufdfa", "RU")
@settings(max_examples=400, deadline=None)
def test_reading_is_total_and_a_normal_form_stays_as_it_is(value: object, region: str) -> None:
    read = read_phone(value, region)
    if isinstance(read, Phone):
        assert read.normal_form[0] == "+"
        assert read.normal_form[1:].isascii()
        assert read.normal_form[1:].isdecimal()
        assert 8 <= len(read.normal_form) - 1 <= 15
        assert read_phone(read.normal_form, region) == read
        assert read.opinion in ("valid", "possible", "unknown")


@given(st.from_regex(r"9[0-9]{9}", fullmatch=True), st.data())
@settings(max_examples=300, deadline=None)
def test_a_russian_mobile_has_one_normal_form(national: str, data: st.DataObject) -> None:
    prefix = data.draw(st.sampled_from(["+7", "7", "8", "+8", "007", "8107", ""]))
    marks = data.draw(st.lists(st.sampled_from(["", " ", "-", ".", "\u200b"]), min_size=10))
    written = prefix + "".join(mark + digit for mark, digit in zip(marks, national, strict=False))
    read = read_phone(written, "RU")
    if len(set(national)) == 1:
        assert read == NoPhone("filler")
    else:
        assert read == Phone("+7" + national)


@given(st.integers(min_value=10**7, max_value=10**15 - 1))
@settings(max_examples=300, deadline=None)
def test_elsewhere_digits_hold_their_country_code(number: int) -> None:
    digits = str(number)
    if digits[0] == "7" and len(digits) != 11:
        expected: Phone | NoPhone = NoPhone("length")
    elif len(set(digits[1:])) == 1:
        expected = NoPhone("filler")
    else:
        expected = Phone("+" + digits)
    assert read_phone(number, "") == expected
