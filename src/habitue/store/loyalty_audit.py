"""Auditing the ledger of points: what does not add up, what the books come to, and what is due.

Everything here is computed out of the postings alone; what stands beside them (accounts, lots,
holds, hashes) is only compared with it.
"""

from collections.abc import AsyncIterator
from datetime import datetime
from decimal import Decimal

import msgspec

from habitue.store.database import Connection, Database
from habitue.store.program_card_audit import CARD_CHECKS

#: What is looked for, in words, and the statement that finds it; each row names where it is.
_CHECKS: dict[str, str] = {
    "a posting set does not sum to zero": """
        SELECT customer_id, transaction_id::text AS place FROM loyalty_posting
        GROUP BY customer_id, transaction_id HAVING sum(amount) <> 0
    """,
    "a posting belongs to no transaction": """
        SELECT customer_id, transaction_id::text AS place FROM loyalty_posting AS posting
        WHERE NOT EXISTS (SELECT FROM loyalty_transaction AS transaction
            WHERE transaction.customer_id = posting.customer_id
                AND transaction.id = posting.transaction_id
                AND transaction.root_id = posting.root_id)
    """,
    "balances differ from the postings": """
        SELECT account.customer_id, concat_ws('/', program_id, subledger, root_id) AS place
        FROM loyalty_account AS account CROSS JOIN LATERAL (
            SELECT coalesce(sum(posting.amount) FILTER (WHERE place = 'issued'), 0) AS issued,
                coalesce(sum(posting.amount) FILTER (WHERE place = 'open'), 0) AS open,
                coalesce(sum(posting.amount) FILTER (WHERE place = 'held'), 0) AS held,
                coalesce(sum(posting.amount) FILTER (WHERE place = 'spent'), 0) AS spent,
                coalesce(sum(posting.amount) FILTER (WHERE place = 'expired'), 0) AS expired,
                coalesce(sum(posting.amount) FILTER (WHERE place = 'voided'), 0) AS voided,
                coalesce(sum(posting.amount) FILTER (WHERE place = 'transferred'), 0)
                    AS transferred,
                coalesce(sum(posting.amount) FILTER (WHERE place = 'debt'), 0) AS debt
            FROM loyalty_transaction AS transaction
            JOIN loyalty_posting AS posting ON posting.customer_id = transaction.customer_id
                AND posting.transaction_id = transaction.id
            WHERE transaction.customer_id = account.customer_id
                AND transaction.program_id = account.program_id
                AND transaction.subledger = account.subledger
                AND transaction.root_id = account.root_id
        ) AS sums
        WHERE (account.issued, account.open, account.held, account.spent, account.expired,
                account.voided, account.transferred, account.debt)
            IS DISTINCT FROM (sums.issued, sums.open, sums.held, sums.spent, sums.expired,
                sums.voided, sums.transferred, sums.debt)
    """,
    "what remains of a lot differs from the postings": """
        SELECT lot.customer_id, lot.key::text AS place
        FROM loyalty_lot AS lot LEFT JOIN (
            SELECT transaction.customer_id, program_id, subledger, lot, sum(posting.amount) AS sum
            FROM loyalty_transaction AS transaction
            JOIN loyalty_posting AS posting ON posting.customer_id = transaction.customer_id
                AND posting.transaction_id = transaction.id
            WHERE posting.place = 'open'
            GROUP BY transaction.customer_id, program_id, subledger, lot
        ) AS posted ON posted.customer_id = lot.customer_id
            AND posted.program_id = lot.program_id AND posted.subledger = lot.subledger
            AND posted.lot = lot.key
        WHERE lot.remaining <> coalesce(posted.sum, 0)
    """,
    "lots differ from the balance": """
        SELECT account.customer_id, concat_ws('/', program_id, subledger, root_id) AS place
        FROM loyalty_account AS account WHERE open <> (
            SELECT coalesce(sum(remaining), 0) FROM loyalty_lot AS lot
            WHERE lot.customer_id = account.customer_id AND lot.program_id = account.program_id
                AND lot.subledger = account.subledger AND lot.root_id = account.root_id)
    """,
    "active points differ from the lots": """
        SELECT account.customer_id, concat_ws('/', program_id, subledger, root_id) AS place
        FROM loyalty_account AS account WHERE active <> (
            SELECT coalesce(sum(remaining), 0) FROM loyalty_lot AS lot
            WHERE lot.customer_id = account.customer_id AND lot.program_id = account.program_id
                AND lot.subledger = account.subledger AND lot.root_id = account.root_id
                AND lot.start <= account.moment
                AND (lot.expiry IS NULL OR lot.expiry > account.moment))
    """,
    "holds differ from the balance": """
        SELECT account.customer_id, concat_ws('/', program_id, subledger, root_id) AS place
        FROM loyalty_account AS account WHERE held <> (
            SELECT coalesce(sum(amount), 0) FROM loyalty_hold AS hold
            WHERE hold.customer_id = account.customer_id AND hold.program_id = account.program_id
                AND hold.subledger = account.subledger AND hold.root_id = account.root_id)
    """,
    "the chain of hashes is broken": """
        SELECT customer_id, id::text AS place FROM (
            SELECT transaction.*,
                lag(hash, 1, '') OVER chain AS expected_previous,
                row_number() OVER chain AS expected_sequence,
                loyalty_hash(previous_hash, transaction,
                    loyalty_postings_text(customer_id, id)) AS expected_hash
            FROM loyalty_transaction AS transaction
            WINDOW chain AS (PARTITION BY customer_id, program_id, subledger, root_id
                ORDER BY sequence)
        ) AS chained
        WHERE previous_hash <> expected_previous OR sequence <> expected_sequence
            OR hash <> expected_hash
    """,
    "the end of the chain of hashes is missing": """
        SELECT account.customer_id, concat_ws('/', program_id, subledger, root_id) AS place
        FROM loyalty_account AS account WHERE (sequence, last_hash) <> (
            SELECT coalesce(max(transaction.sequence), 0),
                coalesce((array_agg(hash ORDER BY transaction.sequence DESC))[1], '')
            FROM loyalty_transaction AS transaction
            WHERE transaction.customer_id = account.customer_id
                AND transaction.program_id = account.program_id
                AND transaction.subledger = account.subledger
                AND transaction.root_id = account.root_id)
    """,
}

_CLOSING = """
SELECT transaction.program_id,
    -coalesce(sum(posting.amount) FILTER (WHERE place = 'issued'), 0) AS issued,
    coalesce(sum(posting.amount) FILTER (WHERE place = 'spent'), 0) AS spent,
    coalesce(sum(posting.amount) FILTER (WHERE place = 'expired'), 0) AS expired,
    coalesce(sum(posting.amount) FILTER (WHERE place = 'voided'), 0) AS voided,
    coalesce(sum(posting.amount) FILTER (WHERE place = 'held'), 0) AS held,
    coalesce(sum(posting.amount) FILTER (WHERE place = 'open'), 0) AS open,
    coalesce(sum(posting.amount) FILTER (WHERE place = 'debt'), 0) AS debt,
    coalesce(sum(posting.amount) FILTER (WHERE place = 'transferred'), 0) AS transferred
FROM loyalty_transaction AS transaction
JOIN loyalty_posting AS posting ON posting.customer_id = transaction.customer_id
    AND posting.transaction_id = transaction.id
WHERE transaction.at < $1
GROUP BY transaction.program_id ORDER BY transaction.program_id
"""

_DUE = """
SELECT DISTINCT customer_id, program_id, subledger FROM loyalty_account
WHERE next_change <= $1 ORDER BY customer_id, program_id, subledger LIMIT $2
"""


class Violation(msgspec.Struct, frozen=True):
    """Something that does not add up, and where."""

    complaint: str
    customer_id: int
    place: str


class Closing(msgspec.Struct, frozen=True):
    """What the books of a program come to before a moment; `open` is owed to customers, `debt` by
    them. Nothing is left over: see `is_closed`."""

    program_id: int
    issued: Decimal
    spent: Decimal
    expired: Decimal
    voided: Decimal
    held: Decimal
    open: Decimal
    debt: Decimal
    transferred: Decimal

    @property
    def is_closed(self) -> bool:
        """Whether everything that was issued is somewhere, and transfers cancel out."""
        gone = self.spent + self.expired + self.voided + self.held
        return self.issued == gone + self.open + self.debt and not self.transferred


class Due(msgspec.Struct, frozen=True):
    """A ledger in which something has happened by itself that is not booked yet."""

    customer_id: int
    program_id: int
    subledger: str


async def violations(database: Database) -> AsyncIterator[Violation]:
    """Everything that does not add up, in one picture of the database; the shop may go on."""
    async with database.transaction() as connection:
        await connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        for complaint, statement in {**_CHECKS, **CARD_CHECKS}.items():
            async for row in connection.stream(statement):
                yield Violation(complaint, row["customer_id"], row["place"])


async def closings(connection: Connection, before: datetime) -> list[Closing]:
    """What was booked before a moment, by program; ledgers that are due must be settled first."""
    return [Closing(**row) for row in await connection.fetch(_CLOSING, before)]


async def due(connection: Connection, now: datetime, limit: int) -> list[Due]:
    """Some of the ledgers in which something has happened by now."""
    return [Due(**row) for row in await connection.fetch(_DUE, now, limit)]
