"""Points of customers who are joined and taken apart: spendable together, and nobody's twice."""

from decimal import Decimal
from functools import partial
from uuid import UUID

from habitue.loyalty import decide
from habitue.loyalty.ledger import balances_of
from habitue.loyalty.program import LoyaltyProgram
from habitue.loyalty.settling import settled
from habitue.loyalty.terms import Terms
from habitue.store.database import Database
from habitue.usecases.shop import Shop
from tests.loyalty.points_machine import CAUSE, NOW
from tests.usecases.points_shop import act, add_customer, complaints, open_club, query_of, read

ADA, BEN = UUID(int=1), UUID(int=2)


async def merged(database: Database, survivor: int, victim: int) -> None:
    """The rows go where a merge takes them; what else a merge does is tried elsewhere."""
    await database.execute(
        "INSERT INTO card_root (customer_id, root_id, attributes, last_activity, since_change)"
        " SELECT $1, id, '{}', created, 0 FROM customer WHERE id IN ($1, $2)",
        survivor,
        victim,
    )
    await database.execute("SELECT move_card($1, $2, NULL)", victim, survivor)


async def parted(database: Database, survivor: int, victim: int) -> None:
    """And back."""
    await database.execute("SELECT move_card($1, $2, ARRAY[$2::bigint])", survivor, victim)


async def earn(shop: Shop, club: LoyaltyProgram, name: str, key: UUID, amount: int) -> None:
    terms = Terms(NOW)
    earned = partial(decide.earn, key=key, amount=Decimal(amount), terms=terms, cause=CAUSE)
    await act(shop, query_of(club, name), NOW, earned)


async def active(shop: Shop, club: LoyaltyProgram, name: str) -> int:
    return int(balances_of(await read(shop, query_of(club, name))).active)


async def test_points_are_one_while_customers_are(database: Database) -> None:
    shop, club = await open_club(database)
    ada, ben = await add_customer(database, "ada"), await add_customer(database, "ben")
    await earn(shop, club, "ada", ADA, 30)
    await earn(shop, club, "ben", BEN, 50)
    await merged(database, ada, ben)
    assert (await active(shop, club, "ada"), await active(shop, club, "ben")) == (80, 80)
    spend = partial(decide.deduct, key=UUID(int=3), amount=Decimal(40), cause=CAUSE)
    await act(shop, query_of(club, "ben"), NOW, spend)
    await earn(shop, club, "ben", UUID(int=4), 7)
    assert await active(shop, club, "ada") == 47
    assert await complaints(database) == []
    await parted(database, ada, ben)
    # the older lot, by its key, was spent first; what ben's name earned meanwhile is ben's
    assert (await active(shop, club, "ada"), await active(shop, club, "ben")) == (0, 47)
    assert await complaints(database) == []


async def test_what_one_owes_the_other_pays(database: Database) -> None:
    shop, club = await open_club(database, policy="unlimited")
    ada, ben = await add_customer(database, "ada"), await add_customer(database, "ben")
    await earn(shop, club, "ada", ADA, 30)
    spend = partial(decide.deduct, key=UUID(int=3), amount=Decimal(30), cause=CAUSE)
    await act(shop, query_of(club, "ada"), NOW, spend)
    back = partial(decide.take_back, key=UUID(int=4), lot_key=ADA, amount=Decimal(30), cause=CAUSE)
    await act(shop, query_of(club, "ada", ADA), NOW, back)
    told = balances_of(await read(shop, query_of(club, "ada")))
    assert (told.active, told.negative) == (Decimal(0), Decimal(30))
    await earn(shop, club, "ben", BEN, 50)
    await merged(database, ada, ben)
    told = balances_of(settled(await read(shop, query_of(club, "ada")), club, NOW))
    assert (told.active, told.negative) == (Decimal(20), Decimal(0))
    await earn(shop, club, "ada", UUID(int=5), 1)
    told = balances_of(await read(shop, query_of(club, "ada")))
    assert (told.active, told.negative) == (Decimal(21), Decimal(0))
    assert await complaints(database) == []
    await parted(database, ada, ben)
    assert await complaints(database) == []
    assert (await active(shop, club, "ada")) + (await active(shop, club, "ben")) == 21
