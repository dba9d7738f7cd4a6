"""Runs the demo: a server in this process, and beside it what is shown of the shop.

The server is the one of `habitue serve` with one worker; the demo is its first client. Whatever
goes wrong is told in one plain line.
"""

import asyncio
import contextlib
import errno
import functools
import logging
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import uvicorn

from habitue.edges.demo.page import Page, say, standard_page
from habitue.edges.demo.seeding import seeded
from habitue.edges.demo.show import Place, show
from habitue.edges.http.application import Application
from habitue.edges.http.server import Plan, create
from habitue.edges.services import Services, open_services
from habitue.model.errors import Refusal
from habitue.store.embedded import Report
from habitue.store.location import Embedded, Location
from habitue.usecases.shop import ShopSettings

HOST = "127.0.0.1"
PORT_FIRST = 8080
PORTS_TRIED = 20
_GRACE_SECONDS = 5
_SERVICES = f"{__name__}:open_telling"


def run(location: Location, port: int | None, once: bool) -> None:
    """Show the shop, then serve it until SIGINT or SIGTERM; with `once`, only show it.

    Without `port` the first free one from 8080 on is taken. Raises `Refusal` where it cannot start.
    """
    page = standard_page()
    listener = listen(port)
    plan = Plan(HOST, listener.getsockname()[1], 1, location, "error", services=_SERVICES)
    server = _Server(plan, functools.partial(_perform, page, plan), once)
    # uvicorn raises the signals that stopped it once more when it has finished.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    with contextlib.closing(listener):
        try:
            server.run([listener])
        except SystemExit:
            # Why it did not start has been told.
            raise SystemExit(1) from None
    if server.refusal is not None:
        raise server.refusal


@asynccontextmanager
async def open_telling(
    location: Location, report: Report, settings: ShopSettings
) -> AsyncIterator[Services]:
    """The services of the demo. Creating a database is told in one line, whatever it consists of;
    `report` is told what goes on with one that exists."""
    is_new = isinstance(location, Embedded) and not (location.data_dir / "cluster").exists()
    if is_new:
        say("Preparing the database (once)...")
    async with open_services(location, _silent if is_new else report, settings) as services:
        yield services


def _silent(words: str) -> None:
    return None


def listen(port: int | None) -> socket.socket:
    """A socket on that port, or without one on the first free of a few. Raises `Refusal`."""
    wanted = [*range(PORT_FIRST, PORT_FIRST + PORTS_TRIED), 0] if port is None else [port]
    for each in wanted:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, each))
            listener.listen()
        except OSError as error:
            listener.close()
            if port is not None:
                raise Refusal(_port_words(port, error)) from None
        else:
            return listener
    raise Refusal(f"No port of {HOST} is free")


def _port_words(port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} is taken by another program: name another one with --port"
    return f"Cannot listen on port {port}: {error.strerror}"


async def _perform(page: Page, plan: Plan, services: Services) -> None:
    seed = await seeded(services.shop)
    place = Place(f"http://{plan.host}:{plan.port}", _data_dir(plan.location))
    await show(page, place, seed)


def _data_dir(location: Location) -> Path | None:
    return location.data_dir if isinstance(location, Embedded) else None


class _Server(uvicorn.Server):
    """A server beside which `perform` happens, once requests are taken."""

    def __init__(
        self, plan: Plan, perform: Callable[[Services], Awaitable[None]], once: bool
    ) -> None:
        self._application: Application = create(plan)
        self._perform = perform
        self._once = once
        self.refusal: Refusal | None = None
        # That the server has not started is told by whoever knows why.
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
        super().__init__(_configuration(self._application))

    async def main_loop(self) -> None:
        showing = asyncio.create_task(self._show())
        try:
            await super().main_loop()
        finally:
            showing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await showing

    async def _show(self) -> None:
        try:
            await self._perform(self._application.services)
            words = "Stopped. Without --once it serves." if self._once else "Serving. Ctrl-C stops."
            say(words)
            self.should_exit = self._once
        except Refusal as refusal:
            self._give_up(refusal)
        except Exception as error:
            self._give_up(Refusal(f"The demo has failed: {error}"))

    def _give_up(self, refusal: Refusal) -> None:
        self.refusal = refusal
        self.should_exit = True


def _configuration(application: Application) -> uvicorn.Config:
    return uvicorn.Config(
        application,
        http="httptools",
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )
