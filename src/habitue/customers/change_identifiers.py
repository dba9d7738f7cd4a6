"""Deciding that identifiers of a customer come and go (contracts/capillary/SPEC.md section 5).

An identifier that another card holds makes the two cards one, and the card that held it survives;
one that too many cards carry is kept as a detail. A claim that its root does not tell any more
passes on to a root of the card that does, so that cards which are taken apart later each keep what
they tell.

Invariants: a change touches one part; a claim is given up only when no profile of the card has the
identifier any more, and somebody can still be recognised by what is left.
"""

from collections.abc import Iterable, Iterator, Mapping, Set
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import msgspec

from habitue.customers.amend import change_of, profile_at, with_profile
from habitue.customers.card import Actor, Card, HeldIdentifier, Profile, with_part
from habitue.customers.change import CardDecision, ClaimWish, with_attributes
from habitue.customers.identifier import CARD, Rejected, canonical_kind, key_of, read_identifier
from habitue.customers.merge import MERGE_ACTION, MergeReason, joined
from habitue.customers.notices import Notice, NoticeKind
from habitue.customers.organisation import Organisation
from habitue.customers.refusals import (
    CustomerExists,
    IdentifierFixed,
    IdentifiersConflict,
    IdentifiersMissing,
)
from habitue.customers.register import SHARED, Found, Holder, refuse_blocked
from habitue.customers.registration import OfferedIdentifier
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


class _Carrier(NamedTuple):
    """A profile that tells an identifier, and the root under which it does."""

    root_id: int
    profile: Profile
    identifier: HeldIdentifier


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
    part, profile = profile_at(card, root_id, (command.source, command.account_id))
    _refuse_fixed(command, organisation.settings)
    notices: list[Notice] = []
    kept, removed = _removed(profile, command, organisation, notices, now)
    space = organisation.settings.space_of(command.source)
    added = _added(kept, command, organisation, notices, now)
    holders = _holders(added, space, found, organisation)
    added, shared = _without_shared(added, space, found, organisation, notices)
    other = _other_card(holders, card, found, (command.source, command.account_id))
    after = msgspec.structs.replace(
        profile,
        identifiers=(*kept, *added),
        modified=now,
        modified_by=command.actor,
    )
    part = with_profile(part, profile, after)
    before: Card = card
    victims: tuple[int, ...] = ()
    if other is not None:
        refuse_blocked(other, organisation, MERGE_ACTION)
        before, victims = joined(other, card), (card.id,)
        notices.append(Notice("merged", str(other.id), str(card.id)))
    result = with_part(before, part)
    if not (added or removed or _names_cards(command)):
        notices.append(Notice("nothing_changed"))
    change = change_of("identifiers", before, part, command.actor, organisation)
    mine = {result.id, *victims}
    released, passed_on = _given_up(removed, command, result, mine, found, organisation)
    change = msgspec.structs.replace(
        change,
        claims=(*_wishes(added, command, space, found, part.root_id), *passed_on),
        released=tuple(released),
        holders=shared,
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
    told = (*command.add, *command.remove)
    return [key_of(each, space) for each in _read(told, command, organisation, now)]


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
    added: Iterable[HeldIdentifier], space: str, found: Found, organisation: Organisation
) -> dict[UUID, Holder]:
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
) -> Iterator[ClaimWish]:
    for each in added:
        key = key_of(each, space)
        if each.identity and key not in found.holders:
            yield ClaimWish(key, each.kind, each.value, root_id, command.source, command.account_id)


def _without_shared(
    added: Iterable[HeldIdentifier],
    space: str,
    found: Found,
    organisation: Organisation,
    notices: list[Notice],
) -> tuple[list[HeldIdentifier], tuple[UUID, ...]]:
    """Identifiers as they are kept, and the claims of those that too many cards carry."""
    kept, shared = [], []
    for each in added:
        holder = found.holders.get(key_of(each, space)) if each.identity else None
        if holder is None or is_identity(holder.card_count, organisation.settings):
            kept.append(each)
            continue
        notices.append(Notice("shared_identifier", each.value))
        shared.append(key_of(each, space))
        kept.append(msgspec.structs.replace(each, identity=False, remark=SHARED))
    return kept, tuple(shared)


def _carriers(card: Card, organisation: Organisation) -> dict[UUID, list[_Carrier]]:
    """Who on the card still tells each identifier that leads to it."""
    carriers: dict[UUID, list[_Carrier]] = {}
    for part, profile in card.profiles():
        space = organisation.settings.space_of(profile.source)
        for each in profile.identifiers:
            if each.identity:
                carrier = _Carrier(part.root_id, profile, each)
                carriers.setdefault(key_of(each, space), []).append(carrier)
    if not carriers:
        raise IdentifiersMissing("/remove")
    return carriers


def _given_up(
    removed: Iterable[HeldIdentifier],
    command: IdentifierCommand,
    card: Card,
    mine: Set[int],
    found: Found,
    organisation: Organisation,
) -> tuple[list[UUID], list[ClaimWish]]:
    """Claims that end, and those that pass on to the root which still tells the identifier.

    `mine` are the ids under which the claims of the card are held until it is saved.
    """
    carriers = _carriers(card, organisation)
    space = organisation.settings.space_of(command.source)
    released, passed_on = [], []
    for each in removed:
        key = key_of(each, space)
        holder = found.holders.get(key)
        left = carriers.get(key, [])
        if not each.identity or (holder is not None and holder.customer_id not in mine):
            continue
        if not left or (holder is not None and all(on.root_id != holder.root_id for on in left)):
            released.append(key)
            passed_on += [_wish_of(key, on) for on in left[:1]]
    return released, passed_on


def _wish_of(key: UUID, carrier: _Carrier) -> ClaimWish:
    told, profile = carrier.identifier, carrier.profile
    return ClaimWish(
        key, told.kind, told.value, carrier.root_id, profile.source, profile.account_id
    )
