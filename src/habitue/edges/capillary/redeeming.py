"""Paying with points at the registration door, giving them back and passing them on
(contracts/capillary/SPEC.md section 8).

No passwords are sent to phones here: a request that asks for one is refused, and a validation code
that comes along is kept with the redemption and not looked at.
"""

from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from typing import Any, Literal
from uuid import UUID, uuid4

import msgspec

from habitue.customers.card import Card
from habitue.customers.lookup import Place, lookup_of
from habitue.customers.sources import ALL
from habitue.edges.capillary.answers import ORGANISATION_ID
from habitue.edges.capillary.codes import RequestFault
from habitue.edges.capillary.door import CAPILLARY
from habitue.edges.capillary.envelopes import Item, Listing, listing
from habitue.edges.capillary.points import chosen_program
from habitue.edges.capillary.points_answers import shown
from habitue.edges.capillary.reading import GROUP, TillCall, attribution_in
from habitue.edges.http.call import Answer
from habitue.edges.http.numbers import Integer, Number
from habitue.edges.http.operation import Operation
from habitue.loyalty.ledger import Cause
from habitue.loyalty.program import LoyaltyProgram
from habitue.model.errors import Fault, InvalidInput
from habitue.model.limits import POINTS_NAME_LENGTH_MAX
from habitue.usecases.find_customer import FoundCustomer, find_customer
from habitue.usecases.redeem_points import (
    RedemptionUnknown,
    check_redemption,
    redeem_points,
    reference_key,
    reverse_redemption,
)
from habitue.usecases.shop import Shop
from habitue.usecases.transfer_points import Transfer, transfer_points

_KINDS = {"mobile": "mobile", "email": "email", "external_id": "externalId"}
#: Redemptions may have so many decimals.
_DECIMALS = 3


class IdentifierIn(msgspec.Struct):
    """A customer, by id or by an identifier."""

    type: str
    value: str


class RedemptionIn(msgspec.Struct, rename="camel"):
    """Points to pay with; without `commit` it is only looked whether they can be."""

    points: Number
    redemption_type: Literal["POINTS"] = "POINTS"
    transaction_number: str = ""
    validation_code: str = ""
    source: str = ""
    external_reference_number: str = ""
    program_id: Integer | None = None
    notes: str = ""
    commit: bool = True


class RedemptionOut(msgspec.Struct, rename="camel"):
    """What was paid, or could be, and what is left."""

    customer_id: int
    points_redeemed: Decimal
    redeemed_value: Decimal
    balance: Decimal
    program_id: int
    committed: bool
    redemption_id: str | msgspec.UnsetType = msgspec.UNSET
    warnings: list[Item] = []


class ReversalIn(msgspec.Struct, rename="camel"):
    """What to give back: all that is left where no number is named."""

    identifier: IdentifierIn
    redemption_id: str = ""
    external_reference_number: str = ""
    points_to_be_reversed: Number | None = None
    program_id: Integer | None = None


class ReversedDetails(msgspec.Struct):
    """How much of it can be spent again, and how much was over by now."""

    available: Decimal
    expired: Decimal


class ReversalOut(msgspec.Struct, rename="camel"):
    """What was given back."""

    redemption_id: str
    points_to_be_reversed: Decimal
    org_id: int
    identifier: IdentifierIn
    customer_id: int
    points_reversed: Decimal
    reversal_id: str
    points_reversed_details: ReversedDetails
    warnings: list[Item] = []


class TransferIn(msgspec.Struct, rename="camel"):
    """Who gives points to whom."""

    points_tobe_transferred: Number
    from_customer_identifier: IdentifierIn
    to_customer_identifier: IdentifierIn
    program_id: Integer | None = None
    group_program_transfer: Any = "false"
    notes: str = ""
    issue_otp: Any = msgspec.field(default="false", name="issueOtp")
    code: str = ""


class PersonOut(msgspec.Struct, rename="camel"):
    """A customer by name."""

    user_id: int
    first_name: str
    last_name: str


class BreakupOut(msgspec.Struct, rename="camel"):
    """What a program gave."""

    program_id: int
    deducted_points: Decimal
    program_current_points: Decimal


class TransferOut(msgspec.Struct, rename="camel"):
    """What was passed on."""

    to_entity_id: int
    to_entity_type: str
    from_entity_id: int
    from_entity_type: str
    points_transfer_date: str
    points_transferred: Decimal
    transfer_id: str
    transfer_type: str
    transferred_from: PersonOut
    transferred_to: PersonOut
    notes: str
    program_name: str
    points_transfer_breakup_by_earning_programs: list[BreakupOut]


async def post_redemption(call: TillCall[None, RedemptionIn]) -> Answer:
    shop, body = call.services.shop, call.body
    found = await find_customer(shop, call.integer("customerId"), call.now)
    program = await chosen_program(shop, body.program_id)
    points = redeemable(body.points)
    if not body.commit:
        checked = await check_redemption(shop, found.card.id, program.id, points, call.now)
        return Answer(200, _redeemed(found, program, points, checked.balance, None))
    reference = body.external_reference_number
    key = reference_key(found.card.id, reference) if reference else uuid4()
    cause = cause_of(call, body.notes or "PointsRedemption", body.transaction_number or reference)
    done = await redeem_points(shop, found.card.id, program.id, key, points, cause, call.now)
    return Answer(200, _redeemed(found, program, points, done.balance, done.key))


async def post_reversal(call: TillCall[None, ReversalIn]) -> Answer:
    shop, body = call.services.shop, call.body
    if bool(body.redemption_id) == bool(body.external_reference_number):
        details = "either redemptionId or externalReferenceNumber is sent"
        raise InvalidInput(Fault("/redemptionId", "Not allowed", details))
    found = await identified(shop, body.identifier, "/identifier", call.now)
    program = await chosen_program(shop, body.program_id)
    key = _redemption_key(found, body)
    points = None if body.points_to_be_reversed is None else Decimal(body.points_to_be_reversed)
    cause = cause_of(call, "PointsReversal", "")
    done = await reverse_redemption(shop, found.card.id, program.id, key, points, cause, call.now)
    return Answer(
        200,
        ReversalOut(
            redemption_id=key.hex,
            points_to_be_reversed=shown(done.points if points is None else points),
            org_id=ORGANISATION_ID,
            identifier=body.identifier,
            customer_id=found.card.id,
            points_reversed=shown(done.points),
            reversal_id=done.key.hex,
            points_reversed_details=ReversedDetails(
                shown(done.points - done.expired), shown(done.expired)
            ),
        ),
    )


async def post_transfer(call: TillCall[None, TransferIn]) -> Answer:
    return await _transferred(call, dry=False)


async def post_transferrable(call: TillCall[None, TransferIn]) -> Answer:
    return await _transferred(call, dry=True)


async def _transferred(call: TillCall[None, TransferIn], *, dry: bool) -> Answer:
    shop, body = call.services.shop, call.body
    points = Decimal(body.points_tobe_transferred)
    if points != points.to_integral_value():
        raise RequestFault("points_not_whole", "/pointsTobeTransferred")
    for flag, name in ((body.issue_otp, "issueOtp"), (body.group_program_transfer, _GROUPS)):
        if str(flag).lower() == "true":
            raise InvalidInput(Fault(f"/{name}", "Not supported", "only false is possible"))
    giver = await identified(shop, body.from_customer_identifier, _FROM, call.now)
    receiver = await identified(shop, body.to_customer_identifier, _TO, call.now)
    program = await chosen_program(shop, body.program_id)
    cause = cause_of(call, body.notes or "PointsTransfer", "")
    transfer = Transfer(uuid4(), giver.card.id, receiver.card.id, program.id, points, cause)
    left = await transfer_points(shop, transfer, call.now, dry=dry)
    return listing([_transfer(transfer, giver, receiver, program, left, body.notes, call.now)])


_GROUPS, _FROM, _TO = "groupProgramTransfer", "/fromCustomerIdentifier", "/toCustomerIdentifier"


def redeemable(points: Number) -> Decimal:
    """The amount, if it has few enough decimals. Raises `RequestFault`."""
    amount = Decimal(points)
    if amount.is_finite() and amount != round(amount, _DECIMALS):
        raise RequestFault("points_too_precise", "points")
    return amount


def cause_of(call: TillCall[Any, Any], name: str, bill: str) -> Cause:
    """Why a till changes points; `bill` is the caller's own number of what was bought."""
    for text, pointer in ((name, "/notes"), (bill, "/transactionNumber")):
        if len(text) > POINTS_NAME_LENGTH_MAX:
            details = f"at most {POINTS_NAME_LENGTH_MAX} characters are possible"
            raise InvalidInput(Fault(pointer, "Too long", details))
    return Cause(name=name, actor=attribution_in(call).actor.code, session_key=bill)


async def identified(
    shop: Shop, identifier: IdentifierIn, pointer: str, now: datetime
) -> FoundCustomer:
    """Whom that names. Raises as `find_customer` does."""
    kind = identifier.type.strip().lower()
    if kind == "id":
        if not (identifier.value.isascii() and identifier.value.isdigit()):
            raise InvalidInput(Fault(f"{pointer}/value", "Invalid", "an id is a whole number"))
        return await find_customer(shop, int(identifier.value), now)
    name = _KINDS.get(kind, identifier.type.strip())
    return await find_customer(shop, lookup_of(Place(ALL), name, identifier.value), now)


def _redemption_key(found: FoundCustomer, body: ReversalIn) -> UUID:
    if body.external_reference_number:
        return reference_key(found.card.id, body.external_reference_number)
    try:
        return UUID(body.redemption_id)
    except ValueError:
        raise RedemptionUnknown(body.redemption_id) from None


def _redeemed(
    found: FoundCustomer,
    program: LoyaltyProgram,
    points: Decimal,
    balance: Decimal,
    key: UUID | None,
) -> RedemptionOut:
    return RedemptionOut(
        customer_id=found.card.id,
        points_redeemed=shown(points),
        redeemed_value=shown(points * program.points_to_currency_ratio),
        balance=shown(balance),
        program_id=program.id,
        committed=key is not None,
        redemption_id=msgspec.UNSET if key is None else key.hex,
    )


def _transfer(
    transfer: Transfer,
    giver: FoundCustomer,
    receiver: FoundCustomer,
    program: LoyaltyProgram,
    left: Decimal,
    notes: str,
    now: datetime,
) -> TransferOut:
    points = shown(transfer.points)
    return TransferOut(
        to_entity_id=receiver.card.id,
        to_entity_type="CUSTOMER",
        from_entity_id=giver.card.id,
        from_entity_type="CUSTOMER",
        points_transfer_date=now.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S"),
        points_transferred=points,
        transfer_id=transfer.key.hex,
        transfer_type="DEDUCTION",
        transferred_from=person_of(giver.card),
        transferred_to=person_of(receiver.card),
        notes=notes,
        program_name=program.name,
        points_transfer_breakup_by_earning_programs=[BreakupOut(program.id, points, shown(left))],
    )


def person_of(card: Card) -> PersonOut:
    """A customer by name, as the first profile that has one tells it."""
    names = {"first_name": "", "last_name": ""}
    for _, profile in card.profiles():
        for name in names:
            told = profile.told.get(name)
            if told is not None and not names[name]:
                names[name] = str(told.value or "")
    return PersonOut(card.id, names["first_name"], names["last_name"])


def redeeming_operations() -> list[Operation]:
    """The operations that take points, give them back and pass them on."""
    operation = partial(Operation, method="POST", door=CAPILLARY, group=GROUP)
    return [
        operation(
            id="redeemPoints",
            path="/v2/customers/{customerId:int}/redemptions",
            handler=post_redemption,
            summary="Pay with points, or see whether that is possible",
            body=RedemptionIn,
            responses={200: RedemptionOut},
            description="An externalReferenceNumber pays once, however often it is sent.",
        ),
        operation(
            id="reversePoints",
            path="/v2/points/reverse",
            handler=post_reversal,
            summary="Give redeemed points back, in parts or all",
            body=ReversalIn,
            responses={200: ReversalOut},
        ),
        operation(
            id="transferPoints",
            path="/v2/points/transfer",
            handler=post_transfer,
            summary="Pass points of one customer on to another one",
            body=TransferIn,
            responses={200: Listing},
        ),
        operation(
            id="checkTransferOfPoints",
            path="/v2/points/isTransferrable",
            handler=post_transferrable,
            summary="See whether points can be passed on",
            body=TransferIn,
            responses={200: Listing},
        ),
    ]
