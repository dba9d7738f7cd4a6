"""Reservations of coupons in the database: made and ended for profiles by name, and listed."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from habitue.store.customers import CustomerRow, owner_in
from habitue.store.database import Connection


class ReservationWrite(msgspec.Struct, frozen=True):
    """The arguments of `reserve_coupon`, in its order; without `reserves` reservations end."""

    application_id: int
    code: str
    profile_keys: Sequence[UUID]
    profile_ids: Sequence[str]
    profile_kind: str
    reserves: bool
    now: datetime


class ReservedRow(msgspec.Struct, frozen=True):
    """A customer who has a reservation, and the name under which it was made."""

    profile_id: str
    customer: CustomerRow


_RESERVE = "SELECT reserve_coupon($1, $2, $3, $4, $5, $6, $7)"
_RESERVED = """
SELECT profile_id,
    owner.id AS owner_id,
    owner.version AS owner_version,
    owner.anonymous AS owner_anonymous,
    owner.created AS owner_created,
    owner.last_activity AS owner_last_activity,
    owner.session_count AS owner_session_count,
    owner.closed_sessions AS owner_closed_sessions,
    owner.total_sales AS owner_total_sales,
    owner.attributes AS owner_attributes
FROM coupon
JOIN coupon_reservation ON coupon_reservation.coupon_id = coupon.id
JOIN customer AS owner ON owner.id = coupon_reservation.customer_id
WHERE coupon.code = $1 AND coupon.application_id = $2
ORDER BY coupon_reservation.created, profile_id COLLATE "C"
"""
_EXISTS = "SELECT true FROM coupon WHERE code = $1 AND application_id = $2"


async def write_reservations(connection: Connection, write: ReservationWrite) -> bytes | None:
    """The document of the coupon as it is then; None where there is none of that code.

    Raises `GuardFailed` where a customer has come to be meanwhile.
    """
    document: bytes | None = await connection.fetchval(_RESERVE, *msgspec.structs.astuple(write))
    return document


async def read_reserved(
    connection: Connection, application_id: int, code: str
) -> list[ReservedRow] | None:
    """Who has the coupon reserved, in the order in which it was; None where there is no coupon."""
    if await connection.fetchval(_EXISTS, code, application_id) is None:
        return None
    found = []
    for row in await connection.fetch(_RESERVED, code, application_id):
        customer = owner_in(row)
        assert customer is not None, "a reservation belongs to a customer who exists"
        found.append(ReservedRow(row["profile_id"], customer))
    return found
