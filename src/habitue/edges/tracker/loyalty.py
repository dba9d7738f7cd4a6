"""The loyalty program as PersonaClick's and REES46's programs ask for it.

contracts/tracker/SPEC.md section 2.7. A *member* is named by the digits of a phone, without a plus.
A server of the shop shows its secret; pages may join and ask only where the shop allows it
(`tracker_loyalty`): they join the customer whom their own device belongs to, and are told about
them where the shop has signed for the device. The program is the oldest one of the shop. Envelopes
differ from call to call, as they do at the vendor's.
"""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial

from habitue.customers.lookup import Place, lookup_of
from habitue.customers.refusals import CustomerNotFound
from habitue.customers.sources import ALL
from habitue.edges.http.call import Answer
from habitue.edges.http.operation import Operation
from habitue.edges.tracker.described import MemberQuery, ShopIn, operation
from habitue.edges.tracker.door import Malformed, answer, is_server, shop_of
from habitue.edges.tracker.offers import offer_of
from habitue.edges.tracker.personaclick import sender_of
from habitue.edges.tracker.receiving import Sender, Sent, fresh_id, receive
from habitue.edges.tracker.retail_rocket import AnyCall
from habitue.edges.tracker.wire import Fields, fields_of, text_of
from habitue.loyalty.ledger import Cause, total
from habitue.loyalty.program import LoyaltyProgram
from habitue.model.documents import decoder_of
from habitue.model.errors import NotAllowed, NotFound
from habitue.model.instants import parse_instant
from habitue.model.numbers import shortest
from habitue.store.loyalty_reading import (
    LotRow,
    PointsPage,
    TransactionRow,
    TransactionsPage,
)
from habitue.usecases.find_customer import find_customer
from habitue.usecases.identify_visitor import device_of, identify_visitor
from habitue.usecases.join_customer import join_customer
from habitue.usecases.read_logs import read_lots, read_transactions
from habitue.usecases.read_programs import Membership, program_of, read_memberships
from habitue.usecases.read_visitor import read_visitor
from habitue.usecases.shop import Shop

PAGE_SIZE_MAX = 50
_EXPIRE_IN = timedelta(days=14)
_STATUSES = ("pending", "confirmed", "spent", "cancelled", "expired")
_CAUSES = decoder_of(Cause)


async def _join(call: AnyCall) -> Answer:
    fields = fields_of(call)
    shop: Shop = call.services.shop
    program = await _program(call, fields)
    if await is_server(call, fields):
        if not text_of(fields, "phone"):
            raise Malformed("phone is missing")
        customer_id = await _told_by_server(call, fields)
    else:
        sender = await sender_of(call, fields)
        message = Sent(fresh_id(), call.now, "identify", "set", fields, "r46")
        await receive(call, sender, [message])
        visitor = await read_visitor(shop, sender.device)
        customer_id = None if visitor is None else visitor.customer_id
    if customer_id is None:
        raise Malformed("phone is no phone")
    is_new = await join_customer(shop, customer_id, program, call.now)
    told = "Member has joined" if is_new else "Member has joined before"
    payload = {"message": told, "identifier": _digits(text_of(fields, "phone"))}
    return answer(200, {"status": "success", "payload": payload})


async def _told_by_server(call: AnyCall, fields: Fields) -> int | None:
    shop: Shop = call.services.shop
    device = device_of("server", "", shop.configuration.organisation.settings)
    actor = Sender("", device, server=True).actor
    offer = offer_of(fields, actor, assumes_consent=False, free_names=True, trust="full")
    outcome = await identify_visitor(shop, offer, None, call.now, call.now)
    return None if outcome.card is None else outcome.card.id


async def _status(call: AnyCall) -> Answer:
    membership = await _membership(call, fields_of(call))
    standing = None if membership is None else membership.standing
    tier = None if standing is None else standing.tier
    is_member = membership is not None and membership.enrolled and tier is not None
    expiry = standing.state.expiry if is_member and standing and standing.state else None
    level = {
        "name": tier.name if is_member and tier else None,
        "code": str(tier.id) if is_member and tier else None,
        "expiration_date": None if expiry is None else _moment(expiry),
    }
    member = membership is not None and membership.enrolled
    return answer(200, {"status": "success", "payload": {"member": member, "level": level}})


async def _balance(call: AnyCall) -> Answer:
    fields = fields_of(call)
    membership = await _membership(call, fields)
    until = _day(text_of(fields, "expire_in"), call.now) or call.now + _EXPIRE_IN
    active = pending = expiring = Decimal(0)
    if membership is not None:
        active, pending = membership.active, membership.pending
        lots = membership.ledger.active_lots()
        expiring = total(
            lot.remaining for lot in lots if lot.expiry is not None and lot.expiry <= until
        )
    balance = {
        "active": shortest(active),
        "pending": shortest(pending),
        "expiring": shortest(expiring),
        "expire_in": _moment(until),
    }
    return answer(200, {"success": True, "payload": {"balance": balance}})


async def _history(call: AnyCall) -> Answer:
    fields = fields_of(call)
    status = text_of(fields, "status")
    if status and status not in _STATUSES:
        raise Malformed(f"status is one of {', '.join(_STATUSES)}")
    limit = _number(text_of(fields, "limit"), "limit", 1, PAGE_SIZE_MAX, PAGE_SIZE_MAX)
    offset = _number(text_of(fields, "offset"), "offset", 0, 1_000_000, 0)
    program = await _program(call, fields)
    customer_id = await _customer(call, fields)
    shown: list[Fields] = []
    if customer_id is not None:
        since, until = (_day(text_of(fields, name), call.now) for name in ("from", "to"))
        entries = await _entries(
            call, customer_id, program, status, (since, until), (offset, limit)
        )
        shown = entries
    return answer(200, {"status": "success", "payload": {"transactions": shown}})


async def _entries(
    call: AnyCall,
    customer_id: int,
    program: LoyaltyProgram,
    status: str,
    window: tuple[datetime | None, datetime | None],
    part: tuple[int, int],
) -> list[Fields]:
    shop = call.services.shop
    skip, limit = part
    if status in ("expired", "pending"):
        page = PointsPage(
            customer_id=customer_id,
            program_id=program.id,
            status="expired" if status == "expired" else "pending",
            now=call.now,
            order="-start",
            skip=skip,
            limit=limit,
        )
        return [_lot(each, status) for each in (await read_lots(shop, page)).rows]
    since, until = window
    wanted = TransactionsPage(
        customer_id=customer_id,
        program_id=program.id,
        now=call.now,
        since=since,
        until=until,
        kinds=_KINDS.get(status),
        skip=skip,
        limit=limit,
    )
    entries = await read_transactions(shop, wanted)
    return [_transaction(each, call.now) for each in entries.rows]


_KINDS = {
    "confirmed": ("earn", "reimburse"),
    "spent": ("spend", "post_hold"),
    "cancelled": ("take_back",),
}


def _transaction(row: TransactionRow, now: datetime) -> Fields:
    status = next((name for name, kinds in _KINDS.items() if row.kind in kinds), "confirmed")
    if status == "confirmed" and (row.awaits or (row.start is not None and row.start > now)):
        status = "pending"
    cause = _CAUSES.decode(row.cause)
    return {
        "date": _moment(row.created),
        "status": status,
        "event_source": "purchase" if cause.session_id is not None else "manual",
        "event": cause.name,
        "order_id": cause.session_key or None,
        "amount": shortest(row.amount),
        "activation_date": None if row.start is None else _moment(row.start),
        "expiration_date": None if row.expiry is None else _moment(row.expiry),
    }


def _lot(row: LotRow, status: str) -> Fields:
    sign = -1 if status == "expired" else 1
    return {
        "date": _moment(row.created),
        "status": status,
        "event_source": "purchase" if row.session_key else "manual",
        "event": row.name,
        "order_id": row.session_key or None,
        "amount": shortest(row.amount * sign),
        "activation_date": None if row.start is None else _moment(row.start),
        "expiration_date": None if row.expiry is None else _moment(row.expiry),
    }


async def _membership(call: AnyCall, fields: Fields) -> Membership | None:
    program = await _program(call, fields)
    customer_id = await _customer(call, fields)
    if customer_id is None:
        return None
    shop: Shop = call.services.shop
    (membership,) = await read_memberships(shop, customer_id, [program], call.now)
    return membership


async def _program(call: AnyCall, fields: Fields) -> LoyaltyProgram:
    """The shop's program. Raises `NotAllowed` for a page where the shop does not allow it."""
    await shop_of(call, text_of(fields, "shop_id"))
    shop: Shop = call.services.shop
    await shop.refresh()
    allowed = shop.configuration.organisation.settings.tracker_loyalty
    if not allowed and not await is_server(call, fields):
        raise NotAllowed("Pages of this shop may not ask for the loyalty program")
    try:
        return await program_of(shop, None)
    except NotFound:
        raise NotAllowed("The shop has no loyalty program") from None


async def _customer(call: AnyCall, fields: Fields) -> int | None:
    """Whom a server names, or whom the page's own device belongs to."""
    shop: Shop = call.services.shop
    if not await is_server(call, fields):
        # A device speaks for its person only where the shop has signed for that.
        visitor = await read_visitor(shop, (await sender_of(call, fields)).device)
        return visitor.card.id if visitor is not None and visitor.card is not None else None
    identifier = text_of(fields, "identifier", "phone")
    if not identifier:
        raise Malformed("identifier is missing")
    try:
        lookup = lookup_of(Place(ALL), "mobile", f"+{_digits(identifier)}")
        return (await find_customer(shop, lookup, call.now)).card.id
    except CustomerNotFound:
        return None


def _digits(text: str) -> str:
    return "".join(each for each in text if each.isascii() and each.isdigit())


def _number(text: str, name: str, least: int, most: int, default: int) -> int:
    if not text:
        return default
    if not (text.isascii() and text.isdigit()) or not least <= int(text) <= most:
        raise Malformed(f"{name} is a number from {least} to {most}")
    return int(text)


def _day(text: str, now: datetime) -> datetime | None:
    """A date, a time, or a number of days from now."""
    if not text:
        return None
    if text.isascii() and text.isdigit() and len(text) <= 4:
        return now + timedelta(days=int(text))
    moment = parse_instant(text) or parse_instant(f"{text}T00:00:00Z")
    if moment is None:
        raise Malformed(f"{text[:40]} is no date")
    return moment


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def loyalty_operations() -> list[Operation]:
    """The operations of the loyalty program."""
    read = partial(operation, method="GET", query=MemberQuery, answer=Fields)
    return [
        operation(
            "pcJoinLoyalty",
            "POST",
            "/loyalty/members/join",
            _join,
            "Join the loyalty program",
            Fields,
            body=ShopIn,
        ),
        read(
            "pcLoyaltyStatus",
            path="/loyalty/members/status",
            handler=_status,
            summary="Read whether somebody is a member, and the level",
        ),
        read(
            "pcLoyaltyBalance",
            path="/loyalty/bonuses/balance",
            handler=_balance,
            summary="Read a member's points",
        ),
        read(
            "pcLoyaltyHistory",
            path="/loyalty/bonuses/history",
            handler=_history,
            summary="Read what has happened to a member's points",
        ),
    ]
