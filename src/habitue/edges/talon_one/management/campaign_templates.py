"""Campaign templates on the wire.

Listing them and making campaigns of them is published, and so are all schemas; making, changing and
deleting templates has the paths next to the list, and their rules come with them as `ruleset`
(docs/decisions/0161).
"""

from functools import partial
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from habitue.edges.http.operation import Answer, Operation
from habitue.edges.talon_one.management.campaign_template_wire import (
    TemplateIn,
    TemplateOut,
    collections_of,
    parameters_of,
    template_out,
)
from habitue.edges.talon_one.management.campaigns import CampaignOut, campaign_out
from habitue.edges.talon_one.management.collections import CollectionOut, collection_out
from habitue.edges.talon_one.management.paging import PageQuery, PageWithoutTotal, ordered
from habitue.edges.talon_one.management.rulesets import (
    RulesetOut,
    document_of,
    ruleset_out,
)
from habitue.edges.talon_one.management.shared import (
    USER_ID,
    Id,
    LimitIn,
    ManagementCall,
    fields_of,
    managed,
    refuse_unsupported,
    settings_of,
    wishes_of,
)
from habitue.promotions.campaign_template import (
    CampaignTemplate,
    TemplateState,
)
from habitue.usecases.configure.campaign_templates import (
    CampaignOrder,
    TemplateFields,
    create_from_template,
    create_template,
    delete_template,
    update_template,
)
from habitue.usecases.read_budgets import read_budget_counts

_SORTS = {"id": "id", "name": "name", "created": "created", "updated": "updated"}
_ONLY: dict[str, tuple[Any, ...]] = {
    "coupon_reservation_settings": (),
    "default_campaign_group_id": (),
}
_GROUPS: dict[str, tuple[Any, ...]] = {"campaign_groups": ((),)}
Expression = Annotated[list[Any], Meta(max_length=1_000)]


class TemplatesQuery(PageQuery, rename="camel", kw_only=True):
    """Which templates; with a name and tags, those that fit either."""

    state: TemplateState | None = None
    name: str = ""
    tags: str = ""
    user_id: Id | None = None


class ValueIn(msgspec.Struct):
    """The value of a parameter: a list of the one value, or of the elements of a list."""

    name: str
    expression: Expression


class CampaignFromTemplateIn(msgspec.Struct, rename="camel"):
    """A campaign that is wanted."""

    name: str
    template_id: Id
    description: str | UnsetType | None = UNSET
    campaign_attributes_overrides: dict[str, Any] | UnsetType | None = UNSET
    template_param_values: tuple[ValueIn, ...] | UnsetType | None = UNSET
    limit_overrides: tuple[LimitIn, ...] | UnsetType | None = UNSET
    campaign_groups: tuple[Id, ...] | UnsetType | None = UNSET
    tags: tuple[str, ...] | UnsetType | None = UNSET
    evaluation_group_id: Id | UnsetType | None = UNSET
    linked_store_ids: tuple[Id, ...] | UnsetType | None = UNSET


class CampaignFromTemplateOut(msgspec.Struct):
    """The campaign with what was made for it."""

    campaign: CampaignOut
    ruleset: RulesetOut
    collections: list[CollectionOut]


async def get_templates(call: ManagementCall[TemplatesQuery, None]) -> Answer:
    configuration, query = call.services.shop.configuration, call.query
    found = [each for each in configuration.campaign_templates.values() if _is_wanted(each, query)]
    listed = ordered(found, query.sort, _SORTS)
    end = query.skip + query.page_size
    shown = [template_out(configuration, each) for each in listed[query.skip : end]]
    return Answer(200, PageWithoutTotal(len(listed) > end, shown))


async def get_template(call: ManagementCall[None, None]) -> Answer:
    configuration = call.services.shop.configuration
    found = configuration.campaign_template(call.integer("templateId"))
    return Answer(200, template_out(configuration, found))


async def post_template(call: ManagementCall[None, TemplateIn]) -> Answer:
    shop = call.services.shop
    made = await create_template(shop, _fields(call.body), call.now)
    return Answer(201, template_out(shop.configuration, made))


async def put_template(call: ManagementCall[None, TemplateIn]) -> Answer:
    shop = call.services.shop
    fields = _fields(call.body)
    changed = await update_template(shop, call.integer("templateId"), fields, call.now)
    return Answer(200, template_out(shop.configuration, changed))


async def remove_template(call: ManagementCall[None, None]) -> Answer:
    await delete_template(call.services.shop, call.integer("templateId"))
    return Answer(204)


async def post_campaign(call: ManagementCall[None, CampaignFromTemplateIn]) -> Answer:
    shop, body = call.services.shop, call.body
    refuse_unsupported(body, _GROUPS)
    order = CampaignOrder(
        template_id=body.template_id,
        name=body.name,
        values=tuple((each.name, each.expression) for each in body.template_param_values or ()),
        description=body.description or UNSET,
        attributes=body.campaign_attributes_overrides or {},
        limits=wishes_of(body.limit_overrides) or (),
        tags=UNSET if body.tags is None else body.tags,
        group_id=body.evaluation_group_id or 0,
        linked_store_ids=body.linked_store_ids or (),
    )
    made = await create_from_template(shop, call.integer("applicationId"), order, call.now)
    campaign = made.campaign
    counts = await read_budget_counts(shop, [campaign], call.now)
    return Answer(
        201,
        CampaignFromTemplateOut(
            campaign_out(campaign, call.now, counts[campaign.id]),
            ruleset_out(made.ruleset),
            list(map(collection_out, made.collections)),
        ),
    )


def _is_wanted(template: CampaignTemplate, query: TemplatesQuery) -> bool:
    if query.state not in (None, template.state) or query.user_id not in (None, USER_ID):
        return False
    name, tag = query.name.casefold(), query.tags.casefold()
    named = bool(name) and name in template.name.casefold()
    tagged = bool(tag) and any(tag in each.casefold() for each in template.tags)
    return named or tagged or not (name or tag)


def _fields(body: TemplateIn) -> TemplateFields:
    refuse_unsupported(body, _ONLY)
    return fields_of(
        body,
        TemplateFields,
        coupon_settings=settings_of(body.coupon_settings),
        referral_settings=settings_of(body.referral_settings),
        limits=wishes_of(body.limits),
        parameters=parameters_of(body.template_params),
        application_ids=body.applications_ids,
        collections=collections_of(body.campaign_collections),
        document=UNSET if body.ruleset is UNSET else document_of(body.ruleset),
    )


def operations() -> list[Operation]:
    """The operations on campaign templates."""
    many = "/v1/campaign_templates"
    one = f"{many}/{{templateId:int}}"
    operation = partial(managed, group="Campaign templates")
    return [
        operation(
            "getCampaignTemplates",
            "GET",
            many,
            get_templates,
            "List campaign templates",
            {200: PageWithoutTotal[TemplateOut]},
            query=TemplatesQuery,
        ),
        operation(
            "createCampaignFromTemplate",
            "POST",
            "/v1/applications/{applicationId:int}/create_campaign_from_template",
            post_campaign,
            "Create a campaign of a template",
            {201: CampaignFromTemplateOut},
            body=CampaignFromTemplateIn,
            request_example=b'{"name": "Autumn", "templateId": 1,'
            b' "templateParamValues": [{"name": "percentage", "expression": [10]}]}',
            description="The campaign is disabled; every parameter of the template needs a value.",
        ),
        *_template_operations(many, one),
    ]


def _template_operations(many: str, one: str) -> list[Operation]:
    operation = partial(managed, group="Campaign templates")
    return [
        operation(
            "createCampaignTemplate",
            "POST",
            many,
            post_template,
            "Create a campaign template",
            {201: TemplateOut},
            body=TemplateIn,
            request_example=_EXAMPLE,
            description="Rules read a parameter by its name, as a binding.",
        ),
        operation(
            "getCampaignTemplate",
            "GET",
            one,
            get_template,
            "Get a campaign template",
            {200: TemplateOut},
        ),
        operation(
            "updateCampaignTemplate",
            "PUT",
            one,
            put_template,
            "Change a campaign template; campaigns that were made of it stay",
            {200: TemplateOut},
            body=TemplateIn,
        ),
        operation(
            "deleteCampaignTemplate",
            "DELETE",
            one,
            remove_template,
            "Delete a campaign template; campaigns that were made of it stay",
            {204: None},
        ),
    ]


_EXAMPLE = b"""{
  "name": "Percentage off",
  "state": "enabled",
  "description": "A part of the total, for everybody",
  "instructions": "Say how many percent",
  "applicationsIds": [1],
  "templateParams": [{"name": "percentage", "type": "percent", "description": "How much"}],
  "ruleset": {"rules": [{
    "title": "off",
    "condition": ["and", true],
    "effects": [["setDiscount", "off",
      ["*", [".", "Session", "Total"], ["/", [".", "percentage"], 100]]]]
  }]}
}"""
