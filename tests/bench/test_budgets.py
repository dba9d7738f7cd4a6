"""The benchmark of budgets runs and counts; how fast it is is nobody's assertion."""

from decimal import Decimal
from pathlib import Path

from bench.budgets import Options, measure, options_of, table


async def test_a_second_of_it(tmp_path: Path) -> None:
    outcome = await measure(Options(rounds=1, seconds=0.4, clients=2), tmp_path)
    assert len(outcome.plain) == len(outcome.budgeted) == 1
    assert outcome.taken > 0
    assert outcome.taken % Decimal("1.25") == 0
    assert table(outcome).splitlines()[-1] == f"{'ratio':<20}{outcome.ratio:>8.2f}"


def test_the_command_line_says_how_much() -> None:
    options, file = options_of(["--rounds", "5", "--json", "out.json"])
    assert options == Options(rounds=5)
    assert file == Path("out.json")
