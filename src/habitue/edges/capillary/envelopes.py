"""The envelopes of the registration protocol (contracts/capillary/SPEC.md section 1.1).

Words: an *item* is one error or warning; its `status` is false on warnings too. A *created* answer
names the customer, an *entity* answer the id of whatever it is about, a *listing* holds rows, a
*done* answer nothing but that it is done. `errors` is absent from the success of a single write.
The misspellings are part of the wire: the status update says `error`.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from habitue.customers.notices import Notice
from habitue.edges.capillary.codes import Coded, coded_notice
from habitue.edges.http.call import Answer


class Item(msgspec.Struct, frozen=True):
    """One error or one warning."""

    status: bool
    code: int
    message: str


class Failure(msgspec.Struct):
    """Nothing was done."""

    errors: list[Item]


class TotalFailure(msgspec.Struct):
    """Nothing was done, for a reason that is ours."""

    warnings: list[Item]
    errors: list[Item]


class Created(msgspec.Struct, rename="camel"):
    """A customer was registered or updated."""

    created_id: int
    warnings: list[Item]
    side_effects: list[Any]


class IdentifierChanged(msgspec.Struct, rename="camel"):
    """A customer's identifiers were changed."""

    created_id: int
    warnings: list[Item]


class EntityFound(msgspec.Struct):
    """The id of what was looked up or made; of generated cards, their numbers."""

    entity: Any
    warnings: list[Item]


class Pagination(msgspec.Struct):
    """Which part of the rows a listing shows, of how many."""

    limit: int
    offset: int
    total: int


class Listing(msgspec.Struct):
    """Rows; `pagination` where they are paged."""

    data: list[Any]
    warnings: list[Item]
    errors: list[Item]
    pagination: Pagination | UnsetType = UNSET


class Done(msgspec.Struct):
    """It is done, and there is nothing to tell."""

    warnings: list[Item]
    errors: list[Item]
    success: bool = True


class StatusSet(msgspec.Struct):
    """A customer's status was set."""

    warnings: list[Item]
    error: list[Item]


class BulkRow(msgspec.Struct, rename="camel"):
    """What became of one of many writes; `result` is what it gave, if it succeeded."""

    entity_id: Any
    errors: list[Item]
    warnings: list[Item]
    result: Any | UnsetType = UNSET


class Bulk(msgspec.Struct, rename="camel"):
    """What became of many writes."""

    response: list[BulkRow]
    total_count: int
    failure_count: int


def item_of(coded: Coded) -> Item:
    """A fact in its codes as an error or a warning."""
    return Item(False, coded.code, coded.message)


def warnings_of(notices: Iterable[Notice], operation_id: str = "") -> list[Item]:
    """The warnings that notices are said as by that operation, each once, in their order."""
    return list(dict.fromkeys(item_of(coded_notice(each, operation_id)) for each in notices))


def success(
    customer_id: int,
    warnings: Sequence[Item] = (),
    side_effects: Sequence[Any] = (),
) -> Answer:
    """The answer to a registration or an update."""
    return Answer(200, Created(customer_id, list(warnings), list(side_effects)))


def identifier_changed(customer_id: int, warnings: Sequence[Item] = ()) -> Answer:
    """The answer to a change of identifiers."""
    return Answer(200, IdentifierChanged(customer_id, list(warnings)))


def entity(found: Any, warnings: Sequence[Item] = ()) -> Answer:
    """The answer that consists of an id."""
    return Answer(200, EntityFound(found, list(warnings)))


def listing(
    rows: Sequence[Any],
    pagination: Pagination | UnsetType = UNSET,
    warnings: Sequence[Item] = (),
) -> Answer:
    """The answer that consists of rows."""
    return Answer(200, Listing(list(rows), list(warnings), [], pagination))


def done(warnings: Sequence[Item] = ()) -> Answer:
    """The answer to what has nothing to tell."""
    return Answer(200, Done(list(warnings), []))


def status_set(warnings: Sequence[Item] = ()) -> Answer:
    """The answer to a change of a customer's status."""
    return Answer(200, StatusSet(list(warnings), []))


def bulk(rows: Sequence[BulkRow]) -> Answer:
    """The answer to many writes: 200 where all succeeded, 500 where none did, 201 otherwise."""
    failed = sum(1 for row in rows if row.errors)
    status = 200 if not failed else 500 if failed == len(rows) else 201
    return Answer(status, Bulk(list(rows), len(rows), failed))
