"""Applications: one for each sales channel."""

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from habitue.model.attributes import Attributes, by_name, merged, normalised, validate
from habitue.model.errors import Conflict, Fault
from habitue.model.instants import zone_of
from habitue.promotions.campaign import (
    Application,
    CaseSensitivity,
    ItemDiscountScope,
    SessionDiscountScope,
)
from habitue.promotions.campaign_set import CampaignSet, default_set, groups_in
from habitue.promotions.configuration import Configuration
from habitue.store.configuration import new_ids
from habitue.store.coupons import delete_coupons_of_application
from habitue.store.database import Connection
from habitue.usecases.configuration import Change
from habitue.usecases.configure.checks import description_faults, name_faults, refuse_if_any
from habitue.usecases.configure.fields import laid_over, sent
from habitue.usecases.configure.limits import LimitWish, kept_limits, limit_faults
from habitue.usecases.configure.settle import Decision, settle
from habitue.usecases.shop import Shop

_CURRENCY = re.compile(r"[A-Z]{3}")


class ApplicationFields(msgspec.Struct, frozen=True, kw_only=True):
    """What may be said about an application; `limits` are those of campaigns to come."""

    name: str | UnsetType = UNSET
    timezone: str | UnsetType = UNSET
    currency: str | UnsetType = UNSET
    description: str | UnsetType | None = UNSET
    case_sensitivity: CaseSensitivity | UnsetType | None = UNSET
    attributes: Attributes | UnsetType | None = UNSET
    limits: tuple[LimitWish, ...] | UnsetType | None = UNSET
    sandbox: bool | UnsetType | None = UNSET
    default_discount_scope: SessionDiscountScope | UnsetType | None = UNSET
    default_item_discount_scope: ItemDiscountScope | UnsetType | None = UNSET
    mandatory_campaign_attributes: tuple[str, ...] | UnsetType | None = UNSET
    mandatory_coupon_attributes: tuple[str, ...] | UnsetType | None = UNSET
    enable_cascading_discounts: bool | UnsetType | None = UNSET
    enable_partial_discounts: bool | UnsetType | None = UNSET
    default_evaluation_group_id: int | UnsetType | None = UNSET
    default_cart_item_filter_id: int | UnsetType | None = UNSET
    enable_best_prior_price: bool | UnsetType | None = UNSET
    enable_campaign_state_management: bool | UnsetType | None = UNSET


async def create_application(shop: Shop, fields: ApplicationFields, now: datetime) -> Application:
    """The new application. Raises `InvalidInput`, or `Conflict` when the name is taken."""
    (id_,) = await new_ids(shop.database, "application")

    async def decide(configuration: Configuration) -> Decision[Application]:
        blank = Application(id_, "", "", "", created=now, modified=now)
        application = application_with(configuration, blank, fields, now)
        return Decision(application, (Change(application),))

    return await settle(shop, decide)


async def update_application(
    shop: Shop, application_id: int, fields: ApplicationFields, now: datetime
) -> Application:
    """The application as changed. Raises `NotFound`, `InvalidInput` or `Conflict`."""

    async def decide(configuration: Configuration) -> Decision[Application]:
        old = configuration.application(application_id)
        application = application_with(configuration, old, fields, now)
        return Decision(application, (Change(application),))

    return await settle(shop, decide)


async def delete_application(shop: Shop, application_id: int) -> None:
    """Deletes the application with its campaigns, coupons and keys. Raises `NotFound`."""

    async def delete_coupons(connection: Connection) -> None:
        await delete_coupons_of_application(connection, application_id)

    async def decide(configuration: Configuration) -> Decision[None]:
        application = configuration.application(application_id)
        campaigns = configuration.campaigns_of(application_id)
        gone = [Change(application, deleted=True)]
        gone += [Change(each, deleted=True) for each in campaigns]
        for key_hash, key in configuration.keys.items():
            if key.application_id == application_id:
                gone.append(Change(key, deleted=True, key_hash=key_hash))
        for listed in (
            configuration.stores,
            configuration.collections,
            configuration.value_maps,
            configuration.cart_item_filters,
        ):
            mine = (e for e in listed.values() if e.application_id == application_id)
            gone += [Change(each, deleted=True) for each in mine]
        experiments = configuration.experiments.values()
        gone += [Change(e, deleted=True) for e in experiments if e.application_id == application_id]
        return Decision(None, tuple(gone), delete_coupons)

    await settle(shop, decide)


def application_with(
    configuration: Configuration, old: Application, fields: ApplicationFields, now: datetime
) -> Application:
    """`old` with `fields` laid over it. Raises `InvalidInput` or `Conflict`."""
    refuse_if_any(_faults(configuration, old, fields))
    changes = sent(fields)
    if fields.limits:
        changes["limits"] = kept_limits(fields.limits)
    if fields.attributes:
        changes["attributes"] = merged({}, normalised(fields.attributes))
    if changes.get("default_cart_item_filter_id") == 0:
        changes["default_cart_item_filter_id"] = None
    if changes.pop("default_evaluation_group_id", None):
        changes["campaign_set"] = _with_default_group(old, fields)
    application = laid_over(old, {**changes, "modified": now})
    _refuse_taken_name(configuration, application)
    return application


def _with_default_group(old: Application, fields: ApplicationFields) -> CampaignSet:
    campaign_set = old.campaign_set or default_set(old.id)
    wanted = fields.default_evaluation_group_id
    if not isinstance(wanted, int) or wanted == campaign_set.default_group_id:
        return campaign_set
    return msgspec.structs.replace(
        campaign_set, default_group_id=wanted, version=campaign_set.version + 1
    )


def _refuse_taken_name(configuration: Configuration, application: Application) -> None:
    for other in configuration.applications.values():
        if other.name == application.name and other.id != application.id:
            raise Conflict(f'An Application named "{application.name}" already exists')


def _faults(
    configuration: Configuration, old: Application, fields: ApplicationFields
) -> Iterator[Fault]:
    yield from name_faults(_or(fields.name, old.name))
    if zone_of(_or(fields.timezone, old.timezone)) is None:
        details = "a time zone is an IANA name such as Europe/Berlin"
        yield Fault("/timezone", "Invalid time zone", details)
    if _CURRENCY.fullmatch(_or(fields.currency, old.currency)) is None:
        details = "a currency is an ISO 4217 code of three capital letters, such as EUR"
        yield Fault("/currency", "Invalid currency", details)
    if fields.description:
        yield from description_faults(fields.description)
    if fields.limits:
        yield from limit_faults(fields.limits)
    if fields.attributes:
        definitions = by_name(configuration.attributes.values(), "Application")
        yield from validate(fields.attributes, definitions, "Application", "/attributes")
    yield from _mandatory_faults(configuration, fields)
    yield from _staging_faults(old, fields.enable_campaign_state_management)
    yield from _filter_faults(configuration, old.id, fields.default_cart_item_filter_id)
    wanted = fields.default_evaluation_group_id
    groups = groups_in((old.campaign_set or default_set(old.id)).root)
    if wanted and wanted not in {each.id for each in groups}:
        details = f"group {wanted} does not exist in this Application"
        yield Fault("/defaultEvaluationGroupId", "Unknown", details)


def _staging_faults(old: Application, wanted: bool | UnsetType | None) -> Iterator[Fault]:
    if old.enable_campaign_state_management and wanted is not UNSET and not wanted:
        details = "staging cannot be taken from an Application again"
        yield Fault("/enableCampaignStateManagement", "Fixed", details)


def _filter_faults(
    configuration: Configuration, application_id: int, wanted: int | UnsetType | None
) -> Iterator[Fault]:
    if not wanted:
        return
    filters = configuration.cart_item_filters_of(application_id)
    if wanted not in {each.id for each in filters}:
        details = f"cart item filter {wanted} does not exist in this Application"
        yield Fault("/defaultCartItemFilterId", "Unknown", details)


def _mandatory_faults(configuration: Configuration, fields: ApplicationFields) -> Iterator[Fault]:
    definitions = configuration.attributes.values()
    at = "/attributesSettings/mandatory"
    for index, name in enumerate(fields.mandatory_campaign_attributes or ()):
        if name not in by_name(definitions, "Campaign"):
            details = f'Attribute "{name}" is not defined on Campaign entities.'
            yield Fault(f"{at}/campaigns/{index}", "Unknown", details)
    for index, name in enumerate(fields.mandatory_coupon_attributes or ()):
        if name not in by_name(definitions, "Coupon"):
            details = f'Attribute "{name}" is not defined on Coupon entities.'
            yield Fault(f"{at}/coupons/{index}", "Unknown", details)


def _or(value: Any, otherwise: str) -> str:
    return otherwise if value is UNSET else str(value)
