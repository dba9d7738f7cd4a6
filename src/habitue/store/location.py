"""Where the database is: a server of our own in a data directory, or somebody's PostgreSQL.

Flags win over the environment. Within one source, naming both a data directory and a database URL
is a contradiction and is refused, since either guess could write into the wrong database.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias
from urllib.parse import urlsplit

from habitue.store.failures import StartFailure

DATA_DIR_VARIABLE = "HABITUE_DATA_DIR"
DATABASE_URL_VARIABLE = "HABITUE_DATABASE_URL"
_SCHEMES = ("postgresql", "postgres")


@dataclass(frozen=True, slots=True)
class Embedded:
    """A PostgreSQL of our own, whose files are all under `data_dir` (an absolute path)."""

    data_dir: Path


@dataclass(frozen=True, slots=True)
class External:
    """A PostgreSQL that somebody else runs, reached by `url` (`postgresql://...`)."""

    url: str

    def __repr__(self) -> str:
        """The host and database alone: the URL may hold a password."""
        parts = urlsplit(self.url)
        return f"External({parts.hostname or ''}{parts.path})"


Location: TypeAlias = Embedded | External


def resolve(
    data_dir: Path | None,
    database_url: str | None,
    environ: Mapping[str, str],
    euid: int,
) -> Location:
    """The location named by the flags, else by the environment, else the default directory.

    Raises `StartFailure` if one source names both, or if the URL is not one of PostgreSQL.
    """
    flags = _pick(data_dir, database_url, "--data-dir", "--database-url")
    if flags is not None:
        return flags
    named = environ.get(DATA_DIR_VARIABLE)
    from_environment = _pick(
        Path(named) if named else None,
        environ.get(DATABASE_URL_VARIABLE),
        DATA_DIR_VARIABLE,
        DATABASE_URL_VARIABLE,
    )
    return from_environment or Embedded(_default_data_dir(environ, euid))


def _pick(
    data_dir: Path | None, url: str | None, directory_name: str, url_name: str
) -> Location | None:
    if data_dir is not None and url:
        raise StartFailure(
            f"{directory_name} and {url_name} contradict each other: "
            "name a data directory or a database, not both"
        )
    if url:
        return External(_checked_url(url, url_name))
    return Embedded(data_dir.expanduser().absolute()) if data_dir is not None else None


def _checked_url(url: str, source: str) -> str:
    scheme, separator, rest = url.partition("://")
    if scheme not in _SCHEMES or not separator or not rest:
        raise StartFailure(f"{source} must look like postgresql://user:password@host/database")
    return url


def _default_data_dir(environ: Mapping[str, str], euid: int) -> Path:
    if euid == 0:
        return Path("/var/lib/habitue")
    shared = environ.get("XDG_DATA_HOME", "")
    if shared.startswith("/"):
        return Path(shared) / "habitue"
    home = environ.get("HOME")
    if not home:
        raise StartFailure("HOME is not set: name a data directory with --data-dir")
    return Path(home) / ".local" / "share" / "habitue"
