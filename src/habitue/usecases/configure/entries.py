"""The way of every entry of the organisation: made or changed by a pure function, then saved.

What is decided is a function of the `Organisation` alone. A request says its fields under the names
of a shop file, so a fault's pointer is the field's name there: `/storeCode`.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TypeVar

from habitue.customers.organisation import Organisation
from habitue.model.errors import Conflict, Fault, NotFound
from habitue.model.limits import NAME_LENGTH_MAX
from habitue.promotions.configuration import Configuration
from habitue.store.configuration import OrganisationKind, new_ids
from habitue.usecases.configuration import Change
from habitue.usecases.configure.checks import text_faults
from habitue.usecases.configure.settle import Decision, settle
from habitue.usecases.organisation import OrganisationEntry
from habitue.usecases.shop import Shop

Entry = TypeVar("Entry", bound=OrganisationEntry)


class EntryExists(Conflict):
    """Another entry of the kind is told apart by the same `key`."""

    def __init__(self, resource: str, key: str) -> None:
        super().__init__(f'{resource} "{key[:80]}" exists already')
        self.resource = resource


async def create_entry(
    shop: Shop, kind: OrganisationKind, make: Callable[[Organisation, int], Entry]
) -> Entry:
    """The new entry that `make` makes of an id. Raises what `make` raises."""
    (id_,) = await new_ids(shop.database, kind)

    async def decide(configuration: Configuration) -> Decision[Entry]:
        entry = make(configuration.organisation, id_)
        return Decision(entry, (Change(entry),))

    return await settle(shop, decide)


async def change_entry(
    shop: Shop,
    find: Callable[[Organisation], Entry],
    change: Callable[[Organisation, Entry], Entry],
) -> Entry:
    """The entry that `find` finds, as `change` changes it. Raises what these raise."""

    async def decide(configuration: Configuration) -> Decision[Entry]:
        old = find(configuration.organisation)
        new = change(configuration.organisation, old)
        return Decision(new, () if new == old else (Change(new),))

    return await settle(shop, decide)


def found(resource: str, key: int, entries: Mapping[int, Entry]) -> Entry:
    """The entry of that id. Raises `NotFound`."""
    entry = entries.get(key)
    if entry is None:
        raise NotFound(resource, key)
    return entry


def refuse_taken(resource: str, key: str, taken: bool) -> None:
    """Raises `EntryExists` if another entry has that key."""
    if taken:
        raise EntryExists(resource, key)


def required_faults(text: str, pointer: str, most: int = NAME_LENGTH_MAX) -> Iterator[Fault]:
    """What is wrong with a text that must be there."""
    if not text.strip():
        yield Fault(pointer, "Missing", f"{pointer[1:]} is required")
    yield from text_faults(text, pointer, most)


def fixed_faults(old: object, new: object, names: Mapping[str, str]) -> Iterator[Fault]:
    """A fault for each field that differs although it cannot be changed; pointers by field."""
    for name, pointer in names.items():
        if getattr(old, name) != getattr(new, name):
            yield Fault(pointer, "Fixed", f"{pointer[1:]} cannot be changed")


def duplicate_faults(texts: Iterable[str], pointer: str) -> Iterator[Fault]:
    """A fault for each text that stands there a second time, in whatever case."""
    seen = set[str]()
    for index, text in enumerate(texts):
        if text.strip().casefold() in seen:
            yield Fault(f"{pointer}/{index}", "Duplicate", f'"{text[:80]}" stands here twice')
        seen.add(text.strip().casefold())
