"""Card series on the wire (contracts/capillary/SPEC.md section 9.2, example 22).

Numbers and booleans are sent as such or as texts, and an empty text is not sent: that is how a
series is deactivated by a body of blanks.
"""

from functools import partial
from typing import Any, TypeAlias

import msgspec
from msgspec import UNSET, UnsetType

from habitue.customers.organisation import CardSeries
from habitue.edges.capillary.administration import NOBODY, Switch, refreshed, switched
from habitue.edges.capillary.answers import ORGANISATION_ID, moment
from habitue.edges.capillary.attribution import TillPrincipal
from habitue.edges.capillary.door import CAPILLARY
from habitue.edges.capillary.envelopes import (
    EntityFound,
    Item,
    Listing,
    entity,
    listing,
)
from habitue.edges.capillary.requests import Whole, whole
from habitue.edges.http.call import Answer, Call
from habitue.edges.http.operation import Operation
from habitue.usecases.configure.card_series import (
    CardSeriesFields,
    GenerationFields,
    create_card_series,
    found_series,
    update_card_series,
)

_GROUP = "Loyalty cards"
#: A spelling of a trigger that is in circulation.
_TRIGGERS = {"SEIES_ID": "SERIES_ID"}

Text: TypeAlias = str | None


class GenerationIn(msgspec.Struct, rename="camel"):
    """How the numbers of a series are made; `type` is an older name of the method."""

    prefix: Text = None
    suffix: Text = None
    offset: Whole = None
    length: Whole = None
    method: Text = None
    type: Text = None


class SeriesIn(msgspec.Struct, rename="camel"):
    """A card series, to be made or changed."""

    code: Text = None
    name: Text = None
    type: Text = None
    expiry_days: Whole = None
    card_expiry_enabled: Switch = None
    card_generation_configuration: GenerationIn | None = None
    card_generation_enabled: Switch = None
    is_active: Switch = None
    trigger: Text = None
    concept_code: Text = None
    max_active_cards_per_customer: Whole = None


class GenerationOut(msgspec.Struct, rename="camel"):
    """How the numbers of a series are made."""

    org_id: int
    series_id: int
    prefix: str
    suffix: str
    offset: int
    length: int
    method: str


class SeriesOut(msgspec.Struct, rename="camel"):
    """A card series; alone it has warnings of its own."""

    id: int
    code: str
    name: str
    type: str
    expiry_days: int
    card_expiry_enabled: bool
    card_generation_enabled: bool
    is_active: bool
    trigger: str
    concept_code: str
    max_active_cards_per_customer: int
    org_id: int
    created_by: int
    created_on: str
    card_generation_configuration: GenerationOut | UnsetType = UNSET
    warnings: list[Item] | UnsetType = UNSET


async def add_series(call: Call[TillPrincipal, None, SeriesIn]) -> Answer:
    series = await create_card_series(call.services.shop, series_fields(call.body), call.now)
    return entity(series.id)


async def change_series(call: Call[TillPrincipal, None, SeriesIn]) -> Answer:
    id_, fields = call.integer("seriesId"), series_fields(call.body)
    series = await update_card_series(call.services.shop, id_, fields)
    return Answer(200, series_out(series, []))


async def get_series(call: Call[TillPrincipal, None, None]) -> Answer:
    organisation = (await refreshed(call)).configuration.organisation
    return Answer(200, series_out(found_series(organisation, call.integer("seriesId")), []))


async def list_series(call: Call[TillPrincipal, None, None]) -> Answer:
    series = (await refreshed(call)).configuration.organisation.card_series.values()
    return listing([series_out(each) for each in series])


def series_fields(body: SeriesIn) -> CardSeriesFields:
    """What was sent. Raises `InvalidInput` for a number or a boolean that is none."""
    trigger = (body.trigger or "").strip().upper()
    return CardSeriesFields(
        code=_sent(body.code),
        name=_sent(body.name),
        type=_sent((body.type or "").upper()),
        active=_sent(switched(body.is_active, "/isActive")),
        expires=_sent(switched(body.card_expiry_enabled, "/cardExpiryEnabled")),
        expiry_days=_sent(_number(body.expiry_days, "/expiryDays")),
        generates=_sent(switched(body.card_generation_enabled, "/cardGenerationEnabled")),
        generation=_generation(body.card_generation_configuration),
        trigger=_sent(_TRIGGERS.get(trigger, trigger)),
        concept_code=_sent(body.concept_code),
        active_cards_max=_sent(
            _number(body.max_active_cards_per_customer, "/maxActiveCardsPerCustomer")
        ),
    )


def series_out(series: CardSeries, warnings: list[Item] | UnsetType = UNSET) -> SeriesOut:
    """A series as it is answered."""
    return SeriesOut(
        id=series.id,
        code=series.code,
        name=series.name,
        type=series.type,
        expiry_days=series.expiry_days,
        card_expiry_enabled=series.expires,
        card_generation_enabled=series.generates,
        is_active=series.active,
        trigger=series.trigger,
        concept_code=series.concept_code,
        max_active_cards_per_customer=series.active_cards_max,
        org_id=ORGANISATION_ID,
        created_by=NOBODY,
        created_on=moment(series.created),
        card_generation_configuration=_generation_out(series) if series.generates else UNSET,
        warnings=warnings,
    )


def _generation(sent: GenerationIn | None) -> GenerationFields | UnsetType:
    if sent is None:
        return UNSET
    at = "/cardGenerationConfiguration"
    return GenerationFields(
        prefix=_sent(sent.prefix),
        suffix=_sent(sent.suffix),
        offset=_sent(_number(sent.offset, f"{at}/offset")),
        length=_sent(_number(sent.length, f"{at}/length")),
        method=_sent((sent.method or sent.type or "").strip().upper()),
    )


def _generation_out(series: CardSeries) -> GenerationOut:
    return GenerationOut(
        org_id=ORGANISATION_ID,
        series_id=series.id,
        prefix=series.prefix,
        suffix=series.suffix,
        offset=series.offset,
        length=series.length,
        method=series.method,
    )


def _number(value: Whole, pointer: str) -> int | None:
    """A whole number that may be negative, so that its own refusal can say so."""
    if isinstance(value, str) and value.strip().startswith("-"):
        number = whole(value.strip()[1:], pointer)
        return None if number is None else -number
    return whole(value, pointer)


def _sent(value: Any) -> Any:
    """`value`, unless it is empty: then it was not sent."""
    return UNSET if value is None or value == "" else value


def card_series_operations() -> list[Operation]:
    """Making, changing and reading card series."""
    operation = partial(Operation, door=CAPILLARY, group=_GROUP)
    one = "/v2/card/series/{seriesId:int}"
    example = (
        b'{"code": "GOLDPHY25", "name": "Gold physical", "type": "PHYSICAL", "expiryDays": 365,'
        b' "cardExpiryEnabled": true, "cardGenerationConfiguration": {"prefix": "GOLD",'
        b' "suffix": "2025", "offset": 0, "length": 16, "method": "DEFAULT"},'
        b' "cardGenerationEnabled": true, "isActive": true, "trigger": "SERIES_ID",'
        b' "maxActiveCardsPerCustomer": 1}'
    )
    return [
        operation(
            "addCardSeries",
            "POST",
            "/v2/card/series",
            add_series,
            summary="Make a card series",
            body=SeriesIn,
            responses={200: EntityFound},
            request_example=example,
        ),
        operation(
            "updateCardSeries",
            "PUT",
            one,
            change_series,
            summary="Change a card series",
            body=SeriesIn,
            responses={200: SeriesOut},
        ),
        operation(
            "getCardSeries",
            "GET",
            one,
            get_series,
            summary="One card series",
            responses={200: SeriesOut},
        ),
        operation(
            "listCardSeries",
            "GET",
            "/v2/card/series/get/all",
            list_series,
            summary="All card series",
            responses={200: Listing},
        ),
    ]
