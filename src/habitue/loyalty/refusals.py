"""What the ledger refuses, as business facts; after a refusal it is as it was."""

from decimal import Decimal
from uuid import UUID

from habitue.model.errors import Conflict, Fault, InvalidInput
from habitue.model.numbers import shortest


class NotEnoughPoints(InvalidInput):
    """More points are wanted than are active."""

    def __init__(self, wanted: Decimal, active: Decimal, pointer: str = "/points") -> None:
        details = f"{shortest(wanted)} points are wanted, and {shortest(active)} are active"
        super().__init__(Fault(pointer, "Not enough points", details))
        self.wanted, self.active = wanted, active


class WrongPoints(InvalidInput):
    """The amount is no amount of points: not above zero, too large, or too precise."""

    def __init__(self, details: str, pointer: str = "/points") -> None:
        super().__init__(Fault(pointer, "Invalid amount", details))


class WrongMoment(InvalidInput):
    """Points would start or end at a moment that cannot be."""

    def __init__(self, pointer: str, details: str) -> None:
        super().__init__(Fault(pointer, "Invalid date", details))


class NotAwaiting(InvalidInput):
    """The points named do not wait for an action: unknown, active already, or gone."""

    def __init__(self, what: str, pointer: str) -> None:
        super().__init__(Fault(pointer, "Not pending", f"{what} does not await activation"))


class HoldUnknown(Conflict):
    """There is no such hold any more: it was posted, voided, or its time is over."""

    def __init__(self, key: UUID) -> None:
        super().__init__(f"No points are held under {key}")
        self.key = key


class AlreadyJoined(InvalidInput):
    """The customer is a member of the program already."""

    def __init__(self, customer: str) -> None:
        details = f"{customer} has joined the program already"
        super().__init__(Fault("", "Already joined", details, parameter="integrationId"))
