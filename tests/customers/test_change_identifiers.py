"""What comes of identifiers that come and go, as a table."""

from typing import Any

import msgspec
import pytest

from habitue.customers.card import Card, Part, Profile
from habitue.customers.change import CardDecision
from habitue.customers.change_identifiers import (
    IdentifierCommand,
    claim_keys_of,
    decide_identifiers,
)
from habitue.customers.refusals import (
    CustomerExists,
    IdentifierFixed,
    IdentifiersConflict,
    IdentifiersMissing,
    ProfileMissing,
)
from habitue.customers.register import Found, Holder
from habitue.customers.registration import OfferedIdentifier
from habitue.model.errors import Refusal
from tests.customers.test_register import NOW, TILL, card, found, key, kinds, organisation


def command(
    add: tuple[str, ...] = (), remove: tuple[str, ...] = (), source: str = "INSTORE"
) -> IdentifierCommand:
    """A change; identifiers are told as `kind value`."""

    def offered(told: tuple[str, ...]) -> tuple[OfferedIdentifier, ...]:
        return tuple(
            OfferedIdentifier(kind=each.split()[0], value=each.split()[1]) for each in told
        )

    return IdentifierCommand(
        source=source, account_id="", add=offered(add), remove=offered(remove), actor=TILL
    )


def change(
    asked: IdentifierCommand, mine: Card, *others: Card, known: Found | None = None, **settings: Any
) -> CardDecision:
    shop = organisation(**settings)
    known = known or found(mine, *others)
    return decide_identifiers(asked, mine, mine.id, known, shop, NOW)


def test_an_identifier_is_exchanged_for_another() -> None:
    mine = card(7, "mobile 6591234567", "email a@orchard.sg")
    decision = change(command(("email b@orchard.sg",), ("email a@orchard.sg",)), mine)
    assert [(each.kind, each.value) for each in decision.change.claims] == [
        ("email", "b@orchard.sg")
    ]
    assert decision.change.released == (key("email a@orchard.sg"),)
    kept = [each.value for each in decision.card.parts[0].profiles[0].identifiers]
    assert kept == ["6591234567", "b@orchard.sg"]
    assert kinds(decision) == []


def test_what_another_card_holds_makes_the_two_one() -> None:
    mine = card(7, "mobile 6591234567")
    other = card(5, "email a@orchard.sg", source="WEBSITE")
    decision = change(command(("email a@orchard.sg",)), mine, other)
    assert (decision.change.customer_id, decision.change.root_id) == (5, 7)
    assert decision.victims == (7,)
    assert decision.change.claims == ()
    assert [(each.kind, each.subject) for each in decision.notices] == [("merged", "5")]


def test_what_goes_is_given_up_also_where_cards_become_one() -> None:
    mine = card(7, "mobile 6591234567", "cuid c7")
    other = card(5, "email a@orchard.sg", source="WEBSITE")
    decision = change(command(("email a@orchard.sg",), ("cuid c7",)), mine, other)
    assert (decision.change.customer_id, decision.victims) == (5, (7,))
    assert decision.change.released == (key("cuid c7"),)


def test_what_too_many_cards_carry_is_a_detail() -> None:
    mine, other = card(7, "mobile 6591234567"), card(5, "cuid kiosk", source="WEBSITE")
    known = found(mine, other, counts={"cuid kiosk": 21})
    decision = change(command(("cuid kiosk",)), mine, other, known=known)
    assert (decision.change.customer_id, decision.victims) == (7, ())
    assert decision.change.claims == ()
    assert decision.change.holders == (key("cuid kiosk"),)
    told = decision.card.parts[0].profiles[0].identifiers[1]
    assert (told.identity, told.remark) == (False, "shared_by_too_many")
    assert kinds(decision) == ["shared_identifier"]


def test_a_claim_passes_on_to_the_root_that_still_tells_the_identifier() -> None:
    mine = card(7, "mobile 6591234567", "email a@orchard.sg")
    joined = card(9, "cuid c9", "email a@orchard.sg", source="WEBSITE").parts[0]
    both = msgspec.structs.replace(mine, parts=(*mine.parts, joined))
    holders = {
        key(told): Holder(7, root_id)
        for told, root_id in (
            ("mobile 6591234567", 7),
            ("email a@orchard.sg", 7),
            ("cuid c9", 9),
        )
    }
    known = Found(holders, {7: both}, 900)
    decision = change(command(remove=("email a@orchard.sg",)), both, known=known)
    assert decision.change.released == (key("email a@orchard.sg"),)
    (wish,) = decision.change.claims
    assert (wish.key, wish.root_id, wish.source) == (key("email a@orchard.sg"), 9, "WEBSITE")


def test_a_claim_stays_where_its_root_tells_the_identifier_elsewhere() -> None:
    mine = card(7, "mobile 6591234567", "email a@orchard.sg")
    again = Profile(
        source="WEBSITE",
        identifiers=mine.parts[0].profiles[0].identifiers,
        created=NOW,
        modified=NOW,
    )
    part = msgspec.structs.replace(mine.parts[0], profiles=(*mine.parts[0].profiles, again))
    both = msgspec.structs.replace(mine, parts=(part,))
    decision = change(command(remove=("email a@orchard.sg",)), both)
    assert (decision.change.released, decision.change.claims) == ((), ())


def test_both_what_comes_and_what_goes_is_looked_up() -> None:
    asked = command(("email b@orchard.sg",), ("email a@orchard.sg",))
    keys = claim_keys_of(asked, organisation(), NOW)
    assert keys == [key("email b@orchard.sg"), key("email a@orchard.sg")]


@pytest.mark.parametrize(
    ("asked", "settings", "refusal"),
    [
        (command(remove=("mobile 6591234567",)), {}, IdentifiersMissing),
        (command(("email b@orchard.sg",), source="JD"), {}, ProfileMissing),
        (command(("email b@orchard.sg",)), {"email_updatable": False}, IdentifierFixed),
        (command(("cuid taken",)), {}, CustomerExists),
        (command(("cuid taken", "cuid other")), {}, IdentifiersConflict),
    ],
)
def test_what_is_refused(
    asked: IdentifierCommand, settings: dict[str, Any], refusal: type[Refusal]
) -> None:
    others = (card(5, "cuid taken"), card(6, "cuid other", source="WEBSITE"))
    with pytest.raises(refusal):
        change(asked, card(7, "mobile 6591234567"), *others, **settings)


def test_a_part_without_profiles_has_nothing_to_change() -> None:
    bare = msgspec.structs.replace(card(7), parts=(Part(root_id=7, registered=NOW),))
    with pytest.raises(ProfileMissing):
        change(command(("email b@orchard.sg",)), bare)
