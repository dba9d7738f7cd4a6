"""`habitue feed`: take the regions of a product feed."""

import sys
from datetime import UTC, datetime
from pathlib import Path

from habitue.edges.cli.keys import in_shop, told
from habitue.edges.feed import read_feed
from habitue.model.errors import InvalidInput
from habitue.usecases.import_feed import Imported, import_feed
from habitue.usecases.shop import Shop


def feed(file: Path, /, *, data_dir: Path | None = None, database_url: str | None = None) -> None:
    """Take stocks and locations of a product feed as the regions that customers can be in.

    Parameters
    ----------
    file
        The feed: YML or XML, of any size.
    data_dir
        Where the embedded database lives.
    database_url
        A PostgreSQL database to use instead.
    """
    try:
        found = read_feed(file)
    except InvalidInput as refusal:
        raise SystemExit(f"habitue: {told(refusal)}") from None

    async def work(shop: Shop) -> Imported:
        return await import_feed(shop, found, datetime.now(UTC))

    if found.skipped:
        print(f"warning: {found.skipped} regions have no usable id", file=sys.stderr)
    if not found.regions:
        raise SystemExit(f"habitue: {file} names no region; everything stays as it is")
    done = in_shop(data_dir, database_url, work)
    print(f"{done.regions} regions from {found.offers} offers, {done.gone} gone")
