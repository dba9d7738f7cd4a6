"""`habitue closing`: what the books of the loyalty programs came to, day by day."""

from datetime import UTC, date, datetime
from pathlib import Path

from habitue.edges.cli.keys import in_shop
from habitue.model.numbers import shortest
from habitue.store.loyalty_closings import DayClosing, closings_page
from habitue.usecases.close_days import close_days
from habitue.usecases.shop import Shop

_PARTS = ("spent", "expired", "voided", "held", "open", "debt", "transferred")


def closing(
    *,
    program: int | None = None,
    day: date | None = None,
    days: int = 7,
    data_dir: Path | None = None,
    database_url: str | None = None,
) -> None:
    """Tell what was issued and what became of it, at the end of each day.

    Days that have ended and are not closed yet are closed first; a closing never changes.

    Parameters
    ----------
    program
        The id of one loyalty program; all of them unless given.
    day
        One day, like 2026-12-01; the last ones unless given.
    days
        How many of the last closed days.
    data_dir
        Where the embedded database lives.
    database_url
        A PostgreSQL database to use instead.
    """

    async def work(shop: Shop) -> list[DayClosing]:
        await close_days(shop, datetime.now(UTC))
        known = sorted(shop.configuration.loyalty_programs)
        wanted = known if program is None else [program]
        return [
            row
            for each in wanted
            for row in await closings_page(shop.database, each, day, day, 0, days)
        ]

    for row in in_shop(data_dir, database_url, work):
        print(_line(row))


def _line(row: DayClosing) -> str:
    told = " + ".join(f"{name} {shortest(getattr(row, name)):f}" for name in _PARTS)
    return f"program {row.program_id}, {row.day}: issued {shortest(row.issued):f} = {told}"
