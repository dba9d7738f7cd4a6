"""An independent model of registration: who is one person, by a union-find over the customers.

Written from contracts/capillary/SPEC.md sections 3.5 to 5 with plain dictionaries; no code of the
engine is used. Words: an *identifier* is a kind and a normal form, a *place* a source account. What
was told belongs to the *root* under which it was told; the customer of a root is the end of its
chain of joins. A claim names a root, so that who owns it follows from that alone.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from tests.harness.card_judge import key_of

Identifier = tuple[str, str]
Place = tuple[str, str]
Told = tuple[Place, Sequence[Identifier]]

#: An address that is nobody's: it is kept, and recognises nobody.
NOBODYS: Identifier = ("email", "noreply@orchard.sg")


class Refused(Exception):
    """The engine must refuse this too, under the same name."""


@dataclass
class Profile:
    """What one place told: identifiers with whether somebody is recognised by them, and a name."""

    identifiers: dict[Identifier, bool]
    name: str = ""


@dataclass
class People:
    """All that was registered."""

    joined_into: dict[int, int] = field(default_factory=dict)
    claims: dict[Identifier, int] = field(default_factory=dict)
    parts: dict[int, dict[Place, Profile]] = field(default_factory=dict)

    def find(self, root: int) -> int:
        """The customer in whose card that root is."""
        while root in self.joined_into:
            root = self.joined_into[root]
        return root

    def roots(self, customer_id: int) -> list[int]:
        """The roots of a card, its own first."""
        found = (root for root in self.parts if self.find(root) == customer_id)
        return sorted(found, key=lambda root: (root != customer_id, root))

    def profiles(self, customer_id: int) -> Iterator[tuple[int, Place, Profile]]:
        """The profiles of a card, with their roots."""
        for root in self.roots(customer_id):
            for place, profile in self.parts[root].items():
                yield root, place, profile

    def register(self, told: Sequence[Told], name: str, new_id: int) -> tuple[int, list[int]]:
        """The customer who comes of it, and who is joined into that; a new one has `new_id`."""
        asked = list(
            dict.fromkeys(each for _, listed in told for each in listed if each != NOBODYS)
        )
        if not asked:
            raise Refused("IdentifiersMissing")
        held = {each: self.find(self.claims[each]) for each in asked if each in self.claims}
        self._refuse_known(told, set(held.values()))
        primary = next((each for each in asked if each[0] == "mobile"), None)
        victims: list[int] = []
        if held:
            decides = primary if primary in held else min(held, key=lambda each: _rank(each, held))
            assert decides is not None
            customer_id, root = held[decides], self.claims[decides]
            if {place for place, _ in told} & {place for _, place, _ in self.profiles(customer_id)}:
                raise Refused("SourceTaken")
            if decides == primary:
                victims = sorted(set(held.values()) - {customer_id})
        else:
            assert new_id not in self.parts, f"{new_id} is somebody already"
            customer_id = root = new_id
            self.parts[root] = {}
        for victim in victims:
            self.joined_into[victim] = customer_id
        for each in asked:
            self.claims.setdefault(each, root)
        for place, listed in told:
            self.parts[root][place] = Profile(self._recognised(listed, customer_id), name)
        return customer_id, victims

    def rename(self, named: int | Identifier, place: Place, name: str) -> tuple[int, list[int]]:
        """A place tells another name."""
        if isinstance(named, int):
            customer_id, root = self._standing(named), named
        elif named in self.claims:
            root = self.claims[named]
            customer_id = self.find(root)
            tellers = [each for _, at, each in self.profiles(customer_id) if at == place]
            if not any(named in each.identifiers for each in tellers):
                raise Refused("CustomerNotInSource")
        else:
            raise Refused("CustomerNotFound")
        self._profile(customer_id, root, place)[1].name = name
        return customer_id, []

    def change(
        self, id_: int, place: Place, add: Sequence[Identifier], remove: Sequence[Identifier]
    ) -> tuple[int, list[int]]:
        """A place tells identifiers that come and go; another holder of one takes the card in."""
        customer_id = self._standing(id_)
        root, profile = self._profile(customer_id, id_, place)
        kept = {each: flag for each, flag in profile.identifiers.items() if each not in remove}
        added = [each for each in dict.fromkeys(add) if each not in kept]
        holders = {self.find(self.claims[each]) for each in added if each in self.claims}
        others = sorted(holders - {customer_id})
        if len(others) > 1:
            raise Refused("IdentifiersConflict")
        if others and place in {each for _, each, _ in self.profiles(others[0])}:
            raise Refused("CustomerExists")
        left = {*kept.items(), *((each, each != NOBODYS) for each in added)}
        cards = [customer_id, *others]
        elsewhere = {
            each
            for card in cards
            for _, _, other in self.profiles(card)
            for each, flag in other.identifiers.items()
            if flag and other is not profile
        }
        recognised = elsewhere | {each for each, flag in left if flag}
        if not recognised:
            raise Refused("IdentifiersMissing")
        for each in profile.identifiers:
            if each not in recognised and self.find(self.claims.get(each, -1)) == customer_id:
                del self.claims[each]
        for each in added:
            if each != NOBODYS:
                self.claims.setdefault(each, root)
        removed = profile.identifiers.keys() - kept.keys()
        profile.identifiers = {**kept, **{each: each != NOBODYS for each in added}}
        if others:
            self.joined_into[customer_id] = others[0]
        for each in removed & self.claims.keys():
            self._pass_on(each, self.find(customer_id))
        return self.find(customer_id), [customer_id] if others else []

    def _pass_on(self, identifier: Identifier, customer_id: int) -> None:
        """A claim whose root does not tell the identifier any more goes to one that does."""
        tellers = [
            root
            for root, _, profile in self.profiles(customer_id)
            if profile.identifiers.get(identifier)
        ]
        root = self.claims[identifier]
        if tellers and root not in tellers and self.find(root) == customer_id:
            self.claims[identifier] = tellers[0]

    def _refuse_known(self, told: Sequence[Told], candidates: set[int]) -> None:
        for candidate in candidates:
            for _, place, profile in self.profiles(candidate):
                for other, listed in told:
                    known = set(profile.identifiers) & set(listed) - {NOBODYS}
                    if place == other and known:
                        raise Refused("CustomerExists")

    def _recognised(self, listed: Sequence[Identifier], customer_id: int) -> dict[Identifier, bool]:
        return {
            each: each != NOBODYS and self.find(self.claims[each]) == customer_id for each in listed
        }

    def _standing(self, id_: int) -> int:
        if id_ in self.joined_into:
            raise Refused("CustomerMerged")
        return id_

    def _profile(self, customer_id: int, root: int, place: Place) -> tuple[int, Profile]:
        roots = [each for each in self.roots(customer_id) if place in self.parts[each]]
        if not roots:
            raise Refused("ProfileMissing")
        found = root if root in roots else roots[0]
        return found, self.parts[found][place]


def _rank(identifier: Identifier, held: dict[Identifier, int]) -> tuple[int, str]:
    return held[identifier], key_of(*identifier)
