"""The collector benchmark runs and counts; how fast it is is nobody's assertion."""

from pathlib import Path

from bench.collector import Options, measure, options_of, table


async def test_a_moment_of_it(tmp_path: Path) -> None:
    options = Options(rounds=1, seconds=0.5, batches=(5,), connections=2, devices=4)
    (found,) = await measure(options, tmp_path)
    assert found.batch == 5
    assert found.events > 0
    assert found.ratio == found.events_per_second / found.copied_per_second > 0
    assert table([found]).splitlines()[1].split()[0] == "5"


def test_the_command_line_says_how_much() -> None:
    options, file = options_of(["--batches", "1", "50", "--json", "out.json"])
    assert options == Options(batches=[1, 50])
    assert file == Path("out.json")
