"""Sessions that are read together: each gets what it would get by itself."""

import asyncio
from decimal import Decimal
from uuid import UUID

import msgspec
import pytest

from habitue.customers.claims import profile_key, session_key
from habitue.model.documents import decoder_of, encode
from habitue.store import sessions
from habitue.store.codecs import array_literal
from habitue.store.database import Database
from habitue.store.sessions import SessionQuery, SessionRow
from habitue.usecases.configure.limits import LimitWish
from tests.building import NOW, Till, item, rule

CODES = ("SALE-0", "SALE-1", "SALE-2", "SALE-3", "SALE-4")
#: Codes that nobody has, though a request may name them.
ODD = ('S"A', "S\\B", "S{C}", "S,D ", "NULL")

decode = decoder_of(list[dict[str, object]]).decode


@pytest.fixture
async def asked(till: Till) -> list[SessionQuery]:
    """Of sessions that are open, closed, new or nobody's, with and without codes."""
    campaign = await till.campaign(rule("couponValid()", 'setDiscount("5 off", 5)'))
    for code in CODES:
        await till.coupon(campaign, code)
    for number, code in enumerate(CODES):
        person, cart = f"p{number % 2}", [item("a", 10)]
        await till.put(f"s{number}", profile_id=person, cart_items=cart, coupon_codes=[code])
    await till.put("s0", state="closed")
    await till.put("anonymous", cart_items=[item("b", 1)])
    keys = [*(f"s{number}" for number in range(len(CODES))), "anonymous", "unknown"]
    shown: list[tuple[str, ...] | None] = [None, (), CODES[:1], (*CODES, *ODD)]
    return [
        SessionQuery(
            session_key(till.application.id, key),
            till.application.id,
            profile_key(person, sandbox=False) if person else None,
            detach,
            codes,
            UUID(int=1) if codes else None,
            NOW,
        )
        for key in keys
        for person, detach in ((None, False), (None, True), ("p1", False), ("stranger", False))
        for codes in shown
    ]


def settled(row: SessionRow) -> SessionRow:
    """The same without ids that nothing has yet."""
    owner_id = 0 if row.owner is None else row.owner_id
    session_id = 0 if row.session_document is None else row.session_id
    return msgspec.structs.replace(row, event_id=0, owner_id=owner_id, session_id=session_id)


async def test_each_reads_what_it_would_read_alone(till: Till, asked: list[SessionQuery]) -> None:
    database = till.shop.database
    alone = [await sessions.load(database, query) for query in asked]
    together = await asyncio.gather(*(sessions.load(database, query) for query in asked))
    assert len(asked) == 112
    assert [settled(row) for row in together] == [settled(row) for row in alone]
    assert len({row.event_id for row in (*alone, *together)}) == 224
    assert sum(row.coupons is not None for row in alone) == 76
    assert sum(row.redemptions is not None for row in alone) == 10


async def test_each_is_told_of_the_budgets_that_it_asks_about(
    till: Till, asked: list[SessionQuery]
) -> None:
    taken = []
    for number, limit in enumerate((Decimal(50), Decimal(60))):
        off = rule("session.total > 7", f'setDiscount("off", {number + 2})')
        campaign = await till.campaign(
            off, name=f"budget {number}", limits=(LimitWish("setDiscount", limit),)
        )
        taken.append(campaign.id)
    await till.put("taking", cart_items=[item("a", 10)], state="closed")
    names = [encode([{"campaign_id": id_, "name": "setDiscount/"}]) for id_ in (*taken, 0)]
    queries = [
        msgspec.structs.replace(query, budgets=(*names, None)[number % 4])
        for number, query in enumerate(asked[:24])
    ]
    together = await asyncio.gather(*(sessions.load(till.shop.database, each) for each in queries))
    counted = [row.budgets and [each["amount"] for each in decode(row.budgets)] for row in together]
    assert counted == [[2], [3], [], None] * 6
    alone = await sessions.load(till.shop.database, queries[1])
    assert alone.budgets == together[1].budgets


async def test_one_plan_looks_everybody_up_by_keys(
    database: Database, till: Till, asked: list[SessionQuery]
) -> None:
    several = sessions.FOR_SEVERAL
    assert several.query is not None
    arguments = several.join([msgspec.structs.astuple(query) for query in asked])
    async with database.transaction() as connection:
        await connection.execute("SET LOCAL enable_seqscan = off")
        await connection.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        rows = await connection.fetch(f"EXPLAIN {several.query}", *arguments)
    plan = "\n".join(row[0] for row in rows)
    for table in ("claim", "session", "customer", "receipt", "coupon", "redemption"):
        assert f"Seq Scan on {table}" not in plan, plan
    assert plan.count("Hash Join") == plan.count("Merge Join") == 0


async def test_a_plan_of_small_tables_is_by_keys_where_it_is_kept(
    till: Till, asked: list[SessionQuery]
) -> None:
    database = till.shop.database
    await database.execute("ANALYZE claim, session, customer")
    explain, arguments = f"EXPLAIN {sessions.LOAD}", msgspec.structs.astuple(asked[0])
    chosen = await database.fetch(explain, *arguments)
    kept = await database.fetch_together(explain, *arguments)
    assert any("Seq Scan on" in row[0] and "configuration" not in row[0] for row in chosen)
    assert [row[0] for row in kept if "Seq Scan on" in row[0]] == [
        row[0] for row in kept if "Seq Scan on configuration" in row[0]
    ]


@pytest.mark.parametrize("texts", [(), ("",), ODD, ("\\", '"', "ü😀", "a\nb")])
async def test_arrays_of_texts_are_written_as_the_database_reads_them(
    database: Database, texts: tuple[str, ...]
) -> None:
    read = await database.fetchval("SELECT $1::text::text[]", array_literal(texts))
    assert tuple(read) == texts
