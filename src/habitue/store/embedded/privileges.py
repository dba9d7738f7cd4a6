"""Under which account the server runs.

PostgreSQL refuses to run as root. A keeper started by root therefore becomes an existing account
for good, before it starts anything: the owner of the data directory where that is not root, else
`postgres`, `nobody`, or any other account. Nothing is created, and nothing outside the data
directory changes owner or permissions.

Where the account cannot reach the data directory (under /root, say) the keeper keeps the one
capability that lets it and its server pass through directories: CAP_DAC_READ_SEARCH, or
CAP_DAC_OVERRIDE in containers that withhold the former. Where it cannot reach PostgreSQL's
programs, they are copied into the data directory. What is possible is found out by trying, in a
child process that ends at once.
"""

import os
import pwd
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from habitue.store.embedded import binaries as postgres
from habitue.store.embedded import linux
from habitue.store.embedded.binaries import Binaries
from habitue.store.embedded.layout import TOLERATED, Layout
from habitue.store.failures import StartFailure

_PREFERRED = ("postgres", "nobody")
_CAPABILITIES = (None, linux.CAP_DAC_READ_SEARCH, linux.CAP_DAC_OVERRIDE)


@dataclass(frozen=True, slots=True)
class Account:
    """An account to become, with at most one capability kept."""

    name: str
    uid: int
    gid: int
    capability: int | None = None

    def become(self) -> None:
        """Become this account for good. Raises `OSError` where the kernel does not allow it."""
        if self.capability is not None:
            linux.keep_capabilities_across_setuid()
        os.setgroups([])
        os.setresgid(self.gid, self.gid, self.gid)
        os.setresuid(self.uid, self.uid, self.uid)
        if self.capability is not None:
            linux.keep_only_capability(self.capability)


def leave_root(layout: Layout, binaries: Binaries) -> Binaries:
    """Give up root, if this process has it; answers the programs that can be run afterwards.

    Raises `StartFailure` where no account can reach the data directory.
    """
    if os.geteuid() != 0:
        return binaries
    account = _account_for(layout.root)
    reachable = _succeeds(account, lambda: os.access(binaries.program("postgres"), os.X_OK))
    if not reachable and binaries.from_wheel:
        binaries = postgres.copy_into(layout, binaries)
    _hand_over(layout, account)
    account.become()
    os.environ["HOME"] = str(layout.root)
    return binaries


def _account_for(root: Path) -> Account:
    """The first account, with the least capability, that can pass through to `root`."""
    candidates = list(_candidates(root))
    for capability in _CAPABILITIES:
        for name, uid, gid in candidates:
            account = Account(name, uid, gid, capability)
            if _succeeds(account, root.exists):
                return account
    raise StartFailure(
        f"PostgreSQL does not run as root, and no other account can reach {root}. Choose a data "
        "directory that others may pass through (--data-dir /var/lib/habitue), or run Habitue "
        "as an ordinary user"
    )


def _candidates(root: Path) -> Iterator[tuple[str, int, int]]:
    owner = root.stat()
    if owner.st_uid != 0:
        yield str(owner.st_uid), owner.st_uid, owner.st_gid
        return
    accounts = [entry for entry in pwd.getpwall() if entry.pw_uid != 0]
    accounts.sort(key=_preference)
    for entry in accounts:
        yield entry.pw_name, entry.pw_uid, entry.pw_gid


def _preference(entry: pwd.struct_passwd) -> int:
    if entry.pw_name in _PREFERRED:
        return _PREFERRED.index(entry.pw_name)
    return len(_PREFERRED)


def _succeeds(account: Account, test: Callable[[], bool]) -> bool:
    """Whether `test` is true for a process that has become `account`."""
    child = os.fork()
    if child == 0:
        passed = False
        try:
            account.become()
            passed = test()
        finally:
            os._exit(0 if passed else 1)
    _, wait_status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(wait_status) == 0


def _hand_over(layout: Layout, account: Account) -> None:
    """Make the account the owner of the data directory and of our files in it."""
    for entry in (layout.root, *layout.root.iterdir()):
        if entry.name not in TOLERATED and entry.lstat().st_uid != account.uid:
            os.chown(entry, account.uid, account.gid, follow_symlinks=False)
