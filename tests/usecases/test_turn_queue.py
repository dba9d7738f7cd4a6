"""Waiting for one's turn: order, bounded waits, and nothing left behind."""

import asyncio
from uuid import UUID

import pytest

from habitue.model.errors import SessionBusy
from habitue.usecases.queue import TurnQueue

ONE, TWO = UUID(int=1), UUID(int=2)


class Line:
    """A queue, and what was done in it, in order."""

    def __init__(self, wait_seconds: float = 5) -> None:
        self.queue = TurnQueue(wait_seconds)
        self.done: list[str] = []
        self.go_on = asyncio.Event()

    async def work(self, name: str, *keys: UUID, stays: bool = False) -> None:
        async with self.queue.turn(keys, SessionBusy):
            self.done.append(name)
            if stays:
                await self.go_on.wait()

    def begin(self, name: str, *keys: UUID, stays: bool = False) -> asyncio.Task[None]:
        return asyncio.create_task(self.work(name, *keys, stays=stays))

    def is_empty(self) -> bool:
        return not self.queue._waiting


async def turns() -> None:
    """Lets every task run until it waits."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_who_came_first_is_served_first() -> None:
    line = Line()
    tasks = [line.begin("first", ONE, stays=True)]
    tasks += [line.begin(name, ONE) for name in ("second", "third", "fourth")]
    await turns()
    assert line.done == ["first"]
    line.go_on.set()
    await asyncio.gather(*tasks)
    assert line.done == ["first", "second", "third", "fourth"]
    assert line.is_empty()


async def test_different_keys_do_not_wait_for_each_other() -> None:
    line = Line()
    first = line.begin("first", ONE, stays=True)
    await turns()
    await line.work("other", TWO)
    assert line.done == ["first", "other"]
    line.go_on.set()
    await first
    assert line.is_empty()


async def test_several_keys_are_taken_in_one_order_whatever_is_asked() -> None:
    line = Line()
    await asyncio.gather(
        *(line.work(f"there {each}", ONE, TWO) for each in range(20)),
        *(line.work(f"back {each}", TWO, ONE, TWO) for each in range(20)),
    )
    assert len(line.done) == 40
    assert line.is_empty()


async def test_a_wait_is_bounded_and_gives_back_what_it_held() -> None:
    line = Line(wait_seconds=0.02)
    first = line.begin("first", TWO, stays=True)
    await turns()
    with pytest.raises(SessionBusy):
        await line.work("late", ONE, TWO)
    await line.work("free", ONE)
    assert line.done == ["first", "free"]
    line.go_on.set()
    await first
    assert line.is_empty()


async def test_who_gives_up_while_waiting_is_passed_over() -> None:
    line = Line()
    first = line.begin("first", ONE, stays=True)
    second, third = line.begin("second", ONE), line.begin("third", ONE)
    await turns()
    second.cancel()
    line.go_on.set()
    await asyncio.gather(first, third)
    assert second.cancelled()
    assert line.done == ["first", "third"]
    assert line.is_empty()


async def test_a_turn_that_comes_in_the_moment_of_giving_up_goes_to_the_next() -> None:
    line = Line()
    async with line.queue.turn([ONE], SessionBusy):
        second, third = line.begin("second", ONE), line.begin("third", ONE)
        await turns()
    second.cancel()
    await third
    assert second.cancelled()
    assert line.done == ["third"]
    assert line.is_empty()


async def test_a_failure_inside_ends_the_turn() -> None:
    line = Line()
    with pytest.raises(ZeroDivisionError):
        async with line.queue.turn([ONE], SessionBusy):
            raise ZeroDivisionError
    await line.work("next", ONE)
    assert line.done == ["next"]
    assert line.is_empty()
