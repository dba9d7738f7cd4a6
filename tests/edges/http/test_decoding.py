"""Bodies: what is refused, in which words, and that the explanation agrees with the decoder."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from habitue.edges.http.decoding import BodyDecoder, explain
from habitue.edges.http.explain import FAULTS_MAX
from habitue.edges.http.numbers import Integer
from habitue.model.errors import Fault
from habitue.model.limits import BODY_NESTING_MAX
from tests.edges.http.shop import Cart, Envelope

DECODER: BodyDecoder[Envelope] = BodyDecoder(Envelope)


class Strict(msgspec.Struct, forbid_unknown_fields=True):
    coupon_codes: list[str] = []


def cart(items: str) -> bytes:
    return f'{{"customerSession":{{"cartItems":{items}}}}}'.encode()


def faults_of(body: bytes, kind: Any = Envelope) -> list[tuple[str, str, str]]:
    return [(each.pointer, each.title, each.details) for each in explain(body, kind)]


@pytest.mark.parametrize(
    ("body", "title", "words"),
    [
        (b"", "required", "The body is empty; it must be a JSON document"),
        (b" \n", "required", "The body is empty; it must be a JSON document"),
        (b"{", "JSON", "it ends too early"),
        (b'{"a":1,}', "JSON", "at line 1, column 8"),
        (b'{"a":1,\n"b":[1,]}', "JSON", "at line 2, column 8"),
        (b"{'a':1}", "JSON", "at line 1, column 2"),
        (b"{} {}", "JSON", "trailing characters at line 1"),
        (b'{"a":NaN}', "JSON", "at line 1, column 6"),
        (b'{"a":Infinity}', "JSON", "at line 1, column 6"),
        (b'{"a":-Infinity}', "JSON", "at line 1, column 7"),
        (b'{"a":01}', "JSON", "at line 1, column 7"),
        (b'{"a":"\\ud800"}', "JSON", "invalid escape"),
        (b'{"a":"\\x"}', "JSON", "invalid escape character in string at line 1"),
        (b'{"a":"\n"}', "JSON", "at line 1, column 7"),
        (b'\xef\xbb\xbf{"a":1}', "encoding", "byte order mark"),
        (b'{"a":"\xff"}', "encoding", "not UTF-8 text: byte 6 is wrong"),
        (b'{"\xc3\x28":1}', "encoding", "not UTF-8"),
        ('{"a":1}'.encode("utf-16"), "encoding", "not UTF-8"),
        (b'{"unknown":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "nesting", "deeper than 100"),
        (b"[" * 100_000, "nesting", "deeper than 100"),
        (b'{"a":' * 100_000, "nesting", "deeper than 100"),
        (b"[]", "Invalid type", "The body (an array) is not an object"),
        (b"null", "Invalid type", "The body (null) is not an object"),
        (b'"text"', "Invalid type", "The body (text) is not an object"),
        (b"1e5", "Invalid type", "The body (1E+5) is not an object"),
    ],
)
def test_a_body_that_is_no_session(body: bytes, title: str, words: str) -> None:
    ((pointer, found_title, details),) = faults_of(body)
    assert (pointer, found_title) == ("", title)
    assert words in details


@pytest.mark.parametrize(
    ("item", "pointer", "title", "details"),
    [
        ('{"quantity":1}', "/sku", "required", "sku is required"),
        (
            '{"skuu":"a","quantity":1}',
            "/sku",
            "required",
            'sku is required; "skuu" is not defined',
        ),
        (
            '{"sku":"a","quantity":false}',
            "/quantity",
            "Invalid type",
            'Value of "quantity" (false) is not an integer',
        ),
        (
            '{"sku":"a","quantity":"2"}',
            "/quantity",
            "Invalid type",
            'Value of "quantity" (2) is not an integer',
        ),
        (
            '{"sku":"a","quantity":1.5}',
            "/quantity",
            "Invalid type",
            'Value of "quantity" (1.5) is not an integer',
        ),
        (
            '{"sku":"a","quantity":null}',
            "/quantity",
            "Invalid type",
            'Value of "quantity" (null) is not an integer',
        ),
        ('{"sku":"a","quantity":0}', "/quantity", "minimum", "quantity must be at least 1"),
        (
            '{"sku":"a","quantity":1e90}',
            "/quantity",
            "maximum",
            "quantity may be at most 10000",
        ),
        (
            '{"sku":"a","quantity":1e999999999}',
            "/quantity",
            "Invalid type",
            'Value of "quantity" (a huge number) is not an integer',
        ),
        (
            '{"sku":"","quantity":1}',
            "/sku",
            "minLength",
            "sku must have at least 1 characters",
        ),
        (
            '{"sku":"abcdefghijklmnopqrstuvwxyz","quantity":1}',
            "/sku",
            "maxLength",
            "sku may have at most 20 characters, not 26",
        ),
        (
            '{"sku":"a\\u0000","quantity":1}',
            "/sku",
            "encoding",
            "sku contains the character NUL (U+0000)",
        ),
        (
            '{"sku":"a","quantity":1,"price":"9.99"}',
            "/price",
            "Invalid type",
            'Value of "price" (9.99) is not a number',
        ),
        (
            '{"sku":"a","quantity":1,"price":"NaN"}',
            "/price",
            "Invalid type",
            'Value of "price" (NaN) is not a number',
        ),
        (
            '{"sku":"a","quantity":1,"price":1e999999999}',
            "/price",
            "maximum",
            "price is not a number from -1000000000000000 to 1000000000000000",
        ),
        (
            '{"sku":"a","quantity":1,"price":1000000000000001}',
            "/price",
            "maximum",
            "price is not a number from -1000000000000000 to 1000000000000000",
        ),
        (
            '{"sku":"a","quantity":1,"attributes":[]}',
            "/attributes",
            "Invalid type",
            'Value of "attributes" (an array) is not an object',
        ),
        (
            '{"sku":"a","quantity":1,"attributes":{"x/y":{"~":1e999999999}}}',
            "/attributes/x~1y/~0",
            "maximum",
            "~ is not a number from -1000000000000000 to 1000000000000000",
        ),
        (
            '{"sku":"a","quantity":1,"attributes":{"a":["x","\\u0000"]}}',
            "/attributes/a/1",
            "encoding",
            "a[1] contains the character NUL (U+0000)",
        ),
        (
            '{"sku":"a","quantity":1,"attributes":{"\\u0000":1}}',
            "/attributes",
            "encoding",
            "A name contains the character NUL (U+0000)",
        ),
    ],
)
def test_an_item_that_is_wrong(item: str, pointer: str, title: str, details: str) -> None:
    found = faults_of(cart(f"[{item}]"))
    assert found == [("/customerSession/cartItems/0" + pointer, title, details)]


def test_everything_wrong_is_named_at_once() -> None:
    body = b"""{"customerSession": {"state": "opne", "couponCodes": ["ABCDEF", 7],
        "starts": "2026-03-01T00:00:00", "position": 9007199254740993, "attributes": "x",
        "cartItems": [{"quantity": 1}, {"sku": "b", "quantity": "two", "price": false}, 3, {}]}}"""
    at = "/customerSession"
    assert faults_of(body) == [
        (
            f"{at}/cartItems",
            "maxItems",
            "cartItems may have at most 3 elements, not 4",
        ),
        (f"{at}/cartItems/0/sku", "required", "sku is required"),
        (
            f"{at}/cartItems/1/quantity",
            "Invalid type",
            'Value of "quantity" (two) is not an integer',
        ),
        (f"{at}/cartItems/1/price", "Invalid type", 'Value of "price" (false) is not a number'),
        (
            f"{at}/cartItems/2",
            "Invalid type",
            'Value of "cartItems[2]" (3) is not an object',
        ),
        (f"{at}/cartItems/3/sku", "required", "sku is required"),
        (f"{at}/cartItems/3/quantity", "required", "quantity is required"),
        (
            f"{at}/state",
            "enum",
            'state must be one of the following: "open", "closed", "cancelled"',
        ),
        (
            f"{at}/couponCodes/0",
            "maxLength",
            "couponCodes[0] may have at most 5 characters, not 6",
        ),
        (
            f"{at}/couponCodes/1",
            "Invalid type",
            'Value of "couponCodes[1]" (7) is not a string',
        ),
        (
            f"{at}/starts",
            "Invalid type",
            'Value of "starts" (2026-03-01T00:00:00) is not a time (RFC 3339, with an offset)',
        ),
        (f"{at}/position", "maximum", "position may be at most 9007199254740991"),
        (f"{at}/attributes", "Invalid type", 'Value of "attributes" (x) is not an object'),
    ]


def test_a_strict_type_names_the_field_that_was_meant() -> None:
    body = b'{"cupon_codes":[],"zzz":1}'
    assert faults_of(body, Strict) == [
        ("/cupon_codes", "Unknown", 'cupon_codes is not defined; did you mean "coupon_codes"?'),
        ("/zzz", "Unknown", "zzz is not defined"),
    ]


def test_unknown_fields_are_ignored() -> None:
    body = b'{"new":{"a":[1]},"customerSession":{"cartItems":[],"later":null,"huge":1e9999999}}'
    assert DECODER.decode(body) == Envelope(Cart([]))


def test_the_last_of_equal_keys_counts() -> None:
    body = b'{"customerSession":7,"customerSession":{"cartItems":[]}}'
    assert DECODER.decode(body) == Envelope(Cart([]))


def test_a_whole_number_may_have_a_fraction_of_zero() -> None:
    decoded = DECODER.decode(cart('[{"sku":"a","quantity":2.0},{"sku":"b","quantity":1e2}]'))
    items = decoded.customer_session.cart_items
    assert [item.quantity for item in items] == [2, 100]
    assert [type(item.quantity) for item in items] == [int, int]


@pytest.mark.parametrize("text", ["2.0000000000000001", "1e-42", "1e-999999999"])
def test_what_is_nearly_whole_is_not_whole(text: str) -> None:
    ((pointer, title, details),) = faults_of(cart(f'[{{"sku":"a","quantity":{text}}}]'))
    assert (pointer, title) == ("/customerSession/cartItems/0/quantity", "Invalid type")
    assert details.endswith("is not an integer")


def test_repairing_a_whole_number_rounds_the_other_numbers_as_ever() -> None:
    noise = "0.30000000000000004"
    body = f'[{{"sku":"a","quantity":2.0,"price":{noise},"attributes":{{"n":[{noise}]}}}}]'
    (item,) = DECODER.decode(cart(body)).customer_session.cart_items
    assert (item.quantity, item.price) == (2, Decimal("0.3"))
    assert item.attributes == {"n": [Decimal("0.3")]}


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("9.990", "9.990"),
        ("0", "0"),
        ("-0.0", "-0.0"),
        ("1e3", "1E+3"),
        ("1000000000000000", "1000000000000000"),
        ("-999999999999999.999999999999", "-999999999999999.999999999999"),
        ("0.30000000000000004", "0.300000000000"),
        ("434.99999999999994", "435.000000000000"),
        ("0.3333333333333333", "0.333333333333"),
        ("19.989999999999998", "19.990000000000"),
        ("1.00000000000000000000", "1.00000000000000000000"),
        ("0.123456789012", "0.123456789012"),
        ("0.0000000000001", "0E-12"),
        ("5e-324", "0E-12"),
        ("1e-99999999999999999999", "0E-12"),
        ("123456789012345.1234567890125", "123456789012345.123456789012"),
    ],
)
def test_numbers_are_exact_to_twelve_decimals(text: str, number: str) -> None:
    body = cart(f'[{{"sku":"a","quantity":1,"price":{text},"attributes":{{"n":[{text}]}}}}]')
    (item,) = DECODER.decode(body).customer_session.cart_items
    assert str(item.price) == number
    assert str(item.attributes["n"][0]) == number
    assert isinstance(item.price, Decimal)


@pytest.mark.parametrize("text", ["1e400", "1e99999999999999999999", "9" * 5000 + ".5"])
def test_a_huge_number_costs_nothing_and_is_refused(text: str) -> None:
    for place in (f'"price":{text}', f'"attributes":{{"price":{text}}}'):
        body = cart(f'[{{"sku":"a","quantity":1,{place}}}]')
        ((pointer, title, _),) = faults_of(body)
        assert (pointer.rpartition("/")[2], title) == ("price", "maximum")


def test_a_whole_number_of_thousands_of_digits_is_refused() -> None:
    body = cart('[{"sku":"a","quantity":1,"attributes":{"n":' + "9" * 5000 + "}}]")
    ((pointer, title, _),) = faults_of(body)
    assert (pointer, title) == ("/customerSession/cartItems/0/attributes", "Invalid")


def test_nesting_is_allowed_up_to_the_bound() -> None:
    def body(depth: int) -> bytes:
        value = "[" * depth + "]" * depth
        text = '"[[{{\\"["'
        return f'{{"x":{text},"y":{value},"customerSession":{{"cartItems":[]}}}}'.encode()

    assert DECODER.decode(body(BODY_NESTING_MAX - 1)) == Envelope(Cart([]))
    ((_, title, _),) = faults_of(body(BODY_NESTING_MAX))
    assert title == "nesting"


def test_brackets_side_by_side_are_not_nested() -> None:
    assert DECODER.decode(b'{"x":[' + b"[]," * 5000 + b'[]],"customerSession":{"cartItems":[]}}')


def test_the_number_of_faults_is_bounded() -> None:
    body = b'{"customerSession":{"cartItems":[' + b"{}," * 5000 + b"{}]}}"
    assert len(explain(body, Envelope)) == FAULTS_MAX


def test_a_rule_that_only_the_decoder_knows_is_reported_in_its_words() -> None:
    class Window(msgspec.Struct):
        first: Integer
        last: Integer

        def __post_init__(self) -> None:
            if self.last < self.first:
                raise ValueError("last is before first")

    class Holder(msgspec.Struct):
        windows: list[Window]

    body = b'{"windows":[{"first":1,"last":1},{"first":2,"last":1}]}'
    assert explain(body, Holder) == [Fault("/windows/1", "Invalid", "last is before first")]
