"""The ledger benchmark runs and counts; how fast it is is nobody's assertion."""

from pathlib import Path

import msgspec
from bench.ledger import (
    CEILING,
    HABITUE,
    HOT,
    PEER,
    SPREAD,
    USE_CASE,
    Options,
    Outcome,
    measure,
    options_of,
    table,
)

TINY = Options(1, 1, 0.3, connections=2, owners=20, workers=1, lots=(3, 30), reads=3)


async def test_a_second_of_it(tmp_path: Path) -> None:
    outcome = await measure(TINY, tmp_path)
    assert [(each.spread, each.name) for each in outcome.sides] == [
        *((HOT, name) for name in (HABITUE, PEER)),
        *((SPREAD, name) for name in (HABITUE, USE_CASE, CEILING, PEER)),
    ]
    for side in outcome.sides:
        (run,) = side.runs
        assert run.requests > 0
        assert 0 < run.p50_ms <= run.p99_ms
        assert run.postgres_us > 0
        assert (run.server_us > 0) == (side.name != PEER)
    assert [each.lots for each in outcome.readings] == [3, 30]
    assert len(table(outcome).splitlines()) == 1 + 6 + 2
    assert msgspec.json.decode(msgspec.json.encode(outcome), type=Outcome) == outcome


def test_the_command_line_says_how_much() -> None:
    options, file = options_of(["--rounds", "5", "--owners", "10", "--json", "out.json"])
    assert options == Options(rounds=5, owners=10)
    assert file == Path("out.json")
