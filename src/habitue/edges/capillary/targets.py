"""Whom a request is about: the source, and an id or an identifier, as queries name them.

`source` may be `ALL` in reads and wherever a customer is looked up. Embeds may repeat their name or
be separated by commas; those that exist in the protocol are accepted, others are refused by name.
"""

from typing import Any

import msgspec

from habitue.customers.lookup import Lookup, Place, lookup_of, place_of
from habitue.edges.capillary.attribution import TillPrincipal
from habitue.edges.http.call import Call
from habitue.edges.http.numbers import Integer
from habitue.model.errors import Fault, InvalidInput
from habitue.usecases.find_customer import Target

#: What a customer's answer may be asked to hold besides; of what a shop does not have, nothing.
EMBEDS = (
    "points",
    "subscriptions",
    "mlp",
    "userGroup",
    "gapDetails",
    "promotionalPoints",
    "expirySchedules",
    "expiredPoints",
    "customerImage",
    "returnedPoints",
    "associatedImages",
    "segments",
    "cardLoyaltyDetails",
    "fleetParentDetails",
    "ignoreCardDetails",
    "customerStatus",
    "alternateCurrencies",
)
_EMBEDS = {each.lower(): each for each in EMBEDS}


class PlaceQuery(msgspec.Struct, rename="camel"):
    """Where a customer is asked for."""

    source: str | None = None
    account_id: str | None = None


class LookupQuery(PlaceQuery, rename="camel"):
    """Which customer is asked for, and where."""

    identifier_name: str | None = None
    identifier_value: str | None = None


class ReadQuery(PlaceQuery, rename="camel"):
    """Where a customer is asked for, and what the answer is to hold."""

    embed: list[str] = []
    gap_to_upgrade: Integer | None = None
    gap_to_renew: Integer | None = None


class DetailsQuery(LookupQuery, rename="camel"):
    """Which customer is asked for, and what the answer is to hold."""

    embed: list[str] = []
    gap_to_upgrade: Integer | None = None
    gap_to_renew: Integer | None = None


def place_in(query: PlaceQuery) -> Place:
    """Where to look. Raises `SourceMissing`, `SourceUnknown` or `AccountMissing`."""
    return place_of(query.source, query.account_id)


def lookup_in(query: LookupQuery) -> Lookup:
    """Whom to look for, and where. Raises as `place_in` and `lookup_of` do."""
    return lookup_of(place_in(query), query.identifier_name, query.identifier_value)


def target_in(call: Call[TillPrincipal, Any, Any]) -> Target:
    """Whom the request is about: the id in its path, or the identifier in its query."""
    return call.integer("customerId") if "customerId" in call.path else lookup_in(call.query)


def embeds_in(query: ReadQuery | DetailsQuery) -> frozenset[str]:
    """What the answer is to hold besides. Raises `InvalidInput` for what does not exist."""
    for name, days in (("gapToUpgrade", query.gap_to_upgrade), ("gapToRenew", query.gap_to_renew)):
        if days is not None and days < 0:
            raise InvalidInput(Fault("", "Out of range", "days are from 0", parameter=name))
    wanted = [each.strip() for each in query.embed if each.strip()]
    unknown = [each for each in wanted if each.lower() not in _EMBEDS]
    if unknown:
        details = f'there is no "{unknown[0][:80]}"; possible: {", ".join(EMBEDS)}'
        raise InvalidInput(Fault("", "Unknown", details, parameter="embed"))
    return frozenset(_EMBEDS[each.lower()] for each in wanted)
