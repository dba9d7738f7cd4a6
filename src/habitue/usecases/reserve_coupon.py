"""Reserving a coupon for customers, and ending reservations.

Staff and shops reserve whatever the coupon's limit of reservations says: that one is for rules. A
profile that is unknown comes to be. A reservation is no activity of the customer
(contracts/talon_one/SEMANTICS.md section 6.4).
"""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from habitue.customers.claims import STORE_SIDE_ID, profile_key
from habitue.customers.customer import Customer
from habitue.model.errors import Fault, InvalidInput, NotFound, ProfileBusy
from habitue.model.limits import INTEGRATION_ID_LENGTH_MAX, PROFILES_PER_REQUEST_MAX
from habitue.promotions.coupon import Coupon
from habitue.store.database import Connection
from habitue.store.reservations import ReservationWrite, read_reserved, write_reservations
from habitue.usecases.configure.checks import refuse_if_any, text_faults
from habitue.usecases.configure.coupons import read_coupon
from habitue.usecases.session_state import customer_of
from habitue.usecases.shop import Shop
from habitue.usecases.writing import settled

_POINTER = "/integrationIDs"


class Reserved(msgspec.Struct, frozen=True):
    """A customer who has a coupon reserved, under the name that it was reserved for."""

    profile_id: str
    customer: Customer


async def reserve_coupon(
    shop: Shop,
    application_id: int,
    code: str,
    profile_ids: Sequence[str],
    now: datetime,
    *,
    reserves: bool = True,
) -> Coupon:
    """The coupon, reserved for those profiles, or for them no more; all of them or none.

    Raises `NotFound`, `InvalidInput`, and `ProfileBusy` when others keep the profiles too long.
    """
    if not 1 <= len(profile_ids) <= PROFILES_PER_REQUEST_MAX:
        details = f"from 1 to {PROFILES_PER_REQUEST_MAX} profiles are named at once"
        raise InvalidInput(Fault(_POINTER, "Out of range", details))
    for index, each in enumerate(profile_ids):
        at = f"{_POINTER}/{index}"
        refuse_if_any(text_faults(each, at, INTEGRATION_ID_LENGTH_MAX))
        if not each:
            raise InvalidInput(Fault(at, "Missing", "a profile has an integration id"))
    application = shop.program(application_id).application
    named = list(dict.fromkeys(profile_ids))
    keys = [profile_key(each, sandbox=application.sandbox) for each in named]
    write = ReservationWrite(
        application_id, application.code(code), keys, named, STORE_SIDE_ID, reserves, now
    )

    async def attempt(connection: Connection, locked: bool) -> Coupon:
        document = await write_reservations(connection, write)
        if document is None:
            raise NotFound("Coupon", code)
        return read_coupon(document)

    async with shop.queue.turn(keys, ProfileBusy):
        return await settled(shop, attempt, ProfileBusy)


async def reserved_customers(
    shop: Shop, application_id: int, code: str, now: datetime
) -> list[Reserved]:
    """Who has the coupon reserved. Raises `NotFound`."""
    application = shop.program(application_id).application
    rows = await read_reserved(shop.database, application_id, application.code(code))
    if rows is None:
        raise NotFound("Coupon", code)
    return [
        Reserved(each.profile_id, customer_of(each.customer, each.customer.id, now))
        for each in rows
    ]
