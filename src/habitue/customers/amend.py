"""Deciding the update of a card: what is told anew is laid over what was, field by field.

What an update does not name stays (contracts/capillary/SPEC.md section 4); identifiers change only
through `customers.change_identifiers`.

Invariants: an update touches one part, and no claim.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime

import msgspec

from habitue.customers.card import (
    Actor,
    Card,
    Channel,
    Part,
    Profile,
    Told,
    with_part,
)
from habitue.customers.change import CardChange, CardDecision, names_of, with_attributes
from habitue.customers.consent import roots_beside, with_entries
from habitue.customers.golden import filled_attributes
from habitue.customers.history import changes_between
from habitue.customers.notices import NoticeKind
from habitue.customers.organisation import Organisation
from habitue.customers.refusals import (
    LoyaltyTypeFixed,
    ProfileMissing,
)
from habitue.customers.register import enrolled_already, refuse_blocked
from habitue.customers.registration import Understood

_ATTACHED: dict[str, NoticeKind] = {
    "mobile": "mobile_attached",
    "email": "email_attached",
    "externalId": "external_id_attached",
}


def decide_update(
    understood: Understood, card: Card, root_id: int, organisation: Organisation, now: datetime
) -> CardDecision:
    """The card with what is told of it laid over what was.

    Raises `ProfileMissing` where it has no profile in a source account that is named,
    `LoyaltyTypeFixed`, and `CustomerBlocked`.
    """
    refuse_blocked(card, organisation, "")
    part = _named_part(card, root_id, understood.profiles)
    wanted = understood.registration.loyalty_type
    if wanted == "non_loyalty" and part.loyalty_type == "loyalty":
        raise LoyaltyTypeFixed("/loyaltyInfo/loyaltyType")
    enrolled = {each.program_id for each in part.enrollments}
    enrollments = understood.registration.enrollments
    after = msgspec.structs.replace(
        _laid_over(part, understood.profiles),
        loyalty_type=wanted or part.loyalty_type,
        associated_with=understood.associated_with or part.associated_with,
        extended_fields={**part.extended_fields, **understood.extended_fields},
        enrollments=(
            *part.enrollments,
            *(each for each in enrollments if each.program_id not in enrolled),
        ),
        referral_code=part.referral_code or understood.registration.referral_code,
        statuses=(*part.statuses, understood.status) if understood.status else part.statuses,
        consents=with_entries(part.consents, understood.consents, roots_beside(card, part.root_id)),
    )
    change = change_of("updated", card, after, understood.registration.actor, organisation)
    return CardDecision(
        change=change,
        card=with_attributes(with_part(card, after), change.attributes),
        notices=(*enrolled_already(card, understood), *understood.notices),
    )


def change_of(
    kind: str, before: Card, part: Part, actor: Actor, organisation: Organisation
) -> CardChange:
    """The change that makes `part` a part of the card."""
    after = with_part(before, part)
    return CardChange(
        customer_id=before.id,
        version=before.customer.version,
        root_id=part.root_id,
        kind=kind,
        actor=actor,
        parts=(part,),
        attributes=filled_attributes(before, after, organisation.settings),
        names=None if names_of(before) == names_of(after) else names_of(after),
        changes=changes_between(before, after),
    )


def _named_part(card: Card, root_id: int, profiles: Iterable[Profile]) -> Part:
    """The part that the update is about: the one named, unless only another has the profile."""
    for profile in profiles:
        return profile_at(card, root_id, profile.place)[0]
    part = card.part(root_id)
    if part is None:
        raise ProfileMissing("any source")
    return part


def profile_at(card: Card, root_id: int, place: tuple[str, str]) -> tuple[Part, Profile]:
    """The profile of that source account: that of the root, or of another part.

    Raises `ProfileMissing`.
    """
    found = [each for each in card.profiles() if each[1].place == place]
    if not found:
        raise ProfileMissing(place[0])
    return next((each for each in found if each[0].root_id == root_id), found[0])


def _laid_over(part: Part, told: Iterable[Profile]) -> Part:
    for update in told:
        profile = part.profile(*update.place)
        if profile is None:
            raise ProfileMissing(update.source)
        part = with_profile(part, profile, _merged_profile(profile, update))
    return part


def with_profile(part: Part, old: Profile, new: Profile) -> Part:
    """The part with one profile in place of another."""
    profiles = tuple(new if each is old else each for each in part.profiles)
    return msgspec.structs.replace(part, profiles=profiles)


def _merged_profile(profile: Profile, update: Profile) -> Profile:
    return msgspec.structs.replace(
        profile,
        told=_newer(profile.told, update.told),
        fields=_newer(profile.fields, update.fields),
        channels=_channels(profile.channels, update.channels),
        modified=update.modified,
        modified_by=update.modified_by,
    )


def _newer(old: Mapping[str, Told], new: Mapping[str, Told]) -> dict[str, Told]:
    """What was told last; the same value told again keeps its first moment."""
    kept = {
        name: old[name] if name in old and old[name].value == told.value else told
        for name, told in new.items()
    }
    return {**old, **kept}


def _channels(old: tuple[Channel, ...], new: tuple[Channel, ...]) -> tuple[Channel, ...]:
    """Channels by type and value; a new primary one takes that place from the others."""
    primary = {each.type for each in new if each.primary}
    merged = {
        (each.type, each.value): msgspec.structs.replace(each, primary=False)
        if each.type in primary
        else each
        for each in old
    }
    for each in new:
        merged[each.type, each.value] = each
    return tuple(merged.values())
