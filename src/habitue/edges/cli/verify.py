"""`habitue verify`: an audit of the points, and what the books come to."""

import sys
from datetime import UTC, datetime
from pathlib import Path

from habitue.edges.cli.keys import in_shop
from habitue.model.instants import parse_instant
from habitue.model.numbers import shortest
from habitue.store.loyalty_audit import Closing, Violation, closings, violations
from habitue.store.loyalty_closings import WrongClosing, wrong_closings
from habitue.usecases.shop import Shop


def verify(
    *,
    before: str | None = None,
    data_dir: Path | None = None,
    database_url: str | None = None,
) -> None:
    """Check that the books of all points add up; the server may go on working.

    Balances, lots and holds equal the sums of the postings, every posting set sums to zero, and the
    chains of hashes are unbroken; daily closings are what the postings come to. Ends with status 1
    and one line per complaint otherwise. Then
    tells, for each program, what was issued and what became of it.

    Parameters
    ----------
    before
        The moment of the closing, like 2026-12-01T00:00:00+01:00; now unless given.
    data_dir
        Where the embedded database lives.
    database_url
        A PostgreSQL database to use instead.
    """
    moment = datetime.now(UTC) if before is None else parse_instant(before)
    if moment is None:
        raise SystemExit(f"habitue: {before} is not a moment like 2026-12-01T00:00:00+01:00")

    async def work(shop: Shop) -> tuple[list[Violation], list[WrongClosing], list[Closing]]:
        found = [each async for each in violations(shop.database)]
        wrong = await wrong_closings(shop.database)
        return found, wrong, await closings(shop.database, moment)

    found, wrong, closed = in_shop(data_dir, database_url, work)
    for each in closed:
        print(_line(each))
    complaints = [f"customer {each.customer_id}: {each.complaint}: {each.place}" for each in found]
    complaints += [
        f"program {each.program_id}: the closing of {each.day} differs from the postings"
        for each in wrong
    ]
    complaints += [
        f"program {each.program_id} does not close" for each in closed if not each.is_closed
    ]
    if complaints:
        print("\n".join(complaints), file=sys.stderr)
        raise SystemExit(1)
    print("everything adds up")


def _line(closing: Closing) -> str:
    parts = {
        "spent": closing.spent,
        "expired": closing.expired,
        "voided": closing.voided,
        "held": closing.held,
        "open": closing.open,
        "debt": closing.debt,
    }
    told = " + ".join(f"{name} {shortest(amount):f}" for name, amount in parts.items())
    return f"program {closing.program_id}: issued {shortest(closing.issued):f} = {told}"
