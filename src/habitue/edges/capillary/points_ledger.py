"""The entries of a customer's points at the registration door.

contracts/capillary/SPEC.md section 8, example 21.

An entry is told under the name of what caused it; `offset` is the number of a page, from 0. The
balances add what there was before the time that is asked for.
"""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial

import msgspec

from habitue.edges.capillary.codes import RequestFault
from habitue.edges.capillary.door import CAPILLARY
from habitue.edges.capillary.envelopes import Item
from habitue.edges.capillary.points import chosen_program
from habitue.edges.capillary.points_answers import shown
from habitue.edges.capillary.reading import GROUP, TillCall
from habitue.edges.capillary.redeeming import person_of
from habitue.edges.capillary.targets import LookupQuery, lookup_in
from habitue.edges.http.call import Answer
from habitue.edges.http.numbers import Integer
from habitue.edges.http.operation import Operation
from habitue.loyalty.ledger import Cause
from habitue.loyalty.program import LoyaltyProgram
from habitue.model.documents import decoder_of
from habitue.store.loyalty_reading import TransactionRow, TransactionsPage
from habitue.usecases.find_customer import find_customer
from habitue.usecases.read_entries import read_entries
from habitue.usecases.shop import Shop

PAGE_SIZE_MAX = 100
#: How far back entries are told where no time is named.
WINDOW = timedelta(days=90)
_CAUSES = decoder_of(Cause)
_NAMES = {
    "earn": "PointsAward",
    "spend": "PointsRedemption",
    "post_hold": "PointsRedemption",
    "take_back": "ReturnBill",
    "reimburse": "PointsReversal",
    "transfer": "PointsTransfer",
}


class LedgerQuery(LookupQuery, rename="camel"):
    """Whose entries, in which program, of which time, and which page."""

    customer_id: Integer | None = None
    program_id: Integer | None = None
    limit: Integer = 10
    offset: Integer = 0
    start_date: datetime | None = None
    end_date: datetime | None = None


class CustomerDetails(msgspec.Struct, rename="camel"):
    """Whose entries these are."""

    user_id: int
    first_name: str
    last_name: str
    entity_type: str


class LedgerDetails(msgspec.Struct, rename="camel"):
    """Which page of how many."""

    page_number: int
    page_size: int
    total_entries: int
    page_count: int


class EntryDetails(msgspec.Struct, rename="camel"):
    """What one program's points changed by."""

    ledger_entry_type: str
    points: str
    points_category: str
    program_name: str
    program_id: int


class EntryOut(msgspec.Struct, rename="camel"):
    """What happened to the points at once."""

    event_log_id: int
    event_name: str
    ledger_created_date: str
    entry_details: list[EntryDetails]
    net_points_on_event: str
    store: str
    store_code: str
    till_code: str
    transaction_details: dict[str, str] | msgspec.UnsetType = msgspec.UNSET


class LedgerOut(msgspec.Struct, rename="camel"):
    """A page of entries, newest first."""

    customer_details: CustomerDetails
    ledger_details: LedgerDetails
    ledger_entries: list[EntryOut]
    warnings: list[Item] = []


async def get_ledger(call: TillCall[LedgerQuery, None]) -> Answer:
    return Answer(200, await _ledger(call, opening=False))


async def get_ledger_balance(call: TillCall[LedgerQuery, None]) -> Answer:
    return Answer(200, await _ledger(call, opening=True))


async def _ledger(call: TillCall[LedgerQuery, None], *, opening: bool) -> LedgerOut:
    shop: Shop = call.services.shop
    query = call.query
    _check_page(query)
    target = lookup_in(query) if query.customer_id is None else query.customer_id
    found = await find_customer(shop, target, call.now)
    program = await chosen_program(shop, query.program_id)
    until = query.end_date or call.now
    page = TransactionsPage(
        customer_id=found.card.id,
        program_id=program.id,
        now=call.now,
        since=query.start_date or until - WINDOW,
        until=until,
        skip=query.offset * query.limit,
        limit=query.limit,
    )
    read = await read_entries(shop, page, found.card.id)
    entries = [_entry(each, program) for each in read.rows]
    if opening:
        entries.append(_opening(read.balance_before, page.since or until, program))
    pages = -(-read.count // query.limit)
    person = person_of(found.card)
    return LedgerOut(
        CustomerDetails(person.user_id, person.first_name, person.last_name, "CUSTOMER"),
        LedgerDetails(query.offset, query.limit, read.count, pages),
        entries,
    )


def _check_page(query: LedgerQuery) -> None:
    if query.offset < 0:
        raise RequestFault("offset_negative", "offset")
    if query.limit <= 0:
        raise RequestFault("limit_too_small", "limit")
    if query.limit > PAGE_SIZE_MAX:
        raise RequestFault("limit_too_large", "limit")


def _entry(row: TransactionRow, program: LoyaltyProgram) -> EntryOut:
    cause = _CAUSES.decode(row.cause)
    name = _NAMES[row.kind]
    if row.kind == "earn":
        enrolled = cause.name == "CustomerRegistration" and cause.session_id is None
        name = "CustomerRegistration" if enrolled else name
        name = "TransactionAdd" if cause.session_id is not None else name
    category = "ExternalTriggerBasedPointCategory" if row.awaits else "Main"
    if not row.awaits and row.start is not None and row.start > row.created:
        category = "DelayedAccrualPointCategory"
    details = _details("CREDIT" if row.amount > 0 else "DEBIT", abs(row.amount), program)
    bill = {"transactionNumber": cause.session_key} if cause.session_key else msgspec.UNSET
    return EntryOut(
        event_log_id=row.id,
        event_name=name,
        ledger_created_date=_moment(row.created, program),
        entry_details=[msgspec.structs.replace(details, points_category=category)],
        net_points_on_event=_points(row.amount),
        store="",
        store_code="",
        till_code=cause.actor,
        transaction_details=bill,
    )


def _opening(balance: Decimal, at: datetime, program: LoyaltyProgram) -> EntryOut:
    return EntryOut(
        event_log_id=0,
        event_name="OpeningBalance",
        ledger_created_date=_moment(at, program),
        entry_details=[_details("OPENING_BALANCE", balance, program)],
        net_points_on_event=_points(balance),
        store="",
        store_code="",
        till_code="",
    )


def _details(kind: str, points: Decimal, program: LoyaltyProgram) -> EntryDetails:
    return EntryDetails(kind, _points(points), "Main", program.name, program.id)


def _points(points: Decimal) -> str:
    return f"{shown(points):.3f}"


def _moment(moment: datetime, program: LoyaltyProgram) -> str:
    return moment.astimezone(UTC).astimezone(program.zone).strftime("%Y-%m-%d %H:%M:%S.0")


def points_ledger_operations() -> list[Operation]:
    """The operations that tell entries."""
    operation = partial(
        Operation,
        method="GET",
        door=CAPILLARY,
        group=GROUP,
        query=LedgerQuery,
        responses={200: LedgerOut},
    )
    return [
        operation(
            id="getPointsLedger",
            path="/v2/pointsLedger/getCustomerLedgerInfo",
            handler=get_ledger,
            summary="Read what happened to a customer's points",
        ),
        operation(
            id="getPointsLedgerBalance",
            path="/v2/pointsLedger/getCustomerLedgerBalance",
            handler=get_ledger_balance,
            summary="The same, with the balance before it",
        ),
    ]
