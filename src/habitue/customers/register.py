"""Deciding a registration: a new card, a profile on a card that is there, or a refusal.

Words: a claim that somebody has is *held*; the cards found by the claims of a registration are the
*candidates*. The rules are those of contracts/capillary/SPEC.md section 3.5:

- a candidate who has one of the identifiers in this very source account is refused as known;
- one candidate gets the profile; a card that has another profile in that source account cannot;
- of several the primary identifier decides, and the others are joined into that card; where it
  decides nothing the oldest card gets the profile, and what belongs to others stays theirs.

Invariants: a decision takes only claims that nobody holds, changes one part of one card, and leaves
everything that was told before as it was.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from uuid import UUID

import msgspec

from habitue.customers.card import Card, HeldIdentifier, Part, Profile, with_part
from habitue.customers.change import CardChange, CardDecision, ClaimWish, names_of, with_attributes
from habitue.customers.consent import roots_beside, with_entries
from habitue.customers.customer import Customer
from habitue.customers.golden import filled_attributes
from habitue.customers.history import changes_between
from habitue.customers.identifier import key_of
from habitue.customers.merge import MERGE_ACTION, MergeReason, joined
from habitue.customers.notices import Notice
from habitue.customers.organisation import Organisation
from habitue.customers.refusals import (
    CustomerBlocked,
    CustomerExists,
    IdentifiersMissing,
    LoyaltyTypeFixed,
    PrimaryMismatch,
    ProfileMissing,
    SourceTaken,
)
from habitue.customers.registration import Understood
from habitue.customers.sharing import is_identity
from habitue.customers.sources import INSTORE
from habitue.customers.status import blocking_label

_ORPHAN_SOURCE = "WEB_ENGAGE"
#: Why an identifier does not lead to the card that tells it.
SHARED = "shared_by_too_many"
HELD = "held_by_another"
SKIPPED = "secondary_skipped"


class Holder(msgspec.Struct, frozen=True):
    """Who holds a claim, under which root, and how many cards carry that identifier."""

    customer_id: int
    root_id: int
    card_count: int = 1


class Found(msgspec.Struct, frozen=True):
    """What was read for a registration: who holds its claims, their cards, an id that is free."""

    holders: Mapping[UUID, Holder]
    cards: Mapping[int, Card]
    new_id: int


class _Match(msgspec.Struct, frozen=True):
    """The card that a registration is about, and the others that its identifiers lead to."""

    target: Card | None
    root_id: int
    victims: tuple[Card, ...] = ()
    notices: tuple[Notice, ...] = ()
    primary_only: bool = False


def decide_registration(
    understood: Understood, found: Found, organisation: Organisation, now: datetime
) -> CardDecision:
    """What the registration does.

    Raises `CustomerExists`, `SourceTaken`, `PrimaryMismatch`, `ProfileMissing`, `CustomerBlocked`,
    `LoyaltyTypeFixed`, and `IdentifiersMissing` where nobody could be recognised by what is left.
    """
    keys = _keys(understood, organisation)
    held = {
        key: found.holders[key]
        for key in keys
        if key in found.holders
        and is_identity(found.holders[key].card_count, organisation.settings)
    }
    match = _match(understood, keys, held, found, organisation)
    _check_orphan(understood, match.target, organisation)
    before = match.target or _nobody(found.new_id, now)
    for victim in match.victims:
        before = joined(before, victim)
    part = before.part(match.root_id) or _new_part(understood, match.root_id, now)
    _check_loyalty_type(understood, part)
    profiles, claims, holders = _settle_identifiers(
        understood, keys, found, before, match, organisation
    )
    if match.target is None and not claims:
        raise IdentifiersMissing("/profiles/0/identifiers")
    beside = roots_beside(before, part.root_id)
    part = _registered(part, understood, profiles, beside)
    after = with_part(before, part)
    attributes = filled_attributes(before, after, organisation.settings)
    change = CardChange(
        customer_id=before.id,
        version=before.customer.version,
        root_id=part.root_id,
        kind="registered" if match.target is None else "attached",
        actor=understood.registration.actor,
        parts=(part,),
        attributes=attributes,
        claims=claims,
        holders=holders,
        names=names_of(after),
        changes=changes_between(before, after),
    )
    return CardDecision(
        change=change,
        card=with_attributes(after, attributes),
        victims=tuple(victim.id for victim in match.victims),
        reason=_reason(understood) if match.victims else None,
        notices=(
            *match.notices,
            *_shared(profiles),
            *enrolled_already(before, understood),
            *understood.notices,
        ),
    )


def _shared(profiles: Iterable[Profile]) -> Iterator[Notice]:
    for profile in profiles:
        for each in profile.identifiers:
            if each.remark == SHARED:
                yield Notice("shared_identifier", each.value)


def enrolled_already(card: Card, understood: Understood) -> Iterator[Notice]:
    """What is to be told of programs that the customer is in: nothing of them changes."""
    programs = {each.program_id for part in card.parts for each in part.enrollments}
    for each in understood.registration.enrollments:
        if each.program_id in programs:
            yield Notice("enrollment_exists", str(each.program_id))


def claim_keys(understood: Understood, organisation: Organisation) -> list[UUID]:
    """The claims that have to be known to decide the registration, each once."""
    return list(dict.fromkeys(_keys(understood, organisation)))


def _keys(
    understood: Understood, organisation: Organisation
) -> dict[UUID, tuple[Profile, HeldIdentifier]]:
    """Each claim once, with the profile and the identifier that ask for it first."""
    keys: dict[UUID, tuple[Profile, HeldIdentifier]] = {}
    for profile, identifier in understood.identifiers():
        space = organisation.settings.space_of(profile.source)
        keys.setdefault(key_of(identifier, space), (profile, identifier))
    return keys


def _match(
    understood: Understood,
    keys: Mapping[UUID, tuple[Profile, HeldIdentifier]],
    held: Mapping[UUID, Holder],
    found: Found,
    organisation: Organisation,
) -> _Match:
    """Whom the registration is about."""
    candidates = {each.customer_id: found.cards[each.customer_id] for each in held.values()}
    if not candidates:
        return _Match(None, found.new_id)
    for card in candidates.values():
        _refuse_known(card, understood)
    primary = _primary_holder(understood, keys, held)
    settings = organisation.settings
    if understood.primary is not None and primary is None:
        other = next(iter(held.values()))
        if settings.primary_strict:
            raise PrimaryMismatch(other.customer_id)
        if settings.secondary_skipped_on_mismatch:
            notice = Notice("primary_mismatch", str(other.customer_id))
            return _Match(None, found.new_id, notices=(notice,), primary_only=True)
    decides = primary or held[min(held, key=lambda key: (held[key].customer_id, key))]
    target = candidates[decides.customer_id]
    _refuse_impossible(target, understood, organisation)
    others = [card for id_, card in sorted(candidates.items()) if id_ != target.id]
    combined = (Notice("combined"),)
    if not others:
        return _Match(target, decides.root_id, notices=combined)
    if primary is None or not settings.merges_on_several_matches:
        conflicts = tuple(Notice("conflict", str(card.id)) for card in others)
        return _Match(target, decides.root_id, notices=(*combined, *conflicts))
    for card in (target, *others):
        refuse_blocked(card, organisation, MERGE_ACTION)
    merged = tuple(Notice("merged", str(target.id), str(card.id)) for card in others)
    return _Match(target, decides.root_id, tuple(others), (*combined, *merged))


def _reason(understood: Understood) -> MergeReason:
    """The primary identifier, which decided: where it was told, without its value."""
    for profile, identifier in understood.identifiers():
        if identifier is understood.primary:
            return MergeReason(
                kind="identifier",
                identifier_kind=identifier.kind,
                source=profile.source,
                account_id=profile.account_id,
            )
    raise AssertionError("cards are joined only where the primary identifier decides")


def _primary_holder(
    understood: Understood,
    keys: Mapping[UUID, tuple[Profile, HeldIdentifier]],
    held: Mapping[UUID, Holder],
) -> Holder | None:
    for key, (_, identifier) in keys.items():
        if identifier is understood.primary:
            return held.get(key)
    return None


def _refuse_known(card: Card, understood: Understood) -> None:
    """A card that has one of the identifiers in this very source account."""
    asked = {
        (profile.place, each.kind, each.normal_form) for profile, each in understood.identifiers()
    }
    for _, profile in card.profiles():
        for each in profile.identifiers:
            if (profile.place, each.kind, each.normal_form) in asked:
                raise CustomerExists(card.id)


def _refuse_impossible(card: Card, understood: Understood, organisation: Organisation) -> None:
    taken = {profile.place for _, profile in card.profiles()}
    if any(profile.place in taken for profile in understood.profiles):
        raise SourceTaken(card.id)
    refuse_blocked(card, organisation, "")


def refuse_blocked(card: Card, organisation: Organisation, action: str) -> None:
    """A customer who is marked as deleted is left alone; a label may forbid an action."""
    label = blocking_label(card, organisation, action)
    if label is not None:
        raise CustomerBlocked(label)


def _check_orphan(understood: Understood, target: Card | None, organisation: Organisation) -> None:
    if not organisation.settings.orphans_refused:
        return
    sources = {profile.source for profile in understood.profiles}
    known = {profile.source for _, profile in target.profiles()} if target else set()
    if _ORPHAN_SOURCE in sources and INSTORE not in known | sources:
        raise ProfileMissing(INSTORE)


def _check_loyalty_type(understood: Understood, part: Part) -> None:
    wanted = understood.registration.loyalty_type
    if wanted == "non_loyalty" and part.profiles and part.loyalty_type == "loyalty":
        raise LoyaltyTypeFixed("/loyaltyInfo/loyaltyType")


def _nobody(new_id: int, now: datetime) -> Card:
    return Card(Customer(new_id, created=now, last_activity=now))


def _new_part(understood: Understood, root_id: int, now: datetime) -> Part:
    registration = understood.registration
    return Part(
        root_id=root_id,
        registered=registration.registered or now,
        created_by=registration.actor,
        created_from=understood.profiles[0].source,
        statuses=(understood.status,) if understood.status else (),
    )


def _settle_identifiers(
    understood: Understood,
    keys: Mapping[UUID, tuple[Profile, HeldIdentifier]],
    found: Found,
    before: Card,
    match: _Match,
    organisation: Organisation,
) -> tuple[tuple[Profile, ...], tuple[ClaimWish, ...], tuple[UUID, ...]]:
    """Profiles as they are kept, the claims to take, and what others hold."""
    mine = {before.id, *(victim.id for victim in match.victims)}
    elsewhere: dict[UUID, str] = {}
    wishes = []
    for key, (profile, identifier) in sorted(keys.items(), key=lambda item: item[0]):
        holder = found.holders.get(key)
        if match.primary_only and identifier is not understood.primary:
            elsewhere[key] = SKIPPED
        elif holder is None:
            wishes.append(_wish(key, profile, identifier, match.root_id))
        elif holder.customer_id not in mine:
            recognises = is_identity(holder.card_count, organisation.settings)
            elsewhere[key] = HELD if recognises else SHARED
    lost = {
        (identifier.kind, identifier.normal_form): elsewhere[key]
        for key, (_, identifier) in keys.items()
        if key in elsewhere
    }
    profiles = tuple(_without_identity(profile, lost) for profile in understood.profiles)
    holders = tuple(key for key in elsewhere if key in found.holders)
    return profiles, tuple(wishes), holders


def _wish(key: UUID, profile: Profile, identifier: HeldIdentifier, root_id: int) -> ClaimWish:
    return ClaimWish(
        key, identifier.kind, identifier.value, root_id, profile.source, profile.account_id
    )


def _without_identity(profile: Profile, lost: Mapping[tuple[str, str], str]) -> Profile:
    if not lost:
        return profile
    kept = tuple(
        msgspec.structs.replace(each, identity=False, remark=lost[each.kind, each.normal_form])
        if each.identity and (each.kind, each.normal_form) in lost
        else each
        for each in profile.identifiers
    )
    return msgspec.structs.replace(profile, identifiers=kept)


def _registered(
    part: Part,
    understood: Understood,
    profiles: Iterable[Profile],
    beside: tuple[int, ...],
) -> Part:
    """The part with the registration laid over it: what is there stays."""
    registration = understood.registration
    wanted = registration.loyalty_type or "loyalty"
    enrolled = {each.program_id for each in part.enrollments}
    return msgspec.structs.replace(
        part,
        profiles=(*part.profiles, *profiles),
        loyalty_type="loyalty" if part.loyalty_type == "loyalty" else wanted,
        associated_with=part.associated_with or understood.associated_with,
        extended_fields={**understood.extended_fields, **part.extended_fields},
        enrollments=(
            *part.enrollments,
            *(each for each in registration.enrollments if each.program_id not in enrolled),
        ),
        endpoints=tuple(dict.fromkeys((*part.endpoints, *registration.endpoints))),
        referral_code=part.referral_code or registration.referral_code,
        consents=with_entries(part.consents, understood.consents, beside),
    )
