"""Loyalty cards as the registration protocol answers them.

A card is told in two forms (contracts/capillary/SPEC.md section 9.2): what reading it
tells, and what a change of it tells. In both a card whose time is up is EXPIRED. What is not there
is absent; nobody has the id 0.
"""

from datetime import datetime
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from habitue.customers.loyalty_card import CardStatusChange, LoyaltyCard
from habitue.customers.organisation import CardLabel, CardSeries, Organisation, Till, folded
from habitue.edges.capillary.answers import ORGANISATION_ID, LoggedStatusOut, moment
from habitue.edges.capillary.envelopes import Item

_STOPPED = ("SUSPENDED", "EXPIRED", "DELETED")


class CardStatusOut(msgspec.Struct, rename="camel"):
    """The status that stands, and since when."""

    reason: str
    created_by: int
    actions: list[Any]
    auto_update_time: str
    created_on: str
    entity_id: int
    id: int
    is_active: bool
    label_id: int
    label: str
    status: str


class CardOut(msgspec.Struct, rename="camel"):
    """A card as it is read."""

    card_id: int
    created_date: str
    expiry_days: int
    series_name: str
    customer_id: int
    max_active_cards: int
    entity_code: str
    extended_fields: dict[str, Any]
    custom_fields: dict[str, Any]
    type: str
    card_number: str
    series_id: int
    series_code: str
    org_id: int
    entity_id: int
    status_info: CardStatusOut
    id: int
    active_and_digital: bool
    transaction_not_allowed: bool
    warnings: list[Item]
    issued_date: str | UnsetType = UNSET
    expiry_date: str | UnsetType = UNSET
    card_external_id: str | UnsetType = UNSET


class LabelOut(msgspec.Struct, rename="camel"):
    """A label, and the status that it stands for."""

    created_on: str
    id: int
    is_active: bool
    label: str
    org_id: int
    status: str
    type: str
    actions: dict[str, Any]
    default: bool


class ReasonOut(msgspec.Struct):
    """Why a card has its status."""

    reason: str
    actions: list[Any]


class MappedEntityOut(msgspec.Struct):
    """The till that a card is attributed to."""

    type: str
    value: str
    id: int


class ChangedCardOut(msgspec.Struct, rename="camel"):
    """A card as it is after a change."""

    card_id: int
    customer_id: int
    extended_fields: dict[str, Any]
    custom_fields: dict[str, Any]
    card_number: str
    series_id: int
    org_id: int
    status_label_info: LabelOut
    status_info: ReasonOut
    active_and_digital: bool
    transaction_not_allowed: bool
    card_external_id: str | UnsetType = UNSET
    mapped_entity: MappedEntityOut | UnsetType = UNSET
    entity_id: int | UnsetType = UNSET
    #: Absent in a row of many, which has warnings of its own.
    warnings: list[Item] | UnsetType = UNSET


def card_out(card: LoyaltyCard, organisation: Organisation, now: datetime) -> CardOut:
    """The card as it is read at that moment."""
    series, till = _series(card, organisation), organisation.till_of.get(card.till)
    return CardOut(
        card_id=card.id,
        created_date=_day(card.created),
        expiry_days=series.expiry_days if series and series.expires else 0,
        series_name=series.name if series else "",
        customer_id=card.customer_id or 0,
        max_active_cards=series.active_cards_max if series else 0,
        entity_code=card.till,
        extended_fields=card.extended_fields,
        custom_fields=card.custom_fields,
        type=series.type if series else "",
        card_number=card.number,
        series_id=card.series_id,
        series_code=series.code if series else "",
        org_id=ORGANISATION_ID,
        entity_id=till.id if till else 0,
        status_info=_status(card, organisation, now),
        id=card.id,
        active_and_digital=_active_and_digital(card, series, now),
        transaction_not_allowed=card.status_at(now) in _STOPPED,
        warnings=[],
        issued_date=moment(card.issued) if card.issued else UNSET,
        expiry_date=moment(card.expiry) if card.expiry else UNSET,
        card_external_id=card.external_id or UNSET,
    )


def changed_card_out(
    card: LoyaltyCard, organisation: Organisation, now: datetime
) -> ChangedCardOut:
    """The card as a change of it tells."""
    till = organisation.till_of.get(card.till)
    return ChangedCardOut(
        card_id=card.id,
        customer_id=card.customer_id or 0,
        extended_fields=card.extended_fields,
        custom_fields=card.custom_fields,
        card_number=card.number,
        series_id=card.series_id,
        org_id=ORGANISATION_ID,
        status_label_info=_label_out(card, organisation, now),
        status_info=ReasonOut(_reason(card, now), []),
        active_and_digital=_active_and_digital(card, _series(card, organisation), now),
        transaction_not_allowed=card.status_at(now) in _STOPPED,
        card_external_id=card.external_id or UNSET,
        mapped_entity=_entity(till) if till else UNSET,
        entity_id=till.id if till else UNSET,
    )


def card_log_out(
    card: LoyaltyCard, organisation: Organisation, now: datetime
) -> list[LoggedStatusOut]:
    """Every status that the card had, oldest first; the last one stands.

    That its time was up is told as a status of its own.
    """
    log = list(card.status_log)
    if card.status_at(now) != card.status and card.expiry is not None:
        label = card.label_at(now, organisation)
        log.append(CardStatusChange(label, card.status_at(now), card.expiry))
    return [
        LoggedStatusOut(
            created_by_user=change.by.code,
            reason=change.reason,
            created_by=change.by.id,
            actions=[],
            auto_update_time=_day(change.at),
            created_on=moment(change.at),
            entity_id=card.id,
            is_active=index == len(log) - 1,
            label=change.label,
            status=change.status,
            prev_label=log[index - 1].label if index else UNSET,
        )
        for index, change in enumerate(log)
    ]


def _series(card: LoyaltyCard, organisation: Organisation) -> CardSeries | None:
    return organisation.card_series.get(card.series_id)


def _label(card: LoyaltyCard, organisation: Organisation, now: datetime) -> CardLabel | None:
    return organisation.card_label_of.get(folded(card.label_at(now, organisation)))


def _status(card: LoyaltyCard, organisation: Organisation, now: datetime) -> CardStatusOut:
    label = _label(card, organisation, now)
    last = card_log_out(card, organisation, now)[-1]
    return CardStatusOut(
        reason=last.reason,
        created_by=last.created_by,
        actions=[],
        auto_update_time=last.auto_update_time,
        created_on=last.created_on,
        entity_id=card.id,
        id=card.id,
        is_active=True,
        label_id=label.id if label else 0,
        label=last.label,
        status=last.status,
    )


def _label_out(card: LoyaltyCard, organisation: Organisation, now: datetime) -> LabelOut:
    label = _label(card, organisation, now)
    return LabelOut(
        created_on=_day(label.created if label else card.created),
        id=label.id if label else 0,
        is_active=True,
        label=card.label_at(now, organisation),
        org_id=ORGANISATION_ID,
        status=card.status_at(now),
        type="CARD",
        actions={},
        default=label.is_default if label else False,
    )


def _reason(card: LoyaltyCard, now: datetime) -> str:
    stands = card.status_at(now) == card.status and card.status_log
    return card.status_log[-1].reason if stands else ""


def _entity(till: Till) -> MappedEntityOut:
    return MappedEntityOut("TILL", till.code, till.id)


def _active_and_digital(card: LoyaltyCard, series: CardSeries | None, now: datetime) -> bool:
    return series is not None and series.type == "DIGITAL" and card.status_at(now) == "ACTIVE"


def _day(instant: datetime) -> str:
    return moment(instant)[: len("2026-01-31")]
