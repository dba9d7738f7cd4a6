"""What the server processes of these tests serve: the door with one endpoint that does nothing."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from habitue.edges.capillary.door import CAPILLARY
from habitue.edges.capillary.envelopes import success
from habitue.edges.capillary.oauth import capillary_oauth_operations
from habitue.edges.http.operation import Answer, Call, Operation
from tests import serving
from tests.serving import Shopfront

PROGRAM = """
import os, sys
from habitue.edges.http.server import Plan, run
from habitue.store.location import External
workers = int(sys.argv[sys.argv.index("--workers") + 1])
url = os.environ["HABITUE_DATABASE_URL"]
run(Plan("127.0.0.1", 0, workers, External(url), operations="tests.capillary.served:operations"))
"""


async def practise(call: Call[Any, None, None]) -> Answer:
    """Answers with the process and with who asked."""
    principal = call.principal
    told = {"key": principal.key_id, "login": principal.login, "name": principal.name}
    return success(os.getpid(), side_effects=[told])


def operations() -> list[Operation]:
    """The endpoint of registrations, and the one that gives out tokens."""
    practice = Operation("addPractice", "POST", "/v2/customers", practise, CAPILLARY)
    return [practice, *capillary_oauth_operations()]


@contextmanager
def practising(database_url: str, flags: Sequence[str] = ("--workers", "1")) -> Iterator[Shopfront]:
    """Such a server as a process of its own, for the length of the block."""
    command = serving.COMMAND
    serving.COMMAND = [command[0], "-c", PROGRAM]
    try:
        with serving.serving(database_url, flags) as front:
            yield front
    finally:
        serving.COMMAND = command
