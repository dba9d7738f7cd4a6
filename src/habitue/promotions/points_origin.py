"""What points are booked for, and how the ledgers and transactions of it are named.

Words: the *origin* is the request that points are booked for; the keys of its transactions follow
from it and from what gives the points, so that an open session names the same transactions however
often it is evaluated. A session that was reopened gives new ones.
"""

from datetime import datetime
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID, uuid5

import msgspec

from habitue.loyalty.ledger import Cause

_SPACE = UUID("8a3d9f0e-5b7c-4c1e-9f56-0d6f2f8e7a11")


class LedgerName(NamedTuple):
    """The name of a ledger: the program, the subledger, and whose it is: the id of a card's points
    or of another customer, 0 for the customer of the request."""

    program_id: int
    subledger: str
    owner_id: int = 0

    @property
    def words(self) -> tuple[object, ...]:
        """What keys of its transactions are made of."""
        return self if self.owner_id else self[:2]


class Origin(msgspec.Struct, frozen=True):
    """What points are booked for: a session, or where that is None an event of a profile.

    `round` tells apart the evaluations of one session that each give points of their own.
    """

    application_id: int
    event_id: int
    session_id: int | None = None
    session_key: str = ""
    round: str = ""

    def key(self, *words: object) -> UUID:
        """The key of what those words say, the same in every evaluation of one round."""
        source = f"event {self.event_id}" if self.session_id is None else f"{self.session_id}"
        return uuid5(_SPACE, "|".join(map(str, (source, self.round, *words))))

    def cause(self, rule: tuple[int, int, int, str], name: str) -> Cause:
        """Why a rule posts."""
        campaign_id, ruleset_id, _, rule_name = rule
        return Cause(
            name=name,
            session_id=self.session_id,
            session_key=self.session_key,
            application_id=self.application_id,
            campaign_id=campaign_id,
            ruleset_id=ruleset_id,
            rule_name=rule_name,
        )

    def cause_of_undoing(self, name: str) -> Cause:
        """Why what a session gave is taken back."""
        return Cause(
            name=name,
            session_id=self.session_id,
            session_key=self.session_key,
            application_id=self.application_id,
        )


class Undone(msgspec.Struct, frozen=True):
    """How much of a transaction was taken back, and the terms of what came back to the customer."""

    amount: Decimal
    start: datetime | None = None
    expiry: datetime | None = None
