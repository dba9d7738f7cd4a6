"""Which identifiers of an offer become the person's, and which are kept as a detail.

Words: an identifier that somebody else holds stays theirs; a contact is *firm* where it was
verified, or told by somebody other than a browser, and nobody who is not trusted puts another one
beside it. Whatever stays a detail recognises nobody (contracts/tracker/SPEC.md section 3).
"""

from collections.abc import Iterator, Mapping
from uuid import UUID

import msgspec

from habitue.customers.card import Card, HeldIdentifier, Profile
from habitue.customers.change import ClaimWish
from habitue.customers.identifier import EMAIL, MOBILE
from habitue.customers.register import Found
from habitue.customers.sources import TRACKER
from habitue.customers.visitor import ReadId, Warned
from habitue.model.limits import IDENTIFIERS_PER_PROFILE_MAX

_PLACE = (TRACKER, "")


class Settled:
    """Which identifiers become the person's, and which stay a detail."""

    def __init__(
        self, before: Card, root_id: int, mine: set[int], found: Found, trusted: bool
    ) -> None:
        self._before = before
        self._root_id = root_id
        self._mine = mine
        self._found = found
        self._trusted = trusted
        self.wishes: list[ClaimWish] = []
        self.elsewhere: list[UUID] = []

    def identifiers(
        self, profile: Profile, keys: Mapping[UUID, ReadId], warnings: list[Warned]
    ) -> Iterator[HeldIdentifier]:
        """Those the profile has, and the new ones; what goes wrong is noted."""
        there = {(each.kind, each.normal_form): each for each in profile.identifiers}
        for key in sorted(keys):
            field, told = keys[key].field, keys[key].held
            remark = self._remark(key, told)
            if remark:
                warnings.append(Warned(field, remark))
            known = there.get((told.kind, told.normal_form))
            if known is not None and (known.remark == remark or known.identity):
                continue
            if known is None and len(there) >= IDENTIFIERS_PER_PROFILE_MAX:
                warnings.append(Warned(field, "too_many"))
                continue
            if not remark and key not in self._found.holders:
                self.wishes.append(ClaimWish(key, told.kind, told.value, self._root_id, *_PLACE))
            if remark == "held_by_another":
                self.elsewhere.append(key)
            there[told.kind, told.normal_form] = msgspec.structs.replace(
                told, identity=not remark, remark=remark
            )
        yield from there.values()

    def _remark(self, key: UUID, told: HeldIdentifier) -> str:
        """Why the identifier cannot be the person's; empty where it can."""
        holder = self._found.holders.get(key)
        if holder is not None:
            return "" if holder.customer_id in self._mine else "held_by_another"
        if not self._trusted and told.kind in (EMAIL, MOBILE):
            firm = set(_firm_contacts(self._before, told.kind))
            if firm and told.normal_form not in firm:
                return "not_verified"
        return ""


def _firm_contacts(card: Card, kind: str) -> Iterator[str]:
    """Contacts of that kind that a browser cannot have made up."""
    for _, profile in card.profiles():
        for channel in profile.channels:
            if channel.type == kind and (channel.verified or profile.source != TRACKER):
                yield channel.value
        for each in profile.identifiers:
            if profile.source != TRACKER and each.kind == kind and each.identity:
                yield each.normal_form
