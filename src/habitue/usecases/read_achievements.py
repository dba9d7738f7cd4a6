"""How far a customer has come in achievements: as it stands, and iteration by iteration."""

from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec

from habitue.customers.claims import profile_key
from habitue.loyalty.achievement import Achievement, Iteration, ProgressStatus
from habitue.model.documents import decoder_of
from habitue.model.errors import NotFound
from habitue.promotions.achievement_book import AchievementBook
from habitue.promotions.points_origin import Origin
from habitue.promotions.program import Program
from habitue.store import achievements
from habitue.usecases.shop import Shop

_ITERATIONS = decoder_of(tuple[Iteration, ...])


class Standing(msgspec.Struct, frozen=True):
    """An achievement and where the customer stands in it; without an iteration not started."""

    achievement: Achievement
    iteration: Iteration | None

    def status(self, now: datetime) -> ProgressStatus:
        """What is told of it at that moment."""
        return "not_started" if self.iteration is None else self.iteration.status(now)


async def read_standings(
    shop: Shop, application_id: int, profile_id: str, now: datetime
) -> list[Standing]:
    """Where a profile stands in the achievements of an application. Raises `NotFound`."""
    await shop.refresh()
    program = shop.program(application_id)
    return await standings_of(shop, program, await _customer(shop, program, profile_id), now)


async def standings_of(
    shop: Shop, program: Program, customer_id: int, now: datetime
) -> list[Standing]:
    """The same for a customer who is known."""
    ids = sorted(program.achievements)
    found = await achievements.last_iterations(shop.database, customer_id, ids)
    return standings(program, _ITERATIONS.decode(found), now)


def standings(program: Program, iterations: Iterable[Iteration], now: datetime) -> list[Standing]:
    """Where somebody with those iterations stands, achievement by achievement."""
    origin = Origin(program.application.id, 0)
    book = AchievementBook(program.achievements, iterations, 0, origin, now)
    return [
        Standing(achievement, _told(achievement, book.current(id_), now))
        for id_, achievement in sorted(program.achievements.items())
    ]


async def read_iterations(
    shop: Shop,
    application_id: int,
    profile_id: str,
    achievement_id: int,
    now: datetime,
    *,
    statuses: Sequence[ProgressStatus] | None,
    since: datetime | None,
    until: datetime | None,
    skip: int,
    limit: int,
) -> tuple[int, tuple[Iteration, ...]]:
    """How many iterations of a profile there are, and a page of them. Raises `NotFound`."""
    await shop.refresh()
    program = shop.program(application_id)
    if achievement_id not in program.achievements:
        raise NotFound("Achievement", achievement_id)
    customer_id = await _customer(shop, program, profile_id)
    total, found = await achievements.history(
        shop.database, customer_id, achievement_id, now, statuses, since, until, skip, limit
    )
    return total, _ITERATIONS.decode(found)


async def _customer(shop: Shop, program: Program, profile_id: str) -> int:
    key = profile_key(profile_id, sandbox=program.application.sandbox)
    customer_id = await achievements.owner_of(shop.database, key)
    if customer_id is None:
        raise NotFound("Customer profile", profile_id)
    return customer_id


def _told(achievement: Achievement, iteration: Iteration | None, now: datetime) -> Iteration | None:
    """What recurs and is over is not started: the next iteration begins with its first progress."""
    recurs = achievement.recurrence == "on_expiration"
    return None if iteration is not None and recurs and iteration.is_over(now) else iteration
