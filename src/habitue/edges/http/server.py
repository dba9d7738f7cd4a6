"""The server: one process, or several that share a port.

Words: a *plan* says what to serve and where; it travels to worker processes. With one worker the
process serves by itself; with several, a parent binds the port, holds on to the embedded database
so that workers come and go freely, replaces a worker that died, and stops all
of them on SIGTERM.

On SIGTERM or SIGINT no new connection is taken, requests under way are finished for up to
`GRACE_SECONDS`, and the exit code is 0. Standard output has one line, when requests can be served.
"""

import fcntl
import functools
import gc
import os
import pkgutil
import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import uvicorn
from uvicorn.supervisors.multiprocess import Multiprocess, Process

from habitue.edges.http import logs
from habitue.edges.http.application import Application, Settings, build
from habitue.edges.http.documentation import documentation_operations
from habitue.edges.http.health import service_operations
from habitue.edges.http.metrics import DIRECTORY_VARIABLE, Metrics
from habitue.edges.http.protocol import OneWriteProtocol
from habitue.edges.http.sharing import SHARES_VARIABLE, create_shares
from habitue.model.errors import Refusal
from habitue.store.embedded import attach
from habitue.store.embedded.linux import die_with_parent
from habitue.store.location import Embedded, Location
from habitue.usecases.shop import ShopSettings

BACKLOG = 2048
KEEP_ALIVE_SECONDS = 75
GRACE_SECONDS = 30
CONNECTIONS_MIN, CONNECTIONS_TOGETHER = 16, 32
_POLL_SECONDS = 0.1


@dataclass(frozen=True)
class Plan:
    """What to serve and where.

    `operations` names a function that returns the operations; `services` one that takes a Location,
    a function that reports progress in words and the shop's settings, and returns an async context
    manager of the services. Both are written "module:function".
    """

    host: str
    port: int
    workers: int
    location: Location
    log_level: str = "info"
    operations: str = "habitue.edges.operations:all_operations"
    services: str = "habitue.edges.services:open_services"
    settings: ShopSettings = field(default_factory=ShopSettings)


def run(plan: Plan) -> None:
    """Serve until SIGTERM or SIGINT. Exits with code 1, and says why, where it cannot start."""
    try:
        listener = _bind(plan.host, plan.port)
        failed = (_run_alone if plan.workers == 1 else _run_workers)(plan, listener)
    except Refusal as refusal:
        print(f"habitue: {refusal.message}", file=sys.stderr)
        failed = True
    if failed:
        raise SystemExit(1)


def create(plan: Plan) -> Application:
    """The application of a plan; it opens its services when the server starts."""
    logs.configure(plan.log_level)
    metrics = Metrics()
    operations = [*pkgutil.resolve_name(plan.operations)(), *service_operations(metrics)]
    settings = Settings(metrics=metrics, life=functools.partial(_life, plan))
    return build([*operations, *documentation_operations(operations)], None, settings=settings)


def create_in_worker(plan: Plan) -> Application:
    """The same in a worker process, which ends with its parent."""
    die_with_parent(signal.SIGTERM)
    return create(plan)


@asynccontextmanager
async def _life(plan: Plan, application: Application) -> AsyncIterator[None]:
    open_services = pkgutil.resolve_name(plan.services)
    settings = msgspec.structs.replace(
        plan.settings,
        connections_max=connections_of(plan.workers),
        lanes_max=lanes_of(plan.workers),
    )
    async with open_services(plan.location, _report, settings) as services:
        application.services = services
        tune_collector()
        yield


def tune_collector() -> None:
    """Leaves alone what was made until now, and looks for cycles less often: a request makes
    thousands of short-lived values and hardly a cycle among them."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


def connections_of(workers: int) -> int:
    """How many connections to the database each of so many processes may hold.

    A connection waits for the disk while its transaction is committed, and who reads should not
    wait for it; so one process gets more than keep two processors busy.
    """
    return max(CONNECTIONS_MIN, CONNECTIONS_TOGETHER // workers)


def lanes_of(workers: int) -> int:
    """How many groups of statements each of so many processes may have under way at a time.

    One process goes on while the database is at work; of several, each has larger groups, and
    another goes on.
    """
    return 2 if workers == 1 else 1


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise Refusal(f"Cannot listen on {host} port {port}: {error.strerror}") from None
    listener.set_inheritable(True)
    return listener


def _configuration(plan: Plan, factory: functools.partial[Application]) -> uvicorn.Config:
    return uvicorn.Config(
        factory,
        factory=True,
        workers=plan.workers,
        loop="habitue.edges.http.sharing:SharingLoop",
        http=OneWriteProtocol,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        backlog=BACKLOG,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )


class _Server(uvicorn.Server):
    """A server that says when it is ready."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            _announce((sockets or [])[0])


def _run_alone(plan: Plan, listener: socket.socket) -> bool:
    server = _Server(_configuration(plan, functools.partial(create, plan)))
    # uvicorn raises the signals that stopped it once more when it has finished.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    try:
        server.run([listener])
    except SystemExit:
        return True
    return not server.started


class _Workers(Multiprocess):
    """Worker processes. A worker that ends stops the others, unless all have been ready once: then
    it is started again, because what it cannot do without may come back."""

    failed = False
    _were_ready = False

    def init_processes(self) -> None:
        super().init_processes()
        while not self.should_exit.is_set():
            if all(each.is_ready(timeout=_POLL_SECONDS) for each in self.processes):
                self._were_ready = True
                _announce(self.sockets[0])
                return
            self.handle_signals()
            self.keep_subprocess_alive()
            self.should_exit.wait(_POLL_SECONDS)

    def keep_subprocess_alive(self) -> None:
        for index, each in enumerate(self.processes):
            if each.process.is_alive() or self.should_exit.is_set():
                continue
            if not self._were_ready:
                self.failed = True
                self.should_exit.set()
                return
            each.kill()  # closes its pipes; the process has ended
            each.join()
            self.processes[index] = Process(self.config, self.sockets)
            self.processes[index].start()


def _run_workers(plan: Plan, listener: socket.socket) -> bool:
    logs.configure(plan.log_level)
    with _shared_directory(), _database_held(plan.location):
        factory = functools.partial(create_in_worker, plan)
        workers = _Workers(_configuration(plan, factory), [listener])
        workers.run()
        return workers.failed


@contextmanager
def _shared_directory() -> Iterator[None]:
    directory = tempfile.mkdtemp(prefix="habitue-metrics-")
    descriptor = os.open(directory, os.O_RDONLY)
    # What tidies temporary files by their age (systemd-tmpfiles) passes over a locked directory.
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    shares = Path(directory) / "connections"
    create_shares(shares)
    os.environ |= {DIRECTORY_VARIABLE: directory, SHARES_VARIABLE: str(shares)}
    try:
        yield
    finally:
        del os.environ[DIRECTORY_VARIABLE], os.environ[SHARES_VARIABLE]
        os.close(descriptor)
        shutil.rmtree(directory, ignore_errors=True)


@contextmanager
def _database_held(location: Location) -> Iterator[None]:
    if not isinstance(location, Embedded):
        yield
        return
    attachment = attach(location.data_dir, _report)
    try:
        yield
    finally:
        attachment.close()


def _report(words: str) -> None:
    print(words, file=sys.stderr, flush=True)


def _announce(listener: socket.socket) -> None:
    host, port = listener.getsockname()[:2]
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)
    print(f"Habitue serves http://{shown}:{port}", flush=True)
