"""Reading and saving customer sessions: one round trip each.

`load` reads all that a decision about a session needs; `save` writes the whole decision through the
function `save_session` of the schema, or nothing: where a row has moved since it was read it raises
`GuardFailed`, and the caller loads and decides again. Rows hold documents as they are stored; what
is in them is the business of the use cases.
"""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from uuid import UUID

import msgspec

from habitue.store.codecs import array_literal
from habitue.store.customers import CustomerRow, owner_in
from habitue.store.database import Connection, Row
from habitue.store.receipts import Receipt, receipt_in
from habitue.store.statements import Arguments, Joint


class SessionQuery(msgspec.Struct, frozen=True):
    """What to read: the session, whom the request names for it, and the codes it submits.

    `profile_key` is None where the request names nobody: with `detach` it asks for an anonymous
    session, without it the session keeps its owner. `codes` of None means those the session has.
    A receipt older than `receipts_since` is not seen. `asked` is a JSON document of what is asked
    of which resource, None where nothing is; `budgets` is one of the names of whole campaigns'
    budgets that are wanted.
    """

    session_key: UUID
    application_id: int
    profile_key: UUID | None
    detach: bool
    codes: Sequence[str] | None
    receipt_key: UUID | None
    receipts_since: datetime
    asked: bytes | None = None
    budgets: bytes | None = None

    @property
    def claim_keys(self) -> tuple[UUID, ...]:
        """The claims on the session and on the customer that the request names."""
        return (self.session_key, self.profile_key) if self.profile_key else (self.session_key,)


class PreviousOwner(msgspec.Struct, frozen=True):
    """Whom the session belonged to when it was read."""

    id: int
    version: int


class SessionRow(msgspec.Struct, frozen=True):
    """What was read. `owner` is None where that customer comes to be, under `owner_id`.

    `previous` is whom the session belongs to now, None for a new session. `event_id` is free to
    use. `resources` is a JSON object by resource, None where nothing was asked, and `budgets` a
    JSON list of what is counted of those that were wanted.
    """

    configuration_version: int
    event_id: int
    session_id: int
    session_document: bytes | None
    owner_id: int
    owner: CustomerRow | None
    previous: PreviousOwner | None
    coupons: bytes | None
    redemptions: bytes | None
    receipt: Receipt | None
    resources: bytes | None = None
    budgets: bytes | None = None


class SessionWrite(msgspec.Struct, frozen=True):
    """The arguments of `save_session`, in its order; the schema says what each is for."""

    customer_id: int
    customer_version: int
    anonymous: bool
    attributes: bytes | None
    profile_key: UUID | None
    profile_kind: str | None
    profile_id: str | None
    session_count_change: int
    closed_sessions_change: int
    total_sales_change: Decimal
    is_new: bool
    session_key: UUID
    session_id: int
    application_id: int
    integration_id: str
    state: str
    coupon_codes: Sequence[str]
    document: bytes
    now: datetime
    from_id: int | None
    from_version: int | None
    event_id: int
    event_type: str
    redeemed: Sequence[str]
    redeemed_ids: Sequence[int]
    release: bool
    receipt_key: UUID | None
    receipt_hash: bytes | None
    receipt_status: int | None
    receipt_answer: bytes | None
    changes: bytes | None = None


# One request is a row of its arguments; several are a row each, looked up one after the other by
# what one execution has prepared. OFFSET keeps the planner from joining whole tables for them.
_LOOKED_UP = """
SELECT
    (SELECT version FROM configuration) AS configuration_version,
    nextval('event_id') AS event_id,
    coalesce(session_claim.session_id, nextval('session_id')) AS session_id,
    session.document AS session_document,
    CASE WHEN owner.id IS NULL THEN nextval('customer_id') END AS new_owner_id,
    owner.id AS owner_id,
    owner.version AS owner_version,
    owner.anonymous AS owner_anonymous,
    owner.created AS owner_created,
    owner.last_activity AS owner_last_activity,
    owner.session_count AS owner_session_count,
    owner.closed_sessions AS owner_closed_sessions,
    owner.total_sales AS owner_total_sales,
    owner.attributes AS owner_attributes,
    previous.id AS previous_id,
    previous.version AS previous_version,
    receipt.request_hash, receipt.status AS receipt_status, receipt.answer AS receipt_answer,
    CASE WHEN cardinality(coalesce(request.codes, session.coupon_codes)) > 0 THEN (
        SELECT jsonb_agg(to_jsonb(coupon) || jsonb_build_object('is_reserved', EXISTS (
                SELECT FROM coupon_reservation AS reserved
                WHERE reserved.customer_id = owner.id AND reserved.coupon_id = coupon.id)) ORDER BY
            array_position(coalesce(request.codes, session.coupon_codes), coupon.code))
        FROM coupon
        WHERE coupon.application_id = request.application_id
            AND coupon.code = ANY (coalesce(request.codes, session.coupon_codes))
    ) END AS coupons,
    -- what a closed session redeemed is taken back whatever codes the request names
    CASE WHEN cardinality(coalesce(request.codes, session.coupon_codes)) > 0
        OR session.state <> 'open'
    THEN (
        SELECT jsonb_agg(to_jsonb(redemption)) FROM redemption
        WHERE redemption.customer_id = owner.id
            AND (redemption.session_id = session_claim.session_id
                OR redemption.campaign_id IN (
                    SELECT campaign_id FROM coupon
                    WHERE coupon.application_id = request.application_id
                        AND coupon.code = ANY (coalesce(request.codes, session.coupon_codes))))
    ) END AS redemptions,
    CASE WHEN request.asked IS NOT NULL THEN read_resources(owner.id,
        coalesce(profile_claim.root_id, session_claim.root_id, owner.id),
        session_claim.session_id, CASE
            WHEN previous.id IS NOT NULL THEN with_holder(request.asked, previous.id)
            ELSE request.asked
        END) END AS resources,
    CASE WHEN request.budgets IS NOT NULL THEN ({counted}) END AS budgets
FROM (SELECT) AS nothing
LEFT JOIN claim AS session_claim ON session_claim.claim_key = request.session_key
LEFT JOIN session ON session.customer_id = session_claim.customer_id
    AND session.id = session_claim.session_id
LEFT JOIN claim AS profile_claim ON profile_claim.claim_key = request.profile_key
LEFT JOIN customer AS previous ON previous.id = session_claim.customer_id
LEFT JOIN customer AS owner ON owner.id = CASE
    WHEN request.profile_key IS NOT NULL THEN profile_claim.customer_id
    WHEN request.detach THEN CASE WHEN previous.anonymous THEN previous.id END
    ELSE session_claim.customer_id
END
LEFT JOIN receipt ON receipt.key_digest = request.receipt_key
    AND receipt.created > request.receipts_since
"""
_ONE_COUNTED = "SELECT read_campaign_budgets(request.budgets)"
_COUNTED_BEFORE = "SELECT answer FROM counted WHERE counted.question = request.budgets"
LOAD = f"""
SELECT found.* FROM (SELECT $1::uuid AS session_key, $2::bigint AS application_id,
    $3::uuid AS profile_key, $4::boolean AS detach, $5::text[] AS codes,
    $6::uuid AS receipt_key, $7::timestamptz AS receipts_since, $8::jsonb AS asked,
    $9::jsonb AS budgets) AS request
CROSS JOIN LATERAL ({_LOOKED_UP.format(counted=_ONE_COUNTED)}) AS found
"""
# Whatever several requests ask of the same budgets is counted once.
_LOAD_SEVERAL = f"""
WITH counted AS MATERIALIZED (
    SELECT question, read_campaign_budgets(document) AS answer
    FROM unnest($9::jsonb[]) WITH ORDINALITY AS distinct_questions (document, question)
)
SELECT place, found.* FROM (
    SELECT session_key, application_id, profile_key, detach, codes::text[] AS codes, receipt_key,
        receipts_since, asked, budgets, place
    FROM unnest($1::uuid[], $2::bigint[], $3::uuid[], $4::boolean[], $5::text[], $6::uuid[],
        $7::timestamptz[], $8::jsonb[], $10::bigint[])
        WITH ORDINALITY AS listed (session_key, application_id, profile_key, detach, codes,
            receipt_key, receipts_since, asked, budgets, place)
) AS request
CROSS JOIN LATERAL ({_LOOKED_UP.format(counted=_COUNTED_BEFORE)} OFFSET 0) AS found
"""

_LOCK = "SELECT lock_owners($1, $2)"

_LOCK_CODES = "SELECT lock_codes($1, $2, $3, $4)"

SAVE = """
SELECT save_session($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17,
    $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31)
"""


async def load(connection: Connection, query: SessionQuery) -> SessionRow:
    """Everything a decision about the session needs, in one round trip."""
    (row,) = await connection.fetch_together(
        LOAD, *msgspec.structs.astuple(query), joint=FOR_SEVERAL, kin=KIN
    )
    return _session_row(row)


def _join(asked: Sequence[Arguments]) -> Arguments:
    columns = [list(column) for column in zip(*asked, strict=True)]
    columns[_CODES] = [None if each is None else array_literal(each) for each in columns[_CODES]]
    budgets = columns.pop()
    numbers = {
        question: number for number, question in enumerate(dict.fromkeys(filter(None, budgets)), 1)
    }
    return [*columns, list(numbers), [numbers.get(each) for each in budgets]]


def _part(rows: list[Row], asked: Sequence[Arguments]) -> list[list[Row]]:
    by_place = {row["place"]: row for row in rows}
    return [[by_place[place]] for place in range(1, len(asked) + 1)]


_CODES = SessionQuery.__struct_fields__.index("codes")
#: Sessions that are read and sessions that are saved share their lanes.
KIN = "sessions"
FOR_SEVERAL = Joint(_join, _part, query=_LOAD_SEVERAL)


async def lock(connection: Connection, query: SessionQuery) -> None:
    """Waits until nobody else writes what the session's owners own, and the other owners of points
    that it may be about; needs a transaction.

    Raises `LockTimeout` when that takes longer than the transaction's lock timeout.
    """
    await connection.execute(_LOCK, query.claim_keys, query.asked)


async def lock_codes(connection: Connection, query: SessionQuery) -> None:
    """Waits until nobody else changes the codes that the session has; needs a transaction.

    Raises `LockTimeout` as `lock` does.
    """
    await connection.execute(
        _LOCK_CODES, query.session_key, query.application_id, query.codes, query.asked
    )


async def save(connection: Connection, write: SessionWrite, *, alone: bool = False) -> None:
    """Saves the decision. Raises `GuardFailed` when anything it rests on has moved.

    `alone` is for what waits for rows that many want, or holds more than its customer's and those
    of the coupons that it redeems.
    """
    arguments = msgspec.structs.astuple(write)
    if not (alone or write.release or write.from_id):
        owner, claims = write.customer_id, write.redeemed_ids
        await connection.fetch_together(SAVE, *arguments, kin=KIN, order=owner, claims=claims)
    else:
        await connection.fetchval(SAVE, *arguments)


def _session_row(row: Row) -> SessionRow:
    return SessionRow(
        configuration_version=row["configuration_version"],
        event_id=row["event_id"],
        session_id=row["session_id"],
        session_document=row["session_document"],
        owner_id=row["owner_id"] or row["new_owner_id"],
        owner=owner_in(row),
        previous=_previous_owner(row),
        coupons=row["coupons"],
        redemptions=row["redemptions"],
        receipt=receipt_in(row),
        resources=row["resources"],
        budgets=row["budgets"],
    )


def _previous_owner(row: Row) -> PreviousOwner | None:
    id_ = row["previous_id"]
    return None if id_ is None else PreviousOwner(id_, row["previous_version"])
