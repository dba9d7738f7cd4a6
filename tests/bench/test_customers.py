"""The customer benchmark runs and counts; how fast it is is nobody's assertion."""

from pathlib import Path

import msgspec
from bench.customers import KINDS, PEER, Options, Outcome, measure, options_of, table
from bench.people_rows import Share

from bench import people, people_rows
from habitue.store.database import Database
from habitue.usecases.register_customer import register_customer
from habitue.usecases.writing import Reply
from tests.harness.card_judge import Rows, card_rows, violations_in

TINY = Options(rounds=1, seconds=1, warm_up=0.3, connections=2, customers=(40, 80), workers=(1,))
SIDES = ("habitue, workers: 1", "ceiling, workers: 1", PEER)


async def test_a_second_of_it(tmp_path: Path) -> None:
    outcome = await measure(TINY, tmp_path)
    assert [(each.customers, each.kind, each.name) for each in outcome.sides] == [
        (size, kind, name) for size in (40, 80) for kind in KINDS for name in SIDES
    ]
    for each in outcome.sides:
        (run,) = each.runs
        assert run.requests > 0
        assert 0 < run.p50_ms <= run.p99_ms
        assert run.postgres_us > 0
        assert (run.server_us > 0) == (each.name != PEER)
    assert outcome.request_bytes["registration"] > 900
    assert len(table(outcome).splitlines()) == 2 + 2 + 2 + 1 + 12
    for settlings in outcome.settling.values():
        (settling,) = settlings
        assert settling.registrations > 0
        assert settling.log_mb > 0
    assert msgspec.json.decode(msgspec.json.encode(outcome), type=Outcome) == outcome


async def test_what_is_filled_is_what_a_registration_leaves(database: Database) -> None:
    shop = await people_rows.build_shop(database)
    await people_rows.fill(database, people_rows.write_of_mark(shop), Share(7, 1), served=True)
    filled = await card_rows(database)
    assert violations_in(filled) == []
    for table_ in people_rows.TABLES:
        await database.execute(f"DELETE FROM {table_}")
    await database.fetchval(f"SELECT setval('customer_id', {people_rows.FIRST_ID + 6})")
    await register_customer(
        shop,
        people_rows.registration_of(shop, people.text_of(7)),
        people_rows.NOW,
        lambda written: Reply(200, b"{}"),
    )
    registered = await card_rows(database)
    assert _comparable(registered) == _comparable(filled)


def _comparable(rows: Rows) -> Rows:
    """Rows in one order, without the numbers of changes."""
    told = {
        table_: [{**each, "id": 0} if table_ == "customer_change" else each for each in listed]
        for table_, listed in rows.items()
    }
    return {table_: sorted(listed, key=str) for table_, listed in told.items()}


def test_the_command_line_says_how_much() -> None:
    options, file = options_of(["--rounds", "5", "--customers", "100", "--json", "out.json"])
    assert options == Options(rounds=5, customers=[100])
    assert file == Path("out.json")
