"""Cards of loyalty programs on the wire: what the Integration and the Management API tell alike."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

from habitue.edges.http.operation import Call
from habitue.edges.talon_one.loyalty import BalancesOut, TransactionOut
from habitue.loyalty.card import CardState, ProgramCard
from habitue.loyalty.ledger import Balances
from habitue.loyalty.program import MAIN_LEDGER, LoyaltyProgram
from habitue.model.errors import Fault, InvalidInput
from habitue.model.limits import CARD_IDENTIFIER_LENGTH_MAX, CARD_IDENTIFIER_LENGTH_MIN
from habitue.model.numbers import shortest
from habitue.store.loyalty import PointsQuery
from habitue.usecases.read_points import LedgerReading, read_balances
from habitue.usecases.shop import Shop


class CardProfileOut(msgspec.Struct, rename="camel"):
    """A profile that a card is linked to."""

    integration_id: str
    timestamp: datetime


class CardLedgerOut(msgspec.Struct, rename="camel"):
    """What a card has in one ledger; the deprecated balances are zero. No session is open here, so
    that the tentative balances are those that hold."""

    current_balance: Decimal
    pending_balance: Decimal
    negative_balance: Decimal
    expired_balance: Decimal
    spent_balance: Decimal
    tentative_current_balance: Decimal
    tentative_pending_balance: Decimal
    tentative_negative_balance: Decimal


class LoyaltyCardOut(
    msgspec.Struct,
    omit_defaults=True,
    kw_only=True,
    rename={
        "program_id": "programID",
        "program_name": "programName",
        "program_title": "programTitle",
        "block_reason": "blockReason",
        "users_per_card_limit": "usersPerCardLimit",
        "old_card_identifier": "oldCardIdentifier",
        "new_card_identifier": "newCardIdentifier",
        "batch_id": "batchId",
    },
):
    """A card."""

    id: int
    created: datetime
    program_id: int
    program_name: str
    program_title: str
    status: CardState
    identifier: str
    users_per_card_limit: int
    profiles: list[CardProfileOut]
    ledger: CardLedgerOut | None = None
    subledgers: dict[str, CardLedgerOut] | None = None
    modified: datetime
    block_reason: str | None = None
    old_card_identifier: str | None = None
    new_card_identifier: str | None = None
    batch_id: str | None = None


class CardBalancesOut(BalancesOut, rename="camel", omit_defaults=True, kw_only=True):
    """The points of a card, and the profiles that it is linked to."""

    profiles: list[CardProfileOut]


class CardTransactionOut(TransactionOut, rename="camel", omit_defaults=True, kw_only=True):
    """One entry of the log of a card."""

    transaction_uuid: str = msgspec.field(name="transactionUUID")
    card_identifier: str
    application_id: int | None = None
    session_id: int | None = None


def card_identifier(call: Call[Any, Any, Any], name: str = "loyaltyCardId") -> str:
    """The identifier of the card that the path names. Raises `InvalidInput`."""
    found = call.path[name]
    if CARD_IDENTIFIER_LENGTH_MIN <= len(found) <= CARD_IDENTIFIER_LENGTH_MAX:
        return found
    bounds = f"{CARD_IDENTIFIER_LENGTH_MIN} to {CARD_IDENTIFIER_LENGTH_MAX}"
    details = f"the identifier of a card has {bounds} characters"
    raise InvalidInput(Fault("", "Invalid length", details, parameter=name))


async def card_with_ledgers(
    shop: Shop, program: LoyaltyProgram, card: ProgramCard, now: datetime
) -> LoyaltyCardOut:
    """The card with what it has."""
    query = PointsQuery(None, None, program.id, card=card.identifier)
    _, readings = await read_balances(shop, query, card.identifier, now, projected=False)
    return card_out(program, card, now, readings)


def card_out(
    program: LoyaltyProgram,
    card: ProgramCard,
    now: datetime,
    readings: Mapping[str, LedgerReading] | None = None,
) -> LoyaltyCardOut:
    """The card; with `readings` also what it has."""
    ledgers = {
        name: ledger_out(each.balances)
        for name, each in (readings or {}).items()
        if name == MAIN_LEDGER or each.balances != Balances()
    }
    return LoyaltyCardOut(
        id=card.id,
        created=card.created,
        program_id=program.id,
        program_name=program.name,
        program_title=program.title,
        status=card.status_at(now),
        identifier=card.identifier,
        users_per_card_limit=program.users_per_card,
        profiles=profiles_out(card),
        ledger=ledgers.pop(MAIN_LEDGER, None),
        subledgers=None if readings is None else ledgers,
        modified=card.modified,
        block_reason=card.block_reason or None,
        old_card_identifier=card.old_identifier or None,
        new_card_identifier=card.new_identifier or None,
        batch_id=card.batch_id or None,
    )


def profiles_out(card: ProgramCard) -> list[CardProfileOut]:
    """The profiles that a card is linked to, in the order in which they were."""
    return [CardProfileOut(each.integration_id, each.linked) for each in card.links]


def ledger_out(balances: Balances) -> CardLedgerOut:
    """What a card has in one ledger."""
    zero = Decimal(0)
    current, pending, negative = map(
        shortest, (balances.active, balances.pending, balances.negative)
    )
    return CardLedgerOut(current, pending, negative, zero, zero, current, pending, negative)
