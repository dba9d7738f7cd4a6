"""Which files staff have exported: noted when they are asked for, and listed."""

from habitue.store.past_exports import (
    PastExport,
    PastExportRow,
    PastExportsPage,
    add_export,
    exports_page,
)
from habitue.usecases.shop import Shop


async def note_export(shop: Shop, export: PastExport) -> None:
    """Notes one export."""
    await add_export(shop.database, export)


async def read_past_exports(shop: Shop, page: PastExportsPage) -> tuple[int, list[PastExportRow]]:
    """How many exports there are in all, and those of the page, the last first."""
    return await exports_page(shop.database, page)
