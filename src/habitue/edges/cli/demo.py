"""`habitue demo`: a seeded shop to look at."""

import os
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter, validators

from habitue.edges.cli.terminal import location_of
from habitue.edges.demo import serving
from habitue.store.location import (
    DATA_DIR_VARIABLE,
    DATABASE_URL_VARIABLE,
    Embedded,
    Location,
)

Port = Annotated[int, Parameter(validator=validators.Number(gte=1, lte=65535))]


def demo(
    *,
    once: bool = False,
    port: Port | None = None,
    data_dir: Path | None = None,
    database_url: str | None = None,
) -> None:
    """Show a small shop: a cart, what its customer gets, and why; then serve it.

    Parameters
    ----------
    once
        Exit instead of serving.
    port
        The port to serve on; by default the first free one from 8080 on.
    data_dir
        Where the embedded database of the demo lives.
    database_url
        A PostgreSQL database to use instead; it holds the newest schema, and no other shop.
    """
    serving.run(_location(data_dir, database_url), port, once)


def _location(data_dir: Path | None, database_url: str | None) -> Location:
    """Where the demo lives: beside the shop of `habitue serve`, unless a place was named."""
    location = location_of(data_dir, database_url)
    named = data_dir or database_url
    named = named or os.environ.get(DATA_DIR_VARIABLE) or os.environ.get(DATABASE_URL_VARIABLE)
    if named or not isinstance(location, Embedded):
        return location
    return Embedded(location.data_dir.with_name(f"{location.data_dir.name}-demo"))
