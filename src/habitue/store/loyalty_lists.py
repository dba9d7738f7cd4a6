"""What a whole loyalty program holds, page by page: owners with their accounts, members, cards and
transactions. A page begins after the last row of the one before, so that no page costs more than
another, and nothing is held between them.
"""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Literal
from uuid import UUID

import msgspec

from habitue.store.database import Connection
from habitue.store.loyalty_reading import VISIBLE, WANTED


class OwnerRow(msgspec.Struct, frozen=True):
    """An owner of points. `name` is the id of a profile, empty where none is known any more, or the
    identifier of a card, whose document is `card`; `place` is where the next page goes on.
    `ledgers` is as in `store.loyalty.PointsRow`, without lots and holds."""

    place: int
    owner_id: int
    name: str
    card: bytes | None
    ledgers: bytes


class MemberRow(msgspec.Struct, frozen=True):
    """A member of a program."""

    customer_id: int
    name: str
    joined: datetime


class CardsExport(msgspec.Struct, frozen=True):
    """Which cards, after the one of that id."""

    program_id: int
    after: int
    limit: int
    batch_id: str = ""
    created_before: datetime | None = None
    created_after: datetime | None = None


class LogQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which transactions of a program or of one of its owners, in which direction from `after`."""

    program_id: int
    now: datetime
    owner_id: int | None = None
    subledgers: Sequence[str] | None = None
    session_keys: Sequence[str] | None = None
    keys: Sequence[UUID] | None = None
    origin: Literal["manual", "session", "import"] | None = None
    since: datetime | None = None
    until: datetime | None = None
    awaiting: bool = False
    after: int = 0
    skip: int = 0
    limit: int = 50
    newest_first: bool = True


class LogRow(msgspec.Struct, frozen=True):
    """One entry of the log, with the profile or the card that it is of."""

    id: int
    key: UUID
    kind: str
    created: datetime
    subledger: str
    amount: Decimal
    start: datetime | None
    expiry: datetime | None
    validity: str
    awaits: bool
    negative: bool
    cause: bytes
    profile_id: str | None
    card_identifier: str | None


_PROFILE_OWNERS = """
SELECT owner.customer_id AS place, owner.customer_id AS owner_id,
    coalesce(profile_id_of(owner.customer_id), '') AS name, NULL::jsonb AS card,
    account_documents(owner.customer_id, $1) AS ledgers
FROM (
    SELECT DISTINCT customer_id FROM loyalty_account
    WHERE program_id = $1 AND customer_id > $2 ORDER BY customer_id LIMIT $3
) AS owner ORDER BY owner.customer_id
"""

_CARD_OWNERS = """
SELECT card.id AS place, card.owner_id, card.identifier AS name,
    program_card_document(card) AS card, account_documents(card.owner_id, $1) AS ledgers
FROM program_card AS card
WHERE card.program_id = $1 AND card.id > $2 AND card.deleted IS NULL
ORDER BY card.id LIMIT $3
"""

_MEMBERS = """
SELECT customer_id, coalesce(profile_id_of(customer_id), '') AS name, min(joined) AS joined
FROM loyalty_membership WHERE program_id = $1 AND customer_id > $2
GROUP BY customer_id ORDER BY customer_id LIMIT $3
"""

_CARDS = """
SELECT program_card_document(card) AS document FROM program_card AS card
WHERE card.program_id = $1 AND card.id > $2 AND card.deleted IS NULL
    AND ($4 = '' OR card.batch_id = $4)
    AND ($5::timestamptz IS NULL OR card.created < $5)
    AND ($6::timestamptz IS NULL OR card.created > $6)
ORDER BY card.id LIMIT $3
"""

_LOG = f"""
SELECT entry.id, entry.key, entry.kind, entry.at AS created, entry.subledger, entry.amount,
    entry.start, entry.expiry, entry.validity, entry.awaits, entry.negative, entry.cause,
    profile_id_of(entry.customer_id) AS profile_id, (
        SELECT identifier FROM program_card AS card WHERE card.owner_id = entry.customer_id
    ) AS card_identifier
FROM loyalty_transaction AS entry
{VISIBLE}
WHERE {{of_owner}} AND entry.program_id = $2 AND {WANTED} AND entry.id > $11
ORDER BY entry.id {{direction}} OFFSET $12 LIMIT $13
"""


async def owners(
    connection: Connection, program_id: int, of_cards: bool, after: int, limit: int
) -> list[OwnerRow]:
    """The next owners: every card, or every profile that ever had points."""
    statement = _CARD_OWNERS if of_cards else _PROFILE_OWNERS
    return [OwnerRow(**row) for row in await connection.fetch(statement, program_id, after, limit)]


async def members(
    connection: Connection, program_id: int, after: int, limit: int
) -> list[MemberRow]:
    """The next members."""
    return [MemberRow(**row) for row in await connection.fetch(_MEMBERS, program_id, after, limit)]


async def cards(connection: Connection, wanted: CardsExport) -> list[bytes]:
    """The documents of the next cards."""
    rows = await connection.fetch(_CARDS, *msgspec.structs.astuple(wanted))
    return [row["document"] for row in rows]


async def log(connection: Connection, query: LogQuery) -> list[LogRow]:
    """The entries that are asked for."""
    of_owner = "$1::bigint IS NULL" if query.owner_id is None else "entry.customer_id = $1"
    direction = "DESC" if query.newest_first else "ASC"
    rows = await connection.fetch(
        _LOG.format(of_owner=of_owner, direction=direction),
        query.owner_id,
        query.program_id,
        query.now,
        query.subledgers,
        query.session_keys,
        query.keys,
        query.origin,
        query.since,
        query.until,
        query.awaiting,
        query.after,
        query.skip,
        query.limit,
    )
    return [LogRow(**row) for row in rows]


async def save_join_dates(connection: Connection, program_id: int, dates: bytes) -> None:
    """Stores days of joining, a JSON list of {claim_key, joined}, in place of others; the customers
    are locked."""
    await connection.execute("SELECT import_join_dates($1, $2)", program_id, dates)


async def import_cards(
    connection: Connection, program_id: int, sandbox: bool, now: datetime, new: bytes
) -> None:
    """Adds cards, a JSON list of {identifier, status, links}; the customers are locked.

    Raises `GuardFailed` where an identifier is taken.
    """
    await connection.execute(
        "SELECT import_program_cards($1, $2, $3, $4)", program_id, sandbox, now, new
    )
