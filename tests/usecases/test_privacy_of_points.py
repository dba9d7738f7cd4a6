"""Points of a person who asks what is held, and who is erased: told in full, kept in the books."""

import json
from decimal import Decimal
from functools import partial
from uuid import UUID

from habitue.customers.card import Actor
from habitue.loyalty import decide
from habitue.loyalty.terms import Terms
from habitue.store.database import Database
from habitue.usecases.erase_customer import erase_card
from habitue.usecases.export_customer import export_customer
from tests.loyalty.points_machine import CAUSE, NOW
from tests.usecases.points_shop import act, add_customer, complaints, open_club, query_of

KEY = UUID(int=1)


async def test_points_are_exported_and_survive_erasure_without_their_reasons(
    database: Database,
) -> None:
    shop, club = await open_club(database)
    ada = await add_customer(database, "ada")
    earn = partial(decide.earn, key=KEY, amount=Decimal(30), terms=Terms(NOW), cause=CAUSE)
    await act(shop, query_of(club, "ada"), NOW, earn)
    held = json.loads(await export_customer(shop, ada))
    assert [each["open"] for each in held["points"]] == [30]
    (booked,) = held["points_transactions"]
    assert (booked["key"], booked["amount"], booked["cause"]["name"]) == (str(KEY), 30, "a reason")

    await erase_card(shop, ada, Actor(), NOW)
    rows = await database.fetch("SELECT customer_id, amount, cause FROM loyalty_transaction")
    (row,) = rows
    assert (row["customer_id"], row["amount"]) == (ada, 30)
    assert "name" not in json.loads(row["cause"])
    account = await database.fetchrow("SELECT open FROM loyalty_account")
    assert account is not None
    assert account["open"] == 30
    assert await complaints(database) == []
