"""Deciding who a visitor is, and what of an offer is believed.

The identifiers are asked in the shop's order (`RegistrationSettings.tracker_order`): the first that
somebody holds decides, then the device does. Somebody who has another value of an identifier that
stands before it in the order is another person: the store-side id goes before the e-mail address,
and that before the telephone (contracts/tracker/SPEC.md sections 1.4, 2.5, 3 and 5).

Words: a card is *light* where browsers alone told it. An offer is *trusted* for a card where a
proof of the shop covers what leads to it. A contact is *firm* where it was verified, or told by
somebody other than a browser.

Invariants, for whatever is not trusted: it joins nothing but light cards; it takes no claim beside
a firm contact; it says the first word about consent at most, unless that word was its own; it makes
nothing readable to the device but what the device itself told.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from uuid import UUID

import msgspec

from habitue.customers.card import (
    Card,
    ConsentEntry,
    HeldIdentifier,
    Part,
    Profile,
    StatusChange,
    Told,
    with_part,
)
from habitue.customers.change import CardChange, names_of, with_attributes
from habitue.customers.consent import hear
from habitue.customers.customer import Customer
from habitue.customers.golden import filled_attributes
from habitue.customers.history import changes_between
from habitue.customers.identifier import EMAIL, EXTERNAL_ID, INTEGRATION_ID, MOBILE, key_of
from habitue.customers.merge import MERGE_ACTION, MergeReason, joined
from habitue.customers.organisation import Organisation
from habitue.customers.register import Found, Holder, refuse_blocked
from habitue.customers.settings import RegistrationSettings
from habitue.customers.settled import Settled
from habitue.customers.sharing import is_identity
from habitue.customers.sources import TRACKER
from habitue.customers.status import blocking_label
from habitue.customers.visitor import ReadId, ReadOffer, Warned
from habitue.model.limits import CUSTOM_VALUES_MAX

_PLACE = (TRACKER, "")
#: Of these a person has one at a time, as far as telling people apart is concerned.
_TELLING = (EXTERNAL_ID, EMAIL, MOBILE)


class IdentifyDecision(msgspec.Struct, frozen=True, kw_only=True):
    """What an offer does. `changes_card` is False where everything is as it was said already;
    `device_from` is whose the device was, if `moves_device`."""

    change: CardChange
    card: Card
    anonymous: bool
    victims: tuple[int, ...] = ()
    reason: MergeReason | None = None
    warnings: tuple[Warned, ...] = ()
    changes_card: bool = True
    proven: bool = False
    moves_device: bool = False
    device_from: int | None = None


class _Match(msgspec.Struct, frozen=True):
    """The card that an offer is about, its root, by what it was found, and what joins it."""

    card: Card
    root_id: int
    found_by: str
    victims: tuple[Card, ...] = ()


def claim_keys(read: ReadOffer, settings: RegistrationSettings) -> dict[UUID, ReadId]:
    """The claims that have to be known to decide, with the identifiers that ask for them."""
    space = settings.space_of(TRACKER)
    return {key_of(each.held, space): each for each in read.identifiers if each.held.identity}


def decide_identify(
    read: ReadOffer,
    device_key: UUID | None,
    found: Found,
    organisation: Organisation,
    now: datetime,
) -> IdentifyDecision:
    """Who the visitor is and what becomes of the card. Raises `CustomerBlocked`."""
    settings = organisation.settings
    keys = claim_keys(read, settings)
    holders = {
        key: holder
        for key, holder in found.holders.items()
        if key == device_key or is_identity(holder.card_count, settings)
    }
    held = {key: holders[key] for key in keys if key in holders}
    device = holders.get(device_key) if device_key is not None else None
    match = _match(read, keys, held, device, found, organisation, now)
    refuse_blocked(match.card, organisation, "")
    before = match.card
    for victim in match.victims:
        before = joined(before, victim)
    trusted = _is_trusted(read, match)
    part = before.part(match.root_id) or _new_part(match, organisation, now)
    profile = part.profile(*_PLACE) or Profile(
        source=TRACKER, created=now, created_by=read.offer.actor, modified=now
    )
    mine = {before.id, *(each.id for each in match.victims)}
    settled = Settled(before, match.root_id, mine, found, trusted)
    warnings = [*read.warnings]
    identifiers = tuple(settled.identifiers(profile, keys, warnings))
    told = _laid_over(part, profile, read, identifiers, now)
    after = _with_consents(with_part(before, told), told, read, trusted, now, warnings)
    attributes = filled_attributes(before, after, settings)
    anonymous = before.customer.anonymous and not settled.wishes
    change = CardChange(
        customer_id=before.id,
        version=before.customer.version,
        root_id=match.root_id,
        kind="identified",
        actor=read.offer.actor,
        parts=tuple(each for each in after.parts if each.root_id == match.root_id),
        attributes=attributes,
        claims=tuple(settled.wishes),
        holders=tuple(settled.elsewhere),
        names=None if names_of(before) == names_of(after) else names_of(after),
        changes=changes_between(before, after),
    )
    moves = device_key is not None and (
        device is None or (device.customer_id, device.root_id) != (before.id, match.root_id)
    )
    return IdentifyDecision(
        change=change,
        card=with_attributes(after, attributes),
        anonymous=anonymous,
        victims=tuple(each.id for each in match.victims),
        reason=_reason(match) if match.victims else None,
        warnings=tuple(warnings),
        changes_card=_changes(change, before, anonymous),
        proven=trusted,
        moves_device=moves,
        device_from=_owner_after(device, match),
    )


def _owner_after(device: Holder | None, match: _Match) -> int | None:
    """Whose the device is once the cards are joined."""
    if device is None:
        return None
    joined_here = device.customer_id in {each.id for each in match.victims}
    return match.card.id if joined_here else device.customer_id


def _changes(change: CardChange, before: Card, anonymous: bool) -> bool:
    return bool(
        change.version == 0
        or change.changes
        or change.claims
        or change.attributes is not None
        or before.customer.anonymous != anonymous
        or any(each != before.part(each.root_id) for each in change.parts)
    )


def _match(
    read: ReadOffer,
    keys: Mapping[UUID, ReadId],
    held: Mapping[UUID, Holder],
    device: Holder | None,
    found: Found,
    organisation: Organisation,
    now: datetime,
) -> _Match:
    settings = organisation.settings
    ranked = sorted(keys, key=lambda key: (_rank(keys[key].held.kind, settings), key))
    asked = [key for key in ranked if _rank(keys[key].held.kind, settings) < _LAST]
    unproven = _is_unproven_id(read, keys, held, settings)
    for index, key in enumerate(asked):
        if key not in held or unproven:
            continue
        card = found.cards[held[key].customer_id]
        if not _contradicts(card, [keys[each].held for each in asked[:index]]):
            match = _Match(card, held[key].root_id, keys[key].held.kind)
            return _with_victims(match, read, keys, held, found, organisation)
    if device is not None and is_identity(device.card_count, settings):
        card = found.cards[device.customer_id]
        told = [keys[each].held for each in asked]
        if (card.customer.anonymous or not unproven) and not _contradicts(card, told):
            return _Match(card, device.root_id, "device")
    nobody = Customer(found.new_id, created=now, last_activity=now, anonymous=True)
    return _Match(Card(nobody), found.new_id, "")


_LAST = 99


def _rank(kind: str, settings: RegistrationSettings) -> int:
    """Where identifiers of that kind stand in the shop's order; those it leaves out, last."""
    named = kind if kind in _TELLING else "softLink"
    order: Sequence[str] = settings.tracker_order
    return order.index(named) if named in order else _LAST


def _is_unproven_id(
    read: ReadOffer,
    keys: Mapping[UUID, ReadId],
    held: Mapping[UUID, Holder],
    settings: RegistrationSettings,
) -> bool:
    """Whether an id that nobody has yet comes without a proof of the contacts beside it, in a shop
    that gives proofs: then it is not joined with whoever has those contacts."""
    new_id = any(each.held.kind == EXTERNAL_ID and key not in held for key, each in keys.items())
    return new_id and bool(settings.tracker_secret) and read.offer.trust != "full"


def _contradicts(card: Card, told: Iterable[HeldIdentifier]) -> bool:
    """Whether the card has another value of an identifier that people are told apart by."""
    for each in told:
        if each.kind in _TELLING:
            values = set(_values(card, each.kind))
            if values and each.normal_form not in values:
                return True
    return False


def _values(card: Card, kind: str) -> Iterator[str]:
    kinds = (EXTERNAL_ID, INTEGRATION_ID) if kind == EXTERNAL_ID else (kind,)
    for _, profile in card.profiles():
        for each in profile.identifiers:
            if each.identity and each.kind in kinds:
                yield each.normal_form


def _with_victims(
    match: _Match,
    read: ReadOffer,
    keys: Mapping[UUID, ReadId],
    held: Mapping[UUID, Holder],
    found: Found,
    organisation: Organisation,
) -> _Match:
    """The match with the other cards that turn out to be this person's, but for those whose label
    forbids that they are joined."""
    settings = organisation.settings
    if not settings.merges_on_several_matches:
        return match
    if settings.tracker_secret and read.offer.trust != "full":
        return match
    if blocking_label(match.card, organisation, MERGE_ACTION) is not None:
        return match
    ids = sorted({each.customer_id for each in held.values()} - {match.card.id})
    told = [each.held for each in keys.values()]
    own = [*told, *_identities(match.card)]
    victims = [
        card
        for card in (found.cards[each] for each in ids)
        if (read.offer.trust == "full" or _is_light(card))
        and not _contradicts(card, own)
        and blocking_label(card, organisation, MERGE_ACTION) is None
    ]
    return msgspec.structs.replace(match, victims=tuple(victims))


def _identities(card: Card) -> Iterator[HeldIdentifier]:
    for _, profile in card.profiles():
        yield from (each for each in profile.identifiers if each.identity)


def _is_light(card: Card) -> bool:
    sources = {profile.source for _, profile in card.profiles()}
    return sources <= {TRACKER} and card.customer.session_count == 0 and bool(card.parts)


def _is_trusted(read: ReadOffer, match: _Match) -> bool:
    """Whether a proof covers what led to the card."""
    if read.offer.trust == "full":
        return True
    is_own = match.found_by in (EXTERNAL_ID, "") or match.card.customer.anonymous
    return read.offer.trust == "id" and is_own


def _reason(match: _Match) -> MergeReason:
    return MergeReason(kind="identifier", identifier_kind=match.found_by, source=TRACKER)


def _new_part(match: _Match, organisation: Organisation, now: datetime) -> Part:
    label = organisation.default_status_label("ACTIVE")
    statuses = () if label is None else (StatusChange("ACTIVE", label.label, "", now),)
    registered = match.card.customer.created if match.card.customer.version else now
    return Part(
        root_id=match.root_id, registered=registered, created_from=TRACKER, statuses=statuses
    )


def _laid_over(
    part: Part,
    profile: Profile,
    read: ReadOffer,
    identifiers: tuple[HeldIdentifier, ...],
    now: datetime,
) -> Part:
    """The part with the offer in its tracker profile; unchanged where it says nothing new."""
    updated = msgspec.structs.replace(
        profile,
        told=_newer(profile.told, read.told),
        fields=_bounded(_newer(profile.fields, read.fields)),
        identifiers=identifiers,
    )
    known = part.profile(*_PLACE)
    if updated == known:
        return part
    updated = msgspec.structs.replace(updated, modified=now, modified_by=read.offer.actor)
    others = tuple(each for each in part.profiles if each.place != _PLACE)
    return msgspec.structs.replace(part, profiles=(*others, updated))


def _newer(old: Mapping[str, Told], new: Mapping[str, Told]) -> dict[str, Told]:
    """What was told last; the same value told again keeps its first moment."""
    changed = {
        name: told
        for name, told in new.items()
        if name not in old or (old[name].value != told.value and old[name].at <= told.at)
    }
    return {**old, **changed}


def _bounded(fields: dict[str, Told]) -> dict[str, Told]:
    """The fields that were told first: pages cannot make a card grow without end."""
    return dict(islice(fields.items(), CUSTOM_VALUES_MAX))


def _with_consents(
    card: Card,
    part: Part,
    read: ReadOffer,
    trusted: bool,
    now: datetime,
    warnings: list[Warned],
) -> Card:
    for entry in read.consents:
        heard = hear(card, part, entry, now, trusted or _is_own_word(card, entry))
        if heard.outcome == "not_trusted" and entry.basis != "assumed":
            warnings.append(Warned("consent_email", "not_trusted"))
        part = heard.part
        card = with_part(card, part)
    return card


def _is_own_word(card: Card, entry: ConsentEntry) -> bool:
    """Whether everything that is known of this consent was said by the same device."""
    known = [
        each
        for part in card.parts
        for each in part.consents
        if (each.channel, each.purpose) == (entry.channel, entry.purpose)
    ]
    return bool(entry.by.code) and all(
        (each.by.kind, each.by.code) == (entry.by.kind, entry.by.code) for each in known
    )
