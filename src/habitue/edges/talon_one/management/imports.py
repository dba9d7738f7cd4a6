"""Files that are imported through the Management API: from a call to an `Import`.

Each import is declared by its columns, a decoder of rows and an importer; everything else is alike
(decision 0071). `GET /v1/imports` is ours: the vendor shows past imports on its own pages only.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from functools import partial
from typing import Any, Generic, TypeVar

import msgspec

from habitue.edges.csv_files.fields import RowReader
from habitue.edges.csv_files.reading import Column, TableRow, read_rows
from habitue.edges.http.operation import Answer, Operation
from habitue.edges.http.uploads import FIELD
from habitue.edges.talon_one.management.paging import PageWithoutTotal, ShortPageQuery
from habitue.edges.talon_one.management.shared import (
    ACCOUNT_ID,
    USER_ID,
    ManagementCall,
    managed,
)
from habitue.model.errors import Fault, InvalidInput
from habitue.model.limits import IMPORT_ROWS_MAX
from habitue.store.imports import ImportRow
from habitue.usecases.read_logs import read_import, read_imports
from habitue.usecases.run_import import APPLY_BATCH, Importer, ImportSource, run_import

Row = TypeVar("Row")


class ImportOut(msgspec.Struct, rename="camel"):
    """An import that is finished: `amount` rows were taken in."""

    id: int
    created: datetime
    account_id: int
    user_id: int
    entity: str
    amount: int


class ImportProgressOut(ImportOut, rename="camel", omit_defaults=True, kw_only=True):
    """An import with how far it has come; `total` rows are in its file."""

    total: int
    finished: datetime | None = None


class Importing(msgspec.Struct, Generic[Row], frozen=True):
    """What one import is: of what, into which place, out of which columns. `decode` reads a row;
    what is wrong with it the reader has noted. Fewer than `rows_min` rows are refused. What
    `replaces` a list of the configuration is a new import once that has changed: the same file may
    be sent again after another one."""

    entity: str
    place: str
    columns: Sequence[Column]
    decode: Callable[[RowReader], Row]
    importer: Importer[Row]
    rows_max: int = IMPORT_ROWS_MAX
    rows_min: int = 0
    replaces: bool = False
    batch: int = APPLY_BATCH


async def imported(
    call: ManagementCall[Any, None], importing: Importing[Any], status: int = 200
) -> Answer:
    """The answer to a file that was sent."""
    place = importing.place
    if importing.replaces and not call.idempotency_key:
        place = f"{place} as of {call.services.shop.configuration.version}"
    source = ImportSource(
        entity=importing.entity,
        place=place,
        digest=call.file.digest,
        rows=partial(_rows, call, importing),
        actor=actor_of(call),
        idempotency_key=call.idempotency_key,
        batch=importing.batch,
    )
    row = await run_import(call.services.shop, source, importing.importer, call.now)
    return Answer(status, _import_out(row))


def actor_of(call: ManagementCall[Any, Any]) -> str:
    """Who is asking, as the books have it."""
    return f"key {call.principal.key_id}"


def _rows(
    call: ManagementCall[Any, None], importing: Importing[Any]
) -> Iterator[Any | list[Fault]]:
    count = 0
    try:
        for row in read_rows(call.file.file, importing.columns, importing.rows_max):
            count += 1
            yield [row] if isinstance(row, Fault) else _decoded(importing, row)
    except InvalidInput as end:
        if not count:
            raise
        yield list(end.faults)
        return
    if count < importing.rows_min:
        details = f"the file has {count} rows, and at least {importing.rows_min} are required"
        raise InvalidInput(Fault("", "Too few", details, FIELD, line=1))


def _decoded(importing: Importing[Row], row: TableRow) -> Row | list[Fault]:
    reader = RowReader(row)
    decoded = importing.decode(reader)
    return reader.faults or decoded


def _import_out(row: ImportRow) -> ImportOut:
    return ImportOut(row.id, row.created, ACCOUNT_ID, USER_ID, row.entity, row.done)


def _progress_out(row: ImportRow) -> ImportProgressOut:
    told = msgspec.structs.asdict(_import_out(row))
    return ImportProgressOut(**told, total=row.row_count, finished=row.finished)


async def get_imports(call: ManagementCall[ShortPageQuery, None]) -> Answer:
    query = call.query
    found = await read_imports(call.services.shop, query.skip, query.page_size)
    shown = [_progress_out(row) for row in found.rows]
    return Answer(200, PageWithoutTotal(found.has_more, shown))


async def get_import(call: ManagementCall[None, None]) -> Answer:
    row = await read_import(call.services.shop, call.integer("importId"))
    return Answer(200, _progress_out(row))


#: An import: a file goes in, an `Import` comes out.
importing_operation = partial(managed, responses={200: ImportOut}, upload=True, idempotent=True)


def operations() -> list[Operation]:
    """Looking at imports, also while they run."""
    operation = partial(managed, group="Imports")
    return [
        operation(
            "getImports",
            "GET",
            "/v1/imports",
            get_imports,
            "List imports, the newest first",
            {200: PageWithoutTotal[ImportProgressOut]},
            query=ShortPageQuery,
        ),
        operation(
            "getImport",
            "GET",
            "/v1/imports/{importId:int}",
            get_import,
            "Get an import, with how far it has come",
            {200: ImportProgressOut},
        ),
    ]
