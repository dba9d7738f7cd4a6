"""Whether the process lives, whether it can serve, and its numbers.

`/health` answers as long as the process does. `/ready` asks the services, which raise a refusal
while they cannot serve. `/metrics` is for Prometheus. All three are open to everybody, so they say
nothing about customers, and are logged at debug level only.
"""

import asyncio

import msgspec

from habitue.edges.http.application import PLAIN
from habitue.edges.http.metrics import Metrics
from habitue.edges.http.operation import Answer, Call, Operation
from habitue.model.errors import Refusal

READY_SECONDS = 5.0
GROUP = "Service"


class Health(msgspec.Struct, omit_defaults=True):
    """The state of the process; `reason` is there where it is not ready."""

    status: str
    reason: str | None = None


async def health(call: Call[None, None, None]) -> Answer:
    return Answer(200, Health("ok"))


async def ready(call: Call[None, None, None]) -> Answer:
    try:
        async with asyncio.timeout(READY_SECONDS):
            await call.services.ready()
    except Refusal as refusal:
        return _not_ready(refusal.message)
    except TimeoutError:
        return _not_ready(f"The services did not answer within {READY_SECONDS:g} seconds")
    return Answer(200, Health("ready"))


def service_operations(metrics: Metrics) -> list[Operation]:
    """The operations of this module."""

    async def page(call: Call[None, None, None]) -> Answer:
        return Answer(200, metrics.page(), {"content-type": metrics.content_type})

    return [
        Operation(
            id="health",
            method="GET",
            path="/health",
            handler=health,
            door=PLAIN,
            summary="Whether the process lives",
            group=GROUP,
            responses={200: Health},
            quiet=True,
        ),
        Operation(
            id="ready",
            method="GET",
            path="/ready",
            handler=ready,
            door=PLAIN,
            summary="Whether requests can be served",
            group=GROUP,
            responses={200: Health, 503: Health},
            quiet=True,
        ),
        Operation(
            id="metrics",
            method="GET",
            path="/metrics",
            handler=page,
            door=PLAIN,
            documented=False,
            quiet=True,
        ),
    ]


def _not_ready(reason: str) -> Answer:
    return Answer(503, Health("not ready", reason), {"retry-after": "1"})
