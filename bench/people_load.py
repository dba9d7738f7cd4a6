"""The load generator of the customer benchmark: one kind of request over a few connections.

It runs as a process of its own (`python -m bench.people_load`, a plan on standard input, a `Report`
on standard output), and like `bench.load` it speaks just enough HTTP to be cheap. Registrations
take one new person after the other, each connection its own; lookups take people at random.
"""

import asyncio
import random
import resource
import sys
from collections.abc import Iterator
from time import perf_counter
from typing import Literal, cast

import msgspec
import uvloop

from bench import people

Kind = Literal["registration", "lookup"]


class Plan(msgspec.Struct, frozen=True):
    """What to send: people are those of `count` indexes from `first`."""

    kind: Kind
    port: int
    connections: int
    first: int
    count: int
    warm_up: float
    seconds: float


class Report(msgspec.Struct, frozen=True):
    """What came of it; bytes are with headers."""

    requests: int
    window_ms: list[float]
    client_seconds: float
    request_bytes: int
    answer_bytes: int


class _Tally:
    """What all connections have seen."""

    def __init__(self, plan: Plan) -> None:
        self._used_before = _processor_seconds()
        self.opens = perf_counter() + plan.warm_up
        self.ends = self.opens + plan.seconds
        self.requests = 0
        self.answer_bytes = 0
        self.window_ms: list[float] = []

    def count(self, answer: bytes, started: float, now: float) -> None:
        self.requests += 1
        self.answer_bytes = len(answer)
        if self.opens <= now < self.ends:
            self.window_ms.append((now - started) * 1000)

    def report(self, request_bytes: int) -> Report:
        used = _processor_seconds() - self._used_before
        return Report(self.requests, self.window_ms, used, request_bytes, self.answer_bytes)


class _Connection(asyncio.Protocol):
    """One connection: sends the next request when an answer is complete."""

    def __init__(self, request: bytes, indexes: Iterator[int], tally: _Tally) -> None:
        self._parts = request.split(people.MARK.encode())
        self._indexes = indexes
        self._tally = tally
        self._answer = b""
        self._started = 0.0
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._send()

    def data_received(self, data: bytes) -> None:
        self._answer += data
        if _is_complete(self._answer):
            self._complete()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(error or ConnectionError("the server hung up"))

    def _complete(self) -> None:
        now, answer = perf_counter(), self._answer
        self._answer = b""
        if not answer.startswith(b"HTTP/1.1 200 ") or b'"warnings":[]' not in answer:
            self.done.set_exception(RuntimeError(answer.decode(errors="replace")[:2000]))
            return
        self._tally.count(answer, self._started, now)
        if now < self._tally.ends:
            self._send()
        else:
            self.done.set_result(None)

    def _send(self) -> None:
        index = next(self._indexes, None)
        if index is None:
            self.done.set_exception(RuntimeError("too few people for so many requests"))
            return
        self._started = perf_counter()
        self._transport.write(people.text_of(index).encode().join(self._parts))


def _is_complete(answer: bytes) -> bool:
    end = answer.find(b"\r\n\r\n")
    if end < 0:
        return False
    at = answer.index(b"content-length: ") + 16
    return len(answer) >= end + 4 + int(answer[at : answer.index(b"\r", at)])


def _processor_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _indexes(plan: Plan, number: int) -> Iterator[int]:
    if plan.kind == "registration":
        share = plan.count // plan.connections
        yield from range(plan.first + number * share, plan.first + (number + 1) * share)
    draw = random.Random(number)
    while plan.kind == "lookup":
        yield draw.randrange(plan.first, plan.first + plan.count)


async def load(plan: Plan) -> Report:
    """Sends requests until the plan's time is over."""
    request = people.registration() if plan.kind == "registration" else people.lookup()
    tally = _Tally(plan)
    loop = asyncio.get_running_loop()
    made = [
        await loop.create_connection(
            lambda number=number: _Connection(request, _indexes(plan, number), tally),  # type: ignore[misc]
            "127.0.0.1",
            plan.port,
        )
        for number in range(plan.connections)
    ]
    await asyncio.gather(*(connection.done for _, connection in made))
    for transport, _ in made:
        transport.close()
    return tally.report(len(request))


def main() -> None:
    plan = msgspec.json.decode(sys.stdin.buffer.read(), type=Plan)
    report = uvloop.run(load(plan))
    sys.stdout.buffer.write(msgspec.json.encode(report))


if __name__ == "__main__":
    main()
