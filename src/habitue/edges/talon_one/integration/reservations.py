"""Reservations of coupons in the Integration API (contracts/talon_one/SEMANTICS.md section 6.4)."""

from typing import Any

import msgspec

from habitue.edges.http.operation import Answer, Call, Operation
from habitue.edges.talon_one.doors import INTEGRATION, Principal
from habitue.edges.talon_one.integration.answers import CustomerProfileOut, profile_seen
from habitue.edges.talon_one.management.coupon_wire import CouponOut, coupon_out
from habitue.edges.talon_one.management.paging import Page
from habitue.usecases.list_profiles import audiences_of
from habitue.usecases.reserve_coupon import reserve_coupon, reserved_customers


class ReservationsIn(msgspec.Struct):
    """Whom a coupon is reserved for."""

    integration_ids: tuple[str, ...] = msgspec.field(name="integrationIDs")


async def post_reservation(call: Call[Principal, None, ReservationsIn]) -> Answer:
    shop, application_id = call.services.shop, call.principal.application_id
    profile_ids = call.body.integration_ids
    coupon = await reserve_coupon(
        shop, application_id, call.path["couponValue"], profile_ids, call.now
    )
    return Answer(201, coupon_out(coupon))


async def delete_reservation(call: Call[Principal, None, ReservationsIn]) -> Answer:
    shop, application_id = call.services.shop, call.principal.application_id
    code, profile_ids = call.path["couponValue"], call.body.integration_ids
    await reserve_coupon(shop, application_id, code, profile_ids, call.now, reserves=False)
    return Answer(204)


async def get_reserved_customers(call: Call[Principal, None, None]) -> Answer:
    shop, application_id = call.services.shop, call.principal.application_id
    found = await reserved_customers(shop, application_id, call.path["couponValue"], call.now)
    program = shop.program(application_id)
    audiences = await audiences_of(shop, [each.customer.id for each in found])
    profiles = [
        profile_seen(each.customer, each.profile_id, audiences[each.customer.id], program)
        for each in found
    ]
    return Answer(200, Page(len(profiles), profiles))


def reservation_operations() -> list[Operation]:
    """What integrations do with reservations of coupons."""
    one = "/v1/coupon_reservations/{couponValue}"

    def operation(id_: str, method: str, path: str, handler: Any, **more: Any) -> Operation:
        door, group = INTEGRATION, "Coupons"
        return Operation(id_, method, path, handler, door=door, group=group, **more)

    return [
        operation(
            "createCouponReservation",
            "POST",
            one,
            post_reservation,
            summary="Reserve a coupon for customers",
            body=ReservationsIn,
            responses={201: CouponOut},
        ),
        operation(
            "deleteCouponReservation",
            "DELETE",
            one,
            delete_reservation,
            summary="End reservations of a coupon",
            body=ReservationsIn,
            responses={204: None},
        ),
        operation(
            "getReservedCustomers",
            "GET",
            "/v1/coupon_reservations/customerprofiles/{couponValue}",
            get_reserved_customers,
            summary="List the customers who have a coupon reserved",
            responses={200: Page[CustomerProfileOut]},
        ),
    ]
