"""Reading who said what about being written to since a moment, whoever the customer is.

Words: a *place* in the list is a moment and the number of a change made at it; the list goes on
behind it. A change is written a little later than the moment that it bears, so one that is new may
stand before others that have been read. Whoever has come to the end is therefore sent back a while
and reads what is there once more: changes have numbers, and how a person stands now is told with
each, so reading twice does no harm and nothing is left out.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

import msgspec

from habitue.customers.card import Card
from habitue.customers.golden import golden_view
from habitue.customers.history import Change
from habitue.model.documents import decoder_of
from habitue.store import card_reading
from habitue.store.card_reading import ConsentChangeRow
from habitue.usecases.card_state import card_of
from habitue.usecases.read_visitor import Visitor
from habitue.usecases.shop import Shop

#: Longer than any request takes from its beginning until it is stored.
SETTLED = timedelta(minutes=10)
_CHANGES = decoder_of(list[Change])
_CONSENTS = "consents"


class Place(msgspec.Struct, frozen=True, order=True):
    """Where in the list somebody is: behind that change of that moment."""

    at: datetime
    id: int = 0


class SaidOfConsent(msgspec.Struct, frozen=True):
    """What was said of one channel and purpose, where, and in which words."""

    channel: str
    purpose: str
    state: str
    source: str
    wording: str


class ConsentChange(msgspec.Struct, frozen=True):
    """What was said in one change, and the person as now known; a card that was joined speaks of
    the one that it was joined into."""

    id: int
    at: datetime
    said: tuple[SaidOfConsent, ...]
    person: Visitor


class ConsentChanges(msgspec.Struct, frozen=True):
    """Some of the changes in their order, where to go on, and whether more is there already."""

    changes: list[ConsentChange]
    following: Place
    more: bool


async def read_consent_changes(
    shop: Shop, place: Place, limit: int, now: datetime
) -> ConsentChanges:
    """The changes behind that place, oldest first. There may be more where there are none here: so
    many changes are looked at and no more."""
    found, end = await card_reading.read_consent_changes(
        shop.database, place.at, place.id, limit + 1
    )
    rows = found[:limit]
    people = await _people(shop, {each.customer_id for each in rows})
    changes = [
        ConsentChange(row.id, row.at, said, people.get(row.customer_id, Visitor({})))
        for row in rows
        if (said := tuple(_said(row)))
    ]
    if len(found) > limit:
        return ConsentChanges(changes, Place(rows[-1].at, rows[-1].id), True)
    if end is not None:
        return ConsentChanges(changes, Place(*end), True)
    last = Place(rows[-1].at, rows[-1].id) if rows else place
    return ConsentChanges(changes, min(last, Place(now - SETTLED)), False)


async def _people(shop: Shop, ids: Iterable[int]) -> dict[int, Visitor]:
    """By id; a joined card's is the person of the card that it was joined into."""
    cards = await _cards(shop, ids)
    joined = {id_: card.merged_into for id_, card in cards.items() if card.merged_into is not None}
    cards |= await _cards(shop, set(joined.values()) - cards.keys())
    settings = shop.configuration.organisation.settings
    known = {
        id_: Visitor({}, id_, card, golden_view(card, settings))
        for id_, card in cards.items()
        if card.parts
    }
    return known | {id_: known[into] for id_, into in joined.items() if into in known}


async def _cards(shop: Shop, ids: Iterable[int]) -> dict[int, Card]:
    wanted = sorted(ids)
    if not wanted:
        return {}
    found = await card_reading.read(shop.database, [], wanted)
    return {row.id: card_of(row) for row in found.cards}


def _said(row: ConsentChangeRow) -> Iterator[SaidOfConsent]:
    """What was said: entries that came to be, each of several fields under one path."""
    entries: dict[tuple[str, ...], dict[str, str]] = {}
    for change in _CHANGES.decode(row.changes):
        *path, name = change.path.split("/")
        if _CONSENTS in path[:3] and change.after is not None:
            entries.setdefault(tuple(path[path.index(_CONSENTS) + 1 :]), {})[name] = change.after
    for (channel, purpose, *_), fields in entries.items():
        if "state" in fields:
            source, wording = fields.get("source", ""), fields.get("wording", "")
            yield SaidOfConsent(channel, purpose, fields["state"], source, wording)
