"""Labels of customers and cards: one default for each status, and no label of two statuses."""

from typing import Any

import pytest

from habitue.customers.card_facts import CardRefused
from habitue.customers.organisation import BLOCKS, Organisation
from habitue.model.errors import InvalidInput
from habitue.store.database import Database
from habitue.usecases.configure.entries import EntryExists
from habitue.usecases.configure.labels import (
    LabelWish,
    add_card_labels,
    add_status_labels,
    refuse_bad_card_labels,
    status_label_faults,
)
from tests.configure.shops import NOW, opened


def wish(label: str, status: str, **more: Any) -> LabelWish:
    """A label that there shall be."""
    return LabelWish(label=label, status=status, **more)


def defaults(organisation: Organisation) -> dict[str, list[str]]:
    """The default labels by status, which should be one each."""
    found: dict[str, list[str]] = {}
    for card in organisation.card_labels.values():
        if card.is_default:
            found.setdefault(f"card {card.status}", []).append(card.label)
    for each in organisation.status_labels.values():
        if each.is_default:
            found.setdefault(f"customer {each.status}", []).append(each.label)
    return found


async def test_a_new_default_takes_the_place_of_the_old_one(database: Database) -> None:
    shop = await opened(database)
    wishes = [
        wish("CARD GENERATED", "NOT_ISSUED", is_default=True),
        wish("CARD PRINTED", "NOT_ISSUED"),
    ]
    made = await add_card_labels(shop, wishes, NOW)
    assert [(each.label, each.is_default) for each in made] == [
        ("CARD GENERATED", True),
        ("CARD PRINTED", False),
    ]
    organisation = (await opened(database)).configuration.organisation
    by_status = defaults(organisation)
    assert by_status["card NOT_ISSUED"] == ["CARD GENERATED"]
    assert all(len(labels) == 1 for labels in by_status.values())
    assert len(organisation.card_labels) == 8
    version = shop.configuration.version
    assert await add_card_labels(shop, wishes, NOW) == made
    assert shop.configuration.version == version


async def test_labels_of_customers_carry_what_they_block(database: Database) -> None:
    shop = await opened(database)
    (label,) = await add_status_labels(
        shop, [wish("Chargeback", "SUSPENDED", blocks=("coupon_redemption", "transactions"))], NOW
    )
    assert (label.blocks, label.is_default) == (("coupon_redemption", "transactions"), False)
    (same,) = await add_status_labels(
        shop, [wish("chargeback ", "SUSPENDED", is_default=True)], NOW
    )
    assert (same.id, same.label, same.blocks) == (label.id, "Chargeback", label.blocks)
    (gone,) = await add_status_labels(shop, [wish("Gone", "DELETED")], NOW)
    assert gone.blocks == BLOCKS
    by_status = defaults(shop.configuration.organisation)
    assert by_status["customer SUSPENDED"] == ["Chargeback"]
    assert by_status["customer DELETED"] == ["Deleted"]


@pytest.mark.parametrize(
    ("wishes", "reason"),
    [
        ([], "labels_empty"),
        ([wish("X", "LOST")], "status_invalid"),
        ([wish("X", "ACTIVE"), wish("x", "EXPIRED")], "label_repeated"),
        (
            [wish("X", "ACTIVE", is_default=True), wish("Y", "ACTIVE", is_default=True)],
            "default_label_duplicate",
        ),
    ],
)
def test_bad_labels_of_cards_are_refused(wishes: list[LabelWish], reason: str) -> None:
    with pytest.raises(CardRefused) as refusal:
        refuse_bad_card_labels(wishes)
    assert refusal.value.fact.reason == reason


@pytest.mark.parametrize(
    ("wishes", "pointers"),
    [
        ([], [""]),
        ([wish(" ", "SUSPENDED")], ["/0/label"]),
        ([wish("X", "GONE")], ["/0/status"]),
        ([wish("X", "SUSPENDED", blocks=("breathing",))], ["/0/blocks/0"]),
        ([wish("X", "ACTIVE", blocks=("transactions",))], ["/0/blocks"]),
        ([wish("X", "SUSPENDED"), wish("x", "SUSPENDED")], [""]),
        ([wish(f"L{index}", "SUSPENDED") for index in range(101)], [""]),
    ],
)
def test_bad_labels_of_customers_are_refused(wishes: list[LabelWish], pointers: list[str]) -> None:
    assert [fault.pointer for fault in status_label_faults(wishes)] == pointers


async def test_a_label_belongs_to_one_status(database: Database) -> None:
    shop = await opened(database)
    with pytest.raises(EntryExists):
        await add_card_labels(shop, [wish("active", "EXPIRED")], NOW)
    with pytest.raises(EntryExists):
        await add_status_labels(shop, [wish("Suspended", "INTERNAL")], NOW)
    with pytest.raises(CardRefused):
        await add_card_labels(shop, [], NOW)
    with pytest.raises(InvalidInput):
        await add_status_labels(shop, [], NOW)
    assert (await shop.refresh()).version == 1
