"""Applications on the wire."""

from datetime import datetime
from functools import partial
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from habitue.edges.http.operation import Answer, Operation
from habitue.edges.talon_one.management.access import seen_applications
from habitue.edges.talon_one.management.paging import Page, PageQuery, page_of
from habitue.edges.talon_one.management.shared import (
    ACCOUNT_ID,
    Id,
    LimitIn,
    LimitOut,
    ManagementCall,
    fields_of,
    limits_out,
    managed,
    refuse_unsupported,
    wishes_of,
)
from habitue.promotions.campaign import (
    Application,
    CaseSensitivity,
    ItemDiscountScope,
    SessionDiscountScope,
)
from habitue.promotions.campaign_set import default_set
from habitue.usecases.configure.applications import (
    ApplicationFields,
    create_application,
    delete_application,
    update_application,
)


class Mandatory(msgspec.Struct):
    """Attributes that campaigns and coupons must have."""

    campaigns: tuple[str, ...] = ()
    coupons: tuple[str, ...] = ()


class AttributesSettings(msgspec.Struct):
    """Settings of attributes."""

    mandatory: Mandatory = msgspec.field(default_factory=Mandatory)


class BestPriorPriceSettings(msgspec.Struct, rename="camel"):
    """Whether what articles cost is recorded."""

    enable_best_prior_price: bool = False


class ApplicationIn(msgspec.Struct, rename="camel"):
    """An application as it is sent."""

    name: str | UnsetType = UNSET
    timezone: str | UnsetType = UNSET
    currency: str | UnsetType = UNSET
    description: str | UnsetType | None = UNSET
    case_sensitivity: CaseSensitivity | UnsetType | None = UNSET
    attributes: dict[str, Any] | UnsetType | None = UNSET
    limits: tuple[LimitIn, ...] | UnsetType | None = UNSET
    sandbox: bool | UnsetType | None = UNSET
    default_discount_scope: SessionDiscountScope | UnsetType | None = UNSET
    default_discount_additional_cost_per_item_scope: ItemDiscountScope | UnsetType | None = UNSET
    attributes_settings: AttributesSettings | UnsetType | None = UNSET
    enable_cascading_discounts: bool | UnsetType | None = UNSET
    enable_flattened_cart_items: bool | UnsetType | None = UNSET
    enable_partial_discounts: bool | UnsetType | None = UNSET
    enable_campaign_state_management: bool | UnsetType | None = UNSET
    default_evaluation_group_id: Id | UnsetType | None = UNSET
    default_cart_item_filter_id: Id | UnsetType | None = UNSET
    best_prior_price_settings: BestPriorPriceSettings | UnsetType | None = UNSET


class ApplicationOut(msgspec.Struct, rename="camel"):
    """An application as it is answered."""

    id: int
    created: datetime
    modified: datetime
    account_id: int
    name: str
    description: str
    timezone: str
    currency: str
    case_sensitivity: CaseSensitivity
    attributes: dict[str, Any]
    limits: list[LimitOut]
    default_discount_scope: SessionDiscountScope
    enable_cascading_discounts: bool
    enable_flattened_cart_items: bool
    attributes_settings: AttributesSettings
    sandbox: bool
    enable_partial_discounts: bool
    default_discount_additional_cost_per_item_scope: ItemDiscountScope
    enable_campaign_state_management: bool
    default_evaluation_group_id: int
    loyalty_programs: list[dict[str, Any]]
    best_prior_price_settings: BestPriorPriceSettings
    default_cart_item_filter_id: int | UnsetType = UNSET


_SORTS = {
    "id": "id",
    "name": "name",
    "created": "created",
    "modified": "modified",
    "currency": "currency",
    "timezone": "timezone",
}
_ONLY: dict[str, tuple[Any, ...]] = {
    "enable_flattened_cart_items": (True,),
}


async def get_applications(call: ManagementCall[PageQuery, None]) -> Answer:
    configuration = call.services.shop.configuration
    seen = seen_applications(configuration, call.principal.key)
    found = [each for each in configuration.applications.values() if each.id in seen]
    return Answer(200, page_of(found, call.query, _SORTS, application_out))


async def get_application(call: ManagementCall[None, None]) -> Answer:
    configuration = call.services.shop.configuration
    return Answer(200, application_out(configuration.application(call.integer("applicationId"))))


async def post_application(call: ManagementCall[None, ApplicationIn]) -> Answer:
    application = await create_application(
        call.services.shop, application_fields(call.body), call.now
    )
    return Answer(201, application_out(application))


async def put_application(call: ManagementCall[None, ApplicationIn]) -> Answer:
    id_, fields = call.integer("applicationId"), application_fields(call.body)
    application = await update_application(call.services.shop, id_, fields, call.now)
    return Answer(200, application_out(application))


async def remove_application(call: ManagementCall[None, None]) -> Answer:
    await delete_application(call.services.shop, call.integer("applicationId"))
    return Answer(204)


def application_out(application: Application) -> ApplicationOut:
    """The application in the protocol's words."""
    mandatory = Mandatory(
        application.mandatory_campaign_attributes, application.mandatory_coupon_attributes
    )
    campaign_set = application.campaign_set or default_set(application.id)
    return ApplicationOut(
        id=application.id,
        created=application.created,
        modified=application.modified,
        account_id=ACCOUNT_ID,
        name=application.name,
        description=application.description,
        timezone=application.timezone,
        currency=application.currency,
        case_sensitivity=application.case_sensitivity,
        attributes=application.attributes,
        limits=limits_out(application.limits),
        default_discount_scope=application.default_discount_scope,
        enable_cascading_discounts=application.enable_cascading_discounts,
        enable_flattened_cart_items=True,
        attributes_settings=AttributesSettings(mandatory),
        sandbox=application.sandbox,
        enable_partial_discounts=application.enable_partial_discounts,
        default_discount_additional_cost_per_item_scope=application.default_item_discount_scope,
        enable_campaign_state_management=application.enable_campaign_state_management,
        default_evaluation_group_id=campaign_set.default_group_id,
        default_cart_item_filter_id=application.default_cart_item_filter_id or UNSET,
        loyalty_programs=[],
        best_prior_price_settings=BestPriorPriceSettings(application.enable_best_prior_price),
    )


def application_fields(body: ApplicationIn) -> ApplicationFields:
    """What a body says about an application. Raises `InvalidInput` for unsupported features."""
    refuse_unsupported(body, _ONLY)
    settings = body.attributes_settings
    instead: dict[str, Any] = {}
    if settings is None:
        instead = {"mandatory_campaign_attributes": (), "mandatory_coupon_attributes": ()}
    elif isinstance(settings, AttributesSettings):
        instead["mandatory_campaign_attributes"] = settings.mandatory.campaigns
        instead["mandatory_coupon_attributes"] = settings.mandatory.coupons
    prices = body.best_prior_price_settings
    if prices is not UNSET:
        instead["enable_best_prior_price"] = bool(prices and prices.enable_best_prior_price)
    scope = body.default_discount_additional_cost_per_item_scope
    limits = wishes_of(body.limits)
    return fields_of(
        body, ApplicationFields, limits=limits, default_item_discount_scope=scope, **instead
    )


def operations() -> list[Operation]:
    """The operations on applications."""
    one = "/v1/applications/{applicationId:int}"
    operation = partial(managed, group="Applications")
    return [
        operation(
            "getApplications",
            "GET",
            "/v1/applications",
            get_applications,
            "List Applications",
            {200: Page[ApplicationOut]},
            query=PageQuery,
        ),
        operation(
            "createApplication",
            "POST",
            "/v1/applications",
            post_application,
            "Create an Application",
            {201: ApplicationOut},
            body=ApplicationIn,
            request_example=_EXAMPLE,
        ),
        operation(
            "getApplication",
            "GET",
            one,
            get_application,
            "Get an Application",
            {200: ApplicationOut},
        ),
        operation(
            "updateApplication",
            "PUT",
            one,
            put_application,
            "Update an Application",
            {200: ApplicationOut},
            body=ApplicationIn,
            description="What is left out keeps its value.",
        ),
        operation(
            "deleteApplication",
            "DELETE",
            one,
            remove_application,
            "Delete an Application with its campaigns, coupons and keys",
            {204: None},
        ),
    ]


_EXAMPLE = b"""{
  "name": "Web shop",
  "timezone": "Europe/Berlin",
  "currency": "EUR",
  "caseSensitivity": "insensitive-uppercase"
}"""
