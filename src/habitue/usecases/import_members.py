"""Tiers and days of joining that come out of a file. The profiles have to exist.

What is imported twice is so already, and nothing is booked: an import only says what is.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from habitue.customers.claims import profile_key
from habitue.loyalty.program import LoyaltyProgram, Tier
from habitue.loyalty.settling import begin, standing_tier
from habitue.loyalty.terms import YEAR_MAX
from habitue.loyalty.tier import TierState
from habitue.model.documents import encode
from habitue.model.errors import Fault, InvalidInput
from habitue.store import customers, loyalty, loyalty_lists, program_cards
from habitue.store.customers import ProfileQuery
from habitue.store.database import Connection
from habitue.store.loyalty import PointsQuery
from habitue.usecases.adjust_points import refuse_subledger
from habitue.usecases.change_points import profile_based, read_points
from habitue.usecases.points_state import writes_of
from habitue.usecases.run_import import BatchPlace
from habitue.usecases.shop import Shop


class TierLine(msgspec.Struct, frozen=True):
    """The tier that a profile is to be in, until when."""

    line: int
    profile: str
    subledger: str
    tier: str
    expiry: datetime


class JoinLine(msgspec.Struct, frozen=True):
    """The day on which a profile joined."""

    line: int
    profile: str
    joined: datetime


class TierImporter:
    """Puts profiles into tiers. Raises `InvalidInput` unless tiers of the program have an end."""

    def __init__(self, shop: Shop, program: LoyaltyProgram, now: datetime) -> None:
        self._shop = shop
        self._program = profile_based(program)
        self._now = now
        if program.tier_duration is None:
            details = "tiers of this program have no end; they follow the points"
            raise InvalidInput(Fault("", "Not allowed", details, parameter="loyaltyProgramId"))

    async def check(self, connection: Connection, rows: Sequence[TierLine]) -> Sequence[Fault]:
        """What is wrong with some lines."""
        faults = [fault for row in rows for fault in self._faults(row)]
        return [*faults, *await absent_profiles(connection, self._program, rows)]

    async def apply(
        self, connection: Connection, rows: Sequence[TierLine], place: BatchPlace
    ) -> None:
        """Puts the profiles of some lines into their tiers."""
        keys = {row.profile: self._key(row.profile) for row in rows}
        await customers.lock(connection, ProfileQuery(list(keys.values()), None, self._now))
        for row in rows:
            await self._enter(connection, row, keys[row.profile])

    async def _enter(self, connection: Connection, row: TierLine, key: UUID) -> None:
        query = PointsQuery(key, None, self._program.id, row.subledger)
        state = await read_points(self._shop, connection, query, row.profile, self._now)
        booking = begin(state.ledger(row.subledger), self._program, self._now)
        tier = _tier_named(self._program, row.tier)
        assert tier is not None, "every line was checked"
        root_id, before = standing_tier(booking)
        same = before is not None and before.tier_id == tier.id
        start = before.start if same and before is not None else self._now
        booking.account(root_id)
        booking.set_tier(root_id, TierState(tier.id, start, row.expiry), "import")
        writes = writes_of([booking.decision()])
        if writes is not None:
            version = state.customer_version
            await loyalty.save(connection, state.customer_id, version, self._now, writes)

    def _faults(self, row: TierLine) -> Iterator[Fault]:
        if _tier_named(self._program, row.tier) is None:
            details = f'tiername: the program has no tier "{row.tier[:80]}"'
            yield Fault("", "Unknown", details, line=row.line)
        if not self._now < row.expiry or row.expiry.year > YEAR_MAX:
            details = f"expirydate: a tier ends in the future, up to the year {YEAR_MAX}"
            yield Fault("", "Invalid date", details, line=row.line)
        try:
            refuse_subledger(self._program, row.subledger)
        except InvalidInput as refusal:
            for fault in refusal.faults:
                yield Fault("", fault.title, f"subledgerid: {fault.details}", line=row.line)

    def _key(self, profile: str) -> UUID:
        return profile_key(profile, sandbox=self._program.sandbox)


class JoinDateImporter:
    """Says since when profiles are members, whatever was known before."""

    def __init__(self, program: LoyaltyProgram, now: datetime) -> None:
        self._program = profile_based(program)
        self._now = now

    async def check(self, connection: Connection, rows: Sequence[JoinLine]) -> Sequence[Fault]:
        """What is wrong with some lines."""
        faults = [
            Fault("", "Invalid date", "newjoindate: nobody has joined in the future", line=row.line)
            for row in rows
            if row.joined > self._now
        ]
        return [*faults, *await absent_profiles(connection, self._program, rows)]

    async def apply(
        self, connection: Connection, rows: Sequence[JoinLine], place: BatchPlace
    ) -> None:
        """Stores the days of some lines; the last one of a profile counts."""
        dates = {
            profile_key(row.profile, sandbox=self._program.sandbox): row.joined for row in rows
        }
        await customers.lock(connection, ProfileQuery(list(dates), None, self._now))
        document = encode([{"claim_key": key, "joined": day} for key, day in dates.items()])
        await loyalty_lists.save_join_dates(connection, self._program.id, document)


async def absent_profiles(
    connection: Connection, program: LoyaltyProgram, rows: Sequence[TierLine | JoinLine]
) -> list[Fault]:
    """A fault for every line whose profile does not exist."""
    keys = {row.profile: profile_key(row.profile, sandbox=program.sandbox) for row in rows}
    known = await program_cards.profiles(connection, list(keys.values()))
    return [
        Fault("", "Unknown", f"customerprofileid: {row.profile[:80]} does not exist", line=row.line)
        for row in rows
        if keys[row.profile] not in known
    ]


def _tier_named(program: LoyaltyProgram, name: str) -> Tier | None:
    return next((tier for tier in program.tiers if tier.name == name), None)
