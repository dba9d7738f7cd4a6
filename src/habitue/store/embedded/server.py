"""The PostgreSQL server while it runs: its settings, its readiness, its last words, its end.

It listens on a Unix socket in the data directory and on nothing else.
"""

import os
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

from habitue.store.embedded import child
from habitue.store.embedded.binaries import Binaries
from habitue.store.embedded.layout import PORT, Layout

_MEGABYTE = 1024 * 1024
_LOG_LIMIT_BYTES = 16 * _MEGABYTE
_STATE_LINE = 7
_STOP_SECONDS = 300


@dataclass(frozen=True, slots=True)
class Server:
    """A started server; `log_start` is where its part of the log begins."""

    layout: Layout
    process: "subprocess.Popen[bytes]"
    log_start: int
    recovers: bool

    def has_ended(self) -> bool:
        """Whether the server is gone, whatever the reason."""
        return self.process.poll() is not None

    def is_ready(self) -> bool:
        """Whether it accepts connections, by the state that it writes into its pid file."""
        try:
            lines = _pid_file(self.layout).read_text().splitlines()
        except FileNotFoundError:
            return False
        return len(lines) > _STATE_LINE and lines[_STATE_LINE].strip() == "ready"

    def stop(self) -> None:
        """Shut it down cleanly, ending open transactions, and wait until that is done."""
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            # At once, that is: nothing that was committed is lost, the next start recovers.
            self.process.send_signal(signal.SIGQUIT)
            self.process.wait()

    def last_words(self) -> str:
        """The end of what this server logged, without time stamps, on one line."""
        with self.layout.log.open("rb") as log:
            log.seek(self.log_start)
            lines = log.read()[-8192:].decode("utf-8", "replace").splitlines()
        told = [line.partition("] ")[2] or line for line in lines if line.strip()]
        return "; ".join(told[-child.LAST_LINES :]) or "it said nothing"


def start(layout: Layout, binaries: Binaries, server_lock: int) -> Server:
    """Start the server on an existing cluster; needs the server lock to be held.

    A postmaster.pid that is found is stale, because whoever holds the server lock knows that no
    process of an earlier server is left. It is removed without asking which process it names by
    now: that one is none of ours.
    """
    recovers = _pid_file(layout).exists()
    _pid_file(layout).unlink(missing_ok=True)
    layout.sockets.mkdir(mode=0o700, exist_ok=True)
    for leftover in layout.sockets.iterdir():
        leftover.unlink()
    if layout.log.exists() and layout.log.stat().st_size > _LOG_LIMIT_BYTES:
        layout.log.replace(layout.log.with_suffix(".log.1"))
    command = [binaries.program("postgres"), "-D", str(layout.cluster), *_options()]
    with layout.log.open("ab") as log:
        # Before the start: the server writes with the same offset.
        log_start = log.tell()
        return Server(layout, child.start(command, server_lock, log), log_start, recovers)


def _pid_file(layout: Layout) -> Path:
    return layout.cluster / "postmaster.pid"


def _options() -> list[str]:
    """What differs from PostgreSQL's defaults; fsync and full_page_writes are on by default."""
    settings = {
        "listen_addresses": "",
        # Relative to the cluster, so that no limit on the length of socket paths applies to it.
        "unix_socket_directories": "../socket",
        "unix_socket_permissions": "0700",
        "port": str(PORT),
        "max_connections": "200",
        "shared_buffers": f"{_shared_buffers_megabytes()}MB",
        # After a checkpoint the first change of a page writes the whole page into the log. They are
        # pages of random keys for the most part, which pglz works on for long and does not shrink.
        "wal_compression": "off",
        # Under the heaviest load a checkpoint comes with its time, not earlier with its size.
        "max_wal_size": "2GB",
        "max_logical_replication_workers": "0",
        "random_page_cost": "1.1",
        "jit": "off",
        # A server of which one process has crashed ends, and is started again like any other. It
        # must not recover by itself: a shutdown that is asked for meanwhile can hang (18.6).
        "restart_after_crash": "off",
        # Parallel plans need more shared memory than containers usually have.
        "max_parallel_workers_per_gather": "0",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "log_checkpoints": "off",
        "log_line_prefix": "%m [%p] ",
        "cluster_name": "habitue",
    }
    return [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]


def _shared_buffers_megabytes() -> int:
    """An eighth of the memory, between 16 and 256 MB."""
    return min(256, max(16, _memory_bytes() // _MEGABYTE // 8))


def _memory_bytes() -> int:
    """What this machine has, or the container that we are in."""
    physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        limit = Path("/sys/fs/cgroup/memory.max").read_text().strip()
    except OSError:
        return physical
    return min(physical, int(limit)) if limit.isdigit() else physical
