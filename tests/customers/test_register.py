"""What comes of a registration, as a table: whom it finds, what it takes, what it refuses."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest

from habitue.customers.card import (
    Actor,
    Card,
    Channel,
    HeldIdentifier,
    Part,
    Profile,
    StatusChange,
)
from habitue.customers.change import CardDecision
from habitue.customers.customer import Customer
from habitue.customers.identifier import key_of, read_identifier
from habitue.customers.organisation import Organisation, StatusLabel
from habitue.customers.refusals import (
    AccountMissing,
    AccountUnknown,
    ChannelInvalid,
    CustomerBlocked,
    CustomerExists,
    IdentifiersMissing,
    LoyaltyTypeFixed,
    PrimaryInvalid,
    PrimaryMismatch,
    ProfileMissing,
    RegistrationDateInvalid,
    SourceMissing,
    SourceTaken,
    SourceUnknown,
)
from habitue.customers.register import Found, Holder, claim_keys, decide_registration
from habitue.customers.registration import OfferedIdentifier, OfferedProfile, Registration
from habitue.customers.settings import RegistrationSettings
from habitue.customers.understand import understand
from habitue.model.errors import Refusal

NOW = datetime(2026, 6, 15, 12, 0, tzinfo=UTC)
TILL = Actor(code="orchard.till03")
LABEL = StatusLabel(1, "Active", "ACTIVE", NOW, is_default=True)


def organisation(**settings: Any) -> Organisation:
    """A shop with one label, and those rules."""
    return Organisation(status_labels={1: LABEL}, settings=RegistrationSettings(**settings))


def offered(*identifiers: str, source: str | None = "INSTORE", **fields: Any) -> OfferedProfile:
    """A profile; identifiers are told as `kind value`."""
    told = tuple(
        OfferedIdentifier(kind=each.split()[0], value=each.split()[1]) for each in identifiers
    )
    return OfferedProfile(source=source, identifiers=told, **fields)


def registration(*profiles: OfferedProfile, **fields: Any) -> Registration:
    return Registration(profiles=profiles, actor=TILL, **fields)


def card(id_: int, *identifiers: str, source: str = "INSTORE", **part: Any) -> Card:
    """A card with one profile."""
    held = tuple(_held(each, source) for each in identifiers)
    profile = Profile(source=source, identifiers=held, created=NOW, modified=NOW)
    customer = Customer(id_, created=NOW, last_activity=NOW, version=3)
    fields: dict[str, Any] = {"loyalty_type": "loyalty", **part}
    return Card(customer, (Part(root_id=id_, registered=NOW, profiles=(profile,), **fields),))


def _held(told: str, source: str) -> HeldIdentifier:
    kind, value = told.split()
    held = read_identifier(kind, value, source, RegistrationSettings(), NOW)
    assert isinstance(held, HeldIdentifier)
    return held


def key(told: str) -> UUID:
    return key_of(_held(told, "INSTORE"), "live")


def found(*cards: Card, counts: dict[str, int] | None = None) -> Found:
    """Everyone, with all that their profiles hold."""
    holders = {
        key_of(each, "live"): Holder(
            card.id, part.root_id, (counts or {}).get(f"{each.kind} {each.value}", 1)
        )
        for card in cards
        for part, profile in card.profiles()
        for each in profile.identifiers
        if each.identity
    }
    return Found(holders, {each.id: each for each in cards}, new_id=900)


def register(
    asked: Registration, *cards: Card, counts: dict[str, int] | None = None, **settings: Any
) -> CardDecision:
    shop = organisation(**settings)
    understood = understand(asked, shop, NOW)
    return decide_registration(understood, found(*cards, counts=counts), shop, NOW)


def kinds(decision: CardDecision) -> list[str]:
    return [each.kind for each in decision.notices]


def test_somebody_new_gets_a_card_with_all_claims() -> None:
    asked = registration(
        offered("mobile 6591234567", "email meera@orchard.sg", told={"first_name": " Meera "})
    )
    decision = register(asked)
    change = decision.change
    assert (change.customer_id, change.version, change.kind) == (900, 0, "registered")
    assert {(each.kind, each.value) for each in change.claims} == {
        ("mobile", "6591234567"),
        ("email", "meera@orchard.sg"),
    }
    assert [each.key for each in change.claims] == sorted(each.key for each in change.claims)
    (part,) = decision.card.parts
    assert part.root_id == 900
    assert part.profiles[0].told["first_name"].value == "Meera"
    assert part.loyalty_type == "loyalty"
    assert part.statuses == (StatusChange("ACTIVE", "Active", "", NOW, TILL),)
    assert change.names == ((900, "meera"),)
    assert kinds(decision) == []


def test_the_same_source_has_the_person_already() -> None:
    with pytest.raises(CustomerExists) as caught:
        register(registration(offered("mobile 6591234567")), card(7, "mobile 6591234567"))
    assert caught.value.customer_id == 7


def test_another_source_is_attached_and_takes_only_what_is_new() -> None:
    asked = registration(
        offered("mobile 6591234567", "cuid c1", source="ECOMMERCE", told={"first_name": "M"})
    )
    decision = register(asked, card(7, "mobile 6591234567"))
    assert (decision.change.customer_id, decision.change.version) == (7, 3)
    assert [(each.kind, each.root_id) for each in decision.change.claims] == [("cuid", 7)]
    assert [profile.source for _, profile in decision.card.profiles()] == ["INSTORE", "ECOMMERCE"]
    assert kinds(decision) == ["combined"]


def test_a_card_with_another_profile_in_that_source_cannot_take_the_new_one() -> None:
    one = card(7, "mobile 6591234567", source="ECOMMERCE")
    two = msgspec.structs.replace(
        one.parts[0],
        profiles=(
            *one.parts[0].profiles,
            Profile(source="INSTORE", identifiers=(), created=NOW, modified=NOW),
        ),
    )
    with pytest.raises(SourceTaken):
        register(
            registration(offered("mobile 6591234567")), msgspec.structs.replace(one, parts=(two,))
        )


def test_of_several_the_primary_decides_and_the_others_are_joined() -> None:
    asked = registration(offered("email b@orchard.sg", "mobile 6591234567", source="ECOMMERCE"))
    decision = register(asked, card(5, "email b@orchard.sg"), card(7, "mobile 6591234567"))
    assert decision.change.customer_id == 7
    assert decision.victims == (5,)
    assert decision.change.version == 4
    assert [part.root_id for part in decision.card.parts] == [7, 5]
    assert [(each.kind, each.subject) for each in decision.notices] == [
        ("combined", ""),
        ("merged", "7"),
    ]
    assert decision.reason is not None
    assert decision.reason.identifier_kind == "mobile"


def test_where_merging_is_off_what_is_anothers_stays_theirs() -> None:
    asked = registration(offered("email b@orchard.sg", "mobile 6591234567", source="ECOMMERCE"))
    decision = register(
        asked,
        card(5, "email b@orchard.sg"),
        card(7, "mobile 6591234567"),
        merges_on_several_matches=False,
    )
    assert decision.victims == ()
    assert decision.change.claims == ()
    assert decision.change.holders == (key("email b@orchard.sg"),)
    kept = {each.kind: each for each in decision.card.parts[0].profiles[1].identifiers}
    assert (kept["email"].identity, kept["email"].remark) == (False, "held_by_another")
    assert kept["mobile"].identity
    assert [(each.kind, each.subject) for each in decision.notices] == [
        ("combined", ""),
        ("conflict", "5"),
    ]


def test_where_the_primary_decides_nothing_the_oldest_card_gets_the_profile() -> None:
    asked = registration(offered("email b@orchard.sg", "cuid c9", source="ECOMMERCE"))
    decision = register(asked, card(9, "cuid c9"), card(5, "email b@orchard.sg"))
    assert (decision.change.customer_id, decision.victims) == (5, ())
    assert kinds(decision) == ["combined", "conflict"]


def test_the_strict_rule_refuses_a_secondary_that_is_somebody_elses() -> None:
    asked = registration(offered("email b@orchard.sg", "mobile 6591234567", source="ECOMMERCE"))
    with pytest.raises(PrimaryMismatch) as caught:
        register(asked, card(5, "email b@orchard.sg"), primary_strict=True)
    assert caught.value.customer_id == 5


def test_the_skipping_rule_registers_the_primary_alone() -> None:
    asked = registration(offered("email b@orchard.sg", "mobile 6591234567", source="ECOMMERCE"))
    decision = register(asked, card(5, "email b@orchard.sg"), secondary_skipped_on_mismatch=True)
    assert (decision.change.customer_id, decision.change.version) == (900, 0)
    assert [each.kind for each in decision.change.claims] == ["mobile"]
    assert kinds(decision) == ["primary_mismatch"]


def test_an_identifier_on_too_many_cards_recognises_nobody() -> None:
    asked = registration(offered("mobile 6591234567", "cuid kiosk", source="ECOMMERCE"))
    decision = register(asked, card(5, "cuid kiosk"), counts={"cuid kiosk": 21})
    assert decision.change.customer_id == 900
    assert [each.kind for each in decision.change.claims] == ["mobile"]
    assert decision.change.holders == (key("cuid kiosk"),)
    assert kinds(decision) == ["shared_identifier"]
    with pytest.raises(IdentifiersMissing):
        register(
            registration(offered("cuid kiosk", source="ECOMMERCE")),
            card(5, "cuid kiosk"),
            counts={"cuid kiosk": 21},
        )


def test_a_store_side_id_is_one_whichever_door_it_came_through() -> None:
    keys = claim_keys(
        understand(
            registration(offered("externalId 42"), offered("integrationId 42", source="WEBSITE")),
            organisation(),
            NOW,
        ),
        organisation(),
    )
    assert len(keys) == 1


@pytest.mark.parametrize(
    ("asked", "refusal"),
    [
        (registration(), IdentifiersMissing),
        (registration(offered("mobile 6591234567", source=None)), SourceMissing),
        (registration(offered("mobile 6591234567", source="MARS")), SourceUnknown),
        (registration(offered("mobile 6591234567", source="WECHAT")), AccountMissing),
        (registration(offered("mobile 6591234567", account_id="7")), AccountUnknown),
        (registration(offered()), IdentifiersMissing),
        (registration(offered("email nonsense")), IdentifiersMissing),
        (registration(offered("email anonymous@nowhere.invalid")), IdentifiersMissing),
        (registration(offered("mobile 65912", "cuid c1")), PrimaryInvalid),
        (
            registration(offered("mobile 6591234567"), registered=NOW + timedelta(days=1)),
            RegistrationDateInvalid,
        ),
    ],
)
def test_what_decides_and_is_wrong_is_refused(asked: Registration, refusal: type[Refusal]) -> None:
    with pytest.raises(refusal):
        register(asked)


def test_invalid_secondaries_are_noticed_and_left_out() -> None:
    decision = register(registration(offered("mobile 6591234567", "email nonsense")))
    assert kinds(decision) == ["email_invalid"]
    assert [each.kind for each in decision.change.claims] == ["mobile"]


def test_a_channel_of_an_unknown_type_is_refused() -> None:
    profile = offered("mobile 6591234567", channels=(Channel("pigeon", "x"),))
    with pytest.raises(ChannelInvalid):
        register(registration(profile))


def test_loyalty_is_not_taken_back() -> None:
    asked = registration(
        offered("mobile 6591234567", source="ECOMMERCE"), loyalty_type="non_loyalty"
    )
    with pytest.raises(LoyaltyTypeFixed):
        register(asked, card(7, "mobile 6591234567"))
    decision = register(asked, card(7, "mobile 6591234567", loyalty_type="non_loyalty"))
    assert decision.card.parts[0].loyalty_type == "non_loyalty"


def test_an_orphan_needs_a_profile_in_the_store() -> None:
    profile = offered("mobile 6591234567", source="WEB_ENGAGE", account_id="7")
    with pytest.raises(ProfileMissing):
        register(registration(profile), orphans_refused=True)
    assert register(registration(profile)).change.customer_id == 900


def test_a_customer_marked_as_deleted_is_left_alone() -> None:
    deleted = (StatusChange("DELETED", "Deleted", "", NOW),)
    asked = registration(offered("mobile 6591234567", source="ECOMMERCE"))
    with pytest.raises(CustomerBlocked):
        register(asked, card(7, "mobile 6591234567", statuses=deleted))
