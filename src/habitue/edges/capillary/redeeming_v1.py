"""Paying with points in the older edition of the registration protocol.

contracts/capillary/SPEC.md section 8 and example 19: `/v1.1/points/...`, whose answers stand in a
`response` with a status of its own and numbers as texts. HTTP's status is 200 also where nothing
was done; `success` says so.
"""

from decimal import Decimal
from typing import Any
from uuid import uuid4

import msgspec

from habitue.customers.lookup import Place, lookup_of
from habitue.customers.sources import ALL
from habitue.edges.capillary.codes import RequestFault, coded_refusal
from habitue.edges.capillary.door import CAPILLARY
from habitue.edges.capillary.points import chosen_program
from habitue.edges.capillary.points_answers import shown
from habitue.edges.capillary.reading import GROUP, TillCall
from habitue.edges.capillary.redeeming import cause_of, redeemable
from habitue.edges.http.call import Answer
from habitue.edges.http.numbers import Integer
from habitue.edges.http.operation import Operation
from habitue.model.errors import Fault, InvalidInput, Refusal, StoreUnavailable
from habitue.usecases.find_customer import find_customer
from habitue.usecases.redeem_points import check_redemption, redeem_points, reference_key
from habitue.usecases.shop import Shop

_DONE = 800
_REDEMPTIONS_MAX = 50


class WhoseIn(msgspec.Struct):
    """A customer, by the first of these that is sent."""

    mobile: str = ""
    email: str = ""
    external_id: str = ""


class RedeemIn(msgspec.Struct):
    """Points to pay with; a transaction number pays once."""

    points_redeemed: Any
    customer: WhoseIn
    transaction_number: str = ""
    notes: str = ""
    validation_code: str = ""
    program_id: Integer | None = None


class RootIn(msgspec.Struct):
    """All redemptions of a request."""

    redeem: list[RedeemIn]


class RedeemAllIn(msgspec.Struct):
    """The body of a redemption."""

    root: RootIn


class CheckQuery(msgspec.Struct):
    """Whose points, and how many of them."""

    points: str = ""
    mobile: str = ""
    email: str = ""
    external_id: str = ""
    program_id: Integer | None = None
    issue_otp: bool = False


class StatusOut(msgspec.Struct):
    """Whether it was done."""

    success: str
    code: int
    message: str


class ResponseOut(msgspec.Struct):
    """The status of the request, and what came of it."""

    status: StatusOut
    responses: dict[str, Any] | msgspec.UnsetType = msgspec.UNSET
    points: dict[str, Any] | msgspec.UnsetType = msgspec.UNSET


class EnvelopeOut(msgspec.Struct):
    """The answer of this edition."""

    response: ResponseOut


async def get_redeemable(call: TillCall[CheckQuery, None]) -> Answer:
    query = call.query
    if query.issue_otp:
        details = "no passwords are sent to phones"
        raise InvalidInput(Fault("", "Not supported", details, parameter="issue_otp"))
    whose = WhoseIn(query.mobile, query.email, query.external_id)
    told = {"mobile": whose.mobile, "email": whose.email, "external_id": whose.external_id}
    try:
        shop: Shop = call.services.shop
        points = _number(query.points)
        found = await find_customer(shop, _lookup(whose), call.now)
        program = await chosen_program(shop, query.program_id)
        await check_redemption(shop, found.card.id, program.id, points, call.now)
    except StoreUnavailable:
        raise
    except Refusal as refusal:
        item = {**told, "is_redeemable": "false", "item_status": _refused(refusal)}
        return _envelope(points={"redeemable": item}, failed=True)
    value = shown(points * program.points_to_currency_ratio)
    item = {
        **told,
        "points": shown(points),
        "is_redeemable": "true",
        "points_redeem_value": value,
        "points_redeem_local_value": value,
        "input_type": "points",
        "points_currency_ratio": str(shown(program.points_to_currency_ratio)),
        "item_status": StatusOut("true", _DONE, "Points can be redeemed"),
    }
    return _envelope(points={"redeemable": item})


async def post_redeem(call: TillCall[None, RedeemAllIn]) -> Answer:
    wanted = call.body.root.redeem
    if not 1 <= len(wanted) <= _REDEMPTIONS_MAX:
        raise RequestFault("batch_too_large", "/root/redeem", str(_REDEMPTIONS_MAX))
    done = [await _redeemed(call, each) for each in wanted]
    failed = all(each["item_status"].success == "false" for each in done)
    points = done[0] if len(done) == 1 else done
    return _envelope(responses={"points": points}, failed=failed)


async def _redeemed(call: TillCall[None, RedeemAllIn], wanted: RedeemIn) -> dict[str, Any]:
    whose = wanted.customer
    told = {"mobile": whose.mobile, "email": whose.email, "external_id": whose.external_id}
    try:
        shop: Shop = call.services.shop
        points = _number(str(wanted.points_redeemed))
        found = await find_customer(shop, _lookup(whose), call.now)
        program = await chosen_program(shop, wanted.program_id)
        bill = wanted.transaction_number
        key = reference_key(found.card.id, bill) if bill else uuid4()
        cause = cause_of(call, wanted.notes or "PointsRedemption", bill)
        done = await redeem_points(shop, found.card.id, program.id, key, points, cause, call.now)
    except StoreUnavailable:
        raise
    except Refusal as refusal:
        return {**told, "item_status": _refused(refusal)}
    value = shown(points * program.points_to_currency_ratio)
    effect = {
        "num_points": shown(points),
        "currency_value": value,
        "validation_code": wanted.validation_code,
        "redeemed_on_bill_number": bill,
        "redeemed_on_bill_id": -1,
        "type": "points",
    }
    return {
        **told,
        "user_id": str(found.card.id),
        "redemption_id": key.hex,
        "points_redeemed": str(shown(points)),
        "redemption_purpose": "",
        "redeemed_value": value,
        "redeemed_local_value": value,
        "balance": shown(done.balance),
        "side_effects": {"effect": [effect]},
        "item_status": StatusOut("true", _DONE, "Points Redeemed"),
    }


def _lookup(whose: WhoseIn) -> Any:
    for name, value in (
        ("mobile", whose.mobile),
        ("email", whose.email),
        ("externalId", whose.external_id),
    ):
        if value.strip():
            return lookup_of(Place(ALL), name, value)
    raise RequestFault("details_missing", "customer")


def _number(text: str) -> Decimal:
    try:
        return redeemable(Decimal(text.strip()))
    except ArithmeticError:
        details = "points are a number"
        raise InvalidInput(Fault("", "Invalid", details, parameter="points")) from None


def _refused(refusal: Refusal) -> StatusOut:
    coded = coded_refusal(refusal)[0]
    return StatusOut("false", coded.code, coded.message)


def _envelope(*, failed: bool = False, **content: Any) -> Answer:
    status = StatusOut("true", 200, "Success")
    if failed:
        status = StatusOut("false", 500, "All requests have failed due to errors")
    return Answer(200, EnvelopeOut(ResponseOut(status, **content)))


def redeeming_v1_operations() -> list[Operation]:
    """The operations of the older edition."""
    return [
        Operation(
            id="isRedeemable",
            method="GET",
            path="/v1.1/points/isredeemable",
            handler=get_redeemable,
            door=CAPILLARY,
            summary="See whether points can be redeemed",
            group=GROUP,
            query=CheckQuery,
            responses={200: EnvelopeOut},
        ),
        Operation(
            id="redeem",
            method="POST",
            path="/v1.1/points/redeem",
            handler=post_redeem,
            door=CAPILLARY,
            summary="Pay with points",
            group=GROUP,
            body=RedeemAllIn,
            responses={200: EnvelopeOut},
            description="A transaction number pays once, however often it is sent.",
        ),
    ]
