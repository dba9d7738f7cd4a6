"""The OpenAPI document says what the application does."""

from decimal import Decimal
from typing import Any

import jsonschema_rs
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from habitue.edges.http.application import Settings, build
from habitue.edges.http.decoding import explain
from habitue.edges.http.documentation import documentation_operations, page
from habitue.edges.http.examples import example_of
from habitue.edges.http.health import service_operations
from habitue.edges.http.openapi import document, encoded
from habitue.edges.http.operation import Answer, Call, Operation
from tests.edges.http.everything import JSON, NAMES, Everything
from tests.edges.http.requests import request
from tests.edges.http.shop import DOOR, OPERATIONS, Cart, echo


class Priced(msgspec.Struct):
    """An answer with an amount."""

    amount: Decimal


EVERYTHING = Operation(
    "saveEverything",
    "POST",
    "/everything",
    echo,
    DOOR,
    body=Everything,
    responses={201: Priced, 204: None},
    request_example=b'{"amount": 1.50}',
)
DESCRIBED: Any = msgspec.json.decode(encoded([*OPERATIONS, EVERYTHING]))
SCHEMAS = DESCRIBED["components"]["schemas"]


def validator(name: str) -> Any:
    schema = {"$ref": f"#/components/schemas/{name}", "components": {"schemas": SCHEMAS}}
    return jsonschema_rs.Draft202012Validator(schema, validate_formats=False)


def test_an_operation_in_full() -> None:
    path = DESCRIBED["paths"]["/v2/customer_sessions/{customerSessionId}"]
    operation = path["put"]
    assert operation["operationId"] == "updateCustomerSessionV2"
    assert operation["summary"] == "Update a session"
    assert operation["tags"] == ["Sessions"]
    assert operation["security"] == [{"api_key": []}]
    assert operation["requestBody"] == {
        "required": True,
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Envelope"}}},
    }
    described = {each["name"]: each for each in operation["parameters"]}
    assert list(described) == [
        "customerSessionId",
        "dry",
        "now",
        "campaignIds",
        "subledgerId",
        "silent",
        "pageSize",
        "minimum",
        "name",
        "Idempotency-Key",
    ]
    assert described["customerSessionId"] == {
        "name": "customerSessionId",
        "in": "path",
        "required": True,
        "schema": {"type": "string", "minLength": 1},
    }
    whole = {"type": "integer", "minimum": -(2**53) + 1, "maximum": 2**53 - 1}
    assert described["campaignIds"] == {
        "name": "campaignIds",
        "in": "query",
        "required": False,
        "schema": {"type": "array", "items": whole},
        "style": "form",
        "explode": False,
    }
    assert described["now"]["schema"] == {"type": "string", "format": "date-time"}
    assert described["pageSize"]["schema"] == {
        "type": "integer",
        "minimum": 1,
        "maximum": 1000,
        "default": 50,
    }


def test_errors_have_the_type_of_the_door() -> None:
    path = DESCRIBED["paths"]["/v2/customer_sessions/{customerSessionId}"]
    kinds = {
        status: each["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
        for status, each in path["put"]["responses"].items()
    }
    assert kinds == {
        "200": "Seen",
        "400": "ErrorResponse",
        **dict.fromkeys(["401", "403", "404", "409"], "ErrorResponseWithStatus"),
        **dict.fromkeys(["413", "415", "503", "default"], "ErrorResponseWithStatus"),
    }
    assert SCHEMAS["ErrorResponseWithStatus"]["required"] == ["message", "errors", "StatusCode"]


def test_an_amount_is_a_number_in_requests_and_answers() -> None:
    bound = 10**15
    number = {"type": "number", "minimum": -bound, "maximum": bound}
    assert SCHEMAS["Item"]["properties"]["price"] == number
    assert SCHEMAS["Priced"]["properties"]["amount"] == {"type": "number"}


def test_bounds_and_required_fields_are_those_of_the_decoder() -> None:
    assert SCHEMAS["Item"]["required"] == ["sku", "quantity"]
    assert SCHEMAS["Item"]["properties"]["quantity"] == {
        "type": "integer",
        "minimum": 1,
        "maximum": 10_000,
    }
    assert SCHEMAS["Cart"]["properties"]["cartItems"]["maxItems"] == 3


def test_a_whole_number_in_a_path_is_said_to_be_one() -> None:
    (parameter,) = DESCRIBED["paths"]["/v1/items/{itemId}"]["get"]["parameters"]
    assert parameter["schema"] == {"type": "integer", "minimum": 0, "maximum": 2**53 - 1}


def test_answers_without_a_body_have_no_content() -> None:
    responses = DESCRIBED["paths"]["/everything"]["post"]["responses"]
    assert responses["204"] == {"description": "Done; there is no body"}


def test_an_example_is_shown_as_it_was_written() -> None:
    assert b'"example":{"amount": 1.50}' in encoded([EVERYTHING])


def test_only_documented_operations_are_shown() -> None:
    operations = service_operations(Settings().metrics)
    assert list(document(operations)["paths"]) == ["/health", "/ready"]


def test_the_document_is_valid() -> None:
    for name in SCHEMAS:
        assert jsonschema_rs.meta.is_valid(SCHEMAS[name]), name


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.sampled_from(NAMES), JSON, max_size=4))
def test_what_the_decoder_takes_the_schema_allows_and_the_other_way_round(
    value: dict[str, Any],
) -> None:
    """A schema knows nothing of NUL characters, the format of a UUID is not checked here, and what
    may be anything is refused only where it is a number of more than a hundred digits."""
    faults = explain(msgspec.json.encode(value), Everything)
    in_schema = [
        each
        for each in faults
        if each.title != "encoding" and not each.pointer.startswith(("/key", "/anything"))
    ]
    if not faults:
        assert validator("Everything").is_valid(value)
    elif in_schema:
        assert not validator("Everything").is_valid(value)


@pytest.mark.parametrize("kind", [Cart, Everything])
def test_a_made_up_example_is_a_good_request(kind: type[msgspec.Struct]) -> None:
    operation = Operation("x", "POST", "/x", echo, DOOR, body=kind)
    schemas = document([operation])["components"]["schemas"]
    example = example_of(schemas[kind.__name__], schemas)
    faults = explain(msgspec.json.encode(example), kind)
    assert {each.title for each in faults} <= {"pattern"}
    assert set(example) == {field.encode_name for field in msgspec.structs.fields(kind)}


async def test_the_page_names_every_operation_and_type_and_escapes_what_it_shows() -> None:
    async def nothing(call: Call[Any, None, None]) -> Answer:
        return Answer(204)

    odd = Operation(
        "odd", "GET", "/odd", nothing, DOOR, summary="<b>&", description="<script>", group="A&B"
    )
    operations = [*OPERATIONS, odd]
    text = page(document(operations))
    for each in operations:
        assert f'<section id="{each.id}">' in text
        assert f'href="#{each.id}"' in text
    for name in document(operations)["components"]["schemas"]:
        assert f'<section id="type-{name}">' in text
    assert "&lt;b&gt;&amp;" in text
    assert "<script>" not in text.replace('<script type="module"', "")
    application = build([*operations, *documentation_operations(operations)], None)
    response = await request(application, "GET", "/docs")
    assert response.body.decode() == text
    assert "default-src 'none'" in response.headers["content-security-policy"]
