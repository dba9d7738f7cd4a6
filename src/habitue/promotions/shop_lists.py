"""Stores, collections and value maps: what a shop lists apart from its campaigns, for their rules.

Words: a *store* is one of an application's places; a campaign that is linked to stores runs only
there. A *collection* is a set of texts such as article numbers, of the whole account (`campaign_id`
0, for the applications that it serves, all where none is named) or of one campaign. A *value map*
gives a number for each of some texts, in one campaign.

A campaign's own list hides the account's of the same name. Collections are sets in memory, so that
asking whether one holds a text takes the same time however much it holds.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from types import MappingProxyType

import msgspec

from habitue.model.attributes import Attributes


class Store(msgspec.Struct, frozen=True):
    """One place of an application; requests name it by its `integration_id`."""

    id: int
    application_id: int
    integration_id: str
    name: str
    created: datetime
    updated: datetime
    description: str = ""
    attributes: Attributes = {}

    @property
    def key(self) -> str:
        """What it is told apart by."""
        return f"{self.application_id}:{self.integration_id}"


class Collection(msgspec.Struct, frozen=True):
    """A set of texts."""

    id: int
    name: str
    created: datetime
    modified: datetime
    description: str = ""
    application_id: int = 0
    campaign_id: int = 0
    subscribed_application_ids: tuple[int, ...] = ()
    items: frozenset[str] = frozenset()

    @property
    def key(self) -> str:
        """What it is told apart by."""
        return f"{self.campaign_id}:{self.name}"

    def serves(self, application_id: int) -> bool:
        """Whether rules of that application may ask for it."""
        if self.campaign_id:
            return self.application_id == application_id
        ids = self.subscribed_application_ids
        return not ids or application_id in ids


class ValueMap(msgspec.Struct, frozen=True):
    """Numbers by text."""

    id: int
    application_id: int
    campaign_id: int
    name: str
    created: datetime
    modified: datetime
    values: dict[str, Decimal] = {}

    @property
    def key(self) -> str:
        """What it is told apart by."""
        return f"{self.campaign_id}:{self.name}"


class ShopLists(msgspec.Struct, frozen=True):
    """What the rules of one application may look up, by campaign (0 for the account) and name."""

    collections: Mapping[tuple[int, str], frozenset[str]] = MappingProxyType({})
    value_maps: Mapping[tuple[int, str], Mapping[str, Decimal]] = MappingProxyType({})
    store_ids: Mapping[str, int] = MappingProxyType({})

    def collection(self, campaign_id: int, name: str) -> frozenset[str] | None:
        """The collection of that name that rules of the campaign see; None for none."""
        own = self.collections.get((campaign_id, name))
        return self.collections.get((0, name)) if own is None else own


#: Those of an application that has none.
NO_LISTS = ShopLists()


def lists_of(
    application_id: int,
    stores: Iterable[Store],
    collections: Iterable[Collection],
    value_maps: Iterable[ValueMap],
) -> ShopLists:
    """What the rules of that application may look up."""
    return ShopLists(
        {
            (each.campaign_id, each.name): each.items
            for each in collections
            if each.serves(application_id)
        },
        {
            (each.campaign_id, each.name): each.values
            for each in value_maps
            if each.application_id == application_id
        },
        {each.integration_id: each.id for each in stores if each.application_id == application_id},
    )
