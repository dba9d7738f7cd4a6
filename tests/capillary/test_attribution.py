"""Whom the headers attribute a write to."""

from typing import Any

import pytest
from starlette.datastructures import Headers

from habitue.customers.card import Actor
from habitue.customers.notices import Notice
from habitue.customers.organisation import Organisation, Till
from habitue.edges.capillary.attribution import (
    ENTITY_CODE,
    ENTITY_TYPE,
    LOOKUP,
    LOOKUP_TYPE,
    TILL_CODE,
    Attribution,
    TillPrincipal,
    attributed,
    attribution_of,
)
from habitue.edges.capillary.codes import RequestFault
from habitue.model.errors import InvalidInput
from tests.configure.shops import NOW

ORGANISATION = Organisation(
    tills={
        4: Till(4, "orchard.till04", "Till 4", NOW, store_code="orchard", external_id="X4"),
        3: Till(3, "orchard.till03", "Till 3", NOW, store_code="orchard", external_id="X3"),
        9: Till(9, "mall", "The Mall", NOW, external_id="X9"),
    }
)
PRINCIPAL = TillPrincipal(1, "orchard-till03-1a2b3c", "orchard.till03")
OWN = Actor("TILL", 3, "orchard.till03")
THIRD, FOURTH = OWN, Actor("TILL", 4, "orchard.till04")
ORCHARD, MALL = Actor("STORE", 3, "orchard"), Actor("STORE", 9, "mall")

RECOGNISED: list[tuple[dict[str, str], Actor]] = [
    ({}, OWN),
    ({ENTITY_TYPE: "TILL", ENTITY_CODE: "orchard.till04"}, FOURTH),
    ({ENTITY_TYPE: "TILL_CODE", ENTITY_CODE: "orchard.till04"}, FOURTH),
    ({ENTITY_CODE: "orchard.till04"}, FOURTH),
    ({ENTITY_CODE: " orchard.till04 "}, FOURTH),
    ({TILL_CODE: "orchard.till04"}, FOURTH),
    ({LOOKUP_TYPE: "TILL", LOOKUP: "orchard.till04"}, FOURTH),
    ({LOOKUP_TYPE: "STORE_CODE", LOOKUP: "orchard"}, ORCHARD),
    ({ENTITY_TYPE: "STORE_CODE", ENTITY_CODE: "mall"}, MALL),
    ({ENTITY_TYPE: "STORE_NAME", ENTITY_CODE: "The Mall"}, MALL),
    ({ENTITY_TYPE: "STORE_EXTERNAL_ID", ENTITY_CODE: "X9"}, MALL),
    ({ENTITY_TYPE: "STORE_EXTERNAL_ID_1", ENTITY_CODE: "X3"}, ORCHARD),
    ({ENTITY_TYPE: "STORE_EXTERNAL_ID_2", ENTITY_CODE: "X3"}, ORCHARD),
    ({ENTITY_CODE: "orchard.till04", LOOKUP_TYPE: "STORE_CODE", LOOKUP: "mall"}, FOURTH),
    ({LOOKUP_TYPE: "", LOOKUP: ""}, OWN),
]


@pytest.mark.parametrize(("headers", "actor"), RECOGNISED)
def test_headers_name_a_till_or_a_store(headers: dict[str, str], actor: Actor) -> None:
    assert attribution_of(PRINCIPAL, Headers(headers), ORGANISATION) == Attribution(actor)
    assert attributed(PRINCIPAL, Headers(headers), ORGANISATION) == actor


@pytest.mark.parametrize(
    "headers",
    [
        {ENTITY_CODE: "nowhere"},
        {TILL_CODE: "ORCHARD.TILL04"},
        {LOOKUP_TYPE: "STORE_NAME", LOOKUP: "the mall"},
        {ENTITY_TYPE: "TILL", ENTITY_CODE: "X3"},
    ],
)
def test_an_unknown_till_is_told_and_the_write_is_ones_own(headers: dict[str, str]) -> None:
    found = attribution_of(PRINCIPAL, Headers(headers), ORGANISATION)
    code = next(value for name, value in headers.items() if "TYPE" not in name)
    assert found == Attribution(OWN, (Notice("till_unknown", code),))


def test_ones_own_till_is_found_by_the_login_and_then_by_the_keys_name() -> None:
    by_login = TillPrincipal(1, "mall", "orchard.till03")
    assert attributed(by_login, Headers(), ORGANISATION) == Actor("TILL", 9, "mall")
    stranger = TillPrincipal(1, "program", "Program")
    assert attributed(stranger, Headers(), ORGANISATION) == Actor("TILL", 0, "program")


WRONG: list[tuple[dict[str, str], str, str]] = [
    ({ENTITY_TYPE: "CASHIER", ENTITY_CODE: "x"}, ENTITY_TYPE, "Unknown"),
    ({ENTITY_TYPE: "till", ENTITY_CODE: "x"}, ENTITY_TYPE, "Unknown"),
    ({ENTITY_TYPE: "TILL"}, ENTITY_CODE, "Missing"),
    ({LOOKUP_TYPE: "CASHIER", LOOKUP: "x"}, LOOKUP_TYPE, "Unknown"),
    ({LOOKUP_TYPE: "TILL"}, LOOKUP, "Missing"),
    ({ENTITY_CODE: "x" * 256}, ENTITY_CODE, "Too long"),
    ({"USER-CONTEXT-ENTITY-ID": "x" * 256}, "USER-CONTEXT-ENTITY-ID", "Too long"),
]


@pytest.mark.parametrize(("headers", "name", "title"), WRONG)
def test_wrong_headers_are_named(headers: dict[str, str], name: str, title: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        attribution_of(PRINCIPAL, Headers(headers), ORGANISATION)
    (fault,) = caught.value.faults
    assert (fault.parameter, fault.title) == (name, title)
    assert not isinstance(caught.value, RequestFault)


def test_a_lookup_needs_its_type() -> None:
    with pytest.raises(RequestFault) as caught:
        attribution_of(PRINCIPAL, Headers({LOOKUP: "orchard"}), ORGANISATION)
    assert caught.value.fact == "attribution_type_missing"


def test_what_the_caller_says_of_itself_goes_along() -> None:
    headers: dict[str, Any] = {
        "user-context-entity-type": "STAFF",
        "USER-CONTEXT-ENTITY-ID": "7",
        "USER-CONTEXT-ENTITY-SOURCE": "CRM",
        "USER-CONTEXT-ENTITY-SOURCE-ID": " 12 ",
        TILL_CODE: "orchard.till04",
    }
    actor = attributed(PRINCIPAL, Headers(headers), ORGANISATION)
    context = "entityType=STAFF, entityId=7, source=CRM, sourceId=12"
    assert actor == Actor("TILL", 4, "orchard.till04", context)
    short = Headers({"USER-CONTEXT-SOURCE": "POS", "USER-CONTEXT-SOURCE-ID": "9"})
    assert attributed(PRINCIPAL, short, ORGANISATION) == Actor(
        "TILL", 3, "orchard.till03", "source=POS, sourceId=9"
    )
