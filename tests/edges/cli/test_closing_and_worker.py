"""`habitue closing` and `habitue worker` as a person runs them, and a server without jobs."""

import os
import signal
import subprocess
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from uuid import UUID

from habitue.loyalty import decide
from habitue.loyalty.program import LoyaltyProgram
from habitue.loyalty.terms import Terms
from habitue.store.database import Database
from tests.edges.cli.test_database_commands import habitue
from tests.loyalty.points_machine import CAUSE
from tests.serving import COMMAND, MANAGEMENT_KEY, ROOT, make_management_key, serving
from tests.usecases.points_shop import act, add_customer, open_club, query_of

YESTERDAY = datetime.now(UTC) - timedelta(days=1)
CLOSINGS = "SELECT count(*) FROM loyalty_closing"


async def earned_yesterday(database: Database) -> LoyaltyProgram:
    shop, club = await open_club(database, tiers=())
    await add_customer(database, "ada")
    earn = partial(decide.earn, key=UUID(int=1), amount=Decimal(5), cause=CAUSE)
    terms = Terms(YESTERDAY, YESTERDAY + timedelta(hours=1))
    await act(shop, query_of(club, "ada"), YESTERDAY, partial(earn, terms=terms))
    return club


async def test_closings_are_told(database: Database, database_url: str) -> None:
    club = await earned_yesterday(database)
    done = habitue("closing", "--days", "1", "--database-url", database_url)
    assert (done.returncode, done.stderr) == (0, "")
    day = datetime.now(UTC).date() - timedelta(days=1)
    assert done.stdout.startswith(f"program {club.id}, {day}: issued 5 = spent 0 + expired ")
    await make_management_key(database_url)
    with serving(database_url, ["--no-jobs"]) as front:
        told = front.manage("GET", f"/v1/loyalty_programs/{club.id}/closings?startDay={day}")
        assert [(each["day"], each["issued"]) for each in told["data"]] == [(str(day), 5)]
        path = f"/v1/loyalty_programs/{club.id}/closings?startDay=no-day"
        key = {"authorization": f"ManagementKey-v1 {MANAGEMENT_KEY}"}
        assert front.send("GET", path, None, key).status == 400


async def test_a_worker_does_what_is_due(database: Database, database_url: str) -> None:
    await earned_yesterday(database)
    for _ in range(2):
        done = habitue("worker", "--once", "--database-url", database_url)
        assert (done.returncode, done.stdout) == (0, "")
    assert await database.fetchval(CLOSINGS) == 1
    expired = "SELECT count(*) FROM loyalty_transaction WHERE kind = 'expire'"
    assert await database.fetchval(expired) == 1


def test_a_worker_works_until_it_is_told_to_stop(database_url: str) -> None:
    environment = {**os.environ, "HABITUE_DATABASE_URL": database_url}
    worker = subprocess.Popen(
        [*COMMAND, "worker"], stdout=subprocess.PIPE, text=True, env=environment, cwd=ROOT
    )
    assert worker.stdout is not None
    assert worker.stdout.readline() == "habitue works\n"
    worker.send_signal(signal.SIGTERM)
    worker.communicate(timeout=30)
    assert worker.returncode == 0
