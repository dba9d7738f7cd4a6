"""Racing processes that several files of this folder share, for starting them takes longest."""

from collections.abc import Iterator

import pytest

from tests.harness.supervisor import Racers, racers

#: How many processes send sessions at once in the races for what is scarce.
MANY = 16


@pytest.fixture(scope="session")
def processes() -> Iterator[Racers]:
    with racers(MANY) as started:
        yield started
