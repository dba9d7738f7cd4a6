"""What may be done with loyalty cards, decision by decision."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from habitue.customers.card_decisions import (
    decide_add,
    decide_delink,
    decide_issue,
    decide_link,
)
from habitue.customers.card_facts import CardFact, CardRefused
from habitue.customers.loyalty_card import (
    CardStatusChange,
    LoyaltyCard,
    series_to_issue,
    sole,
)
from habitue.customers.organisation import Till
from tests.customers.shop_cards import (
    NOW,
    TILL,
    card,
    organisation,
    series,
    situation,
    wish,
)

MARIA, PETER = 1001, 1002
LATER = NOW + timedelta(days=1)
EARLIER = NOW - timedelta(days=1)
HELD: dict[str, Any] = {"customer_id": MARIA, "status": "ACTIVE", "issued": EARLIER}


def refusal_of(decide: Callable[[], object]) -> CardFact:
    with pytest.raises(CardRefused) as refusal:
        decide()
    return refusal.value.fact


def reason_of(decide: Callable[[], object]) -> str:
    return refusal_of(decide).reason


# -- adding


def test_an_added_card_lies_in_the_shop() -> None:
    added = decide_add(
        wish(
            series_id=131,
            external_id="ext-1",
            label="card_generated",
            reason="imported",
            custom_fields={"a": "1"},
        ),
        situation(),
    )
    assert added == LoyaltyCard(
        number="C1",
        series_id=131,
        external_id="ext-1",
        label="Card_Generated",
        status="NOT_ISSUED",
        created=NOW,
        custom_fields={"a": "1"},
        status_log=(CardStatusChange("Card_Generated", "NOT_ISSUED", NOW, "imported", TILL),),
    )


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"series_id": 0}, "series_invalid"),
        ({"series_id": 99}, "series_unknown"),
        ({"series_id": 132}, "series_expired"),
        ({"series_id": 131, "series_code": "SERIES132"}, "series_invalid"),
        ({"number": ""}, "length_invalid"),
        ({"number": "C" * 251}, "length_invalid"),
        ({"number": "C\x001"}, "length_invalid"),
        ({"number": "TAKEN"}, "number_exists"),
        ({"external_id": "ext-taken"}, "external_id_exists"),
        ({"external_id": "e" * 251}, "length_invalid"),
        ({"label": ""}, "status_missing"),
        ({"label": "nonsense"}, "label_unknown"),
        ({"label": "ACTIVE"}, "label_not_for_unissued"),
        ({"entity_kind": "STORE", "entity": "x"}, "mapped_entity_type_invalid"),
        ({"entity_kind": "TILL", "entity": "nowhere"}, "mapped_entity_unknown"),
    ],
)
def test_what_cannot_be_added(fields: dict[str, Any], reason: str) -> None:
    shop = organisation(series(), series(132, active=False))
    taken = card("TAKEN", external_id="ext-taken")
    asked = wish(**{"series_id": 131, "label": "NOT_ISSUED", **fields})
    assert reason_of(lambda: decide_add(asked, situation(taken, shop=shop))) == reason


# -- linking


def test_a_linked_card_is_the_customers_and_its_time_begins() -> None:
    shop = organisation(series(expires=True, expiry_days=365))
    decision = decide_link(wish(label="gold MEMBER"), MARIA, situation(card(), shop=shop))
    linked = decision.card
    assert (linked.customer_id, linked.root_id, linked.version) == (MARIA, None, 1)
    assert (linked.status, linked.label) == ("ACTIVE", "Gold member")
    assert (linked.issued, linked.expiry) == (NOW, NOW + timedelta(days=365))
    assert linked.status_log == (CardStatusChange("Gold member", "ACTIVE", NOW, "", TILL),)
    assert (decision.remarks, decision.changed) == ((), True)


def test_a_link_without_label_takes_the_default_and_keeps_the_root() -> None:
    linked = decide_link(wish(), MARIA, situation(card()), root_id=900).card
    assert (linked.label, linked.root_id, linked.expiry) == ("ACTIVE", 900, None)
    assert decide_link(wish(), MARIA, situation(card()), root_id=MARIA).card.root_id is None


def test_a_link_may_name_the_card_by_its_external_id_and_give_one() -> None:
    known = card(external_id="ext-7")
    assert decide_link(wish("", external_id="ext-7"), MARIA, situation(known)).card.number == "C1"
    given_one = decide_link(wish(external_id="ext-8"), MARIA, situation(card())).card
    assert given_one.external_id == "ext-8"


@pytest.mark.parametrize(
    ("stored", "asked", "reason"),
    [
        ({"number": "C2"}, {}, "number_unknown"),
        ({}, {"series_id": 99}, "series_unknown"),
        ({}, {"series_code": "nonsense"}, "series_unknown"),
        ({}, {"series_id": 133}, "series_invalid"),
        ({}, {"series_code": "SERIES133"}, "series_invalid"),
        ({"series_id": 132}, {}, "series_expired"),
        ({}, {"label": "nonsense"}, "label_unknown"),
        ({}, {"label": "SUSPENDED"}, "transition_forbidden"),
        ({"status": "SUSPENDED"}, {}, "card_is"),
        ({"status": "DELETED", "customer_id": PETER}, {}, "card_is"),
        ({"status": "ACTIVE", "customer_id": PETER, "expiry": NOW}, {}, "card_is"),
        ({"status": "ACTIVE", "customer_id": PETER}, {}, "not_linkable"),
        ({"external_id": "ext-1"}, {"external_id": "ext-2"}, "external_id_mismatch"),
        ({}, {"external_id": "e" * 251}, "length_invalid"),
    ],
)
def test_what_cannot_be_linked(stored: dict[str, Any], asked: dict[str, Any], reason: str) -> None:
    shop = organisation(series(), series(132, active=False), series(133))
    there = situation(card(**stored), shop=shop)
    assert reason_of(lambda: decide_link(wish(**asked), MARIA, there)) == reason


def test_number_and_external_id_of_two_cards_do_not_match() -> None:
    there = situation(card("C1"), card("C2", external_id="ext-2"))
    assert reason_of(lambda: decide_link(wish("C1", external_id="ext-2"), MARIA, there)) == (
        "external_id_mismatch"
    )


def test_linking_ones_own_card_again_is_remarked_and_changes_nothing() -> None:
    held = card(**HELD)
    decision = decide_link(wish(), MARIA, situation(held))
    assert (decision.card, decision.changed) == (held, False)
    assert [each.reason for each in decision.remarks] == ["label_unchanged"]


@pytest.mark.parametrize("reason", ["several_cards", "several_links"])
def test_one_card_per_request(reason: Any) -> None:
    assert sole([], reason) is None
    assert sole([wish("C1")], reason) == wish("C1")
    fact = refusal_of(lambda: sole([wish("C1"), wish("C2", pointer="/add/1")], reason))
    assert (fact.reason, fact.pointer) == (reason, "/add/1")


@pytest.mark.parametrize(
    ("series_max", "shop_max", "reason"),
    [(2, 0, ""), (1, 0, "series_cap"), (0, 0, ""), (0, 2, "organisation_cap"), (0, 3, "")],
)
def test_caps_count_active_cards_of_the_customer(
    series_max: int, shop_max: int, reason: str
) -> None:
    shop = organisation(series(active_cards_max=series_max), series(133), cards_max=shop_max)
    cards = [
        card("C1"),
        card("C2", **HELD),
        card("C3", **{**HELD, "status": "SUSPENDED"}),
        card("C4", **{**HELD, "expiry": NOW}),
        card("C5", **{**HELD, "customer_id": PETER}),
        card("C6", **HELD, series_id=133),
    ]
    there = situation(*cards, shop=shop)
    if reason:
        assert reason_of(lambda: decide_link(wish(), MARIA, there)) == reason
        assert (
            reason_of(
                lambda: decide_issue(series(active_cards_max=series_max), "N", wish(), MARIA, there)
            )
            == reason
        )
    else:
        assert decide_link(wish(), MARIA, there).card.customer_id == MARIA


# -- issuing


def test_an_issued_card_comes_to_be_in_the_customers_hands() -> None:
    made = series(expires=True, expiry_days=30)
    asked = wish("", external_id="ext-9", extended_fields={"card_balance": 5})
    issued = decide_issue(made, "GOLD12025", asked, MARIA, situation(shop=organisation(made)))
    assert issued == LoyaltyCard(
        number="GOLD12025",
        series_id=131,
        external_id="ext-9",
        label="ACTIVE",
        status="ACTIVE",
        customer_id=MARIA,
        created=NOW,
        issued=NOW,
        expiry=NOW + timedelta(days=30),
        extended_fields={"card_balance": 5},
        status_log=(CardStatusChange("ACTIVE", "ACTIVE", NOW, "", TILL),),
    )


@pytest.mark.parametrize(
    ("fields", "reason"),
    [({"active": False}, "series_expired"), ({"generates": False}, "generation_disabled")],
)
def test_what_cannot_be_issued(fields: dict[str, Any], reason: str) -> None:
    made = series(**fields)
    there = situation(shop=organisation(made))
    assert reason_of(lambda: decide_issue(made, "N", wish(""), MARIA, there)) == reason


def test_series_that_are_issued_by_themselves() -> None:
    shop = organisation(
        series(1, trigger="REGISTRATION"),
        series(2, trigger="REGISTRATION", active=False),
        series(3, trigger="REGISTRATION", generates=False),
        series(4, trigger="SERIES_ID"),
        series(5, trigger="OU_ID", concept_code="orchard"),
        series(6, trigger="OU_ID", concept_code="elsewhere"),
        series(7, trigger="OU_ID", concept_code=""),
    )
    till = Till(107, "orchard.till03", "Till 3", NOW, store_code="orchard")
    assert [each.id for each in series_to_issue(shop, till)] == [1, 5]
    assert [each.id for each in series_to_issue(shop, None)] == [1]


# -- delinking


def test_a_delinked_card_is_free_again() -> None:
    held = card(**HELD, root_id=900, expiry=LATER, custom_fields={"a": "1"})
    freed = decide_delink(wish(label="NOT_ISSUED"), MARIA, situation(held)).card
    assert (freed.customer_id, freed.root_id, freed.issued, freed.expiry) == (None,) * 4
    assert (freed.status, freed.label) == ("NOT_ISSUED", "NOT_ISSUED")
    again = decide_link(wish(), PETER, situation(freed)).card
    assert [each.status for each in again.status_log] == ["NOT_ISSUED", "ACTIVE"]


@pytest.mark.parametrize(
    ("stored", "label", "reason"),
    [
        ({**HELD, "customer_id": PETER}, "", "not_unlinkable"),
        ({}, "", "not_unlinkable"),
        ({**HELD, "status": "SUSPENDED"}, "", "not_unlinkable"),
        ({**HELD, "expiry": NOW}, "", "not_unlinkable"),
        ({**HELD, "status": "DELETED"}, "", "not_unlinkable"),
        (HELD, "nonsense", "label_unknown"),
        (HELD, "SUSPENDED", "label_not_for_unissued"),
        ({**HELD, "number": "C2"}, "", "number_unknown"),
    ],
)
def test_what_cannot_be_delinked(stored: dict[str, Any], label: str, reason: str) -> None:
    there = situation(card(**stored))
    assert reason_of(lambda: decide_delink(wish(label=label), MARIA, there)) == reason
