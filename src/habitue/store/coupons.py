"""Coupons in the database: adding, finding, changing and deleting them in number.

A coupon's row is owned by its code and application. Rows are handed out as JSON documents whose
members are the columns. Redeeming is done by the functions that save sessions.
"""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

import msgspec

from habitue.store.coupon_filters import CouponFilter, conditions
from habitue.store.database import Connection

#: Rows of one INSERT; its parameters stay far below the protocol's 65,535.
_ROWS_PER_STATEMENT = 1_000


class NewCoupon(msgspec.Struct, frozen=True):
    """What the coupons of one creation share; `limits` and `attributes` are JSON documents."""

    application_id: int
    campaign_id: int
    usage_limit: int
    discount_limit: Decimal
    reservation_limit: int
    is_reservation_mandatory: bool
    implicitly_reserved: bool
    start_date: datetime | None
    expiry_date: datetime | None
    batch_id: str
    limits: bytes
    attributes: bytes
    created: datetime
    import_id: int = 0


class CouponWrite(msgspec.Struct, frozen=True):
    """What a change sets; None keeps what is stored but for the dates."""

    start_date: datetime | None
    expiry_date: datetime | None
    usage_limit: int | None = None
    limits: bytes | None = None
    attributes: bytes | None = None
    recipient_integration_id: str | None = None
    discount_limit: Decimal | None = None
    reservation_limit: int | None = None
    is_reservation_mandatory: bool | None = None
    implicitly_reserved: bool | None = None


_COLUMNS = (
    "application_id, campaign_id, usage_limit, discount_limit, reservation_limit, "
    "is_reservation_mandatory, implicitly_reserved, start_date, expiry_date, batch_id, limits, "
    "attributes, created, import_id, code, recipient_integration_id"
)
_SHARED = len(NewCoupon.__struct_fields__)

_UPDATE = """
UPDATE coupon SET start_date = $1, expiry_date = $2, usage_limit = coalesce($3, usage_limit),
    limits = coalesce($4, limits), attributes = coalesce($5, attributes),
    recipient_integration_id = coalesce($6, recipient_integration_id),
    discount_limit = coalesce($7, discount_limit),
    reservation_limit = coalesce($8, reservation_limit),
    is_reservation_mandatory = coalesce($9, is_reservation_mandatory),
    implicitly_reserved = coalesce($10, implicitly_reserved)
"""

# Whoever adds coupons holds their campaign, so that none is added while it is being deleted.
_HOLD_CAMPAIGN = "SELECT id FROM campaign WHERE id = $1 AND NOT deleted FOR KEY SHARE"
_LOCK_CAMPAIGN = "SELECT id FROM campaign WHERE id = $1 FOR UPDATE"
_LOCK_CAMPAIGNS = "SELECT id FROM campaign WHERE application_id = $1 ORDER BY id FOR UPDATE"


async def insert_coupons(
    connection: Connection, shared: NewCoupon, codes: Sequence[tuple[str, str]]
) -> list[bytes]:
    """Adds a coupon per (code, recipient) whose code is free; the documents of those added."""
    added: list[bytes] = []
    for start in range(0, len(codes), _ROWS_PER_STATEMENT):
        rows = codes[start : start + _ROWS_PER_STATEMENT]
        flat = [value for row in rows for value in row]
        statement = _insert_statement(len(rows))
        records = await connection.fetch(statement, *msgspec.structs.astuple(shared), *flat)
        added.extend(record["document"] for record in records)
    return added


async def add_coupons(
    connection: Connection, shared: NewCoupon, codes: Sequence[tuple[str, str]]
) -> int:
    """Adds a coupon per (code, recipient) whose code is free; how many that were."""
    added = 0
    for start in range(0, len(codes), _ROWS_PER_STATEMENT):
        rows = codes[start : start + _ROWS_PER_STATEMENT]
        flat = [value for row in rows for value in row]
        statement = _insert_statement(len(rows), returning=False)
        tag = await connection.execute(statement, *msgspec.structs.astuple(shared), *flat)
        added += int(tag.rpartition(" ")[2])
    return added


async def codes_taken(
    connection: Connection, application_id: int, codes: Sequence[str]
) -> frozenset[str]:
    """Those of the codes that the application has already."""
    statement = "SELECT code FROM coupon WHERE application_id = $1 AND code = ANY ($2::text[])"
    rows = await connection.fetch(statement, application_id, codes)
    return frozenset(row["code"] for row in rows)


async def find_coupons(
    connection: Connection, wanted: CouponFilter, sort: str, skip: int, limit: int
) -> list[bytes]:
    """One page of the coupons that fit; `sort` is a column, with a minus for descending."""
    where, arguments = conditions(wanted)
    column, direction = sort.removeprefix("-"), "DESC" if sort.startswith("-") else "ASC"
    assert column in SORTS, "the column was checked by the caller"
    statement = (
        f"SELECT to_jsonb(coupon) AS document FROM coupon WHERE {where} "
        f"ORDER BY {column} {direction}, id {direction} "
        f"OFFSET ${len(arguments) + 1} LIMIT ${len(arguments) + 2}"
    )
    return [row["document"] for row in await connection.fetch(statement, *arguments, skip, limit)]


async def update_coupons(
    connection: Connection, wanted: CouponFilter, write: CouponWrite
) -> list[bytes]:
    """Changes the coupons that fit; the documents of those changed."""
    values = msgspec.structs.astuple(write)
    where, arguments = conditions(wanted, first=len(values) + 1)
    noted, told = _noted("Updated", wanted, first=len(values) + len(arguments) + 1)
    statement = (
        f"WITH changed AS ({_UPDATE} WHERE {where} RETURNING *) "
        f"SELECT to_jsonb(changed) AS document, {noted} FROM changed"
    )
    rows = await connection.fetch(statement, *values, *arguments, *told)
    return [row["document"] for row in rows]


async def change_coupons(connection: Connection, wanted: CouponFilter, write: CouponWrite) -> int:
    """Changes the coupons that fit, however many; how many there were."""
    values = msgspec.structs.astuple(write)
    where, arguments = conditions(wanted, first=len(values) + 1)
    noted, told = _noted("Updated", wanted, first=len(values) + len(arguments) + 1)
    statement = (
        f"WITH changed AS ({_UPDATE} WHERE {where} RETURNING *) "
        f"SELECT count(*), {noted} FROM changed"
    )
    row = await connection.fetchrow(statement, *values, *arguments, *told)
    assert row is not None, "a count is always one row"
    return int(row["count"])


async def delete_coupons(connection: Connection, wanted: CouponFilter) -> int:
    """Deletes the coupons that fit; how many there were."""
    where, arguments = conditions(wanted)
    return await delete_told(connection, where, arguments, wanted)


async def delete_told(
    connection: Connection, where: str, arguments: Sequence[object], wanted: CouponFilter
) -> int:
    """Deletes the coupons of that condition, of the application and at the moment of `wanted`, and
    notes it for those who want to be told; how many there were."""
    noted, told = _noted("Deleted", wanted, first=len(arguments) + 1)
    statement = (
        f"WITH changed AS (DELETE FROM coupon WHERE {where} RETURNING *) "
        f"SELECT count(*), {noted} FROM changed"
    )
    row = await connection.fetchrow(statement, *arguments, *told)
    assert row is not None, "a count is always one row"
    return int(row["count"])


async def hold_campaign(connection: Connection, campaign_id: int) -> bool:
    """Keeps the campaign from being deleted until the transaction ends; False if it is gone."""
    return await connection.fetchval(_HOLD_CAMPAIGN, campaign_id) is not None


async def delete_coupons_of_campaign(connection: Connection, campaign_id: int) -> None:
    """Deletes coupons, referral codes and budgets of a campaign that is about to be deleted in this
    transaction."""
    await connection.execute(_LOCK_CAMPAIGN, campaign_id)
    await connection.execute("DELETE FROM coupon WHERE campaign_id = $1", campaign_id)
    await connection.execute("DELETE FROM referral WHERE campaign_id = $1", campaign_id)
    await connection.execute("SELECT delete_budgets($1)", campaign_id)


async def delete_coupons_of_application(connection: Connection, application_id: int) -> None:
    """Deletes all coupons and referral codes of an application that is about to be deleted in this
    transaction."""
    await connection.execute(_LOCK_CAMPAIGNS, application_id)
    await connection.execute("DELETE FROM coupon WHERE application_id = $1", application_id)
    await connection.execute("DELETE FROM referral WHERE application_id = $1", application_id)


#: The columns by which coupons may be sorted.
SORTS = frozenset(
    {
        "id",
        "code",
        "created",
        "start_date",
        "expiry_date",
        "usage_limit",
        "usage_counter",
        "recipient_integration_id",
        "batch_id",
    }
)


def _noted(
    operation: str, wanted: CouponFilter, first: int
) -> tuple[str, tuple[str, int, datetime]]:
    """What a statement selects besides the coupons that have `changed`, so that it is noted for
    those who want to be told, with its arguments, which are numbered from `first`."""
    text = (
        "CASE WHEN anybody_notified() THEN (SELECT notify_of_changed_coupons("
        f"${first}, ${first + 1}, ${first + 2}, array_agg(to_jsonb(changed) ORDER BY id)) "
        "FROM changed) END AS noted"
    )
    return text, (operation, wanted.application_id, wanted.now)


def _insert_statement(rows: int, *, returning: bool = True) -> str:
    """Many rows of VALUES: sharded databases handle them far better than a select over arrays."""
    shared = ", ".join(f"${index}" for index in range(1, _SHARED + 1))
    numbers = range(_SHARED + 1, _SHARED + 1 + 2 * rows, 2)
    values = ", ".join(f"({shared}, ${number}, ${number + 1})" for number in numbers)
    added = f"INSERT INTO coupon ({_COLUMNS}) VALUES {values} ON CONFLICT DO NOTHING"
    return f"{added} RETURNING to_jsonb(coupon) AS document" if returning else added
