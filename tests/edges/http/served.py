"""What the server processes of the tests serve: the shop, an operation that takes its time, and
services that open as the database URL's path says."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from habitue.edges.http.operation import Answer, Call, Operation
from habitue.model.errors import StoreUnavailable
from habitue.store.failures import StartFailure
from habitue.store.location import External, Location
from habitue.usecases.shop import ShopSettings
from tests.edges.http.shop import DOOR, OPERATIONS


class Services:
    """Ready until somebody says otherwise."""

    def __init__(self) -> None:
        self.away = False

    async def ready(self) -> None:
        if self.away:
            raise StoreUnavailable


async def slow(call: Call[Any, None, None]) -> Answer:
    await asyncio.sleep(1)
    return Answer(200, b'"done"')


def hold() -> None:
    """Keep this process busy for a moment, so that another takes the next request."""
    time.sleep(0.02)


async def process(call: Call[Any, None, None]) -> Answer:
    hold()
    return Answer(200, b"%d" % os.getpid(), {"connection": "close"})


async def leave(call: Call[Any, None, None]) -> Answer:
    call.services.away = True
    return Answer(204)


def operations() -> list[Operation]:
    """The operations that the tests' plans name."""
    return [
        *OPERATIONS,
        Operation("slow", "GET", "/slow", slow, DOOR),
        Operation("process", "GET", "/process", process, DOOR),
        Operation("leave", "POST", "/leave", leave, DOOR),
    ]


@asynccontextmanager
async def open_services(
    location: Location, report: Callable[[str], None], settings: ShopSettings
) -> AsyncIterator[Services]:
    """The services that the tests' plans name."""
    assert isinstance(location, External)
    if location.url.endswith("/wrong"):
        raise StartFailure("The database is too old")
    if location.url.endswith("/broken"):
        raise RuntimeError("a mistake")
    yield Services()
