"""PostgreSQL's own directory: created whole or not at all, and checked before it is used.

A cluster is created under another name and renamed when it is complete, so an interrupted creation
leaves nothing that could be mistaken for a database. It has two roles: `postgres`, which only the
launcher uses, and `habitue`, which owns the database and is no superuser, so that the application
can neither read files of the machine nor start programs.
"""

import os
import shutil
from pathlib import Path

from habitue.store.embedded import child
from habitue.store.embedded.binaries import Binaries
from habitue.store.embedded.layout import DATABASE, ROLE, SUPERUSER, Layout
from habitue.store.failures import StartFailure

_ACCESS = f"local all {SUPERUSER} trust\nlocal all {ROLE} trust\n"
_INITDB_OPTIONS = ("--encoding=UTF8", "--locale=C", "--data-checksums", "--no-instructions")
# With -j the single-user server reads statements up to a semicolon and an empty line.
_CREATE = f"CREATE ROLE {ROLE} LOGIN CREATEDB;\n\nCREATE DATABASE {DATABASE} OWNER {ROLE};\n\n"


def exists(layout: Layout) -> bool:
    """Whether there is a complete cluster."""
    return (layout.cluster / "PG_VERSION").is_file()


def check_version(layout: Layout, binaries: Binaries) -> None:
    """Refuse a cluster that another major version of PostgreSQL has written."""
    written_by = (layout.cluster / "PG_VERSION").read_text().strip()
    if written_by != str(binaries.major):
        raise StartFailure(
            f"The database in {layout.root} was written by PostgreSQL {written_by}, and the "
            f"programs found are PostgreSQL {binaries.major}. Make a dump with the Habitue that "
            "wrote it (`habitue dump FILE`), move the directory away, and run "
            "`habitue restore FILE`"
        )


def create(layout: Layout, binaries: Binaries, server_lock: int) -> None:
    """Create the cluster with its roles and its database; needs the server lock to be held."""
    fresh = layout.unfinished_cluster
    shutil.rmtree(fresh, ignore_errors=True)
    initdb = [binaries.program("initdb"), "-D", str(fresh), "-U", SUPERUSER, "-A", "trust"]
    child.run([*initdb, *_INITDB_OPTIONS], server_lock)
    (fresh / "pg_hba.conf").write_text(_ACCESS)
    single = [binaries.program("postgres"), "--single", "-j", "-D", str(fresh), "template1"]
    child.run(single, server_lock, statements=_CREATE)
    fresh.rename(layout.cluster)
    _sync_directory(layout.root)


def _sync_directory(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
