"""Statements that travel together: group commit, seen from the client.

Where many requests run the same statement at the same time, each with arguments of its own, the
greatest cost is not the work but the way: a message, a transaction and a flush of the log for each.
A `Gathering` has a few *lanes*; what arrives while all of them are under way leaves together with
the next free one, in one round trip and one transaction. Nobody waits for company: a statement that
finds a free lane leaves at once. Statements of one *kin*, as what reads and what saves the same,
share their lanes: while one of them is under way, those who want another become more. A lane that
is the only one is free for others when all that it has brought back was answered, so that those
who go on at once leave with the others.

Those who travel together run in the order of what they lock first, so that two groups seldom hold
what the other waits for. What a statement *claims* beside its own rows, and others may want too,
is named by numbers: nobody leaves while another who claims the same is under way. Connections of
groups wait for a lock for `GROUP_LOCK_WAIT_SECONDS` only: one busy row must not hold up everybody.

Invariants: a statement is answered by its own outcome, as if it had run by itself. A failure undoes
all that travelled with it, and then each runs by itself; only where it is unknown what became of
the transaction, or the server is away, all are told so. A caller who gives up does not stop the
others.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

from habitue.model.errors import StoreUnavailable
from habitue.store.pool import Pool
from habitue.store.statements import DRIVER_ERRORS, Arguments, Begins, Joint, Row, translated

_Answer: TypeAlias = "asyncio.Future[list[Row]]"

#: Round trips of one kin that are under way at a time, unless a `Database` is told another number,
#: and how many travel in each.
LANES_MAX = 2
GROUP_SIZE_MAX = 32
ANSWERS_AT_ONCE = 4
GROUP_LOCK_WAIT_SECONDS = 0.025


class _Passenger(NamedTuple):
    order: int
    claims: Sequence[int]
    arguments: Arguments
    answer: _Answer


class Lanes:
    """So many round trips at a time, of one statement or of several that share them."""

    def __init__(self, count: int) -> None:
        self.is_single = count == 1
        self.free = count
        self._users: deque[Gathering] = deque()

    def admit(self, user: "Gathering") -> None:
        """One more statement travels here."""
        self._users.append(user)

    def give_back(self) -> None:
        """A lane is free: whoever waits leaves, and whose turn it was last waits longest."""
        self.free += 1
        for user in tuple(self._users):
            user.leave_soon()

    def take(self, user: "Gathering") -> None:
        """A statement leaves."""
        self.free -= 1
        self._users.remove(user)
        self._users.append(user)


class Gathering:
    """Runs one statement for all who ask for it.

    Every answer of the statement has a row, and of its rows the first, and no other, `begins`;
    with `joint` all who travel together are answered by one execution.
    Groups use the connections of `group_pool`, and who runs by itself those of `pool`; they travel
    on `lanes`.
    """

    def __init__(
        self,
        query: str,
        begins: Begins | None,
        joint: Joint | None,
        pool: Pool,
        group_pool: Pool,
        lanes: Lanes,
    ) -> None:
        self._query = query
        self._begins = begins
        self._joint = joint
        self._pool = pool
        self._group_pool = group_pool
        self._lanes = lanes
        lanes.admit(self)
        self._waiting: deque[_Passenger] = deque()
        self._under_way: set[asyncio.Task[None]] = set()
        self._claimed: set[int] = set()
        self._leaves_soon = False

    async def fetch(
        self, arguments: Arguments, order: int = 0, claims: Sequence[int] = ()
    ) -> list[Row]:
        """The rows. Raises what the statement raises when it runs by itself.

        `order` is the id of what the statement locks first, any number where it only reads;
        `claims` are the ids of what it locks after that.
        """
        answer: _Answer = asyncio.get_running_loop().create_future()
        self._waiting.append(_Passenger(order, claims, arguments, answer))
        self.leave_soon()
        return await answer

    def leave_soon(self) -> None:
        """Leave when everybody who is ready now has come."""
        if self._lanes.free and self._waiting and not self._leaves_soon:
            self._leaves_soon = True
            asyncio.get_running_loop().call_soon(self._leave)

    def _leave(self) -> None:
        """Fill the free lanes with those who wait, in equal parts."""
        self._leaves_soon = False
        while self._lanes.free and self._waiting:
            group = self._group(-(-len(self._waiting) // self._lanes.free))
            if not group:
                return
            self._lanes.take(self)
            task = asyncio.get_running_loop().create_task(self._travel(group))
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)

    def _group(self, size: int) -> list[_Passenger]:
        """The first of those who wait, but for whoever claims what is claimed already."""
        group: list[_Passenger] = []
        stay: list[_Passenger] = []
        while self._waiting and len(group) < min(size, GROUP_SIZE_MAX):
            passenger = self._waiting.popleft()
            if passenger.answer.done():
                continue
            if passenger.claims and not self._claimed.isdisjoint(passenger.claims):
                stay.append(passenger)
            else:
                group.append(passenger)
                self._claimed.update(passenger.claims)
        self._waiting.extendleft(reversed(stay))
        group.sort(key=_order)
        return group

    async def _travel(self, group: list[_Passenger]) -> None:
        """One round trip, after which the lane is free for others."""
        outcome = await self._outcome([each.arguments for each in group])
        if isinstance(outcome, list) and self._lanes.is_single:
            await _hand_out(group, outcome, GROUP_SIZE_MAX)
            self._lanes.give_back()
        else:
            self._lanes.give_back()
            await self._tell(group, outcome)
        for passenger in group:
            self._claimed.difference_update(passenger.claims)
        self.leave_soon()

    async def _tell(
        self, group: list[_Passenger], outcome: list[list[Row]] | StoreUnavailable | None
    ) -> None:
        if outcome is None:
            await asyncio.gather(*(self._by_itself(passenger) for passenger in group))
        elif isinstance(outcome, StoreUnavailable):
            for passenger in group:
                _fail(passenger.answer, outcome)
        else:
            await _hand_out(group, outcome, ANSWERS_AT_ONCE)

    async def _outcome(
        self, arguments: Sequence[Arguments]
    ) -> list[list[Row]] | StoreUnavailable | None:
        """The answers, or the failure of all; None when one failed, and nothing was done."""
        try:
            return await self._together(arguments)
        except StoreUnavailable as away:
            return away
        except DRIVER_ERRORS as error:
            failure = translated(error)
            return failure if isinstance(failure, StoreUnavailable) else None

    async def _together(self, arguments: Sequence[Arguments]) -> list[list[Row]]:
        connection = self._group_pool.take() or await self._group_pool.wait()
        try:
            if len(arguments) == 1:
                return [await connection.fetch(self._query, *arguments[0])]
            if self._joint is not None:
                query = self._joint.query or self._query
                rows = await connection.fetch(query, *self._joint.join(arguments))
                return self._joint.part(rows, arguments)
            return _split(await connection.fetchmany(self._query, arguments), self._begins)
        finally:
            self._group_pool.give_back(connection)

    async def _by_itself(self, passenger: _Passenger) -> None:
        try:
            _give(passenger.answer, await self._alone(passenger.arguments))
        except Exception as failure:
            _fail(passenger.answer, failure)

    async def _alone(self, arguments: Arguments) -> list[Row]:
        connection = self._pool.take() or await self._pool.wait()
        try:
            return await connection.fetch(self._query, *arguments)
        except DRIVER_ERRORS as error:
            raise translated(error) from error
        finally:
            self._pool.give_back(connection)


async def _hand_out(group: list[_Passenger], answers: list[list[Row]], at_once: int) -> None:
    """Gives everybody their answer, a few at a time: while these go on, the loop looks at what has
    come from the database and from clients, and nobody's next statement waits for all the others.
    """
    for number, (passenger, rows) in enumerate(zip(group, answers, strict=True), 1):
        _give(passenger.answer, rows)
        if number % at_once == 0:
            await asyncio.sleep(0)


def _order(passenger: _Passenger) -> int:
    return passenger.order


def _split(rows: list[Row], begins: Begins | None) -> list[list[Row]]:
    """Rows of many answers, answer by answer; by default each row is one."""
    if begins is None:
        return [[row] for row in rows]
    answers: list[list[Row]] = []
    for row in rows:
        if begins(row):
            answers.append([])
        answers[-1].append(row)
    return answers


def _give(answer: _Answer, rows: list[Row]) -> None:
    if not answer.done():
        answer.set_result(rows)


def _fail(answer: _Answer, failure: Exception) -> None:
    if not answer.done():
        answer.set_exception(failure)
