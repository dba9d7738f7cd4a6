"""How the keeper starts PostgreSQL's programs: detached from its own locks, bound to its life.

Every program inherits the server lock and nothing else that is open, gets an environment that
holds no setting PostgreSQL would obey, and is asked by the kernel to shut down when the keeper
ends, however it ends.
"""

import os
import signal
import subprocess
from collections.abc import Callable
from functools import partial
from typing import IO

from habitue.store.embedded import linux
from habitue.store.failures import StartFailure

LAST_LINES = 5
_KEPT_VARIABLES = {"PATH", "HOME", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "TMPDIR"}


def run(command: list[str], server_lock: int, statements: str = "") -> None:
    """Run a program to its end; raises `StartFailure` with its last words if it complains."""
    done = subprocess.run(
        command,
        input=statements,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=_environment(),
        cwd="/",
        pass_fds=(server_lock,),
        preexec_fn=_bound_to_this_process(),
        check=False,
    )
    lines = [line for line in done.stdout.splitlines() if line.strip()]
    complaints = [line for line in lines if _is_complaint(line)]
    if done.returncode != 0 or complaints:
        words = "; ".join((complaints or lines)[-LAST_LINES:])
        raise StartFailure(f"The database could not be created: {words}")


def start(command: list[str], server_lock: int, log: IO[bytes]) -> "subprocess.Popen[bytes]":
    """Start a program that stays; what it says goes to `log`."""
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        env=_environment(),
        cwd="/",
        pass_fds=(server_lock,),
        preexec_fn=_bound_to_this_process(),
    )


def _is_complaint(line: str) -> bool:
    return any(word in line for word in ("ERROR: ", "FATAL: ", "PANIC: "))


def _environment() -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if name in _KEPT_VARIABLES}
    return inherited | {"LC_ALL": "C", "TZ": "UTC"}


def _bound_to_this_process() -> Callable[[], None]:
    return partial(_bind_to, os.getpid())


def _bind_to(keeper: int) -> None:
    """Runs in the child. SIGINT asks PostgreSQL for a clean and fast shutdown."""
    linux.die_with_parent(signal.SIGINT)
    if os.getppid() != keeper:
        os._exit(1)
