"""The status of a customer: how it changes, and which one stands where cards were joined.

Words: a status *stands* for a part until the next one. A customer starts as active, under the
shop's default label, whether or not anybody said so. What is said of a joined card counts for all
that was joined in it, but is kept by the part that it was said to alone: a change names the other
parts (`StatusChange.covers`), and counts for them until something is said later.

Invariants: one status stands for a card, the most severe of those that stand for its parts
(contracts/capillary/SPEC.md section 7.4); a customer who is deleted stays deleted.
"""

from collections.abc import Iterator
from datetime import datetime
from operator import itemgetter

import msgspec

from habitue.customers.card import Actor, Card, CustomerStatus, Part, StatusChange, with_part
from habitue.customers.organisation import Organisation, folded
from habitue.customers.refusals import LabelUnknown
from habitue.model.errors import Conflict

#: From the mildest to the most severe.
_SEVERITY: tuple[CustomerStatus, ...] = (
    "ACTIVE",
    "SUSPENDED",
    "FRAUD_SUSPECTED",
    "FRAUD_CONFIRMED",
    "INTERNAL",
    "PENDING_DELETION",
    "DELETED",
)
_INITIAL: CustomerStatus = "ACTIVE"


class StatusFinal(Conflict):
    """The customer is deleted, and stays so."""

    def __init__(self, label: str) -> None:
        super().__init__(f'The customer has the status "{label}", which cannot change any more')
        self.label = label


class LoggedStatus(msgspec.Struct, frozen=True):
    """A line of the log of a customer's statuses; `previous_label` is empty in the first."""

    change: StatusChange
    previous_label: str
    active: bool


class StatusWish(msgspec.Struct, frozen=True, kw_only=True):
    """A status that a customer shall have; `at` is when the caller says that it began, `told` when
    that is said."""

    label: str
    reason: str
    at: datetime
    told: datetime
    actor: Actor = Actor()


def current_status(card: Card, organisation: Organisation) -> StatusChange:
    """The status that stands for the card."""
    return max(_standing(card, organisation), key=_severity)


def status_log(card: Card, organisation: Organisation) -> list[LoggedStatus]:
    """Every status that the card and what was joined in it had, in the order in which they were
    said; exactly one is active."""
    lines = [line for _, line in sorted(_lines(card, organisation), key=itemgetter(0))]
    active = current_status(card, organisation)
    found = max(index for index, line in enumerate(lines) if line.change == active)
    return [
        msgspec.structs.replace(line, active=index == found) for index, line in enumerate(lines)
    ]


def blocking_label(card: Card, organisation: Organisation, action: str) -> str | None:
    """The label that stops the action, one of `organisation.BLOCKS`; None if nothing does."""
    current = current_status(card, organisation)
    label = organisation.status_label_of.get(folded(current.label))
    stops = current.status == "DELETED" or (label is not None and action in label.blocks)
    return current.label if stops else None


def with_status(
    card: Card, root_id: int, wish: StatusWish, organisation: Organisation
) -> tuple[Card, Part]:
    """The card, and its part of that root, with the status that is wished for.

    Raises `LabelUnknown` or `StatusFinal`.
    """
    label = organisation.status_label_of.get(folded(wish.label))
    if label is None:
        raise LabelUnknown("/label", wish.label)
    current = current_status(card, organisation)
    if current.status == "DELETED":
        raise StatusFinal(current.label)
    part = card.part(root_id) or _bare_part(card, root_id)
    others = tuple(each.root_id for each in card.parts if each.root_id != root_id)
    change = StatusChange(
        label.status, label.label, wish.reason, wish.at, wish.actor, wish.told, others
    )
    part = msgspec.structs.replace(part, statuses=(*_told(part, organisation), change))
    return with_part(card, part), part


def _standing(card: Card, organisation: Organisation) -> list[StatusChange]:
    """What stands for each part: of all that was said to it or covers it, the last."""
    parts = card.parts or (_bare_part(card, card.id),)
    heard = {part.root_id: list(_told(part, organisation)) for part in parts}
    for part in parts:
        for change in part.statuses:
            for root_id in change.covers:
                heard.get(root_id, []).append(change)
    return [sorted(changes, key=_said)[-1] for changes in heard.values()]


def _lines(card: Card, organisation: Organisation) -> Iterator[tuple[datetime, LoggedStatus]]:
    """The lines of the log, each with when it was said."""
    for part in card.parts or (_bare_part(card, card.id),):
        previous = ""
        for change in _told(part, organisation):
            yield _said(change), LoggedStatus(change, previous, active=False)
            previous = change.label


def _said(change: StatusChange) -> datetime:
    return change.told or change.at


def _told(part: Part, organisation: Organisation) -> tuple[StatusChange, ...]:
    """The changes of a part; where nobody has said anything, how every customer starts."""
    return part.statuses or (_initial(part, organisation),)


def _initial(part: Part, organisation: Organisation) -> StatusChange:
    label = organisation.default_status_label(_INITIAL)
    return StatusChange(
        _INITIAL, label.label if label else "", "", part.registered, part.created_by
    )


def _bare_part(card: Card, root_id: int) -> Part:
    return Part(root_id=root_id, registered=card.customer.created)


def _severity(change: StatusChange) -> int:
    return _SEVERITY.index(change.status)
