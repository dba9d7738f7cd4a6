"""Merging two customers on purpose: somebody asks for it, somebody approves.

Words: the *victim* is to become a part of the *survivor*. A request is pending until it is approved
or rejected; a rejected one must be taken back to pending before it can be approved
(contracts/capillary/SPEC.md section 7.3). An approved one may be *undone*, which takes the cards
apart again. A *fact* is why something about a request was refused.

Invariants: a customer is the victim of at most one pending request; a request is approved exactly
when the merge that it asked for was made.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Literal

import msgspec

from habitue.customers.card import Actor
from habitue.model.errors import Conflict

MergeRequestState = Literal["PENDING", "APPROVED", "REJECTED", "UNDONE"]
MergeRequestReason = Literal[
    "type_invalid",
    "base_type_invalid",
    "status_invalid",  # subject: what was asked for
    "identifiers_missing",
    "victim_unknown",
    "survivor_unknown",
    "request_unknown",  # subject: its id
    "victim_pending",  # the victim is part of another pending request
    "survivor_pending",  # the survivor is the victim of another pending request
    "victim_merged",
    "survivor_merged",
    "same_request_pending",
    "same_customer",
    "transition_forbidden",  # subject: the state now, other: the state asked for
]

_FOLLOWING: dict[MergeRequestState, frozenset[MergeRequestState]] = {
    "PENDING": frozenset({"APPROVED", "REJECTED"}),
    "REJECTED": frozenset({"PENDING"}),
    "APPROVED": frozenset({"UNDONE"}),
    "UNDONE": frozenset(),
}


class MergeRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One request. `comments` are those of whoever decided last, or who asked."""

    id: int
    victim_id: int
    survivor_id: int
    state: MergeRequestState = "PENDING"
    comments: str = ""
    created: datetime
    created_by: Actor = Actor()
    modified: datetime
    modified_by: Actor = Actor()


class MergeRequestRefused(Conflict):
    """A request, or a decision about one, is refused."""

    def __init__(self, reason: MergeRequestReason, subject: object = "", other: str = "") -> None:
        super().__init__(f"{reason.replace('_', ' ')} {subject} {other}".strip())
        self.reason = reason
        self.subject = str(subject)[:80]
        self.other = other[:80]


def check_new(victim_id: int, survivor_id: int, pending: Iterable[MergeRequest]) -> None:
    """Raises `MergeRequestRefused` unless these two may be asked to be merged; `pending` are the
    pending requests that name either."""
    if victim_id == survivor_id:
        raise MergeRequestRefused("same_customer")
    for each in pending:
        if (each.victim_id, each.survivor_id) == (victim_id, survivor_id):
            raise MergeRequestRefused("same_request_pending")
        if victim_id in (each.victim_id, each.survivor_id):
            raise MergeRequestRefused("victim_pending")
        if survivor_id == each.victim_id:
            raise MergeRequestRefused("survivor_pending")


def check_transition(request: MergeRequest, wanted: MergeRequestState) -> None:
    """Raises `MergeRequestRefused` unless the request may go to that state."""
    if wanted not in _FOLLOWING[request.state]:
        raise MergeRequestRefused("transition_forbidden", request.state, wanted)
