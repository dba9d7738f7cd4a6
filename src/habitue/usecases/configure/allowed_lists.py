"""Allowed lists: the values that an attribute may have, out of a file of one column.

A file replaces the list that there was. Values that things have already are not looked at; a list
holds on the way in (docs/decisions/0126).
"""

from collections.abc import Sequence

import msgspec

from habitue.model.attributes import AttributeDefinition
from habitue.model.errors import Fault, InvalidInput, NotFound
from habitue.promotions.configuration import Configuration
from habitue.store.database import Connection
from habitue.usecases.configuration import Change, save_configuration
from habitue.usecases.configure.attributes import LISTED_TYPES
from habitue.usecases.run_import import BatchPlace
from habitue.usecases.shop import Shop


def listed_attribute(configuration: Configuration, attribute_id: int) -> AttributeDefinition:
    """The attribute, which may have a list. Raises `NotFound`, `InvalidInput`."""
    attribute = configuration.attributes.get(attribute_id)
    if attribute is None:
        raise NotFound("Attribute", attribute_id)
    if attribute.builtin or attribute.type not in LISTED_TYPES:
        details = "only custom attributes of strings and numbers have a list of allowed values"
        raise InvalidInput(Fault("", "Not supported", details))
    return attribute


class AllowedListImport:
    """A file whose lines, as `text_of` writes values, become all that the attribute may be."""

    def __init__(self, shop: Shop, attribute_id: int) -> None:
        self._shop, self._attribute_id = shop, attribute_id

    async def check(self, connection: Connection, rows: Sequence[str]) -> Sequence[Fault]:
        listed_attribute(await self._shop.refresh(), self._attribute_id)
        return ()

    async def apply(self, connection: Connection, rows: Sequence[str], place: BatchPlace) -> None:
        configuration = await self._shop.refresh()
        old = listed_attribute(configuration, self._attribute_id)
        new = msgspec.structs.replace(old, has_allowed_list=True, allowed_list=frozenset(rows))
        await save_configuration(connection, configuration.version, (Change(new),))
