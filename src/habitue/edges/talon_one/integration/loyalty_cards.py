"""Cards of loyalty programs in the Integration API (contracts/talon_one/SEMANTICS.md 11.11)."""

import secrets
from typing import Any

import msgspec

from habitue.edges.http.operation import Answer, Call, Operation
from habitue.edges.once import once
from habitue.edges.talon_one.card_points import (
    CardBalancesQuery,
    CardTransactionsQuery,
    balances_of_card,
    card_of,
    transactions_of_card,
)
from habitue.edges.talon_one.cards import (
    CardBalancesOut,
    CardTransactionOut,
    LoyaltyCardOut,
    card_identifier,
    card_with_ledgers,
)
from habitue.edges.talon_one.doors import INTEGRATION, Principal
from habitue.edges.talon_one.integration.loyalty import (
    PointsQueryString,
    lots_of,
    program_of,
)
from habitue.edges.talon_one.loyalty import PointsOut, points_out
from habitue.edges.talon_one.pages import PageWithoutTotal
from habitue.loyalty.card import CardState
from habitue.model.errors import Fault, InvalidInput
from habitue.model.limits import INTEGRATION_ID_LENGTH_MAX
from habitue.usecases.change_program_card import link_profile, unlink_profile
from habitue.usecases.make_program_cards import CardWish, make_card


class GenerateCardIn(msgspec.Struct, rename="camel"):
    """A card to make."""

    status: CardState = "active"
    customer_profile_ids: tuple[str, ...] | None = None
    card_identifier: str | None = None
    attributes: dict[str, Any] | None = None


class CardRegistrationIn(msgspec.Struct, rename="camel"):
    """The profile to link a card to, or to unlink it from."""

    integration_id: str


async def post_card(call: Call[Principal, None, GenerateCardIn]) -> Answer:
    program, body, shop = await program_of(call), call.body, call.services.shop
    if body.attributes:
        details = "attributes of loyalty cards are not supported by this version"
        raise InvalidInput(Fault("/attributes", "Not supported", details))
    wish = CardWish(
        body.card_identifier, body.status, tuple(dict.fromkeys(body.customer_profile_ids or ()))
    )
    card = await make_card(shop, program, wish, secrets.randbelow, call.now)
    return Answer(200, await card_with_ledgers(shop, program, card, call.now))


async def post_link(call: Call[Principal, None, CardRegistrationIn]) -> Answer:
    return await _registered(call, link_profile)


async def post_unlink(call: Call[Principal, None, CardRegistrationIn]) -> Answer:
    return await _registered(call, unlink_profile)


async def get_card_balances(call: Call[Principal, CardBalancesQuery, None]) -> Answer:
    return Answer(200, await balances_of_card(call, await program_of(call)))


async def get_card_points(call: Call[Principal, PointsQueryString, None]) -> Answer:
    program = await program_of(call)
    card = await card_of(call, program)
    found = await lots_of(call, program, card.owner_id)
    shown = [points_out(row, program.id) for row in found.rows]
    return Answer(200, PageWithoutTotal(found.has_more, shown))


async def get_card_transactions(call: Call[Principal, CardTransactionsQuery, None]) -> Answer:
    return Answer(200, await transactions_of_card(call, await program_of(call)))


async def _registered(call: Call[Principal, None, CardRegistrationIn], change: Any) -> Answer:
    program, shop, profile = await program_of(call), call.services.shop, call.body.integration_id
    if not 0 < len(profile) <= INTEGRATION_ID_LENGTH_MAX:
        details = f"an id has 1 to {INTEGRATION_ID_LENGTH_MAX} characters"
        raise InvalidInput(Fault("/integrationId", "Invalid id", details))
    card = await change(shop, program, card_identifier(call), profile, call.now)
    return Answer(200, await card_with_ledgers(shop, program, card, call.now))


_CARDS = "loyalty_programs/{loyaltyProgramId:int}/cards"
_CARD = f"{_CARDS}/{{loyaltyCardId}}"


def _operation(id_: str, method: str, path: str, handler: Any, **more: Any) -> Operation:
    return Operation(
        id=id_,
        method=method,
        path=path,
        handler=handler,
        door=INTEGRATION,
        group="Loyalty cards",
        **more,
    )


def loyalty_card_operations() -> list[Operation]:
    """What integrations do with cards and their points."""
    return [*_changing_operations(), *_reading_operations()]


def _changing_operations() -> list[Operation]:
    return [
        _operation(
            "generateLoyaltyCard",
            "POST",
            f"/v1/{_CARDS}",
            once(post_card),
            summary="Make a loyalty card",
            idempotent=True,
            body=GenerateCardIn,
            responses={200: LoyaltyCardOut},
        ),
        _operation(
            "linkLoyaltyCardToProfile",
            "POST",
            f"/v2/{_CARD}/link_profile",
            post_link,
            summary="Link a customer profile to a loyalty card",
            body=CardRegistrationIn,
            responses={200: LoyaltyCardOut},
        ),
        _operation(
            "unlinkLoyaltyCardFromProfile",
            "POST",
            f"/v2/{_CARD}/unlink_profile",
            post_unlink,
            summary="Unlink a customer profile from a loyalty card",
            body=CardRegistrationIn,
            responses={200: LoyaltyCardOut},
        ),
    ]


def _reading_operations() -> list[Operation]:
    return [
        _operation(
            "getLoyaltyCardBalances",
            "GET",
            f"/v1/{_CARD}/balances",
            get_card_balances,
            summary="Get a loyalty card's balances",
            query=CardBalancesQuery,
            responses={200: CardBalancesOut},
        ),
        _operation(
            "getLoyaltyCardPoints",
            "GET",
            f"/v1/{_CARD}/points",
            get_card_points,
            summary="List a loyalty card's unused points",
            query=PointsQueryString,
            responses={200: PageWithoutTotal[PointsOut]},
        ),
        _operation(
            "getLoyaltyCardTransactions",
            "GET",
            f"/v1/{_CARD}/transactions",
            get_card_transactions,
            summary="List a loyalty card's transactions",
            query=CardTransactionsQuery,
            responses={200: PageWithoutTotal[CardTransactionOut]},
        ),
    ]
