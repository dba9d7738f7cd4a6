"""Loyalty cards: physical or digital cards of a series, before and after somebody holds one.

Words: a card is *issued* to a customer when it is linked; before, its label is one of NOT_ISSUED. A
*label* is the shop's own word for one of the six statuses. Who *holds* a card is its `customer_id`;
`root_id` is the root of the customer's card that it belongs to, None for the customer's own root.
A card belongs to the customer and not to a source (contracts/capillary/SPEC.md section 2). A *wish*
is what a request says of one card.

Invariants: a card has a customer exactly when it is issued; EXPIRED and DELETED are final; a card
whose time is up is EXPIRED from that instant on, whatever is stored. What may be done with cards is
decided in `customers.card_decisions`.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from habitue.customers.card import Actor
from habitue.customers.card_facts import CardFact, CardReason, refused
from habitue.customers.organisation import (
    CardLabel,
    CardSeries,
    CardStatus,
    Organisation,
    Till,
    folded,
)

_FINAL: frozenset[CardStatus] = frozenset({"EXPIRED", "DELETED"})


class CardStatusChange(msgspec.Struct, frozen=True):
    """The status of a card from that moment on, under a label."""

    label: str
    status: CardStatus
    at: datetime
    reason: str = ""
    by: Actor = Actor()


class LoyaltyCard(msgspec.Struct, frozen=True, kw_only=True):
    """A card; see the module.

    `version` 0 stands for one that is not stored yet, and so does an `id` of 0. `till` is the code
    of the till that it is attributed to. `status_log` is the whole history, oldest first.
    """

    number: str
    series_id: int
    label: str
    status: CardStatus
    created: datetime
    id: int = 0
    external_id: str = ""
    customer_id: int | None = None
    root_id: int | None = None
    till: str = ""
    issued: datetime | None = None
    expiry: datetime | None = None
    custom_fields: dict[str, Any] = {}
    extended_fields: dict[str, Any] = {}
    status_log: tuple[CardStatusChange, ...] = ()
    version: int = 0

    def status_at(self, now: datetime) -> CardStatus:
        """The status that holds at that moment."""
        over = self.expiry is not None and self.expiry <= now
        return "EXPIRED" if over and self.status not in _FINAL else self.status

    def label_at(self, now: datetime, organisation: Organisation) -> str:
        """The label that holds at that moment."""
        status = self.status_at(now)
        return self.label if status == self.status else default_label(organisation, status).label


class CardWish(msgspec.Struct, frozen=True, kw_only=True):
    """What a request says of one card, and where (`pointer`). What it does not say is empty.

    A card is mapped to an entity of a kind, of which there is one: TILL, by its code. Fields are
    taken as they are: whoever makes the wish has checked them.
    """

    number: str = ""
    series_id: int = 0
    series_code: str = ""
    external_id: str = ""
    label: str = ""
    reason: str = ""
    entity_kind: str = ""
    entity: str = ""
    custom_fields: dict[str, Any] = {}
    extended_fields: dict[str, Any] = {}
    pointer: str = ""


class CardOutcome(msgspec.Struct, frozen=True):
    """The card as it shall be, and what is to be remarked; `changed` is False where it stays."""

    card: LoyaltyCard
    remarks: tuple[CardFact, ...] = ()
    changed: bool = True


def sole(wishes: Sequence[CardWish], several: CardReason) -> CardWish | None:
    """The one wish, or None where there is none. Raises `CardRefused` for the reason `several`."""
    if len(wishes) > 1:
        raise refused(several, pointer=wishes[1].pointer)
    return wishes[0] if wishes else None


def with_external_id(external_id: str, cards: Sequence[LoyaltyCard]) -> LoyaltyCard | None:
    """The card of that external id; none has the empty one."""
    if not external_id:
        return None
    return next((each for each in cards if each.external_id == external_id), None)


def named_card(wish: CardWish, cards: Sequence[LoyaltyCard]) -> LoyaltyCard:
    """The card that the wish names, by number or by external id, among those that were read.

    Raises `CardRefused`: there is none, or the two name different ones.
    """
    found = next((each for each in cards if each.number == wish.number), None)
    known = with_external_id(wish.external_id, cards)
    card = found if wish.number else known
    if card is None:
        raise refused("number_unknown", wish.number or wish.external_id, pointer=wish.pointer)
    if known is not None and known.number != card.number:
        raise refused("external_id_mismatch", wish.number, wish.external_id, wish.pointer)
    return card


def named_series(wish: CardWish, organisation: Organisation) -> CardSeries | None:
    """The series that the wish names by id or by code; None where it names none.

    Raises `CardRefused`: there is no such series, or the two name different ones.
    """
    by_id = organisation.card_series.get(wish.series_id)
    by_code = organisation.card_series_of.get(wish.series_code)
    missing = (wish.series_id and by_id is None) or (wish.series_code and by_code is None)
    if missing:
        raise refused("series_unknown", wish.series_code or str(wish.series_id), "", wish.pointer)
    if by_id is not None and by_code is not None and by_id.id != by_code.id:
        raise refused("series_invalid", str(wish.series_id), wish.series_code, wish.pointer)
    return by_id or by_code


def refuse_retired(series: CardSeries, pointer: str = "") -> None:
    """Raises `CardRefused` where cards of the series are not given out any more."""
    if not series.active:
        raise refused("series_expired", series.code, pointer=pointer)


def series_to_issue(organisation: Organisation, till: Till | None) -> list[CardSeries]:
    """The series of which each new customer gets a card, registered by that till; oldest first.

    Those of trigger REGISTRATION, and those of OU_ID whose concept is the till's store or the till
    itself; only active series that make numbers.
    """
    units = {till.code, till.store_code, till.external_id} - {""} if till is not None else set()

    def triggered(series: CardSeries) -> bool:
        at_unit = series.trigger == "OU_ID" and series.concept_code in units
        return at_unit or series.trigger == "REGISTRATION"

    wanted = [
        each
        for each in organisation.card_series.values()
        if each.active and each.generates and triggered(each)
    ]
    return sorted(wanted, key=lambda each: each.id)


def default_label(organisation: Organisation, status: CardStatus) -> CardLabel:
    """The label that stands for a status. Raises `CardRefused` where the shop has none."""
    label = organisation.default_card_label(status)
    if label is None:
        raise refused("default_label_missing", status)
    return label


def named_label(
    name: str, otherwise: CardStatus, organisation: Organisation, pointer: str = ""
) -> CardLabel:
    """The label of that name; of no name, the default of the status `otherwise`.

    Raises `CardRefused` where the shop has no such label.
    """
    if not name:
        return default_label(organisation, otherwise)
    label = organisation.card_label_of.get(folded(name))
    if label is None:
        raise refused("label_unknown", name, pointer=pointer)
    return label


def unissued_label(name: str, organisation: Organisation, pointer: str = "") -> CardLabel:
    """The label of that name, for cards that nobody holds.

    Raises `CardRefused`: there is none, or it stands for another status than NOT_ISSUED.
    """
    label = named_label(name, "NOT_ISSUED", organisation, pointer)
    if label.status != "NOT_ISSUED":
        raise refused("label_not_for_unissued", label.label, pointer=pointer)
    return label


def mapped_till(wish: CardWish, organisation: Organisation) -> str:
    """The code of the till that the wish maps the card to, or nothing. Raises `CardRefused`."""
    if not wish.entity and not wish.entity_kind:
        return ""
    if wish.entity_kind.upper() != "TILL":
        raise refused("mapped_entity_type_invalid", wish.entity_kind, pointer=wish.pointer)
    if wish.entity not in organisation.till_of:
        raise refused("mapped_entity_unknown", wish.entity_kind, wish.entity, wish.pointer)
    return wish.entity
