"""Points that many customers spend at once: one statement, and to each its own outcome."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from itertools import pairwise
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest

from habitue.loyalty import decide
from habitue.loyalty.booking import Booking
from habitue.loyalty.ledger import Cause
from habitue.loyalty.program import LoyaltyProgram
from habitue.loyalty.terms import Terms
from habitue.model.errors import KeyReused
from habitue.model.idempotency import Idempotency
from habitue.store import loyalty, loyalty_spending
from habitue.store.database import Database, open_database
from habitue.store.failures import AlreadyExists, GuardFailed
from habitue.store.location import External
from habitue.store.loyalty import PointsQuery
from habitue.store.loyalty_spending import SPENDABLE_MAX, Spending
from habitue.usecases.adjust_points import Adjustment, deduct_points
from habitue.usecases.points_earned import calm_state
from habitue.usecases.points_state import points_state
from habitue.usecases.redeem_points import RedemptionExists, redeem_points, reference_key
from habitue.usecases.shop import Shop
from tests.harness.planted import plant
from tests.loyalty.points_machine import CAUSE, NOW
from tests.usecases.points_shop import act, add_customer, complaints, open_club, points_rows
from tests.usecases.points_shop import query_of as query_of_name

TYPES = (
    *("bigint", "bigint", "bigint", "timestamptz", "bigint", "text", "bigint", "jsonb"),
    *("timestamptz", "timestamptz", "numeric", "uuid", "numeric", "jsonb", "jsonb"),
)
LOADED: Sequence[list[Any]] = (
    *([UUID(int=1)], [None], [1], [""], [None], [NOW], [True], [None], [NOW]),
)
LOT = UUID(int=1)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A database of this test's own, whose readings and spendings travel on one lane."""
    async with open_database(External(database_url), lanes_max=1) as opened:
        yield opened


def earns(*terms: Terms, amount: int = 20) -> Callable[[Booking], None]:
    """One lot for each of those terms."""

    def earn(booking: Booking) -> None:
        for number, each in enumerate(terms, 1):
            decide.earn(booking, UUID(int=number), Decimal(amount), each, CAUSE)

    return earn


async def stocked(shop: Shop, club: LoyaltyProgram, *names: str) -> list[int]:
    """Customers with a lot of 20 points each."""
    ids = []
    for name in names:
        ids.append(await add_customer(shop.database, name))
        await act(shop, query_of_name(club, name), NOW, earns(Terms(NOW)))
    return ids


async def take(
    shop: Shop, club: LoyaltyProgram, name: str, points: int, request: Idempotency | None = None
) -> int:
    taken = Adjustment(uuid4(), Decimal(points), "", Cause(actor="the tests"))
    query = query_of_name(club, name)
    return (await deduct_points(shop, query, name, taken, NOW, request)).status


def spending(club: LoyaltyProgram, customer_id: int, **fields: Any) -> Spending:
    """A point out of the first lot of a customer who has 20."""
    first = Spending(
        customer_id=customer_id,
        customer_version=1,
        root_id=customer_id,
        booked=NOW,
        program_id=club.id,
        subledger="",
        version=1,
        tier=None,
        moment=NOW,
        next_change=None,
        active=Decimal(19),
        key=UUID(int=1_000 + customer_id),
        amount=Decimal(1),
        parts=b'[{"lot":"%s","amount":"1"}]' % str(LOT).encode(),
        cause=b'{"actor":"the tests"}',
    )
    return msgspec.structs.replace(first, **fields)


async def outcomes(*works: Any) -> list[str]:
    """What becomes of each, all of them at once."""
    told = await asyncio.gather(*works, return_exceptions=True)
    return [type(each).__name__ if isinstance(each, Exception) else str(each) for each in told]


async def commits(database: Database) -> int:
    """How many transactions of the database points were spent in."""
    query = "SELECT count(DISTINCT xmin::text) FROM loyalty_posting WHERE place = 'spent'"
    return int(await database.fetchval(query))


async def test_customers_spend_together_and_each_its_own(database: Database) -> None:
    shop, club = await open_club(database, tiers=())
    names = [f"customer {number}" for number in range(12)]
    ids = await stocked(shop, club, *names)
    wanted = [*[5] * 10, 20, 21]
    told = await outcomes(*map(partial(take, shop, club), names, wanted))
    assert told == [*["204"] * 11, "NotEnoughPoints"]
    assert await commits(database) == 1
    rows = await database.fetch(
        "SELECT customer_id, version, open, spent, active FROM loyalty_account ORDER BY 1"
    )
    assert [tuple(map(int, row)) for row in rows] == [
        *((id_, 2, 15, 5, 15) for id_ in ids[:10]),
        (ids[10], 2, 0, 20, 0),
        (ids[11], 1, 20, 0, 20),
    ]
    left = await database.fetch("SELECT remaining FROM loyalty_lot ORDER BY customer_id")
    assert [int(row["remaining"]) for row in left] == [*[15] * 10, 0, 20]
    assert await complaints(database) == []


async def test_redemptions_travel_too_and_none_is_made_twice(database: Database) -> None:
    shop, club = await open_club(database, tiers=())
    ids = await stocked(shop, club, "ada", "ben", "eve")

    async def redeem(id_: int, reference: str, points: int) -> Decimal:
        key = reference_key(id_, reference)
        cause = Cause(session_key=reference)
        told = await redeem_points(shop, id_, club.id, key, Decimal(points), cause, NOW)
        return told.balance

    assert await outcomes(*(redeem(id_, "bill 1", 6) for id_ in ids)) == ["14"] * 3
    assert await commits(database) == 1
    before = await points_rows(database)
    again = [redeem(ids[0], "bill 1", 6), redeem(ids[1], "bill 2", 15)]
    assert await outcomes(*again) == [RedemptionExists.__name__, "NotEnoughPoints"]
    assert await points_rows(database) == before
    # the same bill twice at once, and what is left for one of two
    told = await outcomes(redeem(ids[0], "bill 3", 5), redeem(ids[0], "bill 3", 5))
    assert sorted(told) == ["9", RedemptionExists.__name__]
    told = await outcomes(redeem(ids[1], "bill 4", 8), redeem(ids[1], "bill 5", 8))
    assert sorted(told) == ["6", "NotEnoughPoints"]
    assert await complaints(database) == []


async def test_whoever_has_moved_is_told_alone(database: Database) -> None:
    shop, club = await open_club(database, tiers=())
    ids = await stocked(shop, club, *(f"customer {number}" for number in range(4)))
    await database.execute("UPDATE customer SET joined = true WHERE id = $1", ids[3])
    wanted = [
        spending(club, ids[0]),
        spending(club, ids[0], key=UUID(int=7)),
        spending(club, ids[1], customer_version=2),
        spending(club, ids[2], version=2),
        spending(club, ids[3]),
    ]
    told = await outcomes(*(loyalty_spending.spend(database, each) for each in wanted))
    assert sorted(told[:2]) == ["GuardFailed", "None"]
    assert told[2:] == ["GuardFailed"] * 3
    assert await database.fetchval("SELECT sum(open) FROM loyalty_account") == 79
    assert await database.fetchval("SELECT sum(remaining) FROM loyalty_lot") == 79
    assert await complaints(database) == []


async def test_answers_are_stored_with_the_points_they_are_of(database: Database) -> None:
    shop, club = await open_club(database, tiers=())
    names = [f"customer {number}" for number in range(3)]
    await stocked(shop, club, *names)

    async def ask(name: str, key: int, sent: bytes = b"a request") -> int:
        return await take(shop, club, name, 3, Idempotency(UUID(int=key).bytes, sent))

    assert await outcomes(*map(ask, names, (1, 2, 3))) == ["204"] * 3
    assert await commits(database) == 1
    again = [ask(names[0], 1), ask(names[1], 2, b"another"), ask(names[2], 9)]
    assert await outcomes(*again) == ["204", KeyReused.__name__, "204"]
    rows = await database.fetch("SELECT spent FROM loyalty_account ORDER BY customer_id")
    assert [int(row["spent"]) for row in rows] == [3, 3, 6]
    assert await complaints(database) == []


async def second_of_two(database: Database, url: str, club: LoyaltyProgram, id_: int) -> str:
    """What becomes of who spends upon what another has read, too, and has not yet committed."""

    async def spend(other: Database, begun: asyncio.Event) -> None:
        async with other.transaction() as connection:
            await connection.fetchval("SELECT 1")
            begun.set()
            await loyalty_spending.spend(connection, spending(club, id_, key=UUID(int=7)))

    async with open_database(External(url), lock_wait_seconds=20) as other:
        begun = asyncio.Event()
        async with database.transaction() as connection:
            await loyalty_spending.spend(connection, spending(club, id_))
            late = asyncio.create_task(spend(other, begun))
            await begun.wait()
            await asyncio.sleep(0.2)
            assert not late.done()
        (told,) = await outcomes(late)
        return told


async def test_the_second_of_two_is_refused(database: Database, database_url: str) -> None:
    shop, club = await open_club(database, tiers=())
    (id_,) = await stocked(shop, club, "ada")
    told = await second_of_two(database, database_url, club, id_)
    assert told == GuardFailed.__name__
    assert await database.fetchval("SELECT spent FROM loyalty_account") == 1
    assert await complaints(database) == []


async def test_without_its_guard_the_second_is_not_seen(
    database: Database, database_url: str
) -> None:
    shop, club = await open_club(database, tiers=())
    ada, ben = await stocked(shop, club, "ada", "ben")
    await plant(database, "no version of the account that spends")
    # two links after one: what keeps a chain from having them is the last guard
    told = await second_of_two(database, database_url, club, ada)
    assert told == AlreadyExists.__name__
    await database.execute("DROP INDEX loyalty_transaction_sequence")
    assert await second_of_two(database, database_url, club, ben) == "None"
    assert await complaints(database) != []
    await plant(database, "no version of the customer who spends")
    gone = spending(club, ada, customer_version=9, version=2, key=UUID(int=8))
    assert await outcomes(loyalty_spending.spend(database, gone)) == ["None"]


@pytest.mark.parametrize("tiers", [True, False])
async def test_what_is_read_of_a_calm_ledger_is_what_there_is(
    database: Database, tiers: bool
) -> None:
    shop, club = await open_club(database, **({} if tiers else {"tiers": ()}))
    later, much_later = NOW + timedelta(hours=30), NOW + timedelta(hours=70)
    many = [Terms(NOW, later + timedelta(hours=number)) for number in range(SPENDABLE_MAX + 3)]
    cases: dict[str, Callable[[Booking], None]] = {
        "nothing": lambda booking: None,
        "a lot": earns(Terms(NOW)),
        "some that end": earns(Terms(NOW), Terms(NOW, later), Terms(NOW, much_later)),
        "one that starts": earns(Terms(NOW, much_later), Terms(later)),
        "one that waits and ends": earns(Terms(None, later), Terms(NOW, much_later)),
        "as many as are read": earns(*many[:SPENDABLE_MAX]),
        "more than are read": earns(*many),
    }
    for name, action in cases.items():
        id_ = await add_customer(database, name)
        await act(shop, query_of_name(club, name), NOW, action)
        now = NOW + timedelta(hours=1)
        by_name = query_of_name(club, name)
        by_id = PointsQuery(None, id_, club.id, "", fresh=UUID(int=77))
        for query in (by_name, by_id):
            row = await loyalty_spending.load_spendable(database, query, now, attributed=True)
            assert row is not None
            full = points_state(await loyalty.load(database, query, now, SPENDABLE_MAX), club, now)
            assert full is not None
            assert msgspec.structs.replace(calm_state(row, club, "", now), postings=[]) == full


async def test_what_is_not_calm_is_read_in_full(database: Database) -> None:
    shop, club = await open_club(database, tiers=())
    ends = NOW + timedelta(hours=2)

    async def is_calm(query: PointsQuery, now: datetime = NOW) -> bool:
        row = await loyalty_spending.load_spendable(database, query, now, attributed=False)
        return row is not None

    ada, _, _ = await stocked(shop, club, "ada", "ben", "eve")
    await database.execute("UPDATE customer SET joined = true WHERE id <> $1", ada)
    by_name = query_of_name(club, "ada")
    assert await is_calm(by_name)
    assert await is_calm(PointsQuery(None, ada, club.id, "", fresh=UUID(int=2)))
    assert not await is_calm(PointsQuery(None, ada, club.id, "", fresh=LOT))
    assert not await is_calm(query_of_name(club, "ben"))
    assert not await is_calm(query_of_name(club, "nobody"))
    more = partial(decide.earn, key=UUID(int=3), amount=Decimal(1), cause=CAUSE)
    await act(shop, by_name, NOW, partial(more, terms=Terms(NOW, ends)))
    assert (await is_calm(by_name), await is_calm(by_name, ends)) == (True, False)
    held = partial(decide.hold, key=UUID(int=4), amount=Decimal(1), expires=None, cause=CAUSE)
    await act(shop, by_name, NOW, held)
    assert not await is_calm(by_name)


async def test_everything_is_found_by_keys(database: Database) -> None:
    async with database.transaction() as connection:
        for setting in ("seqscan", "hashjoin", "mergejoin"):
            await connection.execute(f"SET LOCAL enable_{setting} = off")
        await connection.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        load = await connection.fetch(f"EXPLAIN {loyalty_spending.LOAD_SPENDABLE}", *LOADED)
        source: str = await connection.fetchval(
            "SELECT prosrc FROM pg_proc WHERE proname = 'spend_points'"
        )
        arguments = await connection.fetchval(
            "SELECT proargnames::text[] FROM pg_proc WHERE proname = 'spend_points'"
        )
        body = source.split("RETURN QUERY")[1].rsplit(";\nEND", 1)[0]
        for number, (name, type_) in enumerate(zip(arguments, TYPES, strict=True), 1):
            body = re.sub(rf"\b{name}\b", f"${number}::{type_}[]", body)
        save = await connection.fetch(f"EXPLAIN {body}", *([] for _ in TYPES))
    for plan in (load, save):
        lines = [row[0] for row in plan]
        read = [
            (line, behind)
            for line, behind in pairwise([*lines, ""])
            if re.search(r"Scan .*\bon (claim|customer|loyalty_\w+)\b", line)
        ]
        assert len(read) >= 3
        assert [each for each in read if "Cond:" not in each[1]] == []


async def test_one_plan_serves_all(database: Database) -> None:
    query = loyalty_spending.LOAD_SPENDABLE
    async with database.transaction() as connection:
        for size in (1, 2, 8, 1, 3, 1, 5, 1, 1, 1):
            await connection.fetch(query, *(each * size for each in LOADED))
        counts = await connection.fetchrow(
            "SELECT generic_plans, custom_plans FROM pg_prepared_statements WHERE statement = $1",
            query,
        )
    assert counts is not None
    # The server tries five plans before it decides.
    assert (counts["generic_plans"], counts["custom_plans"]) == (5, 5)
