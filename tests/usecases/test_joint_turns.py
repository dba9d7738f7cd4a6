"""Requests of one turn, worked on together: who is taken along, and what each is told."""

import asyncio
from collections.abc import Sequence
from uuid import UUID

import pytest

from habitue.model.errors import ProfileBusy
from habitue.usecases.joint_turns import TOGETHER_MAX, JointTurns
from habitue.usecases.queue import TurnQueue

KEYS = [UUID(int=1)]


class Counter:
    """Work that waits until it may go on, and tells who was worked on together."""

    def __init__(self) -> None:
        self.may_go_on = asyncio.Event()
        self.groups: list[list[int]] = []

    async def __call__(self, requests: Sequence[int]) -> Sequence[object]:
        self.groups.append([*requests])
        await self.may_go_on.wait()
        return [ValueError(each) if each % 10 == 7 else -each for each in requests]


def started(turns: JointTurns, work: Counter, *requests: int) -> list["asyncio.Task[int]"]:
    """Requests that are under way."""
    coroutines = (turns.take("it", KEYS, each, ProfileBusy, work) for each in requests)
    return [asyncio.ensure_future(each) for each in coroutines]


async def let_wait() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_who_waits_is_taken_along_and_told_its_own_outcome() -> None:
    turns, work = JointTurns(TurnQueue(5)), Counter()
    tasks = started(turns, work, *range(1, TOGETHER_MAX + 4))
    await let_wait()
    assert work.groups == [[1]]
    work.may_go_on.set()
    told = await asyncio.gather(*tasks, return_exceptions=True)
    assert work.groups == [[1], [*range(2, TOGETHER_MAX + 2)], [66, 67]]
    refused = [each for each in range(1, TOGETHER_MAX + 4) if each % 10 == 7]
    assert [str(each) for each in told if isinstance(each, ValueError)] == [*map(str, refused)]
    assert [each for each in told if not isinstance(each, ValueError)] == [
        -each for each in range(1, TOGETHER_MAX + 4) if each not in refused
    ]


async def test_one_who_gives_up_is_not_worked_on_and_stops_nobody() -> None:
    turns, work = JointTurns(TurnQueue(5)), Counter()
    first, second, third, fourth = started(turns, work, 1, 2, 3, 4)
    await let_wait()
    second.cancel()
    first.cancel()
    await let_wait()
    # the third leads now; it gives up at work, and the fourth is served all the same
    assert work.groups == [[1], [3, 4]]
    third.cancel()
    work.may_go_on.set()
    assert await fourth == -4
    assert work.groups == [[1], [3, 4]]


async def test_whoever_was_taken_along_waits_for_what_becomes_of_it() -> None:
    turns, work = JointTurns(TurnQueue(0.05)), Counter()
    first, second, third = started(turns, work, 1, 2, 3)
    await let_wait()
    first.cancel()
    await let_wait()
    (late,) = started(turns, work, 4)
    await asyncio.sleep(0.1)
    assert work.groups == [[1], [2, 3]]
    work.may_go_on.set()
    assert (await second, await third) == (-2, -3)
    with pytest.raises(ProfileBusy):
        await late
    assert work.groups == [[1], [2, 3]]
