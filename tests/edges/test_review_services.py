"""The work that goes on beside requests."""

import asyncio

from habitue.edges.services import repeat


async def test_work_that_fails_is_done_again() -> None:
    tries: list[int] = []
    succeeded = asyncio.Event()

    async def work() -> None:
        tries.append(len(tries))
        if len(tries) == 1:
            raise ValueError("an unexpected one")
        succeeded.set()

    task = asyncio.create_task(repeat(0.001, work))
    try:
        await asyncio.wait_for(succeeded.wait(), 5)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert tries[:2] == [0, 1]
