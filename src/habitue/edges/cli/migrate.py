"""`habitue migrate`: the schema of the database."""

import asyncio
from pathlib import Path

from habitue.edges.cli.terminal import location_of, report
from habitue.store import migrations
from habitue.store.database import first_connection, reach
from habitue.store.location import Location


def migrate(
    *,
    status: bool = False,
    data_dir: Path | None = None,
    database_url: str | None = None,
) -> None:
    """Bring the schema of the database up to date.

    An embedded database is brought up to date whenever it is opened; another one only by this
    command. Migrations can run while older servers are working.

    Parameters
    ----------
    status
        Only list which migrations are applied and which are pending.
    data_dir
        Where the embedded database lives.
    database_url
        A PostgreSQL database to use instead.
    """
    location = location_of(data_dir, database_url)
    lines = asyncio.run(_list(location) if status else _migrate(location))
    print("\n".join(lines))


async def _migrate(location: Location) -> list[str]:
    async with reach(location, report) as server, first_connection(server) as connection:
        migrations.check_server_version(connection)
        applied = await migrations.migrate(connection, migrations.load(), report)
    return [f"applied {label}" for label in applied] or ["up to date"]


async def _list(location: Location) -> list[str]:
    async with reach(location, report) as server, first_connection(server) as connection:
        found = await migrations.status(connection, migrations.load())
    notes = dict.fromkeys(found.changed, " (its file was changed since)")
    notes |= dict.fromkeys(found.unknown, " (by a newer Habitue)")
    applied = [f"applied {label}{notes.get(label, '')}" for label in found.applied]
    return applied + [f"pending {label}" for label in found.pending]
