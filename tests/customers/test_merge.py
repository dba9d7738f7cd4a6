"""Deciding merges and their undoing, as values."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from habitue.customers.card import Card, Part, StatusChange
from habitue.customers.customer import Customer
from habitue.customers.history import Change
from habitue.customers.merge import (
    MERGE_ACTION,
    AttributeChange,
    JoinedTree,
    MergedWithItself,
    NotMerged,
    RootBase,
    SandboxMixed,
    StandingMerge,
    SurvivorMerged,
    VictimMerged,
    decide_merge,
    decide_unmerge,
    replayed,
)
from habitue.customers.organisation import Organisation, StatusLabel
from habitue.customers.refusals import CustomerBlocked, CustomerErased
from habitue.customers.settings import RegistrationSettings
from habitue.customers.sharing import is_identity

EARLY = datetime(2026, 1, 1, tzinfo=UTC)
LATE = datetime(2026, 2, 1, tzinfo=UTC)
SHOP = Organisation()


def card(id_: int, attributes: dict[str, Any] | None = None, **fields: Any) -> Card:
    customer = Customer(
        id_,
        created=EARLY,
        last_activity=LATE if id_ == 2 else EARLY,
        version=5,
        session_count=3,
        closed_sessions=2,
        total_sales=Decimal("1.10"),
        attributes=attributes or {},
    )
    return Card(customer, (Part(root_id=id_, registered=EARLY),), **fields)


def told(id_: int, root_id: int, **attributes: Any) -> AttributeChange:
    changes = (Change(f"attributes/{name}", None, each) for name, each in attributes.items())
    return AttributeChange(id_, root_id, tuple(changes))


def test_the_survivors_values_stay_and_the_victims_others_are_added() -> None:
    decision = decide_merge(card(1, {"a": 1, "b": 1}), card(2, {"b": 2, "c": 2}), SHOP)
    found = decision.survivor.customer
    assert found.attributes == {"a": 1, "b": 1, "c": 2}
    assert (found.id, found.version, found.created, found.last_activity) == (1, 6, EARLY, LATE)
    assert (found.session_count, found.closed_sessions) == (6, 4)
    assert found.total_sales == Decimal("2.20")
    assert [part.root_id for part in decision.survivor.parts] == [1, 2]
    assert decision.survivor_before == card(1, {"a": 1, "b": 1})


@pytest.mark.parametrize(
    ("survivor", "victim", "refusal"),
    [
        (card(1), card(1), MergedWithItself),
        (card(1), card(2, merged_into=1), VictimMerged),
        (card(1, merged_into=3), card(2), SurvivorMerged),
        (card(1), card(2, erased=LATE), CustomerErased),
        (card(1, erased=LATE), card(2), CustomerErased),
    ],
)
def test_what_cannot_be_merged(survivor: Card, victim: Card, refusal: type[Exception]) -> None:
    with pytest.raises(refusal):
        decide_merge(survivor, victim, SHOP)


@pytest.mark.parametrize("blocked", [1, 2])
def test_a_label_may_forbid_it(blocked: int) -> None:
    label = StatusLabel(1, "On hold", "SUSPENDED", EARLY, blocks=(MERGE_ACTION,))
    status = StatusChange("SUSPENDED", "On hold", "", EARLY)
    held = Part(root_id=blocked, registered=EARLY, statuses=(status,))
    cards = {
        each.id: msgspec.structs.replace(each, parts=(held,)) if each.id == blocked else each
        for each in (card(1), card(2))
    }
    with pytest.raises(CustomerBlocked):
        decide_merge(cards[1], cards[2], Organisation(status_labels={1: label}))
    free = msgspec.structs.replace(label, blocks=("points_allocation",))
    found = decide_merge(cards[1], cards[2], Organisation(status_labels={1: free}))
    assert found.survivor.id == 1


@pytest.mark.parametrize("blocked", [1, 2])
def test_the_label_that_stands_forbids_it_and_no_other(blocked: int) -> None:
    hold = StatusLabel(1, "On hold", "SUSPENDED", EARLY, blocks=(MERGE_ACTION,))
    shop = Organisation(status_labels={1: hold})
    held = StatusChange("SUSPENDED", "On hold", "", EARLY)
    of_both = msgspec.structs.replace(held, covers=(9,))
    beside = Part(root_id=9, registered=EARLY, statuses=(StatusChange("ACTIVE", "A", "", EARLY),))
    freed = StatusChange("ACTIVE", "A", "", LATE, covers=(9,))

    def with_statuses(*changes: StatusChange) -> dict[int, Card]:
        part = Part(root_id=blocked, registered=EARLY, statuses=changes)
        return {
            each.id: msgspec.structs.replace(each, parts=(part, beside))
            if each.id == blocked
            else each
            for each in (card(1), card(2))
        }

    cards = with_statuses(of_both)
    with pytest.raises(CustomerBlocked):
        decide_merge(cards[1], cards[2], shop)
    # Said later to the whole card, and so of what is joined in it too.
    cards = with_statuses(of_both, freed)
    assert decide_merge(cards[1], cards[2], shop).survivor.id == 1
    # What is deleted is left alone, under whatever label.
    cards = with_statuses(StatusChange("DELETED", "Gone", "", EARLY))
    with pytest.raises(CustomerBlocked):
        decide_merge(cards[1], cards[2], shop)


def test_a_sandbox_and_the_shop_have_customers_of_their_own() -> None:
    for sandboxed in ({1}, {2}):
        with pytest.raises(SandboxMixed):
            decide_merge(card(1), card(2), SHOP, sandboxed)
    assert decide_merge(card(1), card(2), SHOP, {1, 2}).survivor.id == 1


def test_changes_go_to_the_card_that_they_named() -> None:
    tree = JoinedTree(
        1,
        (RootBase(1, {"a": 1, "b": 1}, 10), RootBase(2, {"b": 2, "c": 2}, 10)),
        (StandingMerge(10, 2, 1),),
        (told(9, 1, a="before"), told(11, 2, b=3, c=None), told(12, 1, **{"d~1e": 4})),
    )
    decision = decide_unmerge(2, tree)
    assert decision.roots == (2,)
    assert decision.victim_attributes == {"b": 3}
    assert decision.holder_attributes == {"a": 1, "b": 1, "d/e": 4}
    with pytest.raises(NotMerged):
        decide_unmerge(1, tree)


def test_a_card_takes_along_what_was_joined_into_it_before() -> None:
    tree = JoinedTree(
        3,
        tuple(RootBase(id_, {"name": id_}, 10) for id_ in (1, 2, 3)),
        (StandingMerge(10, 2, 1), StandingMerge(11, 1, 3)),
        (told(12, 2, city="x"),),
    )
    first = decide_unmerge(1, tree)
    assert first.roots == (1, 2)
    assert (first.victim_attributes, first.holder_attributes) == (
        {"name": 1, "city": "x"},
        {"name": 3},
    )
    second = decide_unmerge(2, tree)
    assert second.roots == (2,)
    assert (second.victim_attributes, second.holder_attributes) == (
        {"name": 2, "city": "x"},
        {"name": 3},
    )


ROOTS = (1, 2, 3, 4)
VALUES = st.none() | st.integers(0, 2)


@st.composite
def trees(draw: st.DrawFn) -> JoinedTree:
    """Everybody is joined in the end, in some order, with changes between and after."""
    names = st.sampled_from(["a", "b", "c"])
    roots = tuple(
        RootBase(each, draw(st.dictionaries(names, st.integers(0, 2))), 0) for each in ROOTS
    )
    standing = list(ROOTS)
    merges: list[StandingMerge] = []
    changes: list[AttributeChange] = []
    id_ = 0
    while len(standing) > 1:
        id_ += 1
        if draw(st.booleans()):
            values = draw(st.dictionaries(names, VALUES, min_size=1))
            changes.append(told(id_, draw(st.sampled_from(ROOTS)), **values))
        else:
            victim = draw(st.sampled_from(standing))
            standing.remove(victim)
            merges.append(StandingMerge(id_, victim, draw(st.sampled_from(standing))))
    return JoinedTree(standing[0], roots, tuple(merges), tuple(changes))


@settings(max_examples=200, deadline=None)
@given(trees(), st.permutations(ROOTS))
def test_undone_in_any_order_every_card_has_its_own_changes(
    tree: JoinedTree, order: list[int]
) -> None:
    left = tree
    for victim in order:
        if victim != tree.holder_id:
            decide_unmerge(victim, left)
            merges = tuple(each for each in left.merges if each.victim_id != victim)
            left = msgspec.structs.replace(left, merges=merges)
    expected: dict[int, dict[str, Any]] = {
        each.root_id: dict(each.attributes) for each in left.roots
    }
    for change in tree.changes:
        own = expected[change.root_id]
        for each in change.changes:
            own.pop(each.path.removeprefix("attributes/"), None)
            if each.after is not None:
                own[each.path.removeprefix("attributes/")] = each.after
    assert replayed(left.roots, left.merges, left.changes) == expected


@pytest.mark.parametrize(("count", "found"), [(1, True), (20, True), (21, False)])
def test_an_identifier_on_too_many_cards_recognises_nobody(count: int, found: bool) -> None:
    assert is_identity(count, RegistrationSettings()) is found


def test_the_shop_says_how_many_cards_are_too_many() -> None:
    assert is_identity(3, RegistrationSettings(shared_cards_max=3))
    assert not is_identity(4, RegistrationSettings(shared_cards_max=3))
