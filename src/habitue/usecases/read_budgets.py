"""What is counted of the budgets of campaigns, for whoever looks after them."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from habitue.model.documents import decoder_of
from habitue.promotions.budgets import Count, Counted, counts_of, limit_name
from habitue.promotions.campaign import Campaign
from habitue.store.budgets import read_counted
from habitue.usecases.shop import Shop

_COUNTED = decoder_of(Counted)


async def read_budget_counts(
    shop: Shop, campaigns: Iterable[Campaign], now: datetime
) -> Mapping[int, tuple[Count, ...]]:
    """The budgets of each whole campaign as they stand in the period that holds `now`, by id."""
    found = list(campaigns)
    zones = {
        each.application_id: shop.configuration.application(each.application_id).zone
        for each in found
    }
    wanted = [
        (each.id, limit_name(limit, now, zones[each.application_id]))
        for each in found
        for limit in each.limits
        if not limit.entities
    ]
    counted: list[Counted] = []
    if wanted:
        ids, names = zip(*wanted, strict=True)
        documents = await read_counted(shop.database, ids, names)
        counted = list(map(_COUNTED.decode, documents))
    return {each.id: counts_of(each, counted, now, zones[each.application_id]) for each in found}
