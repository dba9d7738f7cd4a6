"""The session benchmark runs and counts; how fast it is is nobody's assertion."""

from pathlib import Path

import msgspec
from bench.sessions import PEER, Options, Outcome, measure, options_of, table

TINY = Options(rounds=1, seconds=1, warm_up=0.3, connections=2, campaigns=8, workers=(1,))


async def test_a_second_of_it(tmp_path: Path) -> None:
    outcome = await measure(TINY, tmp_path)
    assert list(outcome.runs) == ["habitue, workers: 1", "ceiling, workers: 1", PEER]
    for runs in outcome.runs.values():
        (run,) = runs
        assert run.requests > 0
        assert 0 < run.p50_ms <= run.p99_ms
        assert run.postgres_us > 0
        assert run.log_kb > 0
    assert outcome.request_bytes > 5_000
    assert outcome.effects >= 2
    assert [line.split(",")[0].split()[0] for line in table(outcome).splitlines()[2:]] == [
        "habitue",
        "ceiling",
        PEER,
    ]
    assert msgspec.json.decode(msgspec.json.encode(outcome), type=Outcome) == outcome


def test_the_command_line_says_how_much() -> None:
    options, file = options_of(["--rounds", "5", "--workers", "1", "4", "--json", "out.json"])
    assert options == Options(rounds=5, workers=[1, 4])
    assert file == Path("out.json")
