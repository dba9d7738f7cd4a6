"""A shop's card series and labels, and wishes about cards, for tests of loyalty cards."""

from datetime import UTC, datetime
from typing import Any

from habitue.customers.card import Actor
from habitue.customers.card_decisions import Situation
from habitue.customers.loyalty_card import CardWish, LoyaltyCard
from habitue.customers.organisation import (
    CardLabel,
    CardSeries,
    CardStatus,
    Organisation,
    Till,
)
from habitue.customers.settings import RegistrationSettings

NOW = datetime(2026, 6, 15, 12, 0, tzinfo=UTC)
TILL = Actor("TILL", 107, "orchard.till03")
STATUSES: tuple[CardStatus, ...] = (
    "NOT_ISSUED",
    "ISSUED",
    "ACTIVE",
    "SUSPENDED",
    "EXPIRED",
    "DELETED",
)


def series(id: int = 131, **fields: Any) -> CardSeries:
    """A series that makes numbers like the one of the protocol's example."""
    given = {
        "code": f"SERIES{id}",
        "name": "Gold",
        "type": "PHYSICAL",
        "created": NOW,
        "generates": True,
        "prefix": "GOLD",
        "suffix": "2025",
        "length": 16,
        **fields,
    }
    return CardSeries(id=id, **given)


def labels() -> dict[int, CardLabel]:
    """A default label for every status, called like it, and a second one for two of them."""
    listed = [CardLabel(id, each, each, NOW, True) for id, each in enumerate(STATUSES, 11)]
    listed += [
        CardLabel(101, "Card_Generated", "NOT_ISSUED", NOW),
        CardLabel(102, "Gold member", "ACTIVE", NOW),
    ]
    return {each.id: each for each in listed}


def organisation(*listed: CardSeries, cards_max: int = 0) -> Organisation:
    """A shop with those series, by default the one of `series()`."""
    return Organisation(
        tills={107: Till(107, "orchard.till03", "Till 3", NOW, store_code="orchard")},
        card_labels=labels(),
        card_series={each.id: each for each in listed or (series(),)},
        settings=RegistrationSettings(cards_per_customer_max=cards_max),
    )


def card(number: str = "C1", **fields: Any) -> LoyaltyCard:
    """A stored card that nobody holds; `status` comes with its default label."""
    status = fields.pop("status", "NOT_ISSUED")
    given = {
        "number": number,
        "series_id": 131,
        "label": status,
        "status": status,
        "created": NOW,
        "id": 1,
        "version": 1,
        **fields,
    }
    return LoyaltyCard(**given)


def situation(*cards: LoyaltyCard, shop: Organisation | None = None) -> Situation:
    """What a decision rests on, at `NOW`."""
    return Situation(cards, shop or organisation(), NOW, TILL)


def wish(number: str = "C1", **fields: Any) -> CardWish:
    """What a request says of a card."""
    return CardWish(number=number, **fields)
