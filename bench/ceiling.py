"""The ceiling: the least that a Python server of this stack can do for the same requests.

    python -m bench.ceiling FILE

It has the HTTP server, driver and pool of `habitue serve`, and nothing of what Habitue thinks: of a
request it takes the index of its session or person, runs the very same statements with arguments
that are ready but for ids, and answers bytes that are ready. What is between it and pgbench belongs
to HTTP, Python and the driver; what is between it and `habitue serve` is ours.

FILE holds a `Plan`. One line on standard output says where it listens.
"""

import asyncio
import itertools
import os
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import msgspec
import uvicorn

from bench import carts, people
from bench.people_rows import keys_of
from bench.rows import Documents
from habitue.customers.claims import profile_key, session_key
from habitue.edges.http.decoding import read_body
from habitue.edges.http.protocol import OneWriteProtocol
from habitue.edges.http.server import connections_of, lanes_of, tune_collector
from habitue.edges.http.sharing import SHARES_VARIABLE, SharingLoop, create_shares
from habitue.store import card_reading, cards, events, loyalty_earning, sessions
from habitue.store.cards import CardWrite
from habitue.store.database import Database, open_database
from habitue.store.embedded.linux import die_with_parent
from habitue.store.failures import GuardFailed
from habitue.store.location import Embedded
from habitue.store.loyalty_earning import Earning

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]

Answering = Callable[[bytes, bytes, bytes], Awaitable[bytes]]

_LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
_ID_MARK = b"77777777"
#: So many customers may use a device before it says nothing of who it is.
SHARED_MAX = 10
_INDEX_WIDTH = len(people.MARK)


class Plan(msgspec.Struct, frozen=True):
    """Where the database is and how many processes serve; what is ready for each kind of request.

    `answer_bytes` is how long the answer to a session is; `events` are the documents of the events
    of one request, as one JSON list; `earning` is a first point as it is saved.
    """

    data_dir: str
    workers: int
    answer_bytes: int = 0
    application_id: int = 0
    program_id: int = 0
    documents: Documents | None = None
    card: CardWrite | None = None
    events: bytes | None = None
    earning: Earning | None = None


class _Sessions:
    """Loads and saves a session as `update_session` does where nothing new comes to be."""

    def __init__(self, database: Database, plan: Plan) -> None:
        assert plan.documents is not None
        self._database = database
        self._application_id = plan.application_id
        self._documents = plan.documents
        self._answer = b'{"effects":"' + b"x" * (plan.answer_bytes - 14) + b'"}'

    async def __call__(self, path: bytes, query: bytes, body: bytes) -> bytes:
        closes = b'"state":"closed"' in body
        index = int(path[-8:])
        session, customer, code = carts.ids_of(index)
        key = session_key(self._application_id, session)
        customer_key = profile_key(customer, sandbox=False)
        who = (key, self._application_id, customer_key, False)
        asked = (*who, (code,), None, _LONG_AGO, None, None)
        (row,) = await self._database.fetch_together(
            sessions.LOAD, *asked, joint=sessions.FOR_SEVERAL, kin=sessions.KIN
        )
        saved = {
            "customer_id": row["owner_id"],
            "customer_version": row["owner_version"],
            "anonymous": False,
            "profile_key": customer_key,
            "session_count_change": 0,
            "closed_sessions_change": int(closes),
            "total_sales_change": Decimal("612.34") if closes else Decimal(0),
            "is_new": False,
            "session_key": key,
            "session_id": row["session_id"],
            "application_id": self._application_id,
            "integration_id": session,
            "state": "closed" if closes else "open",
            "coupon_codes": (code,),
            "document": self._documents.closed if closes else self._documents.open,
            "now": datetime.now(UTC),
            "event_id": row["event_id"],
            "event_type": "talon_session_closed" if closes else "talon_session_updated",
            "redeemed": (code,) if closes else (),
            "redeemed_ids": (carts.FIRST_COUPON_ID + index % carts.COUPONS,) if closes else (),
            "release": False,
        }
        arguments = [*map(saved.get, _SESSION_ARGUMENTS)]
        await self._database.fetch_together(
            sessions.SAVE,
            *arguments,
            kin=sessions.KIN,
            order=row["owner_id"],
            claims=saved.get("redeemed_ids", ()),
        )
        return self._answer


_SESSION_ARGUMENTS = sessions.SessionWrite.__struct_fields__


class _People:
    """Finds a customer, or stores a new one, as the till's operations do."""

    def __init__(self, database: Database, plan: Plan) -> None:
        assert plan.card is not None
        self._database = database
        self._card = msgspec.structs.astuple(plan.card)
        self._marked_keys = [str(key).encode() for key in keys_of(int(people.MARK))]

    async def __call__(self, path: bytes, query: bytes, body: bytes) -> bytes:
        found = await (self._register(body) if body else self._look_up(query))
        return b'{"entity":%d,"warnings":[]}' % found

    async def _look_up(self, query: bytes) -> int:
        (key, *_) = keys_of(int(query[-_INDEX_WIDTH:]))
        *_, found = await self._database.fetch_together(
            *(card_reading.READ, (key,), ()),
            begins=cards.is_head,
            joint=card_reading.FOR_SEVERAL,
        )
        return int(found["id"])

    async def _register(self, body: bytes) -> int:
        at = body.index(b"ORC") + 3
        text = body[at : at + _INDEX_WIDTH]
        keys = keys_of(int(text))
        head, *_ = await self._database.fetch_together(
            *(cards.LOAD, keys, (), None, _LONG_AGO), begins=cards.is_head, kin=cards.KIN
        )
        id_: int = head["root_id"]
        arguments = [self._of(each, text, id_, keys) for each in self._card]
        await self._database.fetch_together(cards.SAVE, *arguments, kin=cards.KIN, order=id_)
        return id_

    def _of(self, argument: object, text: bytes, id_: int, keys: list[UUID]) -> object:
        """An argument of the marked person as that of another one."""
        if isinstance(argument, bytes):
            told = argument.replace(people.MARK.encode(), text).replace(_ID_MARK, b"%d" % id_)
            for marked, key in zip(self._marked_keys, keys, strict=True):
                told = told.replace(marked, str(key).encode())
            return told
        return id_ if argument == int(_ID_MARK) else argument


class _Events:
    """Stores the events of a device as the collector does, all of them new."""

    def __init__(self, database: Database, plan: Plan) -> None:
        documents = plan.events or b"[]"
        count = len(msgspec.json.decode(documents))
        self._database = database
        self._turns = itertools.count()
        self._indexes = [f"{index:024x}" for index in range(count)]
        self._ready = ([1_000] * count, ["view"] * count, documents)

    async def __call__(self, path: bytes, query: bytes, body: bytes) -> bytes:
        at = body.index(b'"did":"') + 7
        device = body[at : at + 24].decode()
        turn = f"{next(self._turns):08x}"
        keys = [turn + index for index in self._indexes]
        key = UUID(f"{device:0>32}")
        sent = (key, device, device[:16], SHARED_MAX, datetime.now(UTC), keys, *self._ready)
        await self._database.fetch_together(events.STORE, *sent, order=key.int)
        return b'{"accepted":%d,"duplicates":0}' % len(keys)


class _Points:
    """Adds a point for an owner, as `add_points` does where nothing else happens."""

    def __init__(self, database: Database, plan: Plan) -> None:
        assert plan.earning is not None
        self._database = database
        self._program_id = plan.program_id
        self._earning = plan.earning

    async def __call__(self, path: bytes, query: bytes, body: bytes) -> bytes:
        claim = profile_key(path.split(b"/")[5].decode(), sandbox=False)
        while not await self._is_added(claim, datetime.now(UTC)):
            pass
        return b""

    async def _is_added(self, claim: UUID, now: datetime) -> bool:
        asked = (claim, self._program_id, "", now)
        row = await loyalty_earning.load_calm(self._database, *asked, attributed=False)
        assert row is not None, "nothing happens by itself to these points"
        *_, active = row.totals or [Decimal(0)]
        earning = msgspec.structs.replace(
            self._earning,
            customer_id=row.customer_id,
            customer_version=row.customer_version,
            root_id=row.root_id,
            booked=now,
            version=row.account_version or 0,
            active=active + 1,
            key=uuid4(),
        )
        try:
            await loyalty_earning.earn(self._database, earning)
        except GuardFailed:
            return False
        return True


class _Server(uvicorn.Server):
    """A server that says where it listens."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        print(f"The ceiling is at :{(sockets or [])[0].getsockname()[1]}", flush=True)


def _kind_of(plan: Plan) -> Callable[[Database, Plan], Answering]:
    if plan.earning:
        return _Points
    return _Sessions if plan.documents else _People if plan.card else _Events


async def _serve(plan: Plan, listener: socket.socket) -> None:
    connections = connections_of(plan.workers)
    location = Embedded(Path(plan.data_dir))
    lanes = lanes_of(plan.workers)
    async with open_database(location, pool_size_max=connections, lanes_max=lanes) as database:
        answer = _kind_of(plan)(database, plan)

        async def application(scope: dict[str, Any], receive: Receive, send: Send) -> None:
            fields = dict(scope["headers"])
            body = await read_body(receive, fields) if b"content-length" in fields else b""
            content = await answer(scope["raw_path"], scope["query_string"], body)
            status = 200 if content else 204
            headers = [
                (b"content-length", b"%d" % len(content)),
                (b"content-type", b"application/json"),
            ]
            await send({"type": "http.response.start", "status": status, "headers": headers})
            await send({"type": "http.response.body", "body": content})

        configuration = uvicorn.Config(
            application,
            http=OneWriteProtocol,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
        )
        tune_collector()
        await _Server(configuration).serve([listener])


def main() -> None:
    plan = msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=Plan)
    listener = socket.create_server(("127.0.0.1", 0))
    if plan.workers > 1:
        shares = Path(sys.argv[1]).with_suffix(".shares")
        create_shares(shares)
        os.environ[SHARES_VARIABLE] = str(shares)
    children = []
    for _ in range(plan.workers - 1):
        child = os.fork()
        if not child:
            die_with_parent(signal.SIGTERM)
            sys.stdout = sys.stderr
            break
        children.append(child)
    # uvicorn raises the signal that stopped it once more when it has finished.
    signal.signal(signal.SIGTERM, lambda *_: None)
    with asyncio.Runner(loop_factory=SharingLoop) as runner:
        runner.run(_serve(plan, listener))
    for child in children:
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGTERM)
        os.waitpid(child, 0)


if __name__ == "__main__":
    main()
