"""The status of a loyalty card: which may follow which, and when one ends by itself."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from habitue.customers.card_decisions import decide_delink, decide_link, decide_status
from habitue.customers.card_facts import CardRefused
from habitue.customers.loyalty_card import CardStatusChange
from habitue.customers.organisation import CardStatus
from tests.customers.shop_cards import (
    NOW,
    STATUSES,
    TILL,
    card,
    organisation,
    series,
    situation,
    wish,
)
from tests.customers.test_card_decisions import HELD, LATER, MARIA, reason_of, refusal_of

ALLOWED = {
    ("NOT_ISSUED", False): {"NOT_ISSUED", "SUSPENDED"},
    ("SUSPENDED", False): {"SUSPENDED", "NOT_ISSUED"},
    ("ISSUED", True): {"ISSUED", "ACTIVE", "SUSPENDED", "EXPIRED", "DELETED"},
    ("ACTIVE", True): {"ACTIVE", "SUSPENDED", "EXPIRED", "DELETED"},
    ("SUSPENDED", True): {"SUSPENDED", "ACTIVE", "EXPIRED", "DELETED"},
    ("EXPIRED", True): {"EXPIRED"},
    ("DELETED", True): {"DELETED"},
}


@pytest.mark.parametrize(("status", "held"), ALLOWED)
@pytest.mark.parametrize("wanted", STATUSES)
def test_every_transition(status: CardStatus, held: bool, wanted: CardStatus) -> None:
    stored = card(status=status, customer_id=MARIA if held else None)
    there = situation(stored)
    if wanted not in ALLOWED[status, held]:
        reason = reason_of(lambda: decide_status(wish(label=wanted), there))
        by_linking = status in ("NOT_ISSUED", "ISSUED", "ACTIVE") and wanted in (
            "NOT_ISSUED",
            "ISSUED",
            "ACTIVE",
        )
        assert reason == ("status_not_selectable" if by_linking else "transition_forbidden")
        return
    decision = decide_status(wish(label=wanted, reason="why"), there)
    assert decision.card.status == wanted
    if wanted == status:
        assert (decision.changed, decision.card) == (False, stored)
        assert [each.reason for each in decision.remarks] == ["label_unchanged"]
    else:
        assert decision.card.status_log == (CardStatusChange(wanted, wanted, NOW, "why", TILL),)


def test_a_card_whose_time_is_up_is_expired_from_that_instant() -> None:
    stored = card(**HELD, expiry=NOW)
    assert stored.status_at(NOW - timedelta(microseconds=1)) == "ACTIVE"
    assert stored.status_at(NOW) == "EXPIRED"
    assert stored.label_at(NOW, organisation()) == "EXPIRED"
    fact = refusal_of(lambda: decide_status(wish(label="ACTIVE"), situation(stored)))
    assert (fact.reason, fact.subject, fact.other) == ("transition_forbidden", "EXPIRED", "ACTIVE")
    fact = refusal_of(lambda: decide_status(wish(label="DELETED"), situation(stored)))
    assert (fact.reason, fact.subject, fact.other) == (
        "transition_forbidden",
        "EXPIRED",
        "DELETED",
    )
    deleted = card(**{**HELD, "status": "DELETED"}, expiry=NOW)
    assert deleted.status_at(LATER) == "DELETED"


def test_labels_of_one_status_may_be_exchanged() -> None:
    changed = decide_status(wish(label="gold member"), situation(card(**HELD))).card
    assert (changed.status, changed.label) == ("ACTIVE", "Gold member")


def test_the_same_label_still_changes_what_else_is_said() -> None:
    stored = card(custom_fields={"a": "1", "b": "2"})
    asked = wish(
        label="NOT_ISSUED",
        external_id="ext-1",
        entity_kind="till",
        entity="orchard.till03",
        custom_fields={"b": "3"},
    )
    decision = decide_status(asked, situation(stored))
    assert decision.changed
    assert decision.card.custom_fields == {"a": "1", "b": "3"}
    assert (decision.card.external_id, decision.card.till) == ("ext-1", "orchard.till03")
    assert decision.card.status_log == ()
    assert [each.reason for each in decision.remarks] == ["label_unchanged"]


def test_a_suspended_card_comes_back_only_within_the_caps() -> None:
    suspended = card("C1", **{**HELD, "status": "SUSPENDED"})
    replacement = card("C2", **HELD)
    assert decide_status(wish(label="ACTIVE"), situation(suspended)).card.status == "ACTIVE"
    there = situation(suspended, replacement)
    assert reason_of(lambda: decide_status(wish(label="ACTIVE"), there)) == "series_cap"


def test_cards_of_a_series_that_is_not_given_out_any_more_can_still_be_stopped() -> None:
    shop = organisation(series(active=False))
    there = situation(card(**HELD), shop=shop)
    asked = wish(label="SUSPENDED", series_id=131)
    assert decide_status(asked, there).card.status == "SUSPENDED"
    assert decide_delink(wish(series_code="SERIES131"), MARIA, there).card.customer_id is None


def test_a_status_needs_a_label_and_a_card() -> None:
    assert reason_of(lambda: decide_status(wish(), situation(card()))) == "status_missing"
    asked = wish("", label="SUSPENDED")
    assert reason_of(lambda: decide_status(asked, situation(card()))) == "number_unknown"


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(("link", "delink", *STATUSES)), st.integers(0, 2))))
def test_whatever_happens_a_card_has_a_customer_exactly_when_it_is_issued(
    steps: list[tuple[str, int]],
) -> None:
    there = card()
    for action, customer_id in steps:
        was_final = there.status in ("EXPIRED", "DELETED")
        try:
            if action == "link":
                changed = decide_link(wish(), customer_id, situation(there)).card
            elif action == "delink":
                changed = decide_delink(wish(), customer_id, situation(there)).card
            else:
                changed = decide_status(wish(label=action), situation(there)).card
        except CardRefused:
            continue
        assert not was_final or changed == there
        assert changed.status_log[: len(there.status_log)] == there.status_log
        there = changed
        if there.status == "NOT_ISSUED":
            assert (there.customer_id, there.issued) == (None, None)
        elif there.status != "SUSPENDED":
            assert there.customer_id is not None
            assert there.issued == NOW
