"""Requests that wait for the same turn and want the same thing are worked on together.

Many writes of one record follow one another in a process (`usecases.queue`). Where one of them is
at work, those that wait behind it are taken along by the next: one load and one save for all.
Nobody waits for company, and each is told its own outcome.

Invariants: a request is worked on at most once. Whoever has been taken along waits for what becomes
of that, also where its own wait for a turn runs out; whoever gives up before is not worked on. One
who gives up at work does not stop those that were taken along.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Hashable, Sequence
from typing import Any, TypeAlias
from uuid import UUID

from habitue.model.errors import Conflict
from habitue.usecases.queue import TurnQueue

#: So many requests are worked on at once.
TOGETHER_MAX = 64
#: What becomes of requests, each a result or a failure, in their order.
Work: TypeAlias = Callable[[Sequence[Any]], Awaitable[Sequence[object]]]


class _Waiting:
    """A request, and what became of it."""

    __slots__ = ("outcome", "request", "taken")

    def __init__(self, request: object) -> None:
        self.request = request
        self.taken = False
        self.outcome: asyncio.Future[object] = asyncio.get_running_loop().create_future()


class JointTurns:
    """The requests that wait, by what they want."""

    def __init__(self, queue: TurnQueue) -> None:
        self._queue = queue
        self._lines: dict[Hashable, deque[_Waiting]] = {}
        self._under_way: set[asyncio.Task[None]] = set()

    async def take(
        self,
        wanted: Hashable,
        keys: Sequence[UUID],
        request: object,
        busy: type[Conflict],
        work: Work,
    ) -> Any:
        """The result of the request, which is worked on in the turn of `keys`, with others of the
        same `wanted`. Raises its failure, and `busy` as a turn does."""
        waiting = _Waiting(request)
        self._lines.setdefault(wanted, deque()).append(waiting)
        try:
            async with self._queue.turn(keys, busy):
                if not waiting.taken:
                    await self._work(self._taken(wanted, waiting), work)
        except busy:
            if not waiting.taken:
                raise
        finally:
            if not waiting.taken:
                self._leave(wanted, waiting)
        outcome = await waiting.outcome
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def _taken(self, wanted: Hashable, first: _Waiting) -> list[_Waiting]:
        """Those who are worked on now: the first, and who waits behind it."""
        self._leave(wanted, first)
        line = self._lines.get(wanted, deque())
        group = [first, *(line.popleft() for _ in range(min(len(line), TOGETHER_MAX - 1)))]
        for each in group:
            each.taken = True
        if not line:
            self._lines.pop(wanted, None)
        return group

    def _leave(self, wanted: Hashable, waiting: _Waiting) -> None:
        line = self._lines[wanted]
        line.remove(waiting)
        if not line:
            del self._lines[wanted]

    async def _work(self, group: Sequence[_Waiting], work: Work) -> None:
        if len(group) == 1:
            await _settle(group, work)
            return
        task = asyncio.get_running_loop().create_task(_settle(group, work))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        await asyncio.wait([task])


async def _settle(group: Sequence[_Waiting], work: Work) -> None:
    """Gives each its outcome; a failure of the work is everybody's."""
    try:
        outcomes = await work([each.request for each in group])
    except Exception as failure:
        outcomes = [failure] * len(group)
    for each, outcome in zip(group, outcomes, strict=True):
        each.outcome.set_result(outcome)
