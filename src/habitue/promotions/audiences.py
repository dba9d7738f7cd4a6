"""Audiences: groups of customers that the shop or a platform of its own keeps.

Words: an audience is of one *environment*, live or sandbox, like the customers in it. It *serves*
the applications that are subscribed to it, or all of its environment: their rules read it by its
name and their answers show it. *Memberships* are those of one customer while rules run: what was
read, and what the request and the rules change of it (contracts/talon_one/SEMANTICS.md section 14).
"""

from collections.abc import Iterable, Mapping
from datetime import datetime

import msgspec

from habitue.model.errors import Fault, InvalidInput
from habitue.promotions.effects import AddToAudience, Effect, RemoveFromAudience
from habitue.promotions.facts import NO_AUDIENCES, AudienceFacts
from habitue.promotions.resources import AudienceChanges


class Audience(msgspec.Struct, frozen=True):
    """One audience; `integration` and `integration_id` say which one it is on another platform."""

    id: int
    name: str
    created: datetime
    description: str = ""
    sandbox: bool = False
    integration: str = ""
    integration_id: str = ""
    subscribed_application_ids: tuple[int, ...] = ()

    def serves(self, application_id: int) -> bool:
        """Whether that application, which is of the same environment, knows the audience."""
        return not self.subscribed_application_ids or (
            application_id in self.subscribed_application_ids
        )


class MembershipChange(msgspec.Struct, frozen=True):
    """A wish of a request: that the customer joins an audience, or leaves it."""

    audience_id: int
    joins: bool
    pointer: str


class Memberships:
    """The audiences of one customer while rules are tried; a resource as `Tentative` has it."""

    __slots__ = ("_before", "_changes")

    def __init__(self, before: frozenset[int]) -> None:
        self._before = before
        self._changes: list[tuple[int, bool]] = []

    def change(self, audience_id: int, *, joins: bool) -> None:
        """The customer joins or leaves, as the next request will see."""
        self._changes.append((audience_id, joins))

    def mark(self) -> int:
        return len(self._changes)

    def roll_back(self, mark: int) -> None:
        del self._changes[mark:]

    def changes(self) -> AudienceChanges | None:
        """What is to be written; None where everything is as it was."""
        return changes_between(self._before, changed(self._before, self._changes))


def changed(before: frozenset[int], changes: Iterable[tuple[int, bool]]) -> frozenset[int]:
    """The audiences after the customer has joined and left those, one after the other."""
    present = set(before)
    for audience_id, joins in changes:
        (present.add if joins else present.discard)(audience_id)
    return frozenset(present)


def changes_between(before: frozenset[int], present: frozenset[int]) -> AudienceChanges | None:
    """What leads from `before` to `present`; None where both are the same."""
    if before == present:
        return None
    return AudienceChanges(tuple(sorted(present - before)), tuple(sorted(before - present)))


def after(before: frozenset[int], changes: AudienceChanges | None) -> frozenset[int]:
    """The audiences that the customer is in once `changes` are written."""
    return before if changes is None else (before | set(changes.joins)) - set(changes.leaves)


def changes_of_effects(before: frozenset[int], effects: Iterable[Effect]) -> AudienceChanges | None:
    """What those effects change, one after the other."""
    moves = (
        (effect.outcome.audience_id, isinstance(effect.outcome, AddToAudience))
        for effect in effects
        if isinstance(effect.outcome, (AddToAudience, RemoveFromAudience))
    )
    return changes_between(before, changed(before, moves))


def check_known(wishes: Iterable[MembershipChange], audiences: Mapping[int, Audience]) -> None:
    """Raises `InvalidInput` where a wish names an audience that does not exist."""
    faults = [
        Fault(each.pointer, "Unknown", f"Audience {each.audience_id} does not exist")
        for each in wishes
        if each.audience_id not in audiences
    ]
    if faults:
        raise InvalidInput(*faults)


def names_in(ids: Iterable[int], names: Mapping[int, str]) -> list[str]:
    """The names of those audiences that have one there, in the order of their ids."""
    return [names[id_] for id_ in sorted(ids) if id_ in names]


def audience_facts(
    before: frozenset[int], present: frozenset[int], names: Mapping[int, str]
) -> AudienceFacts:
    """What rules read of a customer's audiences, after the request's own wishes."""
    if not names:
        return NO_AUDIENCES
    return AudienceFacts(
        names_in(present, names),
        names_in(present - before, names),
        names_in(before - present, names),
    )
