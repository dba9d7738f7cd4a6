"""Stores of a campaign and their budgets: out of requests and out of files.

A file replaces: the stores that the campaign is linked to, or the amounts of one budget. Only a
store that the campaign is linked to is given an amount; an amount that it has stays when the link
goes, so that relinking it gives nothing anew (docs/decisions/0124).
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from typing import TypeAlias

import msgspec

from habitue.model.errors import Conflict, Fault, InvalidInput
from habitue.model.instants import Period
from habitue.model.limits import STORES_PER_CAMPAIGN_MAX
from habitue.model.numbers import ZERO, is_amount
from habitue.promotions.campaign import Campaign, StoreBudget, StoreLimitedAction
from habitue.promotions.configuration import Configuration
from habitue.store.database import Connection
from habitue.usecases.configuration import Change, save_configuration
from habitue.usecases.configure.checks import refuse_if_any
from habitue.usecases.configure.settle import Decision, settle
from habitue.usecases.run_import import BatchPlace
from habitue.usecases.shop import Shop

#: An application and one of its campaigns.
Place: TypeAlias = tuple[int, int]


class BudgetFilter(msgspec.Struct, frozen=True):
    """Which budgets of a campaign; `periods` of None are all, and None among them is for ever."""

    action: StoreLimitedAction | None = None
    periods: tuple[Period | None, ...] | None = None

    def wants(self, budget: StoreBudget) -> bool:
        """Whether it is one of these."""
        return self.action in (None, budget.action) and (
            self.periods is None or budget.period in self.periods
        )


class StoreLine(msgspec.Struct, frozen=True):
    """One line of a file: a store, and what it may have where the file says so."""

    line: int
    store: str
    amount: Decimal = ZERO


async def create_store_budget(
    shop: Shop, place: Place, budget: StoreBudget, store_ids: Sequence[int], now: datetime
) -> None:
    """Adds the budget, whose amounts were sent for `store_ids` in that order.

    Raises `NotFound`, `InvalidInput`, and `Conflict` where there is one of that action and period.
    """

    async def decide(configuration: Configuration) -> Decision[None]:
        campaign = configuration.campaign(*place)
        refuse_if_any(_budget_faults(configuration, campaign, budget, store_ids))
        if any(each.key == budget.key for each in campaign.store_budgets):
            raise Conflict("The campaign has a store budget of that action and period")
        return Decision(None, (Change(_with_budget(campaign, budget, now)),))

    await settle(shop, decide)


async def delete_store_budgets(
    shop: Shop, place: Place, wanted: BudgetFilter, now: datetime
) -> None:
    """Deletes those budgets; none is well too. Raises `NotFound`."""

    async def decide(configuration: Configuration) -> Decision[None]:
        campaign = configuration.campaign(*place)
        left = tuple(each for each in campaign.store_budgets if not wanted.wants(each))
        new = msgspec.structs.replace(campaign, store_budgets=left, updated=now)
        return Decision(None, () if left == campaign.store_budgets else (Change(new),))

    await settle(shop, decide)


async def disconnect_stores(shop: Shop, place: Place, now: datetime) -> None:
    """Unlinks the campaign from all stores: it runs everywhere from then on. Raises `NotFound`."""

    async def decide(configuration: Configuration) -> Decision[None]:
        campaign = configuration.campaign(*place)
        if not campaign.linked_store_ids:
            return Decision(None)
        return Decision(None, (Change(_linked(campaign, (), now, imported=False)),))

    await settle(shop, decide)


class CampaignStoresImport:
    """A file of stores that becomes those which the campaign is linked to."""

    def __init__(self, shop: Shop, place: Place, now: datetime) -> None:
        self._shop, self._place, self._now = shop, place, now
        self._seen: set[str] = set()

    async def check(self, connection: Connection, rows: Sequence[StoreLine]) -> Sequence[Fault]:
        configuration = await self._shop.refresh()
        configuration.campaign(*self._place)
        known = stores_of(configuration, self._place[0])
        return [*_unknown(rows, known), *_repeated(rows, self._seen)]

    async def apply(
        self, connection: Connection, rows: Sequence[StoreLine], place: BatchPlace
    ) -> None:
        configuration = await self._shop.refresh()
        campaign = configuration.campaign(*self._place)
        known = stores_of(configuration, campaign.application_id)
        _refuse_lines(_unknown(rows, known))
        ids = tuple(known[each.store] for each in rows)
        new = _linked(campaign, ids, self._now, imported=True)
        await save_configuration(connection, configuration.version, (Change(new),))


class StoreBudgetImport:
    """A file of stores and amounts that becomes a budget, in the place of one that there is."""

    def __init__(self, shop: Shop, place: Place, budget: StoreBudget, now: datetime) -> None:
        self._shop, self._place, self._budget, self._now = shop, place, budget, now
        self._seen: set[str] = set()

    async def check(self, connection: Connection, rows: Sequence[StoreLine]) -> Sequence[Fault]:
        configuration = await self._shop.refresh()
        faults = self._unlinked(configuration, rows)
        return [*faults, *_repeated(rows, self._seen), *_out_of_range(rows)]

    async def apply(
        self, connection: Connection, rows: Sequence[StoreLine], place: BatchPlace
    ) -> None:
        configuration = await self._shop.refresh()
        _refuse_lines(self._unlinked(configuration, rows))
        known = stores_of(configuration, self._place[0])
        limits = {known[each.store]: each.amount for each in rows}
        budget = msgspec.structs.replace(self._budget, limits=limits, imported=True)
        new = _with_budget(configuration.campaign(*self._place), budget, self._now)
        await save_configuration(connection, configuration.version, (Change(new),))

    def _unlinked(self, configuration: Configuration, rows: Sequence[StoreLine]) -> Iterator[Fault]:
        campaign = configuration.campaign(*self._place)
        linked = set(campaign.linked_store_ids)
        known = stores_of(configuration, campaign.application_id)
        yield from _unknown(rows, known)
        for row in rows:
            if row.store in known and known[row.store] not in linked:
                details = f'the campaign is not linked to the store "{row.store[:80]}"'
                yield _line_fault(row, "Not linked", details)


def stores_of(configuration: Configuration, application_id: int) -> dict[str, int]:
    """The ids of an application's stores by what requests call them."""
    return {
        each.integration_id: each.id
        for each in configuration.stores.values()
        if each.application_id == application_id
    }


def _with_budget(campaign: Campaign, budget: StoreBudget, now: datetime) -> Campaign:
    others = tuple(each for each in campaign.store_budgets if each.key != budget.key)
    return msgspec.structs.replace(campaign, store_budgets=(*others, budget), updated=now)


def _linked(campaign: Campaign, ids: tuple[int, ...], now: datetime, *, imported: bool) -> Campaign:
    return msgspec.structs.replace(
        campaign, linked_store_ids=ids, stores_imported=imported, updated=now
    )


def _budget_faults(
    configuration: Configuration,
    campaign: Campaign,
    budget: StoreBudget,
    store_ids: Sequence[int],
) -> Iterator[Fault]:
    if not 1 <= len(store_ids) <= STORES_PER_CAMPAIGN_MAX:
        details = f"1 to {STORES_PER_CAMPAIGN_MAX} stores are accepted"
        yield Fault("/storeLimits", "Invalid length", details)
    linked, seen = set(campaign.linked_store_ids), set[int]()
    for index, id_ in enumerate(store_ids):
        at = f"/storeLimits/{index}"
        if id_ not in linked:
            there = id_ in configuration.stores
            title = "Not linked" if there else "Unknown"
            yield Fault(f"{at}/storeId", title, f"the campaign is linked to no store {id_}")
        elif id_ in seen:
            yield Fault(f"{at}/storeId", "Duplicate", f"store {id_} stands here twice")
        elif not _is_limit(budget.limits[id_]):
            yield Fault(f"{at}/limit", "Out of range", "a limit is a number from 0 to 10^15")
        seen.add(id_)


def _unknown(rows: Iterable[StoreLine], known: dict[str, int]) -> Iterator[Fault]:
    for row in rows:
        if row.store not in known:
            details = f'the store "{row.store[:80]}" does not exist in this Application'
            yield _line_fault(row, "Unknown", details)


def _repeated(rows: Iterable[StoreLine], seen: set[str]) -> Iterator[Fault]:
    for row in rows:
        if row.store in seen:
            yield _line_fault(row, "Duplicate", f'"{row.store[:80]}" stands here twice')
        seen.add(row.store)


def _out_of_range(rows: Iterable[StoreLine]) -> Iterator[Fault]:
    for row in rows:
        if not _is_limit(row.amount):
            details = "limit: a limit is a number from 0 to 10^15"
            yield Fault("", "Out of range", details, line=row.line)


def _is_limit(amount: Decimal) -> bool:
    return amount >= 0 and is_amount(amount)


def _line_fault(row: StoreLine, title: str, details: str) -> Fault:
    return Fault("", title, f"store_integration_id: {details}", line=row.line)


def _refuse_lines(faults: Iterable[Fault]) -> None:
    found = tuple(faults)
    if found:
        raise InvalidInput(*found, message="The file was not imported")
