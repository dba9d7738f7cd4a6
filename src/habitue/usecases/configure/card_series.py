"""Card series: what cards of a kind have in common (contracts/capillary/SPEC.md section 9.2).

The length of a number counts its digits without prefix and suffix, as the handbook of cards has it.
Two series that make numbers of one form would get in each other's way, so there are none; and one
series at most is issued to everybody at registration, and one for each org unit.
"""

from datetime import datetime
from typing import Any, get_args

import msgspec
from msgspec import UNSET, UnsetType

from habitue.customers.card_facts import CardReason, refused
from habitue.customers.card_numbers import BODY_LENGTH_MAX, BODY_LENGTH_MIN
from habitue.customers.organisation import CardMethod, CardSeries, CardTrigger, Organisation
from habitue.model.limits import NAME_LENGTH_MAX
from habitue.usecases.configure.checks import refuse_if_any
from habitue.usecases.configure.entries import (
    change_entry,
    create_entry,
    required_faults,
)
from habitue.usecases.configure.fields import laid_over, sent
from habitue.usecases.shop import Shop

CODE_LENGTH_MAX = 50
AFFIX_LENGTH_MAX = 50
EXPIRY_DAYS_MAX = 36_500  # ours: a hundred years, so that every expiry is a date
ACTIVE_CARDS_MAX = 1_000  # ours
CARD_TYPES = ("PHYSICAL", "DIGITAL")
_AFFIX_MARKS = frozenset("-_.")


class GenerationFields(msgspec.Struct, frozen=True, kw_only=True):
    """How the numbers of a series are made."""

    prefix: str | UnsetType | None = UNSET
    suffix: str | UnsetType | None = UNSET
    offset: int | UnsetType | None = UNSET
    length: int | UnsetType | None = UNSET
    method: str | UnsetType | None = UNSET


class CardSeriesFields(msgspec.Struct, frozen=True, kw_only=True):
    """What may be said about a series; without a name it is called by its code."""

    code: str | UnsetType = UNSET
    name: str | UnsetType | None = UNSET
    type: str | UnsetType = UNSET
    active: bool | UnsetType | None = UNSET
    expires: bool | UnsetType | None = UNSET
    expiry_days: int | UnsetType | None = UNSET
    generates: bool | UnsetType | None = UNSET
    generation: GenerationFields | UnsetType | None = UNSET
    trigger: str | UnsetType | None = UNSET
    concept_code: str | UnsetType | None = UNSET
    active_cards_max: int | UnsetType | None = UNSET


async def create_card_series(shop: Shop, fields: CardSeriesFields, now: datetime) -> CardSeries:
    """The new series. Raises `CardRefused` or `InvalidInput`."""

    def make(organisation: Organisation, id_: int) -> CardSeries:
        return new_card_series(organisation, id_, fields, now)

    return await create_entry(shop, "card_series", make)


async def update_card_series(shop: Shop, series_id: int, fields: CardSeriesFields) -> CardSeries:
    """The series as changed. Raises `CardRefused` or `InvalidInput`."""

    def find(organisation: Organisation) -> CardSeries:
        return found_series(organisation, series_id)

    def change(organisation: Organisation, old: CardSeries) -> CardSeries:
        return changed_card_series(organisation, old, fields)

    return await change_entry(shop, find, change)


def found_series(organisation: Organisation, series_id: int) -> CardSeries:
    """The series of that id. Raises `CardRefused`."""
    series = organisation.card_series.get(series_id)
    if series is None:
        raise refused("series_unknown", str(series_id))
    return series


def new_card_series(
    organisation: Organisation, id_: int, fields: CardSeriesFields, now: datetime
) -> CardSeries:
    """The series that `fields` describe. Raises `CardRefused` or `InvalidInput`."""
    if not fields.type:
        raise refused("series_type_missing", pointer="/type")
    if fields.generates is True and not fields.generation:
        raise refused("generation_missing", pointer="/generation")
    blank = CardSeries(id=id_, code="", name="", type="PHYSICAL", created=now)
    return _checked(organisation, blank, fields)


def changed_card_series(
    organisation: Organisation, old: CardSeries, fields: CardSeriesFields
) -> CardSeries:
    """`old` with `fields` laid over it. Raises `CardRefused` or `InvalidInput`."""
    return _checked(organisation, old, fields)


def _checked(organisation: Organisation, old: CardSeries, fields: CardSeriesFields) -> CardSeries:
    series = laid_over(old, _changes(fields))
    code = series.code.strip()
    series = msgspec.structs.replace(series, code=code, name=series.name.strip() or code)
    _refuse_code(organisation, series)
    refuse_if_any(required_faults(series.name, "/name", NAME_LENGTH_MAX))
    _refuse_words(series)
    _refuse_numbers(series)
    _refuse_generation(organisation, series)
    _refuse_trigger(organisation, series)
    return series


def _changes(fields: CardSeriesFields) -> dict[str, Any]:
    changes = sent(fields)
    generation = changes.pop("generation", None)
    return changes | (sent(generation) if generation else {})


def _refuse_code(organisation: Organisation, series: CardSeries) -> None:
    if not series.code:
        raise refused("series_code_missing", pointer="/code")
    if not (series.code.isascii() and series.code.isalnum()):
        raise refused("not_alphanumeric", series.code, pointer="/code")
    if len(series.code) > CODE_LENGTH_MAX:
        raise refused("series_invalid", series.code, pointer="/code")
    other = organisation.card_series_of.get(series.code)
    if other is not None and other.id != series.id:
        raise refused("series_exists", series.code, pointer="/code")


def _refuse_words(series: CardSeries) -> None:
    if series.type not in CARD_TYPES:
        raise refused("type_invalid", str(series.type), pointer="/type")
    if series.method not in get_args(CardMethod):
        raise refused("configuration_invalid", str(series.method), pointer="/generation/method")
    if series.trigger not in get_args(CardTrigger):
        raise refused("series_invalid", str(series.trigger), pointer="/trigger")
    affixes: tuple[tuple[CardReason, str, str], ...] = (
        ("prefix_invalid", series.prefix, "/generation/prefix"),
        ("suffix_invalid", series.suffix, "/generation/suffix"),
    )
    for reason, affix, pointer in affixes:
        if len(affix) > AFFIX_LENGTH_MAX or not all(map(_may_stand_in_affix, affix)):
            raise refused(reason, affix, pointer=pointer)


def _may_stand_in_affix(character: str) -> bool:
    return character in _AFFIX_MARKS or (character.isascii() and character.isalnum())


def _refuse_numbers(series: CardSeries) -> None:
    if series.length < BODY_LENGTH_MIN:
        raise refused("length_too_small", str(series.length), pointer="/generation/length")
    if series.length > BODY_LENGTH_MAX:
        raise refused("length_too_large", str(series.length), pointer="/generation/length")
    if not 0 <= series.offset < 10 ** (series.length - 1) or series.offset >= 2**53:
        raise refused("offset_invalid", str(series.offset), pointer="/generation/offset")
    if series.expiry_days < 0:
        raise refused("expiry_negative", str(series.expiry_days), pointer="/expiryDays")
    if series.expires and not 0 < series.expiry_days <= EXPIRY_DAYS_MAX:
        raise refused("expiry_missing", str(series.expiry_days), pointer="/expiryDays")
    if not 0 <= series.active_cards_max <= ACTIVE_CARDS_MAX:
        subject = str(series.active_cards_max)
        raise refused("active_max_negative", subject, pointer="/activeCardsMax")


def _refuse_generation(organisation: Organisation, series: CardSeries) -> None:
    if not series.generates:
        return
    form = (series.prefix, series.suffix, series.length)
    for other in organisation.card_series.values():
        same = (other.prefix, other.suffix, other.length) == form
        if other.generates and same and other.id != series.id:
            raise refused("generation_duplicate", other.code, pointer="/generation")


def _refuse_trigger(organisation: Organisation, series: CardSeries) -> None:
    if series.trigger == "OU_ID" and not series.concept_code.strip():
        raise refused("org_unit_invalid", pointer="/conceptCode")
    if len(series.concept_code) > NAME_LENGTH_MAX:
        raise refused("org_unit_invalid", series.concept_code, pointer="/conceptCode")
    if not series.active or series.trigger == "SERIES_ID":
        return
    for other in organisation.card_series.values():
        if other.id == series.id or not other.active or other.trigger != series.trigger:
            continue
        if series.trigger == "REGISTRATION":
            raise refused("registration_trigger_exists", other.code, pointer="/trigger")
        if other.concept_code == series.concept_code:
            raise refused("org_unit_trigger_exists", other.code, pointer="/conceptCode")
