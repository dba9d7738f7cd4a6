"""Labels of cards and of customers on the wire (contracts/capillary/SPEC.md section 9.2).

Labels are added and never changed or taken away. Those of cards are sent by status, or as a list;
those of customers are set in a shop file.
"""

from collections.abc import Iterable
from functools import partial

import msgspec

from habitue.customers.organisation import CardLabel, StatusLabel
from habitue.edges.capillary.administration import Switch, date_of, refreshed, switched
from habitue.edges.capillary.answers import ORGANISATION_ID
from habitue.edges.capillary.attribution import TillPrincipal
from habitue.edges.capillary.door import CAPILLARY
from habitue.edges.capillary.envelopes import Done, Listing, done, listing
from habitue.edges.http.call import Answer, Call
from habitue.edges.http.operation import Operation
from habitue.usecases.configure.labels import (
    CARD_STATUSES,
    CUSTOMER_STATUSES,
    LabelWish,
    add_card_labels,
)

_GROUP = "Loyalty cards"
#: Labels that came with the product have ids below those of a shop's own.
_BUILTIN_ID_MAX = 100


class MappedLabelIn(msgspec.Struct):
    """A label of a status."""

    label: str
    default: Switch = None


class LabelMappingIn(msgspec.Struct):
    """Labels by the status that they stand for."""

    mapping: dict[str, list[MappedLabelIn]]


class LabelIn(msgspec.Struct):
    """A label with the status that it stands for."""

    label: str
    status: str
    default: Switch = None


class LabelOut(msgspec.Struct, rename="camel"):
    """A label; `actions` are what it stops."""

    created_on: str
    updated_on: str
    description: str
    entity_status_id: int
    id: int
    is_active: bool
    label: str
    org_id: int
    status: str
    type: str
    actions: dict[str, str]
    default: bool


async def map_labels(call: Call[TillPrincipal, None, LabelMappingIn]) -> Answer:
    wishes = [
        LabelWish(
            label=each.label,
            status=status.strip().upper(),
            is_default=bool(switched(each.default, f"/mapping/{status[:80]}/{place}/default")),
        )
        for status, labels in call.body.mapping.items()
        for place, each in enumerate(labels)
    ]
    await add_card_labels(call.services.shop, wishes, call.now)
    return done()


async def add_labels(call: Call[TillPrincipal, None, list[LabelIn]]) -> Answer:
    wishes = [
        LabelWish(
            label=each.label,
            status=each.status.strip().upper(),
            is_default=bool(switched(each.default, f"/{place}/default")),
        )
        for place, each in enumerate(call.body)
    ]
    await add_card_labels(call.services.shop, wishes, call.now)
    return done()


async def list_card_labels(call: Call[TillPrincipal, None, None]) -> Answer:
    labels = (await refreshed(call)).configuration.organisation.card_labels.values()
    statuses: tuple[str, ...] = CARD_STATUSES
    return listing([_label_out(each, "CARD", statuses, ()) for each in labels])


async def list_customer_labels(call: Call[TillPrincipal, None, None]) -> Answer:
    labels = (await refreshed(call)).configuration.organisation.status_labels.values()
    statuses: tuple[str, ...] = CUSTOMER_STATUSES
    return listing([_label_out(each, "CUSTOMER", statuses, each.blocks) for each in labels])


def _label_out(
    label: CardLabel | StatusLabel, type_: str, statuses: tuple[str, ...], blocks: Iterable[str]
) -> LabelOut:
    day = date_of(label.created)
    return LabelOut(
        created_on=day,
        updated_on=day,
        description="default" if label.id <= _BUILTIN_ID_MAX else "",
        entity_status_id=statuses.index(label.status) + 1,
        id=label.id,
        is_active=True,
        label=label.label,
        org_id=ORGANISATION_ID,
        status=label.status,
        type=type_,
        actions=dict.fromkeys(blocks, "BLOCK"),
        default=label.is_default,
    )


def label_operations() -> list[Operation]:
    """Reading labels, and adding those of cards."""
    operation = partial(Operation, door=CAPILLARY, group=_GROUP)
    path = "/v2/genericStatus/card"
    example = b'{"mapping": {"NOT_ISSUED": [{"label": "CARD_GENERATED", "default": false}]}}'
    return [
        operation(
            "mapCardLabels",
            "POST",
            f"{path}/labelMapping",
            map_labels,
            summary="Add labels of cards, by status",
            body=LabelMappingIn,
            responses={200: Done},
            request_example=example,
        ),
        operation(
            "addCardLabels",
            "POST",
            f"{path}/labels",
            add_labels,
            summary="Add labels of cards, as a list",
            body=list[LabelIn],
            responses={200: Done},
        ),
        operation(
            "listCardLabels",
            "GET",
            f"{path}/labels",
            list_card_labels,
            summary="The labels of cards",
            responses={200: Listing},
        ),
        operation(
            "listCustomerLabels",
            "GET",
            "/v2/genericStatus/customer/labels",
            list_customer_labels,
            summary="The labels of customers, and what each stops",
            responses={200: Listing},
        ),
    ]
