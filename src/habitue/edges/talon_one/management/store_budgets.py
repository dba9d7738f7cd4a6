"""Stores of a campaign and their budgets on the wire, one by one and in files.

Where a request names no period, a file is about the budget that has none, as the file does not say;
lists and deletions are about every period.
"""

from collections.abc import Iterator
from decimal import Decimal
from functools import partial
from typing import Any, Literal

import msgspec

from habitue.edges.csv_files.fields import RowReader
from habitue.edges.csv_files.reading import Column
from habitue.edges.csv_files.writing import csv_answer, number_text
from habitue.edges.http.numbers import Number
from habitue.edges.http.operation import Answer, CsvFile, Operation
from habitue.edges.talon_one.management.collections import CAMPAIGN, rows_of
from habitue.edges.talon_one.management.imports import (
    Importing,
    ImportOut,
    imported,
    importing_operation,
)
from habitue.edges.talon_one.management.shared import Id, ManagementCall, managed
from habitue.model.instants import Period
from habitue.model.limits import INTEGRATION_ID_LENGTH_MAX, STORES_PER_CAMPAIGN_MAX
from habitue.model.numbers import ZERO, shortest
from habitue.promotions.campaign import Campaign, StoreBudget, StoreLimitedAction
from habitue.promotions.configuration import Configuration
from habitue.usecases.configure.store_budgets import (
    BudgetFilter,
    CampaignStoresImport,
    StoreBudgetImport,
    StoreLine,
    create_store_budget,
    delete_store_budgets,
    disconnect_stores,
)

WirePeriod = Literal["overall", "daily", "weekly", "monthly", "yearly"]

_STORE = "store_integration_id"
_EXAMPLE = b'{"action": "setDiscount", "storeLimits": [{"storeId": 1, "limit": 1000}]}'


class StoreLimitIn(msgspec.Struct, rename="camel"):
    """What one store may have."""

    store_id: Id
    limit: Number


class StoreBudgetIn(msgspec.Struct, rename="camel"):
    """A budget of stores; without a period it holds for ever."""

    action: StoreLimitedAction
    store_limits: tuple[StoreLimitIn, ...]
    period: Period | None = None


class BudgetsQuery(msgspec.Struct):
    """Which budgets."""

    action: StoreLimitedAction | None = None
    period: WirePeriod | None = None


class BudgetStoreOut(msgspec.Struct, rename="camel"):
    """A store, as far as a list of budgets shows it."""

    id: int
    integration_id: str
    name: str


class StoreLimitOut(msgspec.Struct):
    """What one store may have in each period."""

    store: BudgetStoreOut
    limit: Decimal
    action: str
    period: WirePeriod


class StoreLimitsOut(msgspec.Struct):
    """What stores may have."""

    data: list[StoreLimitOut]


class StoreBudgetOut(msgspec.Struct, rename="camel"):
    """A budget, with how many stores have a part in it."""

    action: str
    period: WirePeriod
    store_count: int
    imported: bool


class StoreBudgetsOut(msgspec.Struct):
    """All budgets of stores of one campaign."""

    data: list[StoreBudgetOut]


async def post_budget(call: ManagementCall[None, StoreBudgetIn]) -> Answer:
    body = call.body
    limits = {each.store_id: Decimal(each.limit) for each in body.store_limits}
    budget = StoreBudget(body.action, limits, body.period)
    store_ids = [each.store_id for each in body.store_limits]
    await create_store_budget(call.services.shop, _place(call), budget, store_ids, call.now)
    return Answer(201)


async def get_limits(call: ManagementCall[BudgetsQuery, None]) -> Answer:
    configuration, wanted = call.services.shop.configuration, _filter(call.query)
    budgets = filter(wanted.wants, _campaign(call).store_budgets)
    found = [each for budget in budgets for each in _limits_out(configuration, budget)]
    return Answer(200, StoreLimitsOut(found))


async def get_summary(call: ManagementCall[None, None]) -> Answer:
    found = [
        StoreBudgetOut(each.action, each.period or "overall", len(each.limits), each.imported)
        for each in _campaign(call).store_budgets
    ]
    return Answer(200, StoreBudgetsOut(found))


async def remove_budgets(call: ManagementCall[BudgetsQuery, None]) -> Answer:
    wanted = _filter(call.query)
    await delete_store_budgets(call.services.shop, _place(call), wanted, call.now)
    return Answer(204)


async def import_budget(call: ManagementCall[BudgetsQuery, None]) -> Answer:
    budget = StoreBudget(call.query.action or "setDiscount", {}, _period_of(call.query))
    place = _place(call)
    importing = Importing(
        entity="CampaignStoreBudget",
        place=f"campaign {place[1]} {budget.action} {budget.period}",
        columns=(Column(_STORE, required=True), Column("limit", required=True)),
        decode=_limit_line,
        importer=StoreBudgetImport(call.services.shop, place, budget, call.now),
        rows_max=STORES_PER_CAMPAIGN_MAX,
        rows_min=1,
        batch=STORES_PER_CAMPAIGN_MAX,
        replaces=True,
    )
    return await imported(call, importing, status=201)


async def export_budget(call: ManagementCall[BudgetsQuery, None]) -> Answer:
    configuration, campaign = call.services.shop.configuration, _campaign(call)
    key = call.query.action or "setDiscount", _period_of(call.query)
    found = (each for each in campaign.store_budgets if each.key == key)
    rows = [
        (each.store.integration_id, number_text(each.limit))
        for budget in found
        for each in _limits_out(configuration, budget)
    ]
    name = f"campaign-{campaign.id}-store-budgets.csv"
    return csv_answer(name, (_STORE, "limit"), rows_of(rows))


async def import_stores(call: ManagementCall[None, None]) -> Answer:
    importing = Importing(
        entity="CampaignStore",
        place=f"campaign {_place(call)[1]}",
        columns=(Column(_STORE, required=True),),
        decode=_store_line,
        importer=CampaignStoresImport(call.services.shop, _place(call), call.now),
        rows_max=STORES_PER_CAMPAIGN_MAX,
        rows_min=1,
        batch=STORES_PER_CAMPAIGN_MAX,
        replaces=True,
    )
    return await imported(call, importing)


async def export_stores(call: ManagementCall[None, None]) -> Answer:
    configuration, campaign = call.services.shop.configuration, _campaign(call)
    rows = [(configuration.stores[id_].integration_id,) for id_ in campaign.linked_store_ids]
    return csv_answer(f"campaign-{campaign.id}-stores.csv", (_STORE,), rows_of(rows))


async def remove_stores(call: ManagementCall[None, None]) -> Answer:
    await disconnect_stores(call.services.shop, _place(call), call.now)
    return Answer(204)


def _place(call: ManagementCall[Any, Any]) -> tuple[int, int]:
    return call.integer("applicationId"), call.integer("campaignId")


def _campaign(call: ManagementCall[Any, Any]) -> Campaign:
    configuration: Configuration = call.services.shop.configuration
    return configuration.campaign(*_place(call))


def _store_line(row: RowReader) -> StoreLine:
    return StoreLine(row.line, row.required(_STORE, INTEGRATION_ID_LENGTH_MAX))


def _limit_line(row: RowReader) -> StoreLine:
    row.required("limit", INTEGRATION_ID_LENGTH_MAX)
    amount = row.amount("limit")
    return StoreLine(
        row.line,
        row.required(_STORE, INTEGRATION_ID_LENGTH_MAX),
        ZERO if amount is None else amount,
    )


def _period_of(query: BudgetsQuery) -> Period | None:
    return None if query.period is None or query.period == "overall" else query.period


def _filter(query: BudgetsQuery) -> BudgetFilter:
    periods = None if query.period is None else (_period_of(query),)
    return BudgetFilter(query.action, periods)


def _limits_out(configuration: Configuration, budget: StoreBudget) -> Iterator[StoreLimitOut]:
    for id_, amount in budget.limits.items():
        store = configuration.stores[id_]
        yield StoreLimitOut(
            BudgetStoreOut(id_, store.integration_id, store.name),
            shortest(amount),
            budget.action,
            budget.period or "overall",
        )


def operations() -> list[Operation]:
    """The operations on the stores of a campaign and their budgets."""
    stores = f"{CAMPAIGN}/stores"
    return [*_store_operations(stores), *_budget_operations(f"{stores}/budgets")]


def _store_operations(path: str) -> list[Operation]:
    operation = partial(managed, group="Stores")
    return [
        importing_operation(
            "importCampaignStores",
            "POST",
            f"{path}/import",
            import_stores,
            "Link a campaign to the stores of a CSV file, and to no others",
            group="Stores",
        ),
        operation(
            "exportCampaignStores",
            "GET",
            f"{path}/export",
            export_stores,
            "Export the stores of a campaign as a CSV file",
            {200: CsvFile},
        ),
        operation(
            "disconnectCampaignStores",
            "DELETE",
            path,
            remove_stores,
            "Disconnect a campaign from all stores",
            {204: None},
            description="It runs everywhere from then on. Budgets of its stores stay.",
        ),
    ]


def _budget_operations(path: str) -> list[Operation]:
    operation = partial(managed, group="Stores")
    return [
        operation(
            "createCampaignStoreBudget",
            "POST",
            path,
            post_budget,
            "Create a budget of stores that a campaign is linked to",
            {201: None},
            body=StoreBudgetIn,
            request_example=_EXAMPLE,
        ),
        operation(
            "listCampaignStoreBudgetLimits",
            "GET",
            path,
            get_limits,
            "List what the stores of a campaign may give",
            {200: StoreLimitsOut},
            query=BudgetsQuery,
        ),
        operation(
            "deleteCampaignStoreBudgets",
            "DELETE",
            path,
            remove_budgets,
            "Delete budgets of a campaign's stores",
            {204: None},
            query=BudgetsQuery,
        ),
        operation(
            "summarizeCampaignStoreBudget",
            "GET",
            f"{path}/summary",
            get_summary,
            "List the budgets of a campaign's stores",
            {200: StoreBudgetsOut},
        ),
        managed(
            "importCampaignStoreBudget",
            "POST",
            f"{path}/import",
            import_budget,
            "Replace a budget of a campaign's stores by the amounts of a CSV file",
            {201: ImportOut},
            query=BudgetsQuery,
            upload=True,
            idempotent=True,
            group="Stores",
        ),
        operation(
            "exportCampaignStoreBudgets",
            "GET",
            f"{path}/export",
            export_budget,
            "Export a budget of a campaign's stores as a CSV file",
            {200: CsvFile},
            query=BudgetsQuery,
        ),
    ]
