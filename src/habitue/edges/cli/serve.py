"""`habitue serve`: the server."""

import os
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter, validators

from habitue.edges.http.server import Plan, run
from habitue.model.errors import Refusal
from habitue.store.location import resolve
from habitue.usecases.access_log import Noted
from habitue.usecases.shop import ShopSettings

Port = Annotated[int, Parameter(validator=validators.Number(gte=0, lte=65535))]
LockWait = Annotated[
    float,
    Parameter(env_var="HABITUE_LOCK_WAIT_SECONDS", validator=validators.Number(gte=0.01, lte=60)),
]
AllowPrivate = Annotated[bool, Parameter(env_var="HABITUE_ALLOW_PRIVATE_WEBHOOKS")]
Jobs = Annotated[bool, Parameter(env_var="HABITUE_JOBS")]
ManagementRate = Annotated[
    int,
    Parameter(env_var="HABITUE_MANAGEMENT_RATE", validator=validators.Number(gte=0, lte=10_000)),
]
AccessLogged = Annotated[Noted, Parameter(env_var="HABITUE_ACCESS_LOG")]
Workers = Annotated[int, Parameter(validator=validators.Number(gte=1, lte=256))]


def serve(
    *,
    host: str = "127.0.0.1",
    port: Port = 8080,
    workers: Workers = 1,
    data_dir: Path | None = None,
    database_url: str | None = None,
    lock_wait_seconds: LockWait = 5.0,
    allow_private_webhooks: AllowPrivate = False,
    jobs: Jobs = True,
    management_rate: ManagementRate = 0,
    access_log: AccessLogged = "errors",
    log_level: Literal["debug", "info", "warning", "error"] = "info",
) -> None:
    """Serve all doors over HTTP until SIGTERM.

    Prints one line with the address once requests can be served; logs go to standard error, one
    JSON object per line.

    Parameters
    ----------
    host
        The address to listen on; 0.0.0.0 for all.
    port
        The port to listen on; 0 for any free one.
    workers
        How many processes share the port.
    data_dir
        Where the embedded database lives.
    database_url
        A PostgreSQL database to use instead.
    lock_wait_seconds
        How long a request waits for others that write the same session or profile, before it is
        refused with 409.
    allow_private_webhooks
        Let webhooks reach addresses that are not public, such as other machines of the shop.
    jobs
        Also do the jobs: points that end, tiers, closings, messages. Others do them otherwise, such
        as `habitue worker`.
    management_rate
        How many requests a management key may send to each endpoint in a second; 0 for any number.
    access_log
        Which requests of an application's systems are noted for its staff, with their bodies and
        for three days: those that were refused or failed, all, or none.
    log_level
        The least important kind of message to log.
    """
    try:
        location = resolve(data_dir, database_url, os.environ, os.geteuid())
    except Refusal as refusal:
        raise SystemExit(f"habitue: {refusal.message}") from None
    settings = ShopSettings(
        lock_wait_seconds=lock_wait_seconds,
        allow_private_destinations=allow_private_webhooks,
        jobs=jobs,
        management_requests_per_second=management_rate,
        access_log=access_log,
    )
    run(Plan(host, port, workers, location, log_level, settings=settings))
