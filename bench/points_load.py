"""The load generator of the ledger benchmark: points for owners, over a few connections.

It runs as a process of its own (`python -m bench.points_load`, a plan on standard input, a `Report`
on standard output). Every request adds one point to an owner chosen at random among `owners`.
"""

import asyncio
import random
import resource
import sys
from time import perf_counter

import msgspec
import uvloop


class Plan(msgspec.Struct, frozen=True):
    """What to send."""

    port: int
    key: str
    program_id: int
    owners: int
    connections: int
    warm_up: float
    seconds: float


class Report(msgspec.Struct, frozen=True):
    """What came of it."""

    requests: int
    window_ms: list[float]
    client_seconds: float


def name_of(owner: int) -> str:
    """The profile of an owner."""
    return f"owner-{owner:06d}"


async def _send(plan: Plan, number: int, opens: float, ends: float, told: list[float]) -> int:
    reader, writer = await asyncio.open_connection("127.0.0.1", plan.port)
    draw, body, requests = random.Random(number), b'{"points":1}', 0
    head = (
        f"HTTP/1.1\r\nHost: bench\r\nAuthorization: ManagementKey-v1 {plan.key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode()
    while (began := perf_counter()) < ends:
        path = (
            f"/v1/loyalty_programs/{plan.program_id}/profile/{name_of(draw.randrange(plan.owners))}"
        )
        writer.write(f"PUT {path}/add_points ".encode() + head + body)
        answer = await reader.readuntil(b"\r\n\r\n")
        if not answer.startswith(b"HTTP/1.1 204 "):
            raise RuntimeError(answer.decode(errors="replace"))
        requests += 1
        if began >= opens:
            told.append((perf_counter() - began) * 1000)
    writer.close()
    return requests


async def load(plan: Plan) -> Report:
    """Sends requests until the plan's time is over."""
    told: list[float] = []
    opens = perf_counter() + plan.warm_up
    ends = opens + plan.seconds
    counts = await asyncio.gather(
        *(_send(plan, number, opens, ends, told) for number in range(plan.connections))
    )
    used = resource.getrusage(resource.RUSAGE_SELF)
    return Report(sum(counts), told, used.ru_utime + used.ru_stime)


def main() -> None:
    plan = msgspec.json.decode(sys.stdin.buffer.read(), type=Plan)
    sys.stdout.buffer.write(msgspec.json.encode(uvloop.run(load(plan))))


if __name__ == "__main__":
    main()
