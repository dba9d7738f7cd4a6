"""What a shared budget costs: closings per second on one campaign, with a budget and without.

Both sides are the same load over one database, in turns: many sessions at once, each closed by a
new customer, each with one discount. On one side the campaign has a budget of money that all of
them take from. The ratio of both rates is what is left of the speed.
"""

import argparse
import asyncio
import statistics
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from itertools import count
from pathlib import Path

import msgspec

from bench.measuring import run_bench
from habitue.model.limits import AMOUNT_MAX
from habitue.pricing.cart import CartItem
from habitue.promotions.decide import SessionCommand
from habitue.promotions.session import SessionUpdate
from habitue.rules.notation import read_text
from habitue.rules.parse import render_expression
from habitue.store.database import Database, open_database
from habitue.store.location import Embedded
from habitue.usecases.configure.applications import ApplicationFields, create_application
from habitue.usecases.configure.campaigns import CampaignFields, create_campaign
from habitue.usecases.configure.limits import LimitWish
from habitue.usecases.configure.rulesets import create_ruleset
from habitue.usecases.session_state import SessionOutcome
from habitue.usecases.shop import Shop
from habitue.usecases.update_session import update_session
from habitue.usecases.writing import Reply

PLAIN, BUDGETED = "without a budget", "with a budget"
_RULE = {
    "title": "a discount",
    "condition": ["and", render_expression(read_text("session.total > 0"))],
    "effects": [render_expression(read_text('setDiscount("off", 1.25)'))],
}


class Options(msgspec.Struct, frozen=True):
    """How long and how much at once."""

    rounds: int = 3
    seconds: float = 5.0
    clients: int = 16


class Outcome(msgspec.Struct, frozen=True):
    """Closings per second of each side by round, and how much of the budget was taken in all."""

    plain: tuple[float, ...]
    budgeted: tuple[float, ...]
    taken: Decimal

    @property
    def ratio(self) -> float:
        """The median of the ratios of paired rounds."""
        pairs = zip(self.budgeted, self.plain, strict=True)
        return statistics.median(budgeted / plain for budgeted, plain in pairs)


async def measure(options: Options, directory: Path) -> Outcome:
    """Runs both sides in turns over a database of their own."""
    async with open_database(Embedded(directory / "db")) as database:
        shop = Shop(database)
        await shop.refresh()
        sides = {
            PLAIN: await _application(shop, PLAIN, ()),
            BUDGETED: await _application(shop, BUDGETED, (LimitWish("setDiscount", AMOUNT_MAX),)),
        }
        numbers = count()
        rates: dict[str, list[float]] = {name: [] for name in sides}
        for _ in range(options.rounds):
            for name, application_id in sides.items():
                rates[name].append(await _rate(shop, application_id, options, numbers))
        return Outcome(tuple(rates[PLAIN]), tuple(rates[BUDGETED]), await _taken(database))


async def _application(shop: Shop, name: str, limits: tuple[LimitWish, ...]) -> int:
    now = datetime.now(UTC)
    fields = ApplicationFields(name=name, timezone="Europe/Amsterdam", currency="EUR")
    application = await create_application(shop, fields, now)
    campaign = await create_campaign(
        shop, application.id, CampaignFields(name=name, limits=limits), now
    )
    document = {"rules": [_RULE], "bindings": []}
    await create_ruleset(shop, application.id, campaign.id, document, True, now)
    return application.id


async def _rate(shop: Shop, application_id: int, options: Options, numbers: "count[int]") -> float:
    began = time.monotonic()
    closed = await asyncio.gather(
        *(
            _closes(shop, application_id, began + options.seconds, numbers)
            for _ in range(options.clients)
        )
    )
    return sum(closed) / (time.monotonic() - began)


async def _closes(shop: Shop, application_id: int, end: float, numbers: "count[int]") -> int:
    closed = 0
    while time.monotonic() < end:
        number = next(numbers)
        cart = (CartItem(sku="tea", quantity=2, price=Decimal("12.5")),)
        update = SessionUpdate(state="closed", profile_id=f"customer-{number}", cart_items=cart)
        command = SessionCommand(application_id, f"session-{number}", update)
        await update_session(shop, command, datetime.now(UTC), _answer)
        closed += 1
    return closed


def _answer(outcome: SessionOutcome, program: object) -> Reply:
    return Reply(200, b"{}")


async def _taken(database: Database) -> Decimal:
    taken: Decimal = await database.fetchval(
        "SELECT sum(granted) - (SELECT sum(remaining) FROM budget_slot) FROM budget"
    )
    return taken


def table(outcome: Outcome) -> str:
    """The medians as text."""
    return "\n".join(
        (
            f"{PLAIN:<20}{statistics.median(outcome.plain):>8.0f} closings/s",
            f"{BUDGETED:<20}{statistics.median(outcome.budgeted):>8.0f} closings/s",
            f"{'ratio':<20}{outcome.ratio:>8.2f}",
        )
    )


def options_of(arguments: Sequence[str]) -> tuple[Options, Path | None]:
    """What the command line says: options, and the file to write."""
    default = Options()
    parser = argparse.ArgumentParser(prog="bench.budgets", description=__doc__)
    parser.add_argument("--rounds", type=int, default=default.rounds)
    parser.add_argument("--seconds", type=float, default=default.seconds)
    parser.add_argument("--clients", type=int, default=default.clients)
    parser.add_argument("--json", type=Path)
    given = vars(parser.parse_args(arguments))
    file: Path | None = given.pop("json")
    return Options(**given), file


def main() -> None:
    run_bench(options_of, measure, table)


if __name__ == "__main__":
    main()
