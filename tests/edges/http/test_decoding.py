"""Bodies: what is refused, in which words, and that the explanation agrees with the decoder."""

from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Meta

from habitue.edges.http.decoding import BodyDecoder, explain
from habitue.edges.http.explain import FAULTS_MAX
from habitue.edges.http.numbers import Integer, Number, decode_special, exact
from habitue.model.errors import Fault
from habitue.model.limits import BODY_NESTING_MAX
from tests.edges.http.shop import Cart, Envelope

DECODER: BodyDecoder[Envelope] = BodyDecoder(Envelope)


class Circle(msgspec.Struct, tag="circle"):
    radius: Number


class Square(msgspec.Struct, tag="square"):
    side: Number


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Strict(msgspec.Struct, forbid_unknown_fields=True):
    coupon_codes: list[str] = []


class Tree(msgspec.Struct):
    name: str
    children: "list[Tree]" = []


class Everything(msgspec.Struct, rename="camel"):
    """One field of every kind that bodies have."""

    text: Annotated[str, Meta(min_length=1, max_length=3, pattern="^[a-c]*$")] = "a"
    whole: Annotated[int, Meta(gt=0, lt=10)] = 1
    even: Annotated[int, Meta(multiple_of=2, le=100)] = 2
    amount: Number | None = None
    flag: bool = False
    colour: Colour = Colour.RED
    level: Literal[1, 2] = 1
    key: UUID | None = None
    shape: Circle | Square | None = None
    either: str | list[Integer] | bool | None = None
    prices: dict[Annotated[str, Meta(max_length=2)], Number] = {}
    pairs: Annotated[list[list[Integer]], Meta(min_length=1, max_length=2)] | None = None
    tree: Tree | None = None
    anything: Any = None


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


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"text":"abcd"}', [("/text", "maxLength")]),
        (b'{"text":"z"}', [("/text", "pattern")]),
        (b'{"whole":0,"even":3}', [("/whole", "exclusiveMinimum"), ("/even", "multipleOf")]),
        (b'{"whole":10}', [("/whole", "exclusiveMaximum")]),
        (b'{"flag":1,"colour":"green","level":3}',
            [("/flag", "Invalid type"), ("/colour", "enum"), ("/level", "enum")]),
        (b'{"key":"not-a-uuid"}', [("/key", "Invalid type")]),
        (b'{"shape":{}}', [("/shape/type", "required")]),
        (b'{"shape":{"type":"hexagon"}}', [("/shape/type", "enum")]),
        (b'{"shape":{"type":["square"]}}', [("/shape/type", "enum")]),
        (b'{"shape":{"type":"square"}}', [("/shape/side", "required")]),
        (b'{"shape":7}', [("/shape", "Invalid type")]),
        (b'{"either":{}}', [("/either", "Invalid type")]),
        (b'{"either":[1,"x"]}', [("/either/1", "Invalid type")]),
        (b'{"prices":{"abc":1,"d":"2"}}',
            [("/prices/abc", "maxLength"), ("/prices/d", "Invalid type")]),
        (b'{"pairs":[]}', [("/pairs", "minItems")]),
        (b'{"pairs":[[1],[2.5]]}', [("/pairs/1/0", "Invalid type")]),
        (b'{"tree":{"name":"a","children":[{"name":"b","children":[{}]}]}}',
            [("/tree/children/0/children/0/name", "required")]),
    ],
)  # fmt: skip
def test_every_kind_of_field_has_its_faults(body: bytes, expected: list[tuple[str, str]]) -> None:
    assert [each[:2] for each in faults_of(body, Everything)] == expected


def test_a_union_is_described_by_its_members() -> None:
    ((_, _, details),) = faults_of(b'{"either":{}}', Everything)
    assert details == 'Value of "either" (an object) is not a string or an array or a boolean'


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
        ("1e-99999999999999999999", "0"),
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


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(["a", "abcd", "\0", "red", "square", "2026-03-01T00:00:00Z", "", "é"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "side", "radius", "name", "children", "x"]), inner
        )
    ),
    max_leaves=8,
)
NAMES = [field.encode_name for field in msgspec.structs.fields(Everything)]


PLAIN = msgspec.json.Decoder(Everything, float_hook=exact, dec_hook=decode_special)


@settings(max_examples=1500, deadline=None)
@given(st.dictionaries(st.sampled_from(NAMES), JSON, max_size=4), st.data())
def test_the_explanation_agrees_with_the_decoder(
    value: dict[str, Any], data: st.DataObject
) -> None:
    body = msgspec.json.encode(value)
    if data.draw(st.integers(0, 4)) == 0:
        cut = data.draw(st.integers(0, len(body)))
        body = body[:cut] + data.draw(st.binary(max_size=2)) + body[cut:]
    faults = explain(body, Everything)
    try:
        PLAIN.decode(body)
    except ValueError:
        has_fraction = b"." in body or b"e" in body.lower()
        assert faults or has_fraction
        assert faults or BodyDecoder[Everything](Everything).decode(body)
    else:
        assert {fault.title for fault in faults} <= {"encoding"}
        assert bool(faults) == (b"\\u0000" in body or not is_unicode(body))


def is_unicode(body: bytes) -> bool:
    try:
        return bool(body.decode())
    except UnicodeDecodeError:
        return False


@settings(max_examples=1000, deadline=None)
@given(st.dictionaries(st.sampled_from(NAMES), JSON, max_size=4))
def test_every_pointer_leads_to_a_place_in_the_body_or_to_a_field_that_is_missing(
    value: dict[str, Any],
) -> None:
    for fault in explain(msgspec.json.encode(value), Everything):
        place: Any = value
        *above, last = fault.pointer.split("/")[1:] or [""]
        for step in above:
            place = place[int(step)] if isinstance(place, list) else place[step]
        if fault.title == "required":
            assert last not in place
        elif fault.pointer:
            assert int(last) < len(place) if isinstance(place, list) else last in place
