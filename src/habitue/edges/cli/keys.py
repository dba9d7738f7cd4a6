"""`habitue keys`: the keys that open the doors."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Literal, TypeVar

from cyclopts import App

from habitue.edges.cli.terminal import location_of, report
from habitue.edges.key_secrets import NewSecret, new_secret
from habitue.model.errors import Fault, InvalidInput, Refusal
from habitue.model.instants import parse_instant
from habitue.model.keys import ApiKey, KeyKind, Permission
from habitue.model.limits import KEY_VALIDITY_DAYS_DEFAULT
from habitue.promotions.configuration import Configuration
from habitue.store.database import open_database
from habitue.usecases.configure.keys import create_key, list_keys, revoke_key
from habitue.usecases.shop import Shop

Result = TypeVar("Result")
app = App(name="keys", help="Create, list and revoke the keys that open the doors.")


@app.command
def create(
    *,
    kind: Literal["management", "integration", "tracker", "till"],
    application: int | None = None,
    name: str | None = None,
    value: str | None = None,
    expires: str | None = None,
    privacy: bool = False,
    data_dir: Path | None = None,
    database_url: str | None = None,
) -> None:
    """Create a key and print it, alone, on standard output. It is never shown again.

    Parameters
    ----------
    kind
        management opens everything, integration the sessions of one application, tracker is
        the public key of a browser, till is a login with a password.
    application
        The id of the application; where there is only one, it is taken for integration keys.
    name
        What the key is for.
    value
        For tracker keys: the 24 or 30 hexadecimal digits that the shop's pages carry already.
    expires
        A date (2027-12-31), a moment (RFC 3339), or a number of days; by default ten years.
    privacy
        For tills: whoever has the key may read everything held on a person, and erase a person.
    data_dir
        Where the embedded database lives.
    database_url
        A PostgreSQL database to use instead.
    """

    async def work(shop: Shop) -> str:
        now = datetime.now(UTC)
        title = kind if name is None else name
        secret = _secret(kind, title, value)
        id_ = _application_of(shop.configuration, kind, application)
        until, permissions = _moment(expires, now), _permissions(privacy)
        await create_key(shop, secret.kept, kind, title, id_, until, now, permissions=permissions)
        return secret.shown

    print(in_shop(data_dir, database_url, work))


@app.command(name="list")
def list_(*, data_dir: Path | None = None, database_url: str | None = None) -> None:
    """List all keys: id, kind, application, expiry, name, and what else they may do.

    Parameters
    ----------
    data_dir
        Where the embedded database lives.
    database_url
        A PostgreSQL database to use instead.
    """

    async def work(shop: Shop) -> list[ApiKey]:
        return list_keys(shop.configuration)

    for key in in_shop(data_dir, database_url, work):
        of = "-" if key.application_id is None else str(key.application_id)
        more = "".join(f"\t{each}" for each in key.permissions)
        print(f"{key.id}\t{key.kind}\t{of}\t{key.expires:%Y-%m-%d}\t{key.name}" + more)


@app.command
def revoke(key: int, *, data_dir: Path | None = None, database_url: str | None = None) -> None:
    """Make a key open nothing any more.

    Parameters
    ----------
    key
        The key's id, as `habitue keys list` shows it.
    data_dir
        Where the embedded database lives.
    database_url
        A PostgreSQL database to use instead.
    """

    async def work(shop: Shop) -> ApiKey:
        return await revoke_key(shop, key)

    revoked = in_shop(data_dir, database_url, work)
    print(f"revoked {revoked.kind} key {revoked.id} ({revoked.name})", file=sys.stderr)


def _permissions(privacy: bool) -> tuple[Permission, ...]:
    return ("privacy",) if privacy else ()


def in_shop(
    data_dir: Path | None, database_url: str | None, work: Callable[[Shop], Awaitable[Result]]
) -> Result:
    """What `work` makes of the shop of that database, also while a server runs on it.

    A refusal ends the program with its message and no trace.
    """

    async def run() -> Result:
        location = location_of(data_dir, database_url)
        async with open_database(location, report=report, pool_size_max=2) as database:
            shop = Shop(database)
            await shop.refresh()
            return await work(shop)

    try:
        return asyncio.run(run())
    except Refusal as refusal:
        raise SystemExit(f"habitue: {told(refusal)}") from None


def told(refusal: Refusal) -> str:
    """A refusal in one line per thing that is wrong."""
    if not isinstance(refusal, InvalidInput):
        return refusal.message
    lines = [
        f"{fault.parameter or fault.pointer}: {fault.details}".removeprefix(": ")
        for fault in refusal.faults
    ]
    return "; ".join(lines)


def _secret(kind: KeyKind, title: str, value: str | None) -> NewSecret:
    if value is None:
        return new_secret(kind, title)
    if kind != "tracker":
        details = "only a tracker key can be chosen: it is public"
        raise InvalidInput(Fault("", "Not supported", details, parameter="--value"))
    return NewSecret(value, value)


def _application_of(configuration: Configuration, kind: KeyKind, named: int | None) -> int | None:
    if named is not None or kind != "integration":
        return named
    applications = sorted(configuration.applications.values(), key=lambda each: each.id)
    if len(applications) == 1:
        return applications[0].id
    known = ", ".join(f"{each.id} ({each.name})" for each in applications) or "none yet"
    details = f"name the application that the key is for; there are: {known}"
    raise InvalidInput(Fault("", "Missing", details, parameter="--application"))


def _moment(text: str | None, now: datetime) -> datetime:
    if text is None:
        return now + timedelta(days=KEY_VALIDITY_DAYS_DEFAULT)
    if text.isascii() and text.isdecimal() and len(text) <= 6:
        return now + timedelta(days=int(text))
    instant = parse_instant(text)
    if instant is not None:
        return instant
    try:
        return datetime.combine(date.fromisoformat(text), time(), UTC)
    except ValueError:
        details = f"{text[:80]} is neither a date (2027-12-31) nor a number of days"
        raise InvalidInput(Fault("", "Invalid date", details, parameter="--expires")) from None
