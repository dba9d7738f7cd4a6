"""The regions of a product feed become those that customers can be in.

A feed is whole: regions that it does not name any more are gone, and customers keep what was told
of them. A feed without a single region leaves everything as it is.
"""

from datetime import datetime

import msgspec

from habitue.store import stocks
from habitue.store.stocks import StockRow
from habitue.usecases.shop import Shop


class Region(msgspec.Struct, frozen=True):
    """A region: a stock inside offers, or a location of the shop."""

    id: str
    name: str
    kind: str


class Feed(msgspec.Struct, frozen=True):
    """What was read of a feed; `skipped` regions had ids that no region can have."""

    regions: tuple[Region, ...]
    offers: int
    skipped: int = 0


class Imported(msgspec.Struct, frozen=True):
    """How many regions there are now, and how many are gone."""

    regions: int
    gone: int


async def import_feed(shop: Shop, feed: Feed, now: datetime) -> Imported:
    """Makes the regions those of the feed, all or none."""
    if not feed.regions:
        return Imported(0, 0)
    rows = [StockRow(each.id, each.name, each.kind) for each in feed.regions]
    async with shop.database.transaction() as connection:
        gone = await stocks.replace_all(connection, rows, now)
    return Imported(len(rows), gone)
