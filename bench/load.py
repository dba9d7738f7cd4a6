"""The load generator: PUTs of sessions over a few connections, each with one request at a time.

It runs as a process of its own (`python -m bench.load`, a plan on standard input, a `Report` on
standard output), because it shares the machine with what it measures and its processor time is told
apart. It speaks just enough HTTP to be cheap: requests are bytes with ids put in, of an answer it
reads the status and the length.

Of five requests, four update an open session chosen at random and one closes a session. Every
connection has sessions of its own, so that none is written by two requests at once.
"""

import asyncio
import random
import resource
import sys
from time import perf_counter
from typing import cast

import msgspec
import uvloop

from bench import carts

CLOSES_ONE_IN = 5


class Plan(msgspec.Struct, frozen=True):
    """What to send: sessions are those of `count` indexes from `first`."""

    port: int
    key: str
    connections: int
    first: int
    count: int
    warm_up: float
    seconds: float


class Report(msgspec.Struct, frozen=True):
    """What came of it; `effects` is per answer, `answer_bytes` and `request_bytes` with headers."""

    requests: int
    window_ms: list[float]
    client_seconds: float
    effects: float
    request_bytes: float
    answer_bytes: float


class _Requests:
    """Requests as bytes, by variant."""

    def __init__(self, plan: Plan) -> None:
        self._open = [self._request(plan, each, "open") for each in range(carts.VARIANTS)]
        self._closed = [self._request(plan, each, "closed") for each in range(carts.VARIANTS)]

    def of(self, index: int, *, closes: bool) -> bytes:
        texts = self._closed if closes else self._open
        return carts.filled(texts[index % carts.VARIANTS], index)

    def _request(self, plan: Plan, variant: int, state: str) -> bytes:
        body = carts.body(variant, state)
        head = (
            f"PUT /v2/customer_sessions/{carts.SESSION_MARK} HTTP/1.1\r\n"
            f"Host: 127.0.0.1:{plan.port}\r\nAuthorization: ApiKey-v1 {plan.key}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body


class _Tally:
    """What all connections have seen."""

    def __init__(self, plan: Plan) -> None:
        used = resource.getrusage(resource.RUSAGE_SELF)
        self._used_before = used.ru_utime + used.ru_stime
        self.opens = perf_counter() + plan.warm_up
        self.ends = self.opens + plan.seconds
        self.requests = 0
        self.counted_effects = 0
        self.answers_counted = 0
        self.sent = 0
        self.received = 0
        self.window_ms: list[float] = []

    def count(self, answer: bytes, started: float, now: float) -> None:
        self.requests += 1
        self.received += len(answer)
        if now < self.opens:
            self.counted_effects += answer.count(b'"effectType"')
            self.answers_counted += 1
        elif now < self.ends:
            self.window_ms.append((now - started) * 1000)

    def report(self) -> Report:
        used = resource.getrusage(resource.RUSAGE_SELF)
        return Report(
            requests=self.requests,
            window_ms=self.window_ms,
            client_seconds=used.ru_utime + used.ru_stime - self._used_before,
            effects=self.counted_effects / max(1, self.answers_counted),
            request_bytes=self.sent / max(1, self.requests),
            answer_bytes=self.received / max(1, self.requests),
        )


class _Connection(asyncio.Protocol):
    """One connection: sends the next request when an answer is complete."""

    def __init__(self, plan: Plan, number: int, requests: _Requests, tally: _Tally) -> None:
        share = plan.count // plan.connections
        self._next_closed = plan.first + number * share
        self._end = self._next_closed + share
        self._random = random.Random(plan.first + number)
        self._requests = requests
        self._tally = tally
        self._answer = b""
        self._length = 0
        self._started = 0.0
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._send()

    def data_received(self, data: bytes) -> None:
        self._answer += data
        if not self._length:
            self._length = _length(self._answer)
        if self._length and len(self._answer) >= self._length:
            self._complete()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(error or ConnectionError("the server hung up"))

    def _complete(self) -> None:
        now, tally, answer = perf_counter(), self._tally, self._answer
        self._answer, self._length = b"", 0
        if not answer.startswith(b"HTTP/1.1 200 "):
            self.done.set_exception(RuntimeError(answer.decode(errors="replace")[:2000]))
            return
        tally.count(answer, self._started, now)
        if now < tally.ends:
            self._send()
        else:
            self.done.set_result(None)

    def _send(self) -> None:
        draw = self._random
        closes = draw.randrange(CLOSES_ONE_IN) == 0
        if self._next_closed >= self._end:
            self.done.set_exception(RuntimeError("too few sessions for so many requests"))
            return
        index = self._next_closed if closes else draw.randrange(self._next_closed, self._end)
        self._next_closed += closes
        request = self._requests.of(index, closes=closes)
        self._tally.sent += len(request)
        self._started = perf_counter()
        self._transport.write(request)


def _length(answer: bytes) -> int:
    """The length of head and body; 0 while the head is not complete."""
    end = answer.find(b"\r\n\r\n")
    if end < 0:
        return 0
    at = answer.index(b"content-length: ") + 16
    return end + 4 + int(answer[at : answer.index(b"\r", at)])


async def load(plan: Plan) -> Report:
    """Sends requests until the plan's time is over."""
    requests = _Requests(plan)
    tally = _Tally(plan)
    loop = asyncio.get_running_loop()
    made = [
        await loop.create_connection(
            lambda number=number: _Connection(plan, number, requests, tally),  # type: ignore[misc]
            "127.0.0.1",
            plan.port,
        )
        for number in range(plan.connections)
    ]
    await asyncio.gather(*(connection.done for _, connection in made))
    for transport, _ in made:
        transport.close()
    return tally.report()


def main() -> None:
    plan = msgspec.json.decode(sys.stdin.buffer.read(), type=Plan)
    report = uvloop.run(load(plan))
    sys.stdout.buffer.write(msgspec.json.encode(report))


if __name__ == "__main__":
    main()
