"""What changed on a card, field by field, for whoever asks later who changed what and when.

Words: a card is seen as *fields*, each a path and a value; a *change* is one field before and
after, where None means that it is not there. A path reads like a place on a page of the console:
`profiles/INSTORE/first_name`, `profiles/WECHAT:shop-1/fields/employee`,
`profiles/INSTORE/channels/email/a@b.example/verified`, `extended_fields/city`. What belongs to
another card that was joined begins with `joined/` and its id.

Invariants: the changes, laid over the fields before, give the fields after, exactly; they come in
the order of their paths. Being told the same again is no change, and neither is who told it: who
and when stand beside the changes of one moment. Nothing is left out for being personal: a history
is erased with its person.
"""

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any

import msgspec

from habitue.customers.card import Card, Channel, Enrollment, HeldIdentifier, Part, Profile
from habitue.model.pointers import escape

Fields = dict[str, Any]
#: What is stored as it is.
_PLAIN_TYPES = frozenset({str, bool, int, Decimal})
_Field = tuple[str, Any]


class Change(msgspec.Struct, frozen=True):
    """One field before and after, in plain values; None where it was not there."""

    path: str
    before: Any
    after: Any


def changes_between(before: Card, after: Card) -> tuple[Change, ...]:
    """What is different in `after`, in the order of the paths."""
    return _changes(fields_of(before), fields_of(after))


def part_changes(before: Part | None, after: Part | None) -> tuple[Change, ...]:
    """What is different between two states of one part, in the order of the paths."""
    return _changes(dict(_part(before)), dict(_part(after)))


def fields_of(card: Card) -> Fields:
    """Every field of the card that a change can be about, by its path, in plain values."""
    return {path: value for path, value in _card(card) if value is not None}


def same(one: Any, other: Any) -> bool:
    """Whether two plain values are the same: numbers by value, yes and no being no numbers."""
    if one is None or other is None:
        return one is other
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    return bool(one == other)


def _changes(before: Fields, after: Fields) -> tuple[Change, ...]:
    paths = sorted(before.keys() | after.keys())
    pairs = ((path, before.get(path), after.get(path)) for path in paths)
    return tuple(Change(path, old, new) for path, old, new in pairs if not same(old, new))


def _card(card: Card) -> Iterator[_Field]:
    yield from _values("attributes", card.customer.attributes)
    yield "merged_into", card.merged_into
    yield "erased", _plain(card.erased)
    for part in card.parts:
        yield from _under("" if part.root_id == card.id else f"joined/{part.root_id}", _part(part))


def _part(part: Part | None) -> Iterator[_Field]:
    if part is None:
        return
    yield "registered", _plain(part.registered)
    yield "created_from", part.created_from or None
    yield "loyalty_type", part.loyalty_type
    yield "associated_with", part.associated_with or None
    yield "endpoints", list(part.endpoints) or None
    yield "referral_code", part.referral_code or None
    yield from _values("extended_fields", _told(part.extended_fields))
    enrollments = _named((str(each.program_id), each) for each in part.enrollments)
    for name, enrollment in enrollments:
        yield from _under(f"enrollments/{name}", _enrollment(enrollment))
    for name, status in _named((_plain(each.at), each) for each in part.statuses):
        yield from _under(f"statuses/{name}", _members(status, "status", "label", "reason"))
    consents = _named(
        (f"{each.channel}/{each.purpose}/{_plain(each.at)}", each) for each in part.consents
    )
    for name, consent in consents:
        yield from _under(
            f"consents/{name}",
            _members(consent, "state", "basis", "source", "account_id", "wording"),
        )
    places = _named((_place(each), each) for each in part.profiles)
    for name, profile in places:
        yield from _under(f"profiles/{name}", _profile(profile))


def _profile(profile: Profile) -> Iterator[_Field]:
    yield "created", _plain(profile.created)
    yield from ((escape(name), value) for name, value in _told(profile.told).items())
    yield from _values("fields", _told(profile.fields))
    identifiers = ((_step(each.kind, each.normal_form), each) for each in profile.identifiers)
    for name, identifier in _named(identifiers):
        yield from _under(f"identifiers/{name}", _identifier(identifier))
    channels = ((_step(each.type, each.value), each) for each in profile.channels)
    for name, channel in _named(channels):
        yield from _under(f"channels/{name}", _channel(channel))


def _identifier(identifier: HeldIdentifier) -> Iterator[_Field]:
    yield "", identifier.value
    yield "identity", None if identifier.identity else False
    yield "remark", identifier.remark or None
    yield "opinion", identifier.opinion or None


def _channel(channel: Channel) -> Iterator[_Field]:
    yield "", channel.value
    yield from _members(channel, "primary", "verified", "subscribed")
    yield from _values("meta", channel.meta)
    yield from _values("attributes", channel.attributes)


def _enrollment(enrollment: Enrollment) -> Iterator[_Field]:
    yield from _members(
        enrollment, "enrolled", "tier_number", "points", "tier_expiry", "points_expiry"
    )


def _members(struct: msgspec.Struct, *names: str) -> Iterator[_Field]:
    """Some fields of a structure; empty texts are not there."""
    for name in names:
        value = _plain(getattr(struct, name))
        yield name, None if value == "" else value


def _values(prefix: str, values: Mapping[str, Any]) -> Iterator[_Field]:
    return ((f"{prefix}/{escape(name)}", _plain(value)) for name, value in values.items())


def _told(told: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _plain(each.value) for name, each in told.items()}


def _under(prefix: str, fields: Iterable[_Field]) -> Iterator[_Field]:
    """The same fields, standing at `prefix`; the one without a path is what stands there itself."""
    if not prefix:
        yield from (field for field in fields if field[1] is not None)
        return
    for path, value in fields:
        if value is not None:
            yield f"{prefix}/{path}" if path else prefix, value


def _named(items: Iterable[tuple[str, Any]]) -> Iterator[tuple[str, Any]]:
    """The items under their names; those of a name that was there get a number behind it."""
    counts: dict[str, int] = {}
    for name, item in items:
        counts[name] = counts.get(name, 0) + 1
        yield (name if counts[name] == 1 else f"{name}#{counts[name]}"), item


def _place(profile: Profile) -> str:
    account = f":{profile.account_id}" if profile.account_id else ""
    return escape(f"{profile.source}{account}")


def _step(kind: str, value: str) -> str:
    return f"{escape(kind)}/{escape(value)}"


def _plain(value: Any) -> Any:
    """The value as it is stored: numbers exact, times as texts."""
    if value is None or type(value) in _PLAIN_TYPES:
        return value
    return msgspec.to_builtins(value, builtin_types=(Decimal,))
