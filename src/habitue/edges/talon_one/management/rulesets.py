"""Rulesets on the wire: the rules as they are stored, with what looks like a mistake in them."""

from datetime import datetime
from functools import partial
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from habitue.edges.http.operation import Answer, Operation
from habitue.edges.talon_one.management.paging import Page, PageQuery, sort_of
from habitue.edges.talon_one.management.selectors import selector_of
from habitue.edges.talon_one.management.shared import USER_ID, ManagementCall, managed
from habitue.edges.talon_one.management.typed_blocks import blocks_of
from habitue.promotions.campaign import StoredRuleset
from habitue.rules.ruleset import Rule, parse_ruleset
from habitue.usecases.configure.rulesets import (
    create_ruleset,
    delete_ruleset,
    list_campaign_rulesets,
    read_one_ruleset,
    update_ruleset,
)


class RulesetIn(msgspec.Struct, rename="camel"):
    """Rules as they are sent; their shape is checked with their meaning."""

    rules: list[Any]
    bindings: list[Any] | None = None
    strikethrough_rules: list[Any] | None = None
    rb_version: str | UnsetType | None = UNSET
    activate: bool | UnsetType | None = UNSET


class RulesetOut(msgspec.Struct, rename="camel"):
    """A ruleset as it is answered; `warnings` is ours."""

    id: int
    created: datetime
    user_id: int
    campaign_id: int
    rules: list[Any]
    bindings: list[Any]
    strikethrough_rules: list[Any]
    warnings: list[dict[str, str]]
    activated_at: datetime | UnsetType = UNSET


class TypedRule(msgspec.Struct, rename="camel", omit_defaults=True):
    """A rule as typed blocks."""

    title: str
    blocks: list[dict[str, Any]]
    id: str | None = None
    parent_id: str | None = None
    description: str | None = None


class TypedRulesetOut(msgspec.Struct, rename="camel"):
    """A ruleset as typed blocks; bindings that are no selectors are `parameters`."""

    id: int
    created: datetime
    user_id: int
    campaign_id: int
    promotion_rules: list[TypedRule]
    strikethrough_rules: list[TypedRule]
    selectors: list[dict[str, Any]]
    parameters: list[Any]
    activated_at: datetime | UnsetType = UNSET


_SORTS = {"id": "id", "created": "id"}


async def get_rulesets(call: ManagementCall[PageQuery, None]) -> Answer:
    _, newest_first = sort_of(call.query.sort, _SORTS)
    page = await list_campaign_rulesets(
        call.services.shop,
        call.integer("applicationId"),
        call.integer("campaignId"),
        call.query.skip,
        call.query.page_size,
        newest_first,
    )
    return Answer(200, Page(page.total, list(map(ruleset_out, page.rulesets))))


async def get_ruleset(call: ManagementCall[None, None]) -> Answer:
    return Answer(200, ruleset_out(await read_one_ruleset(call.services.shop, *_ids(call))))


async def get_typed_ruleset(call: ManagementCall[None, None]) -> Answer:
    ruleset = await read_one_ruleset(call.services.shop, *_ids(call))
    rules = parse_ruleset(ruleset.document)
    selectors = [selector_of(each) for each in rules.bindings]
    documents = ruleset.document["bindings"]
    typed = TypedRulesetOut(
        id=ruleset.id,
        created=ruleset.created,
        user_id=USER_ID,
        campaign_id=ruleset.campaign_id,
        promotion_rules=list(map(_typed, rules.rules)),
        strikethrough_rules=list(map(_typed, rules.strikethrough_rules)),
        selectors=[each for each in selectors if each is not None],
        parameters=[
            document
            for document, selector in zip(documents, selectors, strict=True)
            if selector is None
        ],
        activated_at=ruleset.activated_at or UNSET,
    )
    return Answer(200, typed)


def _typed(rule: Rule) -> TypedRule:
    return TypedRule(rule.title, blocks_of(rule), rule.id, rule.parent_id, rule.description)


async def post_ruleset(call: ManagementCall[None, RulesetIn]) -> Answer:
    ids = call.integer("applicationId"), call.integer("campaignId")
    document, activate = document_of(call.body), call.body.activate is True
    shop = call.services.shop
    return Answer(201, ruleset_out(await create_ruleset(shop, *ids, document, activate, call.now)))


async def put_ruleset(call: ManagementCall[None, RulesetIn]) -> Answer:
    document, activate = document_of(call.body), call.body.activate is True
    shop = call.services.shop
    ruleset = await update_ruleset(shop, *_ids(call), document, activate, call.now)
    return Answer(200, ruleset_out(ruleset))


async def remove_ruleset(call: ManagementCall[None, None]) -> Answer:
    await delete_ruleset(call.services.shop, *_ids(call))
    return Answer(204)


def document_of(body: RulesetIn) -> dict[str, Any]:
    """The rules of a body, as the rule language reads them."""
    return {
        "rules": body.rules,
        "bindings": body.bindings or [],
        "strikethroughRules": body.strikethrough_rules or [],
    }


def ruleset_out(ruleset: StoredRuleset) -> RulesetOut:
    """The ruleset in the protocol's words."""
    document = ruleset.document
    return RulesetOut(
        id=ruleset.id,
        created=ruleset.created,
        user_id=USER_ID,
        campaign_id=ruleset.campaign_id,
        rules=document["rules"],
        bindings=document["bindings"],
        strikethrough_rules=document.get("strikethroughRules", []),
        warnings=list(ruleset.warnings),
        activated_at=ruleset.activated_at or UNSET,
    )


def _ids(call: ManagementCall[Any, Any]) -> tuple[int, int, int]:
    return call.integer("applicationId"), call.integer("campaignId"), call.integer("rulesetId")


def operations() -> list[Operation]:
    """The operations on rulesets."""
    many = "/v1/applications/{applicationId:int}/campaigns/{campaignId:int}/rulesets"
    one = f"{many}/{{rulesetId:int}}"
    operation = partial(managed, group="Rulesets")
    return [
        operation(
            "getRulesets",
            "GET",
            many,
            get_rulesets,
            "List the rulesets of a campaign",
            {200: Page[RulesetOut]},
            query=PageQuery,
        ),
        operation(
            "createRuleset",
            "POST",
            many,
            post_ruleset,
            "Create a ruleset",
            {201: RulesetOut},
            body=RulesetIn,
            request_example=_EXAMPLE,
            description="Rules are checked: what can never work is refused with its place, what"
            " looks like a mistake is answered in `warnings`. With `activate` the campaign uses"
            " the ruleset at once; otherwise update the campaign's activeRulesetId.",
        ),
        operation(
            "getRuleset",
            "GET",
            one,
            get_ruleset,
            "Get a ruleset",
            {200: RulesetOut},
        ),
        _reading_as_blocks(one.replace("/v1/", "/v2/")),
        operation(
            "updateRuleset",
            "PUT",
            one,
            put_ruleset,
            "Replace the rules of a ruleset that is not active",
            {200: RulesetOut},
            body=RulesetIn,
        ),
        operation(
            "deleteRuleset",
            "DELETE",
            one,
            remove_ruleset,
            "Delete a ruleset that is not active",
            {204: None},
        ),
    ]


def _reading_as_blocks(path: str) -> Operation:
    return managed(
        "getRulesetV2",
        "GET",
        path,
        get_typed_ruleset,
        "Get a ruleset as typed blocks",
        {200: TypedRulesetOut},
        group="Rulesets",
        description="What has no block of its own is a `passthrough` with its expression.",
    )


_EXAMPLE = b"""{
  "rules": [{
    "title": "10 % off",
    "condition": ["and", ["couponValid"]],
    "effects": [["setDiscount", "10 % off", ["*", [".", "Session", "Total"], 0.1]]]
  }],
  "bindings": [],
  "activate": true
}"""
