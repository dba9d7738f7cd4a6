"""Reading what articles have cost, and excluding what must not count."""

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby

import msgspec

from habitue.model.documents import decoder_of
from habitue.model.errors import Fault, InvalidInput
from habitue.promotions.price_labels import EVERYBODY, PriceLabel, PriceMetadata
from habitue.promotions.prior_price import EndType, Observation, best_prior_price
from habitue.store import prices
from habitue.store.database import Connection
from habitue.store.prices import ObservationRow
from habitue.usecases.observe_prices import PricesBusy, observe_articles
from habitue.usecases.shop import Shop
from habitue.usecases.writing import settled_locked

_CONTEXTS = decoder_of(tuple[str, ...])
_METADATA = decoder_of(PriceMetadata)


class PriorPriceQuery(msgspec.Struct, frozen=True):
    """Which articles, for whom (`EVERYBODY` or an audience), until when, and how many days back."""

    skus: tuple[str, ...]
    audience_id: int
    end: datetime
    days: int
    end_type: EndType


async def find_best_prior_prices(
    shop: Shop, application_id: int, query: PriorPriceQuery, now: datetime
) -> list[Observation]:
    """The best prior price of each of the articles that has one, in the order of the query.

    Where an audience has seen no prices of its own, those of everybody count for it. Raises
    `InvalidInput` where the application does not record prices, and `NotFound`.
    """
    program = shop.program(application_id)
    if not program.application.enable_best_prior_price:
        details = "this Application does not record prices; enable its bestPriorPriceSettings"
        raise InvalidInput(Fault("", "Not enabled", details))
    if query.audience_id != EVERYBODY:
        shop.configuration.audience(query.audience_id, sandbox=program.application.sandbox)
    skus = list(dict.fromkeys(query.skus))
    await observe_articles(shop, program, skus, now)
    targets = sorted({EVERYBODY, query.audience_id})
    rows = await prices.seen(shop.database, application_id, skus, targets, query.end)
    series = {
        key: [_observation(each) for each in group]
        for key, group in groupby(rows, key=lambda each: (each.sku, each.audience_id))
    }
    found = (_best(series, sku, query) for sku in skus)
    return [each for each in found if each is not None]


def _best(
    series: dict[tuple[str, int], list[Observation]], sku: str, query: PriorPriceQuery
) -> Observation | None:
    own = series.get((sku, query.audience_id)) or series.get((sku, EVERYBODY), [])
    return best_prior_price(own, query.end, query.days, query.end_type)


async def read_price_history(
    shop: Shop, application_id: int, sku: str, start: datetime, end: datetime, now: datetime
) -> list[Observation]:
    """What was seen of the article between those moments. Raises `NotFound`."""
    shop.configuration.application(application_id)
    await observe_articles(shop, shop.program(application_id), [sku], now)
    rows = await prices.history(shop.database, application_id, sku, start, end)
    return list(map(_observation, rows))


async def exclude_prices(
    shop: Shop, application_id: int, ids: Sequence[int], reason: str, now: datetime
) -> None:
    """Lets those observations count no more, all or none. Raises `NotFound`, and `InvalidInput`
    for those that are not there or are excluded already."""
    shop.configuration.application(application_id)

    async def attempt(connection: Connection, locked: bool) -> None:
        known = await prices.excludable(connection, application_id, ids)
        details = "there is no such price in this Application that still counts"
        faults = tuple(
            Fault(f"/ids/{index}", "Unknown", details)
            for index, each in enumerate(ids)
            if each not in known
        )
        if faults:
            raise InvalidInput(*faults)
        await prices.exclude(connection, application_id, ids, now, reason)

    await settled_locked(shop, attempt, PricesBusy)


def _observation(row: ObservationRow) -> Observation:
    label = PriceLabel(
        row.sku,
        row.audience_id,
        row.at,
        row.price,
        _CONTEXTS.decode(row.context_ids),
        _METADATA.decode(row.metadata),
    )
    return Observation(row.id, label, row.excluded_at, row.exclusion_reason)
