"""Taking in a file: checked as a whole first, then carried out row by row, each row once.

Words: an *import* is one file for one place, under an *identity*: the caller's idempotency key, or
else what the file holds. The same again within a day is answered as it was; one that was cut off
goes on where it stopped, however late. A *batch* is what is carried out in one transaction, with
how far the import has come; so a row is never carried out twice, whoever is killed and how often
the file is sent. An *importer* knows what rows mean.

Rows are read twice, so `ImportSource.rows` begins from the first row whenever it is called.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import Generic, Protocol, TypeVar
from uuid import UUID, uuid5

import msgspec

from habitue.customers.claims import claim_key
from habitue.model.errors import Conflict, Fault, InvalidInput, KeyReused
from habitue.model.limits import FILE_FAULTS_MAX, IDEMPOTENCY_HOURS
from habitue.store import imports
from habitue.store.database import Connection
from habitue.store.failures import GuardFailed
from habitue.store.imports import ImportRow
from habitue.usecases.shop import Shop
from habitue.usecases.writing import settled

#: Rows that are checked at once, and that are carried out in one transaction where nothing else is
#: said: each locks somebody.
CHECK_BATCH = 500
APPLY_BATCH = 200

Row = TypeVar("Row")
Given = TypeVar("Given", contravariant=True)


class ImportBusy(Conflict):
    """The same file is being imported at this moment."""

    def __init__(self) -> None:
        super().__init__("The same file is being imported at this moment")


class ImportSource(msgspec.Struct, Generic[Row], frozen=True):
    """A file for a place, for instance a loyalty program; `batch` rows are carried out in one
    transaction. `rows` gives every row, or the faults of
    one that cannot be read; it raises `InvalidInput` where the rest of the file cannot be."""

    entity: str
    place: str
    digest: bytes
    rows: Callable[[], Iterator[Row | list[Fault]]]
    actor: str
    idempotency_key: str | None = None
    batch: int = APPLY_BATCH

    @property
    def identity(self) -> UUID:
        """The same for the same file in the same place, or for the same key."""
        named = f"key {self.idempotency_key}" if self.idempotency_key else self.digest.hex()
        return claim_key(f"import {self.entity}", self.place, named)


class BatchPlace(msgspec.Struct, frozen=True):
    """Where a batch stands: in which import, and the number of its first row, from 0. `started` is
    when the import began."""

    import_id: int
    identity: UUID
    first: int
    started: datetime

    def key(self, index: int) -> UUID:
        """A key for what the row of that index in the batch does: always the same, and no other
        row's."""
        return uuid5(self.identity, f"{self.import_id} {self.first + index}")


class Importer(Protocol[Given]):
    """What rows mean."""

    async def check(self, connection: Connection, rows: Sequence[Given]) -> Sequence[Fault]:
        """What is wrong with some rows, each fault with its line; nothing is stored."""

    async def apply(self, connection: Connection, rows: Sequence[Given], place: BatchPlace) -> None:
        """Carries out some rows in a transaction. May be called again where it raises
        `GuardFailed`."""


async def run_import(
    shop: Shop, source: ImportSource[Row], importer: Importer[Row], now: datetime
) -> ImportRow:
    """The import, finished.

    Raises `InvalidInput` with the faults of the file, and then nothing is stored; `KeyReused` where
    the key came with another file; `ImportBusy`.
    """
    earlier = await _earlier(shop, source, now)
    if earlier is not None and earlier.finished is not None:
        return earlier
    row_count = await _check(shop, source, importer, 0 if earlier is None else earlier.done)
    begun = earlier or await _begin(shop, source, row_count, now)
    return await _carry_out(shop, source, importer, begun, now)


async def _earlier(shop: Shop, source: ImportSource[Row], now: datetime) -> ImportRow | None:
    found = await imports.find(shop.database, source.identity)
    if found is None:
        return None
    since = now - timedelta(hours=IDEMPOTENCY_HOURS)
    if found.finished is not None and found.finished <= since:
        return None
    if found.digest != source.digest:
        raise KeyReused
    return found


async def _begin(shop: Shop, source: ImportSource[Row], row_count: int, now: datetime) -> ImportRow:
    try:
        return await imports.begin(
            shop.database,
            source.identity,
            source.digest,
            source.entity,
            row_count,
            source.actor,
            now,
        )
    except GuardFailed:
        raise ImportBusy from None


async def _check(shop: Shop, source: ImportSource[Row], importer: Importer[Row], done: int) -> int:
    """How many rows there are. Raises `InvalidInput` with the first faults of those that are not
    carried out yet."""
    faults: list[Fault] = []
    rows = source.rows()
    count = sum(1 for _ in islice(rows, done))
    while batch := list(islice(rows, CHECK_BATCH)):
        faults += [fault for each in batch if isinstance(each, list) for fault in each]
        readable = [each for each in batch if not isinstance(each, list)]
        faults += await importer.check(shop.database, readable)
        count += len(batch)
        if len(faults) >= FILE_FAULTS_MAX:
            break
        await asyncio.sleep(0)  # others have their turn between batches
    if faults:
        faults.sort(key=lambda fault: fault.line or 0)
        message = "The file was not imported"
        if done:
            message = f"The first {done} rows of the file are imported already, the others are not"
        raise InvalidInput(*faults[:FILE_FAULTS_MAX], message=message)
    return count


async def _carry_out(
    shop: Shop,
    source: ImportSource[Row],
    importer: Importer[Row],
    begun: ImportRow,
    now: datetime,
) -> ImportRow:
    rows = source.rows()
    done = begun.done
    for _ in islice(rows, done):
        pass
    while done < begun.row_count:
        batch = [each for each in islice(rows, source.batch) if not isinstance(each, list)]
        place = BatchPlace(begun.id, begun.identity, done, begun.created)
        await apply_batch(shop, importer, batch, place, now)
        done += len(batch)
    finished = await imports.one(shop.database, begun.id)
    assert finished is not None, "imports are not deleted"
    return finished


async def apply_batch(
    shop: Shop, importer: Importer[Row], batch: Sequence[Row], place: BatchPlace, now: datetime
) -> None:
    """Carries out some rows, with how far the import has come then. Raises `ImportBusy` where
    somebody else has."""

    async def attempt(connection: Connection, locked: bool) -> None:
        if not locked:
            # Several statements make one write: they need the transaction of the next try.
            raise GuardFailed("several statements")
        now_done = place.first + len(batch)
        await imports.advance(connection, place.import_id, place.first, now_done, now)
        await importer.apply(connection, batch, place)

    await settled(shop, attempt, ImportBusy)
