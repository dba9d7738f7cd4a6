"""The statements that read the points of one owner; `store.loyalty_loading` runs them.

Arguments: $1 a claim or a card's identifier, $2 the owner's id, $3 the program, $4 the subledger,
$5 keys of transactions and lots, $6 now, $7 how many of the lots that can be spent, $8 the key of a
receipt, $9 since when receipts count. A statement gives one row about the owner, also where there
is none, and then one for each thing that was read, in columns that all of them share.
"""

from typing import Literal, TypeAlias, get_args

BY_CLAIM = """
    SELECT holder.id, holder.version, holder.attributes, coalesce(claim.root_id, holder.id) AS root,
        NULL::jsonb AS card, holder.joined
    FROM claim JOIN customer AS holder ON holder.id = claim.customer_id
    WHERE claim.claim_key = $1::uuid AND $2::bigint IS NULL
"""

BY_IDENTIFIER = """
    SELECT card.owner_id AS id, card.version, '{}'::jsonb AS attributes, card.owner_id AS root,
        program_card_document(card) AS card, false AS joined
    FROM program_card AS card
    WHERE card.program_id = $3 AND card.identifier = $1::text AND card.deleted IS NULL
        AND $2::bigint IS NULL
"""

_BY_ID = """
    SELECT id, version, attributes, id AS root, NULL::jsonb AS card, joined
    FROM customer WHERE id = $2::bigint AND $1::uuid IS NULL
    UNION ALL
    SELECT owner_id, version, '{}', owner_id, program_card_document(card), false
    FROM program_card AS card WHERE owner_id = $2
"""

# Arguments behind a SELECT say nothing to the planner, so that one plan serves for all of them.
_LEDGERS = """
owner AS MATERIALIZED (%(owner)s),
account AS MATERIALIZED (
    SELECT loyalty_account.* FROM owner JOIN loyalty_account
        ON loyalty_account.customer_id = owner.id AND loyalty_account.program_id = $3
        AND loyalty_account.subledger = coalesce((SELECT $4::text), subledger)
), ledger AS MATERIALIZED (
    SELECT customer_id, subledger, min(moment) AS since, greatest(max(moment), $6) AS until,
        min(next_change) AS next_change, max(held) > 0 AS holds
    FROM account GROUP BY customer_id, subledger
), hold AS (
    SELECT loyalty_hold.* FROM ledger JOIN loyalty_hold
        ON loyalty_hold.customer_id = ledger.customer_id AND loyalty_hold.program_id = $3
        AND loyalty_hold.subledger = ledger.subledger
    WHERE ledger.holds
)
"""

# What the named transactions posted.
_NAMED = """
named AS (
    SELECT posting.place, posting.amount, posting.lot, transaction.key, transaction.subledger
    FROM owner JOIN loyalty_transaction AS transaction ON transaction.customer_id = owner.id
        AND transaction.program_id = $3 AND transaction.key = ANY ($5::uuid[])
    JOIN loyalty_posting AS posting ON posting.customer_id = owner.id
        AND posting.transaction_id = transaction.id
)
"""

# Lots that are read because of what they are, as of `owned`.
_NAMED_LOTS = """
    SELECT subledger, lot AS key FROM hold
    UNION ALL SELECT subledger, lot FROM named
    UNION ALL SELECT subledger, key FROM ledger CROSS JOIN unnest($5::uuid[]) AS listed (key)
"""
_HELD_LOTS = "SELECT subledger, lot AS key FROM hold"

# All lots that have something left.
_ALL_LOTS = """
lot AS (
    SELECT lot.* FROM ledger JOIN loyalty_lot AS lot
        ON lot.customer_id = ledger.customer_id AND lot.program_id = $3
        AND lot.subledger = ledger.subledger AND lot.remaining > 0 AND $7::integer IS NULL
    UNION ALL %(owned)s
)
"""

# The first of those that are active throughout. However many lots there are, few entries of an
# index are looked at, here and below: each subquery names the one that it needs by its order, or
# stays by itself behind an OFFSET.
_SPENDABLE = """
spendable AS MATERIALIZED (
    SELECT active.* FROM ledger CROSS JOIN LATERAL (
        SELECT * FROM loyalty_lot
        WHERE customer_id = ledger.customer_id AND program_id = $3
            AND subledger = ledger.subledger AND remaining > 0 AND start <= ledger.until
            AND coalesce(expiry, 'infinity') > ledger.until
        ORDER BY coalesce(expiry, 'infinity'), created, key LIMIT (SELECT $7::integer)
    ) AS active
)
"""
_NONE_SPENDABLE = "depth AS (SELECT $7::integer)"

# Those that something happens to.
_DUE_LOTS = """
lot AS MATERIALIZED (
    SELECT due.* FROM ledger CROSS JOIN LATERAL (
        SELECT * FROM loyalty_lot
        WHERE customer_id = ledger.customer_id AND program_id = $3
            AND subledger = ledger.subledger AND remaining > 0
            AND coalesce(expiry, 'infinity') <= ledger.until
        ORDER BY coalesce(expiry, 'infinity') OFFSET 0
    ) AS due
    WHERE ledger.next_change <= ledger.until
    UNION ALL
    SELECT due.* FROM ledger CROSS JOIN LATERAL (
        SELECT * FROM loyalty_lot
        WHERE customer_id = ledger.customer_id AND program_id = $3
            AND subledger = ledger.subledger AND remaining > 0
            AND start > created AND start > ledger.since AND start <= ledger.until
        ORDER BY start OFFSET 0
    ) AS due
    WHERE ledger.next_change <= ledger.until
    UNION ALL %(owned)s
), seen AS (
    SELECT subledger, key FROM lot %(spendable)s
)
"""

_OWNED_LOTS = """
    SELECT owned.* FROM (%(wanted)s) AS wanted CROSS JOIN owner CROSS JOIN LATERAL (
        SELECT * FROM loyalty_lot
        WHERE customer_id = owner.id AND program_id = $3 AND subledger = wanted.subledger
            AND key = wanted.key OFFSET 0
    ) AS owned
"""

_HEAD = """
SELECT 'owner' AS part, NULL::text AS subledger, owner.id, owner.version, owner.root AS root_id,
    NULL::uuid AS key, NULL::uuid AS lot, NULL::numeric[] AS amounts, (
        SELECT min(joined) FROM loyalty_membership
        WHERE loyalty_membership.customer_id = owner.id AND program_id = $3
    ) AS moment, NULL::timestamptz AS start, NULL::timestamptz AS expiry, NULL::text AS word,
    owner.joined AS flag, owner.attributes AS document, owner.card,
    configuration.version AS configuration_version,
    receipt.request_hash, receipt.status AS receipt_status, receipt.answer AS receipt_answer
FROM configuration LEFT JOIN owner ON true
LEFT JOIN receipt ON receipt.key_digest = $8::uuid AND receipt.created > $9::timestamptz
"""
_OTHERS = """
UNION ALL
SELECT 'account', subledger, NULL, version, root_id, NULL, NULL,
    ARRAY[issued, open, held, spent, expired, voided, transferred, debt, active],
    moment, next_change, NULL, NULL, NULL, tier, NULL, NULL, NULL, NULL, NULL
FROM account
UNION ALL
SELECT 'hold', subledger, NULL, NULL, root_id, key, lot, ARRAY[amount],
    NULL, NULL, expires, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
FROM hold
UNION ALL
"""
_LOTS_OF = """
SELECT '%s', subledger, session_id, NULL, root_id, key, NULL,
    ARRAY[amount, remaining, taken, expired], created, start, expiry, validity, deleted, NULL, NULL,
    NULL, NULL, NULL, NULL
FROM %s
"""
_POSTINGS = """
UNION ALL
SELECT 'posting', subledger, NULL, NULL, NULL, key, lot, ARRAY[amount], NULL, NULL, NULL, place,
    NULL, NULL, NULL, NULL, NULL, NULL, NULL
FROM named
"""

# When something happens to a lot that was not read.
_UNREAD = """
UNION ALL
SELECT 'unread', ledger.subledger, NULL, NULL, NULL, NULL, NULL, NULL, least((
        SELECT other.expiry FROM loyalty_lot AS other
        WHERE other.customer_id = ledger.customer_id AND other.program_id = $3
            AND other.subledger = ledger.subledger AND other.remaining > 0
            AND coalesce(other.expiry, 'infinity') > ledger.until
            AND coalesce(other.expiry, 'infinity') < 'infinity'
            AND NOT EXISTS (SELECT FROM seen
                WHERE seen.key = other.key AND seen.subledger = other.subledger)
        ORDER BY coalesce(other.expiry, 'infinity') LIMIT 1
    ), (
        SELECT other.start FROM loyalty_lot AS other
        WHERE other.customer_id = ledger.customer_id AND other.program_id = $3
            AND other.subledger = ledger.subledger AND other.remaining > 0
            AND other.start > other.created AND other.start > ledger.until
            AND NOT EXISTS (SELECT FROM seen
                WHERE seen.key = other.key AND seen.subledger = other.subledger)
        ORDER BY other.start LIMIT 1
    )), NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
FROM ledger WHERE ledger.next_change IS NOT NULL
"""


#: Which lots to read: all, those that something happens to, or also the first that can be spent.
Lots: TypeAlias = Literal["all", "due", "spendable"]


def load_statement(owner: str, lots: Lots, *, named: bool) -> str:
    """The statement that reads the points of one owner, whom `owner` selects.

    `named` says that there are keys of transactions and lots to look up.
    """
    owned = _OWNED_LOTS % {"wanted": _NAMED_LOTS if named else _HELD_LOTS}
    parts = [_LEDGERS % {"owner": owner}]
    parts += [_NAMED] if named else ["keys AS (SELECT $5::uuid[])"]
    selects = [_HEAD, _OTHERS, _LOTS_OF % ("lot", "lot")]
    if lots == "all":
        parts += [_ALL_LOTS % {"owned": owned}]
    else:
        is_spent = lots == "spendable"
        also = "UNION ALL SELECT subledger, key FROM spendable" if is_spent else ""
        parts += [_SPENDABLE if is_spent else _NONE_SPENDABLE]
        parts += [_DUE_LOTS % {"owned": owned, "spendable": also}]
        selects += [f"UNION ALL {_LOTS_OF % ('spendable', 'spendable')}"] if is_spent else []
        selects += [_UNREAD]
    selects += [_POSTINGS] if named else []
    return f"WITH {', '.join(parts)} {''.join(selects)}"


_OWNERS = {"id": _BY_ID, "claim": BY_CLAIM, "card": BY_IDENTIFIER}
#: By how the owner is named (id, claim or card), which lots, and whether keys are named.
STATEMENTS = {
    (kind, lots, named): load_statement(owner, lots, named=named)
    for kind, owner in _OWNERS.items()
    for lots in get_args(Lots)
    for named in (False, True)
}
