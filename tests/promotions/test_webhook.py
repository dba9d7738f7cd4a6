"""Templates of webhooks: values stay in their places, whatever they are."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from habitue.promotions.signing import secret_of, signature_headers
from habitue.promotions.webhook import (
    Parameter,
    Webhook,
    request_of,
    template_faults,
    wrong_value,
)

NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
MESSAGE = Parameter("message", "Message", "string")


def webhook(**fields: Any) -> Webhook:
    plain = Webhook(1, "Tell", "POST", "https://shop.example/hook", NOW, NOW, "whsec_AAAA")
    return msgspec.structs.replace(plain, **fields)


def test_a_payload_holds_each_value_in_its_own_form() -> None:
    hook = webhook(
        payload='{"text": "${s}", "points": ${n}, "gone": ${b}, "when": "${t}", "all": ${l}, '
        '"sizes": ${m}}',
    )
    values = {
        "s": 'says "hi"',
        "n": Decimal("1E+2"),
        "b": True,
        "t": NOW,
        "l": ["a", 'b"'],
        "m": [Decimal("1.50")],
    }
    assert json.loads(request_of(hook, values).body) == {
        "text": 'says "hi"',
        "points": 100,
        "gone": True,
        "when": "2026-06-15T12:00:00Z",
        "all": ["a", 'b"'],
        "sizes": [1.5],
    }


@given(TEXTS)
def test_a_text_cannot_leave_its_place(text: str) -> None:
    hook = webhook(
        url="https://shop.example/people/${message}?q=${message}",
        payload='{"message": "${message}", "safe": 1}',
        headers=(("X-Message", "${message}"),),
    )
    request = request_of(hook, {"message": text})
    assert json.loads(request.body) == {"message": text, "safe": 1}
    parts = urlsplit(request.url)
    assert (parts.netloc, parts.fragment) == ("shop.example", "")
    assert unquote(parts.path.removeprefix("/people/")) == text
    assert parse_qs(parts.query, keep_blank_values=True) == {"q": [text]}
    (_, header), content_type = request.headers
    assert not {"\r", "\n"} & set(header)
    assert content_type == ("Content-Type", "application/json")


@given(TEXTS)
def test_a_form_is_encoded_as_forms_are(text: str) -> None:
    hook = webhook(
        payload="a=${message}&b=1",
        headers=(("content-type", "application/x-www-form-urlencoded; charset=utf-8"),),
    )
    body = request_of(hook, {"message": text}).body.decode()
    assert parse_qs(body, keep_blank_values=True) == {"a": [text], "b": ["1"]}


def test_an_address_without_a_scheme_is_https() -> None:
    hook = webhook(url="www.my-company.example/hook", verb="GET")
    request = request_of(hook, {})
    assert request.url == "https://www.my-company.example/hook"
    assert (request.headers, request.body) == ((), b"")


@pytest.mark.parametrize(
    ("fields", "faults"),
    [
        ({"payload": '{"a": "${message}"}'}, []),
        ({"payload": "${other}"}, [("payload", "${other} is no parameter of this webhook")]),
        (
            {"url": "ftp://shop.example/"},
            [("url", "the address is an http or https URL with a host")],
        ),
        ({"url": "https:///path"}, [("url", "the address is an http or https URL with a host")]),
        (
            {"payload": '{"a": ${message}}'},
            [("payload", "with its parameters filled in, the payload is no JSON")],
        ),
        ({"payload": "plain ${message}", "headers": (("Content-Type", "text/plain"),)}, []),
        (
            {"headers": (("A", "x"), ("B", "${who}"))},
            [("headers/1", "${who} is no parameter of this webhook")],
        ),
    ],
)
def test_templates_are_checked_when_they_are_saved(
    fields: dict[str, Any], faults: list[tuple[str, str]]
) -> None:
    assert list(template_faults(webhook(parameters=(MESSAGE,), **fields))) == faults


@pytest.mark.parametrize(
    ("type_", "right", "wrong"),
    [
        ("string", "a", Decimal(1)),
        ("number", Decimal(1), True),
        ("boolean", False, "false"),
        ("time", NOW, "2026"),
        ("(list string)", ["a"], "a"),
        ("(list number)", [], [Decimal(1), "a"]),
    ],
)
def test_values_have_the_types_of_their_parameters(type_: Any, right: Any, wrong: Any) -> None:
    parameter = Parameter("p", "P", type_)
    assert (wrong_value(parameter, right), wrong_value(parameter, wrong)) == (False, True)


def test_a_signature_is_that_of_the_scheme() -> None:
    """The values are computed by hand with OpenSSL: echo -n "id.time.body" | openssl dgst -sha256
    -mac HMAC -macopt hexkey:000102...17 -binary | base64."""
    secret = secret_of(bytes(range(24)))
    moment = datetime(2026, 6, 15, 12, 0, 0, 999_999, tzinfo=UTC)
    headers = dict(signature_headers(secret, UUID(int=7), moment, b'{"a":1}'))
    assert secret == "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX"
    assert headers["webhook-id"] == "msg_00000000000000000000000000000007"
    assert headers["webhook-timestamp"] == "1781524800"
    assert headers["webhook-signature"] == "v1,WsyW2VDe7ZoylJIwSejclHdFqmfP+WX6X+PI5/fOTwM="
