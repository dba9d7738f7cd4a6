"""`habitue verify`, as a person runs it: books that add up, and books that do not."""

from decimal import Decimal
from functools import partial
from uuid import UUID

from habitue.loyalty import decide
from habitue.loyalty.terms import Terms
from habitue.store.database import Database
from tests.edges.cli.test_database_commands import habitue
from tests.loyalty.points_machine import CAUSE, NOW
from tests.usecases.points_shop import act, add_customer, open_club, query_of


async def test_books_that_add_up_and_books_that_do_not(
    database: Database, database_url: str
) -> None:
    shop, club = await open_club(database)
    await add_customer(database, "ada")
    query = query_of(club, "ada")
    earn = partial(decide.earn, key=UUID(int=1), amount=Decimal("10.50"), terms=Terms(NOW))
    await act(shop, query, NOW, partial(earn, cause=CAUSE))
    spend = partial(decide.deduct, key=UUID(int=2), amount=Decimal(4), cause=CAUSE)
    await act(shop, query, NOW, spend)
    done = habitue("verify", "--database-url", database_url)
    assert (done.returncode, done.stderr) == (0, "")
    figures = "spent 4 + expired 0 + voided 0 + held 0 + open 6.5 + debt 0"
    assert done.stdout.splitlines() == [
        f"program {club.id}: issued 10.5 = {figures}",
        "everything adds up",
    ]
    early = habitue("verify", "--before", "2026-06-15T12:00:00Z", "--database-url", database_url)
    assert early.stdout.splitlines() == ["everything adds up"]
    await database.execute("UPDATE loyalty_account SET spent = 3")
    done = habitue("verify", "--database-url", database_url)
    assert done.returncode == 1
    (row,) = await database.fetch("SELECT customer_id FROM loyalty_account")
    place = f"{club.id}//{row['customer_id']}"
    assert done.stderr.splitlines() == [
        f"customer {row['customer_id']}: balances differ from the postings: {place}"
    ]
    assert "everything adds up" not in done.stdout
