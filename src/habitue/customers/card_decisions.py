"""What may be done with loyalty cards: add, issue, link, delink, change the status.

Every decision is a function of a wish and of a `Situation`, and gives the card as it shall be, or
raises `CardRefused` with the reason (contracts/capillary/SPEC.md sections 3.6, 5 and 9.2).

Who changes identifiers of customers (registration, changeIdentifier) uses this module so:

1. in the same reading as the customer, `store.loyalty_cards.load(connection, CardQuery(numbers,
   external_ids, customer_ids))` gives the cards that the request names and all that the customers
   hold; `usecases.card_rows.card_of` makes values of the rows, and they go into the `Situation`;
2. `loyalty_card.sole(wishes, reason)` is the one card of the request (several_cards at a
   registration, several_links at a change); `decide_link` and `decide_delink` decide about it.
   Where the series makes the number (`loyalty_card.series_to_issue`, or a series is named without a
   number), `usecases.card_rows.new_number` finds one and `decide_issue` decides. The fact of a
   `CardRefused` is an error or, where the rest goes on, the subject of a notice;
3. `store.loyalty_cards.save(connection, usecases.card_rows.write_of(card))` stands in the
   transaction that moves the customer's version, which guards the caps. `GuardFailed` means that
   somebody was faster with this very card: everything is read and decided again.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import msgspec

from habitue.customers.card import Actor
from habitue.customers.card_facts import CardFact, refused
from habitue.customers.loyalty_card import (
    CardOutcome,
    CardStatusChange,
    CardWish,
    LoyaltyCard,
    mapped_till,
    named_card,
    named_label,
    named_series,
    refuse_retired,
    unissued_label,
    with_external_id,
)
from habitue.customers.organisation import CardLabel, CardSeries, CardStatus, Organisation, folded

#: Numbers and external ids: none is longer than the longest that a series makes, 50 + 150 + 50.
NUMBER_LENGTH_MAX = 250

#: By hand: what a card may become, from what it is; labels of one status may always be exchanged.
TRANSITIONS: Mapping[CardStatus, frozenset[CardStatus]] = {
    "NOT_ISSUED": frozenset({"SUSPENDED"}),
    "ISSUED": frozenset({"ACTIVE", "SUSPENDED", "EXPIRED", "DELETED"}),
    "ACTIVE": frozenset({"SUSPENDED", "EXPIRED", "DELETED"}),
    "SUSPENDED": frozenset({"ACTIVE", "EXPIRED", "DELETED"}),
    "EXPIRED": frozenset(),
    "DELETED": frozenset(),
}
#: The same for a suspended card that nobody holds: back to where it was, and nowhere else.
UNISSUED_TRANSITIONS: frozenset[CardStatus] = frozenset({"NOT_ISSUED"})
#: What a card is made by hand; other statuses come by linking and delinking.
BY_HAND: frozenset[CardStatus] = frozenset({"SUSPENDED", "EXPIRED", "DELETED"})


class Situation(msgspec.Struct, frozen=True):
    """What a decision rests on: the cards that were read, the shop's configuration, when and who.

    `cards` are those that the wish names by number or external id, and all that the customer holds.
    """

    cards: Sequence[LoyaltyCard]
    organisation: Organisation
    now: datetime
    by: Actor = Actor()


def decide_add(wish: CardWish, situation: Situation) -> LoyaltyCard:
    """A new card of a series, under a number from elsewhere; nobody holds it yet."""
    organisation, now = situation.organisation, situation.now
    series = named_series(wish, organisation)
    if series is None:
        raise refused("series_invalid", pointer=wish.pointer)
    refuse_retired(series, wish.pointer)
    if not wish.label:
        raise refused("status_missing", pointer=wish.pointer)
    _refuse_unwritable(wish.number, wish)
    if any(each.number == wish.number for each in situation.cards):
        raise refused("number_exists", wish.number, pointer=wish.pointer)
    _refuse_external_id_taken(wish, situation)
    label = unissued_label(wish.label, organisation, wish.pointer)
    made = LoyaltyCard(
        number=wish.number, series_id=series.id, label="", status="NOT_ISSUED", created=now
    )
    return _labelled(_described(made, wish, situation), label, wish, situation)


def decide_link(
    wish: CardWish, customer_id: int, situation: Situation, root_id: int | None = None
) -> CardOutcome:
    """The card that the wish names, issued to the customer.

    A card that the customer holds already is treated as a change of its status.
    """
    card = named_card(wish, situation.cards)
    series = _series_of(card, wish, situation.organisation)
    label = named_label(wish.label, "ACTIVE", situation.organisation, wish.pointer)
    if card.customer_id == customer_id:
        named = msgspec.structs.replace(wish, label=label.label)
        return decide_status(named, situation)
    refuse_retired(series, wish.pointer)
    _refuse_unlinkable(card, situation.now, wish.pointer)
    _refuse_other_external_id(card, wish)
    _refuse_inactive_label(label, wish.pointer)
    _refuse_beyond_caps(series, customer_id, situation, wish.pointer)
    issued = _issued(card, series, customer_id, root_id, situation.now)
    return CardOutcome(_labelled(_described(issued, wish, situation), label, wish, situation))


def decide_issue(
    series: CardSeries,
    number: str,
    wish: CardWish,
    customer_id: int,
    situation: Situation,
    root_id: int | None = None,
) -> LoyaltyCard:
    """A new card of a series that makes its numbers, issued to the customer at once.

    `number` is one of `card_numbers.card_numbers`; of the wish only label, reason, external id,
    entity and fields count.
    """
    refuse_retired(series, wish.pointer)
    if not series.generates:
        raise refused("generation_disabled", series.code, pointer=wish.pointer)
    _refuse_external_id_taken(wish, situation)
    label = named_label(wish.label, "ACTIVE", situation.organisation, wish.pointer)
    _refuse_inactive_label(label, wish.pointer)
    _refuse_beyond_caps(series, customer_id, situation, wish.pointer)
    made = LoyaltyCard(
        number=number, series_id=series.id, label="", status="NOT_ISSUED", created=situation.now
    )
    issued = _issued(made, series, customer_id, root_id, situation.now)
    return _labelled(_described(issued, wish, situation), label, wish, situation)


def decide_delink(wish: CardWish, customer_id: int, situation: Situation) -> CardOutcome:
    """The card, taken from the customer and free to be issued again.

    A suspended card, and one whose time is up, stays with its customer.
    """
    card = named_card(wish, situation.cards)
    _series_of(card, wish, situation.organisation)
    label = unissued_label(wish.label, situation.organisation, wish.pointer)
    held = card.customer_id == customer_id
    if not held or card.status_at(situation.now) not in ("ACTIVE", "ISSUED"):
        raise refused("not_unlinkable", card.number, pointer=wish.pointer)
    freed = msgspec.structs.replace(card, customer_id=None, root_id=None, issued=None, expiry=None)
    return CardOutcome(_labelled(freed, label, wish, situation))


def decide_status(wish: CardWish, situation: Situation) -> CardOutcome:
    """The card that the wish names under another label, with what else the wish says of it.

    The label that it has already is remarked, and the rest is done.
    """
    if not wish.label:
        raise refused("status_missing", pointer=wish.pointer)
    card = named_card(wish, situation.cards)
    series = _series_of(card, wish, situation.organisation)
    label = named_label(wish.label, card.status, situation.organisation, wish.pointer)
    _refuse_other_external_id(card, wish)
    described = _described(card, wish, situation)
    if folded(label.label) == folded(card.label_at(situation.now, situation.organisation)):
        remark = CardFact("label_unchanged", label.label, pointer=wish.pointer)
        return CardOutcome(described, (remark,), described != card)
    _refuse_transition(card, label.status, situation.now, wish.pointer)
    if label.status == "ACTIVE" != card.status and card.customer_id is not None:
        _refuse_beyond_caps(series, card.customer_id, situation, wish.pointer)
    return CardOutcome(_labelled(described, label, wish, situation))


def _series_of(card: LoyaltyCard, wish: CardWish, organisation: Organisation) -> CardSeries:
    """The card's own series, which must be the one that the wish names, if it names one."""
    series = organisation.card_series.get(card.series_id)
    if series is None:
        raise refused("series_unknown", str(card.series_id), pointer=wish.pointer)
    wanted = named_series(wish, organisation)
    if wanted is not None and wanted.id != series.id:
        raise refused("series_invalid", wanted.code, card.number, wish.pointer)
    return series


def _refuse_unwritable(name: str, wish: CardWish) -> None:
    if not name or len(name) > NUMBER_LENGTH_MAX or not name.isprintable():
        raise refused("length_invalid", name, pointer=wish.pointer)


def _refuse_unlinkable(card: LoyaltyCard, now: datetime, pointer: str) -> None:
    status = card.status_at(now)
    if status in ("SUSPENDED", "EXPIRED", "DELETED"):
        raise refused("card_is", status, pointer=pointer)
    if status != "NOT_ISSUED":
        raise refused("not_linkable", card.number, pointer=pointer)


def _refuse_inactive_label(label: CardLabel, pointer: str) -> None:
    if label.status != "ACTIVE":
        raise refused("transition_forbidden", "NOT_ISSUED", label.status, pointer)


def _refuse_transition(card: LoyaltyCard, wanted: CardStatus, now: datetime, pointer: str) -> None:
    status = card.status_at(now)
    allowed = TRANSITIONS[status]
    if status == "SUSPENDED" and card.customer_id is None:
        allowed = UNISSUED_TRANSITIONS
    if wanted == status or wanted in allowed:
        return
    if wanted in BY_HAND or status not in ("NOT_ISSUED", "ISSUED", "ACTIVE"):
        raise refused("transition_forbidden", status, wanted, pointer)
    raise refused("status_not_selectable", wanted, pointer=pointer)


def _refuse_beyond_caps(
    series: CardSeries, customer_id: int, situation: Situation, pointer: str
) -> None:
    """Active cards count, suspended ones do not; a cap of 0 is none."""
    active = [
        each
        for each in situation.cards
        if each.customer_id == customer_id and each.status_at(situation.now) == "ACTIVE"
    ]
    in_series = sum(each.series_id == series.id for each in active)
    if 0 < series.active_cards_max <= in_series:
        raise refused("series_cap", series.code, pointer=pointer)
    if 0 < situation.organisation.settings.cards_per_customer_max <= len(active):
        raise refused("organisation_cap", pointer=pointer)


def _refuse_external_id_taken(wish: CardWish, situation: Situation) -> None:
    if with_external_id(wish.external_id, situation.cards) is not None:
        raise refused("external_id_exists", wish.external_id, pointer=wish.pointer)


def _refuse_other_external_id(card: LoyaltyCard, wish: CardWish) -> None:
    """An external id is given to a card once."""
    if wish.external_id and card.external_id not in ("", wish.external_id):
        raise refused("external_id_mismatch", card.number, wish.external_id, wish.pointer)


def _issued(
    card: LoyaltyCard, series: CardSeries, customer_id: int, root_id: int | None, now: datetime
) -> LoyaltyCard:
    """The card in the customer's hands; its time, where the series has one, begins now."""
    return msgspec.structs.replace(
        card,
        customer_id=customer_id,
        root_id=None if root_id == customer_id else root_id,
        issued=now,
        expiry=now + timedelta(days=series.expiry_days) if series.expires else None,
    )


def _described(card: LoyaltyCard, wish: CardWish, situation: Situation) -> LoyaltyCard:
    """With what the wish says beside the status; fields that it does not name stay."""
    if wish.external_id and not card.external_id:
        _refuse_unwritable(wish.external_id, wish)
    return msgspec.structs.replace(
        card,
        external_id=card.external_id or wish.external_id,
        till=mapped_till(wish, situation.organisation) or card.till,
        custom_fields={**card.custom_fields, **wish.custom_fields},
        extended_fields={**card.extended_fields, **wish.extended_fields},
    )


def _labelled(
    card: LoyaltyCard, label: CardLabel, wish: CardWish, situation: Situation
) -> LoyaltyCard:
    change = CardStatusChange(label.label, label.status, situation.now, wish.reason, situation.by)
    return msgspec.structs.replace(
        card,
        label=label.label,
        status=label.status,
        status_log=(*card.status_log, change),
    )
