"""`habitue dump` and `habitue restore`: the whole database as one file."""

import asyncio
from pathlib import Path

from habitue.edges.cli.terminal import location_of, report
from habitue.store import dump as archive


def dump(file: Path, /, *, data_dir: Path | None = None, database_url: str | None = None) -> None:
    """Write the whole database, as of this moment, to a file. The server may go on working.

    Parameters
    ----------
    file
        The file to write; it must not exist. It holds personal data: keep it safe.
    data_dir
        Where the embedded database lives.
    database_url
        A PostgreSQL database to use instead.
    """
    asyncio.run(archive.dump(location_of(data_dir, database_url), file.absolute(), report))


def restore(
    file: Path,
    /,
    *,
    replace: bool = False,
    data_dir: Path | None = None,
    database_url: str | None = None,
) -> None:
    """Put what a dump holds into an empty database. The server must not be running.

    Parameters
    ----------
    file
        A file that `habitue dump` has written.
    replace
        Delete everything that the database holds, and put the dump in its place.
    data_dir
        Where the embedded database lives.
    database_url
        A PostgreSQL database to use instead.
    """
    location = location_of(data_dir, database_url)
    asyncio.run(archive.restore(location, file.absolute(), report, replace=replace))
