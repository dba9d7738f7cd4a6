"""Experiments on the wire: the published schemas (contracts/talon_one/openapi.json, `Experiment`)
at paths next to campaigns (docs/decisions/0160).
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal, localcontext
from functools import partial
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from habitue.edges.http.operation import Answer, Operation
from habitue.edges.talon_one.management.campaigns import CampaignOut, campaign_out
from habitue.edges.talon_one.management.paging import Page, PageQuery, page_of
from habitue.edges.talon_one.management.rulesets import (
    RulesetIn,
    RulesetOut,
    document_of,
    ruleset_out,
)
from habitue.edges.talon_one.management.shared import Id, ManagementCall, managed
from habitue.model.numbers import EXACT, shortest
from habitue.promotions.budgets import Count
from habitue.promotions.experiments import Experiment, ExperimentGoal, ExperimentState, Variant
from habitue.usecases.configure.experiments import (
    ExperimentFields,
    VariantWish,
    create_experiment,
    delete_experiment,
    update_experiment,
)
from habitue.usecases.read_budgets import read_budget_counts
from habitue.usecases.read_experiments import VariantResult, read_results

_SORTS = {"id": "id", "created": "created", "state": "state"}


class VariantIn(msgspec.Struct, rename="camel"):
    """A variant as it is sent; one that exists with its id, and with rules only where these
    change."""

    name: str
    is_primary: bool = False
    weight: Annotated[int, Meta(ge=0, le=100)] = 0
    ruleset: RulesetIn | UnsetType = UNSET
    id: Id | UnsetType = UNSET


class ExperimentIn(msgspec.Struct, rename="camel"):
    """An experiment as it is changed; what is left out stays."""

    state: ExperimentState | UnsetType = UNSET
    is_variant_assignment_external: bool | UnsetType = UNSET
    goal_type: ExperimentGoal | UnsetType = UNSET
    goal_description: str | UnsetType = UNSET
    variants: tuple[VariantIn, ...] | UnsetType = UNSET


class NewExperimentIn(ExperimentIn, rename="camel", kw_only=True):
    """An experiment as it is made."""

    campaign_id: Id


class VariantOut(msgspec.Struct, rename="camel"):
    """A variant as it is answered."""

    id: int
    created: datetime
    name: str
    experiment_id: int
    ruleset: RulesetOut
    weight: int
    is_primary: bool


class ExperimentOut(msgspec.Struct, rename="camel", kw_only=True):
    """An experiment as it is answered."""

    id: int
    created: datetime
    application_id: int
    is_variant_assignment_external: bool
    campaign: CampaignOut
    activated: datetime | UnsetType = UNSET
    state: ExperimentState
    variants: list[VariantOut]
    goal_type: ExperimentGoal
    goal_description: str


class ExperimentsQuery(PageQuery, rename="camel", kw_only=True):
    """Which experiments to list."""

    state: ExperimentState | None = None
    campaign_id: Id | None = None


class VariantResultOut(msgspec.Struct, rename="camel"):
    """What came of a variant. Revenue is that of orders that stand, before discounts, of the units
    that were kept; without an order there is no average."""

    variant_id: int
    name: str
    is_primary: bool
    sessions: int
    customers: int
    orders: int
    discounted_orders: int
    revenue: Decimal
    units: int
    discounts: Decimal
    average_order_value: Decimal | UnsetType = UNSET


class ExperimentResultsOut(msgspec.Struct, rename="camel"):
    """What came of all variants so far."""

    experiment_id: int
    goal_type: ExperimentGoal
    variants: list[VariantResultOut]


async def get_experiments(call: ManagementCall[ExperimentsQuery, None]) -> Answer:
    configuration, query = call.services.shop.configuration, call.query
    application = configuration.application(call.integer("applicationId"))
    found: list[Experiment] = [
        each
        for each in configuration.experiments.values()
        if each.application_id == application.id
        and query.state in (None, each.state)
        and query.campaign_id in (None, each.campaign_id)
    ]
    counts = await _counts(call, found)
    return Answer(200, page_of(found, query, _SORTS, lambda each: _out(call, each, counts)))


async def get_experiment(call: ManagementCall[None, None]) -> Answer:
    found = call.services.shop.configuration.experiment(*_ids(call))
    return Answer(200, await _shown(call, found))


async def post_experiment(call: ManagementCall[None, NewExperimentIn]) -> Answer:
    body, application_id = call.body, call.integer("applicationId")
    shop = call.services.shop
    made = await create_experiment(shop, application_id, body.campaign_id, _fields(body), call.now)
    return Answer(201, await _shown(call, made))


async def put_experiment(call: ManagementCall[None, ExperimentIn]) -> Answer:
    changed = await update_experiment(call.services.shop, *_ids(call), _fields(call.body), call.now)
    return Answer(200, await _shown(call, changed))


async def remove_experiment(call: ManagementCall[None, None]) -> Answer:
    await delete_experiment(call.services.shop, *_ids(call), call.now)
    return Answer(204)


async def get_results(call: ManagementCall[None, None]) -> Answer:
    experiment, results = await read_results(call.services.shop, *_ids(call))
    shown = list(map(_result_out, results))
    return Answer(200, ExperimentResultsOut(experiment.id, experiment.goal, shown))


def _ids(call: ManagementCall[Any, Any]) -> tuple[int, int]:
    return call.integer("applicationId"), call.integer("experimentId")


def _fields(body: ExperimentIn) -> ExperimentFields:
    wishes: tuple[VariantWish, ...] | UnsetType = UNSET
    if body.variants is not UNSET:
        wishes = tuple(map(_wish, body.variants))
    return ExperimentFields(
        state=body.state,
        is_external=body.is_variant_assignment_external,
        goal=body.goal_type,
        goal_description=body.goal_description,
        variants=wishes,
    )


def _wish(variant: VariantIn) -> VariantWish:
    return VariantWish(
        variant.name,
        variant.weight,
        variant.is_primary,
        None if variant.ruleset is UNSET else document_of(variant.ruleset),
        variant.id or 0,
    )


async def _counts(
    call: ManagementCall[Any, Any], experiments: Sequence[Experiment]
) -> Mapping[int, Sequence[Count]]:
    campaigns = call.services.shop.configuration.campaigns
    found = [campaigns[each.campaign_id] for each in experiments]
    return await read_budget_counts(call.services.shop, found, call.now)


async def _shown(call: ManagementCall[Any, Any], experiment: Experiment) -> ExperimentOut:
    return _out(call, experiment, await _counts(call, [experiment]))


def _out(
    call: ManagementCall[Any, Any], each: Experiment, counts: Mapping[int, Sequence[Count]]
) -> ExperimentOut:
    campaign = call.services.shop.configuration.campaigns[each.campaign_id]
    return ExperimentOut(
        id=each.id,
        created=each.created,
        application_id=each.application_id,
        is_variant_assignment_external=each.is_external,
        campaign=campaign_out(campaign, call.now, counts[campaign.id]),
        activated=each.activated or UNSET,
        state=each.state,
        variants=[_variant_out(each, variant) for variant in each.variants],
        goal_type=each.goal,
        goal_description=each.goal_description,
    )


def _variant_out(experiment: Experiment, each: Variant) -> VariantOut:
    return VariantOut(
        each.id,
        each.created,
        each.name,
        experiment.id,
        ruleset_out(each.ruleset),
        each.weight,
        each.is_primary,
    )


def _result_out(result: VariantResult) -> VariantResultOut:
    variant, totals = result.variant, result.totals
    average: Decimal | UnsetType = UNSET
    if totals.orders:
        with localcontext(EXACT):
            average = shortest(totals.revenue / totals.orders)
    return VariantResultOut(
        variant.id,
        variant.name,
        variant.is_primary,
        totals.sessions,
        totals.customers,
        totals.orders,
        totals.discounted_orders,
        shortest(totals.revenue),
        totals.units,
        shortest(totals.discounts),
        average,
    )


def operations() -> list[Operation]:
    """The operations on experiments."""
    many = "/v1/applications/{applicationId:int}/experiments"
    one = f"{many}/{{experimentId:int}}"
    operation = partial(managed, group="Experiments")
    return [
        operation(
            "listExperiments",
            "GET",
            many,
            get_experiments,
            "List the experiments of an Application",
            {200: Page[ExperimentOut]},
            query=ExperimentsQuery,
        ),
        operation(
            "createExperiment",
            "POST",
            many,
            post_experiment,
            "Create an experiment of a campaign",
            {201: ExperimentOut},
            body=NewExperimentIn,
            request_example=_EXAMPLE,
            description="While the campaign has the experiment, its customers get the rules of one"
            " variant each, and nothing while the experiment is disabled. Weights are percentages.",
        ),
        operation(
            "getExperiment",
            "GET",
            one,
            get_experiment,
            "Get an experiment",
            {200: ExperimentOut},
        ),
        operation(
            "updateExperiment",
            "PUT",
            one,
            put_experiment,
            "Change, start, stop or archive an experiment",
            {200: ExperimentOut},
            body=ExperimentIn,
            description="Once it was enabled, variants keep their rules and weights. An archived"
            " experiment leaves the campaign to its own active ruleset.",
        ),
        *_more(one),
    ]


def _more(one: str) -> list[Operation]:
    operation = partial(managed, group="Experiments")
    return [
        operation(
            "deleteExperiment",
            "DELETE",
            one,
            remove_experiment,
            "Delete an experiment; its campaign stays",
            {204: None},
        ),
        operation(
            "getExperimentResults",
            "GET",
            f"{one}/results",
            get_results,
            "Tell what came of each variant of an experiment",
            {200: ExperimentResultsOut},
        ),
    ]


_EXAMPLE = b"""{
  "campaignId": 1,
  "goalType": "maximize_revenue",
  "variants": [
    {"name": "As ever", "isPrimary": true, "weight": 50, "ruleset": {"rules": []}},
    {"name": "10 % off", "weight": 50, "ruleset": {"rules": [{
      "title": "10 % off",
      "condition": ["and", true],
      "effects": [["setDiscount", "10 % off", ["*", [".", "Session", "Total"], 0.1]]]
    }]}}
  ]
}"""
