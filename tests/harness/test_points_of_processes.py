"""64 processes that spend one balance at once: nothing is overspent, by not the smallest unit."""

import json
import subprocess
import sys
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from uuid import UUID

from habitue.loyalty import decide
from habitue.loyalty.ledger import balances_of
from habitue.loyalty.program import LoyaltyProgram
from habitue.loyalty.terms import Terms
from habitue.store.database import Database
from habitue.usecases.shop import Shop
from tests.harness.planted import plant
from tests.loyalty.points_machine import CAUSE
from tests.serving import ROOT
from tests.usecases.points_shop import act, add_customer, complaints, open_club, query_of, read

PROCESSES = 64
FAIR = {"spent": 40, "NotEnoughPoints": 24}


async def stocked(database: Database) -> tuple[Shop, LoyaltyProgram]:
    """A customer with 0.40 points in two lots."""
    shop, club = await open_club(database, tiers=())
    await add_customer(database, "ada")
    now = datetime.now(UTC)
    for number in (1, 2):
        earn = partial(decide.earn, key=UUID(int=number), amount=Decimal("0.20"), cause=CAUSE)
        await act(shop, query_of(club, "ada"), now, partial(earn, terms=Terms(now)))
    return shop, club


def race(database_url: str, club: LoyaltyProgram) -> dict[str, int]:
    """All processes at once, each of which spends 0.01."""
    arguments = [database_url, str(club.id), "ada", str(PROCESSES), "0.01"]
    command = [sys.executable, "-m", "tests.harness.points_spenders", *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, cwd=ROOT, check=True, timeout=240)
    told: dict[str, int] = json.loads(done.stdout)
    return told


async def test_one_balance_is_spent_once(database: Database, database_url: str) -> None:
    shop, club = await stocked(database)
    assert race(database_url, club) == FAIR
    told = balances_of(await read(shop, query_of(club, "ada"), datetime.now(UTC)))
    assert (told.active, told.spent) == (Decimal(0), Decimal("0.40"))
    assert await complaints(database) == []


async def test_without_guards_the_race_is_lost(database: Database, database_url: str) -> None:
    _, club = await stocked(database)
    await plant(database, "no version of the account")
    await plant(database, "no version of the account that spends")
    await plant(database, "no version where the account that spends is read")
    await plant(database, "no version of the customer")
    assert race(database_url, club) != FAIR
