"""Habitue and a plain loop agree on the promotions that the comparison with peers offers."""

from bench.peers.measure import HABITUE, LOOP, RULES, measure, table


def test_habitue_gives_what_a_plain_loop_gives() -> None:
    rows = measure(10)
    assert [(row.engine, row.promotions, row.matching) for row in rows] == [
        (HABITUE, 10, 1.7),
        (RULES, 10, 1.7),
        (LOOP, 10, 1.7),
    ]
    assert rows[0].times_habitue == 1
    assert min(row.microseconds for row in rows) > 0
    assert len(table(rows).splitlines()) == 2 + 3 + 1
