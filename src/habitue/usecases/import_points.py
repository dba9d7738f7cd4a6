"""Points that come out of a file, for profiles or for cards.

A profile that does not exist comes to be; a card has to be there, and may be inactive, so that
cards can be prepared, but not replaced by another one (decisions 0070 and 0071).
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from uuid import UUID

import msgspec

from habitue.customers.claims import profile_key
from habitue.loyalty import decide
from habitue.loyalty.card import is_identifier
from habitue.loyalty.ledger import Cause
from habitue.loyalty.program import LoyaltyProgram
from habitue.loyalty.settling import begin
from habitue.loyalty.terms import imported_terms
from habitue.model.errors import Fault, InvalidInput
from habitue.store import customers, loyalty_bulk, notifications, program_cards
from habitue.store.customers import ProfileQuery
from habitue.store.database import Connection
from habitue.store.failures import GuardFailed
from habitue.store.loyalty import PointsRow
from habitue.store.loyalty_bulk import OwnerWrite
from habitue.usecases.adjust_points import refuse_subledger
from habitue.usecases.change_points import loyalty_program
from habitue.usecases.create_profiles import create_profiles
from habitue.usecases.points_state import PointsState, points_state, read_program_card, writes_of
from habitue.usecases.run_import import BatchPlace
from habitue.usecases.shop import Shop


class PointsLine(msgspec.Struct, frozen=True, kw_only=True):
    """Points for one owner: a profile's id, or the identifier of a card. `start` of None means that
    they await an action; they end at `expiry`, or after `validity`, or never."""

    line: int
    owner: str
    amount: Decimal
    start: datetime | None
    expiry: datetime | None = None
    validity: str | None = None
    subledger: str = ""
    reason: str = ""


class PointsImporter:
    """Gives the points of every line to its owner."""

    def __init__(
        self,
        shop: Shop,
        program: LoyaltyProgram,
        actor: str,
        now: datetime,
        *,
        quiet: bool = False,
    ) -> None:
        self._shop = shop
        self._program = program
        self._actor = actor
        self._quiet = quiet
        self._now = now

    async def check(self, connection: Connection, rows: Sequence[PointsLine]) -> Sequence[Fault]:
        """What is wrong with some lines."""
        faults = [fault for row in rows for fault in self._faults(row)]
        if self._program.card_based:
            faults += await self._card_faults(connection, rows)
        return faults

    async def apply(
        self, connection: Connection, rows: Sequence[PointsLine], place: BatchPlace
    ) -> None:
        """Gives the points of some lines, owner by owner."""
        if self._quiet:
            await notifications.keep_quiet(connection)
        by_owner = defaultdict[str, list[tuple[int, PointsLine]]](list)
        for index, row in enumerate(rows):
            by_owner[row.owner].append((index, row))
        of_cards = self._program.card_based
        owners = sorted(by_owner)
        keys = await self._locked(connection, owners)
        found = await loyalty_bulk.load_all(
            connection, self._program.id, keys, self._now, of_cards=of_cards
        )
        writes = []
        for owner, points in zip(owners, found, strict=True):
            await self._follow(points)
            state = points_state(points, self._program, self._now)
            if state is None or (state.card is not None and state.card.is_blocked):
                raise InvalidInput(_replaced(by_owner[owner][0][1]))
            ledgers = msgspec.Raw(self._given(state, by_owner[owner], place))
            writes.append(OwnerWrite(state.customer_id, state.customer_version, ledgers))
        await loyalty_bulk.save_all(connection, self._now, writes, of_cards=of_cards)

    async def _follow(self, points: PointsRow) -> None:
        """Takes the program as it is now, and begins the batch again where it has changed."""
        if points.configuration_version != self._shop.configuration.version:
            await self._shop.refresh()
            self._program = loyalty_program(self._shop, self._program.id)
            raise GuardFailed("configuration")

    async def _locked(
        self, connection: Connection, owners: Sequence[str]
    ) -> Sequence[UUID] | Sequence[str]:
        """How to find the owners, whom nobody else writes from now on."""
        if self._program.card_based:
            await program_cards.lock_all(connection, self._program.id, owners)
            return owners
        keys = {owner: profile_key(owner, sandbox=self._program.sandbox) for owner in owners}
        await create_profiles(connection, keys, self._now)
        await customers.lock(connection, ProfileQuery(list(keys.values()), None, self._now))
        return [keys[owner] for owner in owners]

    def _given(
        self, state: PointsState, lines: Sequence[tuple[int, PointsLine]], place: BatchPlace
    ) -> bytes:
        """What is posted to one owner."""
        names = sorted({line.subledger for _, line in lines})
        bookings = {name: begin(state.ledger(name), self._program, self._now) for name in names}
        for index, line in lines:
            terms = imported_terms(self._program, line.start, line.expiry, line.validity, self._now)
            cause = Cause(name=line.reason, actor=self._actor, import_id=place.import_id)
            decide.earn(bookings[line.subledger], place.key(index), line.amount, terms, cause)
        writes = writes_of([booking.decision() for booking in bookings.values()])
        assert writes is not None, "every line gives something"
        return writes

    def _faults(self, row: PointsLine) -> Iterator[Fault]:
        try:
            decide.checked(self._program, row.amount, "/amount")
            refuse_subledger(self._program, row.subledger)
            imported_terms(self._program, row.start, row.expiry, row.validity, self._now)
        except InvalidInput as refusal:
            for fault in refusal.faults:
                yield _in_line(fault, row.line)

    async def _card_faults(self, connection: Connection, rows: Sequence[PointsLine]) -> list[Fault]:
        names = sorted({row.owner for row in rows if is_identifier(row.owner)})
        documents = await program_cards.read_all(connection, self._program.id, names)
        cards = {card.identifier: card for card in map(read_program_card, documents)}
        faults = []
        for row in rows:
            card = cards.get(row.owner)
            if card is None:
                details = f"identifier: card {row.owner[:120]} does not exist"
                faults.append(Fault("", "Unknown", details, line=row.line))
            elif card.is_blocked:
                faults.append(_replaced(row))
        return faults


def _replaced(row: PointsLine) -> Fault:
    details = f"identifier: card {row.owner} was replaced by another one"
    return Fault("", "Not allowed", details, line=row.line)


def _in_line(fault: Fault, line: int) -> Fault:
    """The fault of a value as one of a line: its column is named in words."""
    column = fault.pointer.removeprefix("/").lower()
    return Fault("", fault.title, f"{column}: {fault.details}", line=line)
