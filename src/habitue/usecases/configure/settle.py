"""The way of every change of the configuration: read, decide, save; and again if it has moved.

The whole configuration has one version and is decided upon as a whole, so that two people who take
the same name, or delete what the other refers to, meet here and not in the shop.
"""

from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

import msgspec

from habitue.model.errors import Conflict
from habitue.promotions.configuration import Configuration
from habitue.store.database import Connection
from habitue.store.failures import GuardFailed
from habitue.usecases.configuration import Change, save_configuration
from habitue.usecases.shop import Shop

#: Each lost try means that another change was saved, so this many writers may collide.
TRIES_MAX = 50

Result = TypeVar("Result")


class Decision(msgspec.Struct, Generic[Result], frozen=True):
    """What shall be: the changes, and what the caller is told once they are saved.

    `beside` writes what belongs to the changes but is no configuration, in their transaction.
    """

    result: Result
    changes: tuple[Change, ...] = ()
    beside: Callable[[Connection], Awaitable[None]] | None = None


async def settle(
    shop: Shop, decide: Callable[[Configuration], Awaitable[Decision[Result]]]
) -> Result:
    """The result of the first decision that could be saved.

    Raises what `decide` raises, and `Conflict` when others change the configuration all the time.
    """
    for _ in range(TRIES_MAX):
        configuration = await shop.refresh()
        decision = await decide(configuration)
        try:
            await _save(shop, configuration.version, decision)
        except GuardFailed:
            continue
        await shop.refresh()
        return decision.result
    raise Conflict("The configuration is being changed by others; try again")


async def _save(shop: Shop, version: int, decision: Decision[Result]) -> None:
    if decision.beside is None:
        if decision.changes:
            await save_configuration(shop.database, version, decision.changes)
        return
    async with shop.database.transaction() as connection:
        await decision.beside(connection)
        if decision.changes:
            await save_configuration(connection, version, decision.changes)
