"""Points and tiers as rules read them: `Profile.Loyalty.<program>`.

Facts are those that the request found: what rules give and take meanwhile is told by the functions
of `promotions.host.points`. A ledger is looked at when a rule asks for it.
"""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from types import MappingProxyType

from habitue.loyalty.program import MAIN_LEDGER
from habitue.promotions.points_book import PointsBook
from habitue.promotions.points_origin import LedgerName


class ProgramFacts:
    """What the customer has in the main ledger of one program."""

    __slots__ = ("_book", "_name")

    def __init__(self, book: PointsBook, program_id: int) -> None:
        self._book = book
        self._name = LedgerName(program_id, MAIN_LEDGER)

    @property
    def current(self) -> Decimal:
        return self._book.before(self._name).balances.active

    @property
    def pending(self) -> Decimal:
        return self._book.before(self._name).balances.pending

    @property
    def negative(self) -> Decimal:
        return self._book.before(self._name).balances.negative

    @property
    def tier(self) -> str | None:
        return self._book.before(self._name).tier

    @property
    def joined(self) -> datetime | None:
        return self._book.ledger(self._name).anchors.joined


class BookFacts:
    """The programs that serve the application, by name."""

    __slots__ = ("attributes",)

    def __init__(self, book: PointsBook) -> None:
        self.attributes: Mapping[str, ProgramFacts] = MappingProxyType(
            {each.name: ProgramFacts(book, each.id) for each in book.profile_programs()}
        )
