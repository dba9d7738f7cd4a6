"""Cards of a loyalty program that come out of a file, linked to profiles, which come to be where
they do not exist, as with points (decision 0071)."""

from collections.abc import Iterator, Sequence
from datetime import datetime

import msgspec

from habitue.customers.claims import profile_key
from habitue.loyalty.card import CardState, identifier_faults
from habitue.loyalty.program import LoyaltyProgram
from habitue.model.documents import encode
from habitue.model.errors import Fault
from habitue.model.limits import PROFILES_PER_CARD_REQUEST_MAX
from habitue.store import customers, loyalty_lists, program_cards
from habitue.store.customers import ProfileQuery
from habitue.store.database import Connection
from habitue.usecases.change_points import card_based
from habitue.usecases.create_profiles import create_profiles
from habitue.usecases.points_state import read_program_card
from habitue.usecases.run_import import BatchPlace


class CardLine(msgspec.Struct, frozen=True):
    """One card."""

    line: int
    identifier: str
    status: CardState
    profiles: tuple[str, ...]


class CardImporter:
    """Makes the card of every line. Identifiers that are cards already, or that are there twice,
    are refused."""

    def __init__(self, program: LoyaltyProgram, now: datetime) -> None:
        self._program = card_based(program)
        self._now = now
        self._seen: set[str] = set()

    async def check(self, connection: Connection, rows: Sequence[CardLine]) -> Sequence[Fault]:
        """What is wrong with some lines."""
        names = [row.identifier for row in rows]
        documents = await program_cards.read_all(connection, self._program.id, names)
        taken = {read_program_card(each).identifier for each in documents}
        return [fault for row in rows for fault in self._faults(row, taken)]

    async def apply(
        self, connection: Connection, rows: Sequence[CardLine], place: BatchPlace
    ) -> None:
        """Makes the cards of some lines."""
        sandbox = self._program.sandbox
        names = dict.fromkeys(name for row in rows for name in row.profiles)
        keys = {name: profile_key(name, sandbox=sandbox) for name in names}
        await create_profiles(connection, keys, self._now)
        await customers.lock(connection, ProfileQuery(list(keys.values()), None, self._now))
        cards = [
            {
                "identifier": row.identifier,
                "status": row.status,
                "links": [
                    {"claim_key": keys[name], "integration_id": name} for name in row.profiles
                ],
            }
            for row in rows
        ]
        await loyalty_lists.import_cards(
            connection, self._program.id, sandbox, self._now, encode(cards)
        )

    def _faults(self, row: CardLine, taken: set[str]) -> Iterator[Fault]:
        for fault in identifier_faults(row.identifier, ""):
            yield Fault("", fault.title, f"identifier: {fault.details}", line=row.line)
        if row.identifier in taken or row.identifier in self._seen:
            details = f"identifier: card {row.identifier} is there already"
            yield Fault("", "Taken", details, line=row.line)
        self._seen.add(row.identifier)
        most = self._program.users_per_card or PROFILES_PER_CARD_REQUEST_MAX
        if len(row.profiles) > most:
            details = f"customerprofileids: a card is linked to at most {most} profiles"
            yield Fault("", "Too many", details, line=row.line)
