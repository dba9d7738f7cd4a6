"""Giveaways: codes of others, such as vouchers or keys, that are given away one by one.

Words: a *pool* holds codes; a code is *valid* between its dates, which gate nothing but the giving
away. Closing a session awards one unused valid code; while a session is open nobody learns one. A
pool without a code fails the rule (contracts/talon_one/SEMANTICS.md section 13).
"""

from collections.abc import Iterable
from datetime import datetime

import msgspec

from habitue.model.attributes import Attributes
from habitue.promotions.creations import Made
from habitue.rules.frame import RuleFailed

#: How many codes of one pool a request can award.
AWARDS_MAX = 5


class GiveawayPool(msgspec.Struct, frozen=True):
    """One pool. It serves the applications that are subscribed to it, or all of its environment."""

    id: int
    name: str
    created: datetime
    description: str = ""
    sandbox: bool = False
    subscribed_application_ids: tuple[int, ...] = ()

    def serves(self, application_id: int) -> bool:
        """Whether rules of that application, which is of the same environment, can award it."""
        subscribed = self.subscribed_application_ids
        return not subscribed or application_id in subscribed


class Giveaway(msgspec.Struct, frozen=True):
    """One code of one pool; it came with that import, 0 for none."""

    id: int
    pool_id: int
    code: str
    created: datetime
    start_date: datetime | None = None
    end_date: datetime | None = None
    attributes: Attributes = {}
    import_id: int = 0


class Award(msgspec.Struct, frozen=True):
    """A code that is given to a customer: the one of the request, or whose claim is named."""

    pool_id: int
    giveaway_id: int
    profile_id: str
    claim_key: str | None = None


class Awarded(msgspec.Struct, frozen=True):
    """A code that a decision gives, and to whom."""

    giveaway: Giveaway
    profile_id: str
    customer_id: int


class Giveaways:
    """The codes that can be awarded while rules are tried; a resource as `Tentative` has it.

    `closes` says that what is given is given now.
    """

    __slots__ = ("_candidates", "_log", "closes")

    def __init__(self, candidates: tuple[Giveaway, ...], *, closes: bool) -> None:
        self._candidates = candidates
        self._log: list[tuple[Giveaway, Award | None]] = []
        self.closes = closes

    def take(self, pool: GiveawayPool, profile_id: str, claim_key: str | None) -> Giveaway:
        """The next code of the pool. Raises `RuleFailed` where it has none."""
        taken = {each.id for each, _ in self._log}
        for each in self._candidates:
            if each.pool_id == pool.id and each.id not in taken:
                award = Award(pool.id, each.id, profile_id, claim_key) if self.closes else None
                self._log.append((each, award))
                return each
        raise RuleFailed(f"the giveaway pool {pool.name!r} has no code left")

    def awards(self) -> tuple[Award, ...]:
        """What is given."""
        return tuple(award for _, award in self._log if award is not None)

    def mark(self) -> int:
        return len(self._log)

    def roll_back(self, mark: int) -> None:
        del self._log[mark:]


def awarded(
    candidates: Iterable[Giveaway], awards: Iterable[Award], customer_id: int, advocate_id: int
) -> list[Awarded]:
    """What a decision gives of the codes that were read, to the customer of the request or, where
    an award names a claim, to the advocate, in the order in which it is given."""
    codes = {(each.pool_id, each.id): each for each in candidates}
    return [
        Awarded(
            codes[each.pool_id, each.giveaway_id],
            each.profile_id,
            customer_id if each.claim_key is None else advocate_id,
        )
        for each in awards
    ]


def made_of(giveaway: Giveaway, position: str) -> Made:
    """How an award is noted in its session, so that it is not made twice."""
    return Made("giveaway", position, giveaway.code, giveaway.id)
