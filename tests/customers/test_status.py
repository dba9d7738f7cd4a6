"""Which status stands, for one card and for cards that were joined and taken apart."""

import itertools
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from habitue.customers.card import Actor, Card, CustomerStatus, Part, StatusChange, ordered
from habitue.customers.customer import Customer
from habitue.customers.organisation import Organisation, StatusLabel
from habitue.customers.refusals import LabelUnknown
from habitue.customers.status import (
    StatusFinal,
    StatusWish,
    current_status,
    status_log,
    with_status,
)

NOW = datetime(2026, 6, 15, 12, 0, tzinfo=UTC)
STATUSES: tuple[CustomerStatus, ...] = (
    "ACTIVE",
    "SUSPENDED",
    "FRAUD_SUSPECTED",
    "FRAUD_CONFIRMED",
    "INTERNAL",
    "PENDING_DELETION",
    "DELETED",
)
SHOP = Organisation(
    status_labels={
        number: StatusLabel(number, name.title(), name, NOW, is_default=True)
        for number, name in enumerate(STATUSES, 1)
    }
)


def card(id_: int, *parts: Part) -> Card:
    """A card with those parts, or with a bare one."""
    customer = Customer(id_, created=NOW, last_activity=NOW)
    return Card(customer, ordered(parts or (Part(root_id=id_, registered=NOW),), id_))


_seconds = itertools.count(1)


def wish(label: str, minutes: int = 0) -> StatusWish:
    """A wish for that status, said after all others."""
    at, told = NOW + timedelta(minutes=minutes), NOW + timedelta(seconds=next(_seconds))
    return StatusWish(label=label, reason="because", at=at, told=told)


def changed(before: Card, label: str, root_id: int | None = None) -> Card:
    """The card with another status, told to that root."""
    return with_status(before, root_id or before.id, wish(label), SHOP)[0]


def label_of(told: Card) -> str:
    """The label that stands."""
    return current_status(told, SHOP).label


def apart(joined: Card, root_id: int) -> Card:
    """A card that was joined, as it is by itself."""
    part = joined.part(root_id)
    assert part is not None
    return card(root_id, part)


def test_everybody_starts_as_active() -> None:
    customer = Customer(1, created=NOW, last_activity=NOW)
    for told in (card(1), Card(customer)):
        (line,) = status_log(told, SHOP)
        assert (line.change.status, line.previous_label, line.active) == ("ACTIVE", "", True)
        assert line.change.at == NOW


def test_labels_are_compared_without_case_and_answered_as_the_shop_writes_them() -> None:
    assert label_of(changed(card(1), " sUSPENDED ")) == "Suspended"
    with pytest.raises(LabelUnknown):
        changed(card(1), "Vanished")


def test_deleted_is_final() -> None:
    gone = changed(card(1), "Deleted")
    with pytest.raises(StatusFinal):
        changed(gone, "Active")


def test_a_change_that_began_earlier_stands_all_the_same() -> None:
    suspended = changed(card(1), "Suspended")
    after, part = with_status(suspended, 1, wish("Internal", -600), SHOP)
    assert label_of(after) == "Internal"
    assert [each.active for each in status_log(after, SHOP)] == [False, False, True]
    assert part.statuses[-1].at == NOW - timedelta(minutes=600)


def test_the_most_severe_of_joined_cards_stands_until_a_new_one() -> None:
    suspected = changed(card(2), "Fraud_Suspected")
    joined = card(1, *card(1).parts, *suspected.parts)
    assert label_of(joined) == "Fraud_Suspected"
    cleared = changed(joined, "Active")
    assert label_of(cleared) == "Active"
    assert label_of(apart(cleared, 1)) == "Active"
    assert label_of(apart(cleared, 2)) == "Fraud_Suspected"


def test_what_was_said_of_the_joined_card_counts_until_the_part_hears_its_own() -> None:
    joined = card(1, *card(1).parts, *changed(card(2), "Internal").parts)
    cleared = changed(joined, "Active")
    again = changed(cleared, "Suspended", root_id=2)
    assert label_of(again) == "Suspended"
    assert label_of(apart(again, 1)) == "Active"
    by_itself = changed(apart(cleared, 2), "Fraud_Confirmed")
    assert label_of(card(1, *apart(cleared, 1).parts, *by_itself.parts)) == "Fraud_Confirmed"


def test_a_joined_customer_without_a_part_gets_one_when_it_is_named() -> None:
    after, part = with_status(card(1), 7, wish("Suspended"), SHOP)
    assert [each.root_id for each in after.parts] == [1, 7]
    assert (part.root_id, label_of(after)) == (7, "Suspended")


labels = st.sampled_from([each.title() for each in STATUSES if each != "DELETED"])


@settings(max_examples=200, deadline=None)
@given(
    before=st.dictionaries(st.integers(1, 4), st.lists(labels, max_size=3), min_size=1),
    after=st.lists(st.tuples(st.integers(0, 3), labels), max_size=6),
)
def test_one_status_is_active_and_the_last_one_given_to_a_joined_card_stands(
    before: dict[int, list[str]], after: list[tuple[int, str]]
) -> None:
    alone = {}
    for root_id, told in before.items():
        alone[root_id] = card(root_id)
        for label in told:
            alone[root_id] = changed(alone[root_id], label)
    survivor = min(alone)
    joined = card(survivor, *(part for each in alone.values() for part in each.parts))
    kept = {root_id: each.parts[0].statuses for root_id, each in alone.items()}
    for index, label in after:
        root_id = sorted(alone)[index % len(alone)]
        joined = changed(joined, label, root_id)
        assert label_of(joined) == label
    log = status_log(joined, SHOP)
    (active,) = [line for line in log if line.active]
    assert active.change == current_status(joined, SHOP)
    told_changes = sum(max(1, len(part.statuses)) for part in joined.parts)
    assert len(log) == told_changes
    for root_id, statuses in kept.items():
        assert apart(joined, root_id).parts[0].statuses[: len(statuses)] == statuses


def test_the_actor_and_the_reason_are_kept() -> None:
    by = Actor("TILL", 7, "till-7")
    told = StatusWish(label="Suspended", reason="chargeback", at=NOW, told=NOW, actor=by)
    _, part = with_status(card(1), 1, told, SHOP)
    assert part.statuses[-1] == StatusChange("SUSPENDED", "Suspended", "chargeback", NOW, by, NOW)
