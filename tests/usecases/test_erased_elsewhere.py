"""Whoever is erased is named nowhere: not in what friends did, and not in the log of requests."""

import json
from typing import Any
from uuid import UUID

import msgspec
import pytest

from habitue.model.idempotency import Idempotency
from habitue.promotions.effects import AwardGiveaway, CouponCreated
from habitue.store import access_log
from habitue.store.access_log import AccessRow
from habitue.store.database import Database
from habitue.usecases.access_log import purge_access_log
from habitue.usecases.erase_customer import erase_customer
from tests.building import NOW, Till, item, outcomes, rule
from tests.harness.card_jobs import merge, unmerge
from tests.harness.judge import violations
from tests.usecases.test_issuing import ALL, pool, refer
from tests.usecases.test_merges import id_of

ADVOCATE = 'm/ü"secret'


async def everything(database: Database) -> dict[str, str]:
    """All rows of all tables as text."""
    tables = await database.fetch(
        "SELECT relname FROM pg_class WHERE relkind = 'r' "
        "AND relnamespace = current_schema()::regnamespace"
    )
    found = {}
    for (table,) in tables:
        rows = await database.fetch(f'SELECT to_jsonb(each)::text FROM "{table}" AS each')
        found[table] = "\n".join(row[0] for row in rows)
    return found


async def naming(database: Database) -> list[str]:
    """The tables in which the advocate is named."""
    texts = await everything(database)
    return sorted(table for table, text in texts.items() if "secret" in text)


async def a_friend_buys(till: Till, session_id: str, code: str, **fields: Any) -> None:
    key = Idempotency(session_id.encode().rjust(16), b"h" * 32)
    cart = [item("tea", 50)]
    outcome = await till.put(
        session_id,
        profile_id="paul",
        referral_code=code,
        cart_items=cart,
        idempotency=key,
        **fields,
    )
    given = outcomes(outcome.decision.effects)
    assert {type(each) for each in given} >= {CouponCreated}


@pytest.fixture
async def code(till: Till) -> str:
    """The referral code of an advocate who gets a giveaway and a coupon for each friend."""
    vouchers = await pool(till, "KEY-1", "KEY-2")
    target = await till.campaign(name="target")
    both = rule(
        "referralValid()",
        f'awardGiveaway({vouchers.id}, "Advocate")',
        f"createCoupon({target.id}, advocate.integration_id)",
        'setDiscount("5 off", 5)',
    )
    await till.put("of-advocate", profile_id=ADVOCATE, cart_items=[item("tea", 1)])
    made = await refer(till, await till.campaign(both, features=ALL), ADVOCATE)
    return made.code


async def test_friends_do_not_name_who_is_erased(till: Till, code: str) -> None:
    database = till.shop.database
    await a_friend_buys(till, "s2", code)
    await a_friend_buys(till, "s1", code, state="closed")
    given = outcomes((await till.read("s1")).effects)
    assert {each.profile_id for each in given if isinstance(each, AwardGiveaway)} == {ADVOCATE}
    # joining and parting moves the friend's records to another customer and back
    await till.put("of-berta", profile_id="berta", cart_items=[item("tea", 1)])
    berta, paul = await id_of(till, "berta"), await id_of(till, "paul")
    await merge(till, berta, paul)
    body = json.dumps({"effects": [{"recipient": ADVOCATE, "kept": "m/"}]}, ensure_ascii=False)
    await database.execute("UPDATE receipt SET answer = $1", body.encode())
    await database.execute(
        "INSERT INTO outbox (customer_id, message_id, destination, destination_id, document, "
        "created, due, request, response) "
        "VALUES ($1, gen_random_uuid(), 'webhook', 1, $2, $3, $3, $4, $4)",
        berta,
        body.encode(),
        NOW,
        body,
    )
    assert {"session", "session_event", "outbox"} <= set(await naming(database))
    await erase_customer(till.shop, till.application.id, ADVOCATE, NOW)
    assert await naming(database) == ["log_erasure"]
    session = await till.read("s1")
    given = outcomes(session.effects)
    assert [each.profile_id for each in given if isinstance(each, AwardGiveaway)] == [""]
    assert [each.profile_id for each in given if isinstance(each, CouponCreated)] == [""]
    assert session.totals.total == 50
    nameless = {"effects": [{"recipient": "", "kept": "m/"}]}
    answers = await database.fetch("SELECT answer FROM receipt")
    assert [json.loads(row["answer"]) for row in answers] == [nameless] * 2
    (sent,) = await database.fetch("SELECT document, request, response FROM outbox")
    assert [json.loads(each) for each in sent] == [nameless] * 3
    assert await violations(database) == []
    await unmerge(till, paul)
    assert await naming(database) == ["log_erasure"]
    await till.put("s1", state="cancelled")
    assert await violations(database) == []


async def test_the_log_of_requests_forgets_who_is_erased(till: Till, code: str) -> None:
    database = till.shop.database
    path = "m%2F%c3%BC%22secret"
    bodies: list[tuple[str, bytes, bytes]] = [
        (f"/v2/customer_profiles/{path}?dry=false", b"{}", b"{}"),
        ("/v2/customer_sessions/s9", json.dumps({"profileId": ADVOCATE}).encode(), b"{}"),
        ("/v2/customer_sessions/s9", b"{}", ('{"profileId":"m/ü\\"secret"}').encode()),
        ("/v2/customer_sessions/of-advocate", b'{"note":"secret"}', b"{}"),
        ("/v2/customer_sessions/of-advocate2", b'{"note":"kept"}', b"{}"),
        ("/v2/customer_profiles/m%2F", b'{"profileId":"m/"}', b"\xff\x00kept"),
    ]
    rows = [
        AccessRow(till.application.id, UUID(int=number), NOW, "PUT", uri, 200, request, response)
        for number, (uri, request, response) in enumerate(bodies)
    ]
    await access_log.add(database, rows[:4])
    await access_log.add(database, rows[4:])
    await erase_customer(till.shop, till.application.id, ADVOCATE, NOW)
    left = await database.fetch("SELECT uri, request, response FROM access_log ORDER BY id")
    assert [tuple(row) for row in left] == [("", b"", b"")] * 4 + bodies[4:]
    # what a process had not written yet is found later, and then the name is forgotten as well
    await database.execute("UPDATE access_log SET uri = '/v2/x', request = '\\x00'")
    await access_log.add(database, [msgspec.structs.replace(rows[0], id=UUID(int=99))])
    await purge_access_log(database, NOW)
    assert (await database.fetchval("SELECT uri FROM access_log WHERE id = $1", UUID(int=99))) == ""
    assert await naming(database) == ["log_erasure"]
    await database.execute("UPDATE log_erasure SET at = at - interval '6 minutes'")
    await purge_access_log(database, NOW)
    assert await naming(database) == []
