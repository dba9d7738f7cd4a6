"""Cards of loyalty programs in the Management API: made in number, looked at, changed, replaced."""

import secrets
from functools import partial
from typing import Annotated, Any
from uuid import uuid4

import msgspec
from msgspec import UNSET, Meta, UnsetType

from habitue.edges.http.numbers import Integer
from habitue.edges.http.operation import Answer, Operation
from habitue.edges.once import once
from habitue.edges.talon_one.card_points import (
    CardTransactionsQuery,
    card_of,
    transactions_of_card,
)
from habitue.edges.talon_one.cards import (
    CardTransactionOut,
    LoyaltyCardOut,
    card_identifier,
    card_out,
    card_with_ledgers,
)
from habitue.edges.talon_one.management.loyalty_points import (
    AddIn,
    DeductIn,
    add_wish,
    adjustment_of,
    cause_of_staff,
    program_named,
)
from habitue.edges.talon_one.management.paging import PageQuery, PageWithoutTotal, sort_of
from habitue.edges.talon_one.management.shared import CodeSettingsIn, ManagementCall, managed
from habitue.edges.talon_one.pages import PageSize
from habitue.loyalty.card import CardState
from habitue.loyalty.program import CardCodes, LoyaltyProgram
from habitue.loyalty.terms import Wish
from habitue.model.errors import Fault, InvalidInput
from habitue.model.limits import BATCH_ID_LENGTH_MAX, BATCH_ID_LENGTH_MIN, PAGE_SIZE_MAX
from habitue.store.loyalty import PointsQuery
from habitue.store.program_cards import CardFilter
from habitue.usecases.adjust_points import add_points, deduct_points
from habitue.usecases.change_points import card_based
from habitue.usecases.change_program_card import (
    delete_card,
    find_program_cards,
    set_card_status,
    transfer_card,
)
from habitue.usecases.make_program_cards import BatchWish, make_batch

BatchId = Annotated[
    str,
    Meta(
        min_length=BATCH_ID_LENGTH_MIN,
        max_length=BATCH_ID_LENGTH_MAX,
        pattern="^[A-Za-z0-9_-]*$",
    ),
]
_SORTS = {name: name for name in ("id", "created", "identifier", "status", "modified")}


class CardBatchIn(msgspec.Struct, rename="camel"):
    """Cards to make in number."""

    number_of_cards: Integer
    batch_id: BatchId | None = None
    status: CardState = "active"
    card_code_settings: CodeSettingsIn | None = None


class CardBatchOut(msgspec.Struct, rename="camel"):
    """Cards that were made in number."""

    number_of_cards_generated: int
    batch_id: str


class CardsQuery(PageQuery, rename="camel", kw_only=True):
    """Which cards."""

    identifier: str = ""
    profile_id: Annotated[int, Meta(ge=1, le=9_007_199_254_740_991)] | None = None
    batch_id: str = ""


class CardIn(msgspec.Struct, rename="camel"):
    """A change of a card."""

    status: CardState | UnsetType = UNSET
    block_reason: str | UnsetType | None = UNSET
    attributes: dict[str, Any] | UnsetType | None = UNSET


class TransferIn(msgspec.Struct, rename="camel"):
    """The card that takes the place of another one."""

    new_card_identifier: str
    block_reason: str | None = None


class LogsQuery(CardTransactionsQuery, rename="camel", kw_only=True):
    """Which transactions of a card; a full page where nothing else is said."""

    page_size: PageSize = PAGE_SIZE_MAX


async def post_batch(call: ManagementCall[None, CardBatchIn]) -> Answer:
    body, settings = call.body, call.body.card_code_settings
    batch_id = body.batch_id or secrets.token_hex(8)
    codes = None
    if settings is not None:
        codes = CardCodes(settings.valid_characters, settings.coupon_pattern)
    wish = BatchWish(body.number_of_cards, batch_id, body.status, codes)
    shop, program = call.services.shop, program_named(call)
    count = await make_batch(shop, program, wish, secrets.randbelow, call.now)
    return Answer(200, CardBatchOut(count, batch_id))


async def get_cards(call: ManagementCall[CardsQuery, None]) -> Answer:
    program, query, shop = card_based(program_named(call)), call.query, call.services.shop
    column, descending = sort_of(query.sort, _SORTS)
    wanted = CardFilter(
        program_id=program.id,
        identifier=query.identifier,
        customer_id=query.profile_id,
        batch_id=query.batch_id,
        order=f"-{column}" if descending else column,
        skip=query.skip,
        limit=query.page_size,
    )
    cards = await find_program_cards(shop, wanted)
    shown = [card_out(program, card, call.now) for card in cards[: query.page_size]]
    return Answer(200, PageWithoutTotal(len(cards) > query.page_size, shown))


async def get_card(call: ManagementCall[None, None]) -> Answer:
    program = program_named(call)
    card = await card_of(call, program)
    return Answer(200, await card_with_ledgers(call.services.shop, program, card, call.now))


async def put_card(call: ManagementCall[None, CardIn]) -> Answer:
    program, body, shop = program_named(call), call.body, call.services.shop
    if body.attributes:
        details = "attributes of loyalty cards are not supported by this version"
        raise InvalidInput(Fault("/attributes", "Not supported", details))
    if body.status is UNSET:
        raise InvalidInput(Fault("/status", "Missing", "status is required"))
    card = await set_card_status(shop, program, card_identifier(call), body.status, call.now)
    return Answer(200, await card_with_ledgers(shop, program, card, call.now))


async def delete_one_card(call: ManagementCall[None, None]) -> Answer:
    program, cause = program_named(call), cause_of_staff(call)
    await delete_card(call.services.shop, program, card_identifier(call), uuid4(), cause, call.now)
    return Answer(204)


async def put_transfer(call: ManagementCall[None, TransferIn]) -> Answer:
    program, body = program_named(call), call.body
    await transfer_card(
        call.services.shop,
        program,
        card_identifier(call),
        body.new_card_identifier,
        body.block_reason or "",
        call.now,
    )
    return Answer(204)


async def put_add_card_points(call: ManagementCall[None, AddIn]) -> Answer:
    adjustment = adjustment_of(call, call.body, add_wish(call.body))
    query = _query(program_named(call), card_identifier(call), adjustment.subledger)
    await add_points(call.services.shop, query, query.card, adjustment, call.now, call.idempotency)
    return Answer(204)


async def put_deduct_card_points(call: ManagementCall[None, DeductIn]) -> Answer:
    adjustment = adjustment_of(call, call.body, Wish())
    query = _query(program_named(call), card_identifier(call), adjustment.subledger)
    await deduct_points(
        call.services.shop, query, query.card, adjustment, call.now, call.idempotency
    )
    return Answer(204)


async def get_card_logs(call: ManagementCall[LogsQuery, None]) -> Answer:
    return Answer(200, await transactions_of_card(call, program_named(call)))


def _query(program: LoyaltyProgram, identifier: str, subledger: str) -> PointsQuery:
    return PointsQuery(None, None, program.id, subledger, card=identifier)


def operations() -> list[Operation]:
    """The operations on cards and their points."""
    return [*_card_operations(), *_point_operations()]


_CARDS = "/v1/loyalty_programs/{loyaltyProgramId:int}/cards"
_CARD = f"{_CARDS}/{{loyaltyCardId}}"
_operation = partial(managed, group="Loyalty cards")


def _card_operations() -> list[Operation]:
    return [
        _operation(
            "createBatchLoyaltyCards",
            "POST",
            f"{_CARDS}/batch",
            once(post_batch),
            "Make loyalty cards in number",
            {200: CardBatchOut},
            idempotent=True,
            body=CardBatchIn,
        ),
        _operation(
            "getLoyaltyCards",
            "GET",
            _CARDS,
            get_cards,
            "List loyalty cards",
            {200: PageWithoutTotal[LoyaltyCardOut]},
            query=CardsQuery,
        ),
        _operation(
            "getLoyaltyCard",
            "GET",
            _CARD,
            get_card,
            "Get a loyalty card",
            {200: LoyaltyCardOut},
        ),
        _operation(
            "updateLoyaltyCard",
            "PUT",
            _CARD,
            put_card,
            "Set a loyalty card's status",
            {200: LoyaltyCardOut},
            body=CardIn,
        ),
        _operation(
            "deleteLoyaltyCard",
            "DELETE",
            _CARD,
            once(delete_one_card),
            "Delete a loyalty card",
            {204: None},
            idempotent=True,
        ),
        _operation(
            "transferLoyaltyCard",
            "PUT",
            f"{_CARD}/transfer",
            put_transfer,
            "Let a new loyalty card take the place of this one",
            {204: None},
            body=TransferIn,
        ),
    ]


def _point_operations() -> list[Operation]:
    return [
        _operation(
            "addLoyaltyCardPoints",
            "PUT",
            f"{_CARD}/add_points",
            put_add_card_points,
            "Add points to a loyalty card",
            {204: None},
            body=AddIn,
            idempotent=True,
        ),
        _operation(
            "deductLoyaltyCardPoints",
            "PUT",
            f"{_CARD}/deduct_points",
            put_deduct_card_points,
            "Deduct points from a loyalty card",
            {204: None},
            body=DeductIn,
            idempotent=True,
        ),
        _operation(
            "getLoyaltyCardTransactionLogs",
            "GET",
            f"{_CARD}/logs",
            get_card_logs,
            "List a loyalty card's transactions",
            {200: PageWithoutTotal[CardTransactionOut]},
            query=LogsQuery,
        ),
    ]
