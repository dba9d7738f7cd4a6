"""Deciding changes of a card that is there: what is told anew, and identifiers that come and go.

An update is laid over the profile of its source account, field by field; what it does not name
stays (contracts/capillary/SPEC.md section 4). Identifiers change only through `decide_identifiers`
(section 5): an identifier that another card holds makes the two cards one, and the card that held
it survives.

Invariants: a change touches one part; a claim is given up only when no profile of the card has the
identifier any more, and somebody can still be recognised by what is left.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from uuid import UUID

import msgspec

from habitue.customers.card import (
    Actor,
    Card,
    Channel,
    HeldIdentifier,
    Part,
    Profile,
    Told,
    with_part,
)
from habitue.customers.change import CardChange, CardDecision, ClaimWish, names_of, with_attributes
from habitue.customers.consent import roots_beside, with_entries
from habitue.customers.golden import filled_attributes
from habitue.customers.history import changes_between
from habitue.customers.identifier import CARD, Rejected, canonical_kind, key_of, read_identifier
from habitue.customers.merge import MERGE_ACTION, MergeReason, joined
from habitue.customers.notices import Notice, NoticeKind
from habitue.customers.organisation import Organisation
from habitue.customers.refusals import (
    CustomerExists,
    IdentifierFixed,
    IdentifiersConflict,
    IdentifiersMissing,
    LoyaltyTypeFixed,
    ProfileMissing,
)
from habitue.customers.register import Found, Holder, enrolled_already, refuse_blocked
from habitue.customers.registration import OfferedIdentifier, Understood
from habitue.customers.settings import RegistrationSettings
from habitue.customers.sharing import is_identity
from habitue.customers.understand import INVALID

_ATTACHED: dict[str, NoticeKind] = {
    "mobile": "mobile_attached",
    "email": "email_attached",
    "externalId": "external_id_attached",
}


class IdentifierCommand(msgspec.Struct, frozen=True, kw_only=True):
    """Identifiers to add to, and to remove from, the profile of one source account."""

    source: str
    account_id: str
    add: tuple[OfferedIdentifier, ...] = ()
    remove: tuple[OfferedIdentifier, ...] = ()
    actor: Actor = Actor()


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
        statuses=(*part.statuses, understood.status) if understood.status else part.statuses,
        consents=with_entries(part.consents, understood.consents, roots_beside(card, part.root_id)),
    )
    change = _change("updated", card, after, understood.registration.actor, organisation)
    return CardDecision(
        change=change,
        card=with_attributes(with_part(card, after), change.attributes),
        notices=(*enrolled_already(card, understood), *understood.notices),
    )


def decide_identifiers(
    command: IdentifierCommand,
    card: Card,
    root_id: int,
    found: Found,
    organisation: Organisation,
    now: datetime,
) -> CardDecision:
    """The card with identifiers added and removed.

    Raises `ProfileMissing`, `IdentifierFixed`, `IdentifiersConflict`, `IdentifiersMissing`,
    `CustomerExists` where the source account has the identifier under another card, and
    `CustomerBlocked`.
    """
    refuse_blocked(card, organisation, MERGE_ACTION)
    part, profile = _profile_at(card, root_id, (command.source, command.account_id))
    _refuse_fixed(command, organisation.settings)
    notices: list[Notice] = []
    kept, removed = _removed(profile, command, organisation, notices, now)
    added = _added(kept, command, organisation, notices, now)
    holders = _holders(added, command.source, found, organisation)
    other = _other_card(holders, card, found, (command.source, command.account_id))
    after = msgspec.structs.replace(
        profile,
        identifiers=(*kept, *added),
        modified=now,
        modified_by=command.actor,
    )
    part = _with_profile(part, profile, after)
    before: Card = card
    victims: tuple[int, ...] = ()
    if other is not None:
        refuse_blocked(other, organisation, MERGE_ACTION)
        before, victims = joined(other, card), (card.id,)
        notices.append(Notice("merged", str(other.id), str(card.id)))
    result = with_part(before, part)
    if not (added or removed or _names_cards(command)):
        notices.append(Notice("nothing_changed"))
    change = _change("identifiers", before, part, command.actor, organisation)
    space = organisation.settings.space_of(command.source)
    change = msgspec.structs.replace(
        change,
        claims=tuple(_wishes(added, command, space, found, part.root_id)),
        released=_released(removed, result, organisation),
    )
    return CardDecision(
        change=change,
        card=with_attributes(result, change.attributes),
        victims=victims,
        reason=_reason(added, command) if victims else None,
        notices=tuple(notices),
    )


def claim_keys_of(
    command: IdentifierCommand, organisation: Organisation, now: datetime
) -> list[UUID]:
    """The claims that have to be known to decide about the identifiers."""
    space = organisation.settings.space_of(command.source)
    return [key_of(each, space) for each in _read(command.add, command, organisation, now)]


def _change(
    kind: str, before: Card, part: Part, actor: Actor, organisation: Organisation
) -> CardChange:
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
        return _profile_at(card, root_id, profile.place)[0]
    part = card.part(root_id)
    if part is None:
        raise ProfileMissing("any source")
    return part


def _profile_at(card: Card, root_id: int, place: tuple[str, str]) -> tuple[Part, Profile]:
    found = [each for each in card.profiles() if each[1].place == place]
    if not found:
        raise ProfileMissing(place[0])
    return next((each for each in found if each[0].root_id == root_id), found[0])


def _laid_over(part: Part, told: Iterable[Profile]) -> Part:
    for update in told:
        profile = part.profile(*update.place)
        if profile is None:
            raise ProfileMissing(update.source)
        part = _with_profile(part, profile, _merged_profile(profile, update))
    return part


def _with_profile(part: Part, old: Profile, new: Profile) -> Part:
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


def _refuse_fixed(command: IdentifierCommand, settings: RegistrationSettings) -> None:
    fixed = {
        "mobile": not settings.mobile_updatable,
        "email": not settings.email_updatable,
        "externalId": not settings.external_id_updatable,
    }
    for name, offered in (("add", command.add), ("remove", command.remove)):
        for index, each in enumerate(offered):
            kind = canonical_kind(each.kind) or ""
            if fixed.get(kind):
                raise IdentifierFixed(f"/{name}/{index}", kind)


def _read(
    offered: Iterable[OfferedIdentifier],
    command: IdentifierCommand,
    organisation: Organisation,
    now: datetime,
    notices: list[Notice] | None = None,
) -> list[HeldIdentifier]:
    read: dict[tuple[str, str], HeldIdentifier] = {}
    for each in offered:
        if canonical_kind(each.kind) == CARD:
            continue
        held = read_identifier(each.kind, each.value, command.source, organisation.settings, now)
        if not isinstance(held, Rejected):
            read.setdefault((held.kind, held.normal_form), held)
        elif notices is not None:
            notices.append(Notice(INVALID.get(held.kind, "identifier_invalid"), held.value))
    return list(read.values())


def _names_cards(command: IdentifierCommand) -> bool:
    """Whether loyalty cards change hands, which is decided elsewhere."""
    return any(canonical_kind(each.kind) == CARD for each in (*command.add, *command.remove))


def _removed(
    profile: Profile,
    command: IdentifierCommand,
    organisation: Organisation,
    notices: list[Notice],
    now: datetime,
) -> tuple[list[HeldIdentifier], list[HeldIdentifier]]:
    read = _read(command.remove, command, organisation, now, notices)
    unwanted = {(each.kind, each.normal_form) for each in read}
    kept = [each for each in profile.identifiers if (each.kind, each.normal_form) not in unwanted]
    return kept, [each for each in profile.identifiers if each not in kept]


def _added(
    kept: list[HeldIdentifier],
    command: IdentifierCommand,
    organisation: Organisation,
    notices: list[Notice],
    now: datetime,
) -> list[HeldIdentifier]:
    there = {(each.kind, each.normal_form) for each in kept}
    added = []
    for each in _read(command.add, command, organisation, now, notices):
        if (each.kind, each.normal_form) in there:
            notices.append(Notice(_ATTACHED.get(each.kind, "identifier_attached"), each.value))
        else:
            added.append(each)
            if each.remark:
                notices.append(Notice("placeholder", each.value))
    return added


def _holders(
    added: Iterable[HeldIdentifier], source: str, found: Found, organisation: Organisation
) -> dict[UUID, Holder]:
    space = organisation.settings.space_of(source)
    keys = [key_of(each, space) for each in added if each.identity]
    return {
        key: found.holders[key]
        for key in keys
        if key in found.holders
        and is_identity(found.holders[key].card_count, organisation.settings)
    }


def _other_card(
    holders: Mapping[UUID, Holder], card: Card, found: Found, place: tuple[str, str]
) -> Card | None:
    """The card that holds what is to be added, if it is not this one."""
    ids = sorted({each.customer_id for each in holders.values()} - {card.id})
    if not ids:
        return None
    if len(ids) > 1:
        raise IdentifiersConflict(tuple(ids))
    other = found.cards[ids[0]]
    if any(profile.place == place for _, profile in other.profiles()):
        raise CustomerExists(other.id)
    return other


def _reason(added: Iterable[HeldIdentifier], command: IdentifierCommand) -> MergeReason:
    kinds = ", ".join(sorted({each.kind for each in added}))
    return MergeReason(
        kind="identifier",
        identifier_kind=kinds,
        source=command.source,
        account_id=command.account_id,
    )


def _wishes(
    added: Iterable[HeldIdentifier],
    command: IdentifierCommand,
    space: str,
    found: Found,
    root_id: int,
) -> Iterable[ClaimWish]:
    for each in added:
        key = key_of(each, space)
        if each.identity and key not in found.holders:
            yield ClaimWish(key, each.kind, each.value, root_id, command.source, command.account_id)


def _released(
    removed: Iterable[HeldIdentifier], card: Card, organisation: Organisation
) -> tuple[UUID, ...]:
    settings = organisation.settings
    left = {
        key_of(each, settings.space_of(profile.source))
        for _, profile in card.profiles()
        for each in profile.identifiers
        if each.identity
    }
    if not left:
        raise IdentifiersMissing("/remove")
    spaces = {settings.space_of(profile.source) for _, profile in card.profiles()}
    gone = {key_of(each, space) for each in removed for space in spaces if each.identity}
    return tuple(sorted(gone - left))
