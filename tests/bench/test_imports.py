"""The import benchmark runs and counts; how fast it is is nobody's assertion."""

from pathlib import Path

from bench.imports import Options, measure, options_of, table


async def test_a_moment_of_it(tmp_path: Path) -> None:
    file, order = await measure(Options(rows=30, coupons=20), tmp_path)
    assert (file.way, file.rows, order.way, order.rows) == ("file", 30, "order", 20)
    for each in (file, order):
        assert each.ratio == each.rows_per_second / each.copied_per_second > 0
    assert [line.split()[0] for line in table([file, order]).splitlines()] == [
        *("way", "file", "order")
    ]


def test_the_command_line_says_how_much() -> None:
    options, path = options_of(["--rows", "5", "--json", "out.json"])
    assert options == Options(rows=5)
    assert path == Path("out.json")
