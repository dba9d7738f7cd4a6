"""What happens to one card of a loyalty program: its status, its profiles, its successor, its end.

Words: whoever *changes* a card reads it first, decides, and saves at the version that was read. All
of these can be asked for twice: what is so already is answered as it is.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from uuid import UUID

from habitue.customers.claims import profile_key
from habitue.loyalty.card import (
    CardState,
    ProgramCard,
    decide_link,
    decide_status,
    decide_transfer,
    decide_unlink,
)
from habitue.loyalty.ledger import Cause
from habitue.loyalty.program import LoyaltyProgram
from habitue.model.errors import Fault, InvalidInput, NotFound, ProfileBusy
from habitue.model.limits import BLOCK_REASON_LENGTH_MAX
from habitue.store import program_cards
from habitue.store.database import Connection
from habitue.store.loyalty import PointsQuery
from habitue.store.program_cards import CardFilter, ProfileRow, find_cards
from habitue.usecases.change_points import card_based, card_turn, read_points
from habitue.usecases.configure.checks import refuse_if_any, text_faults
from habitue.usecases.delete_points import reversed_ledger
from habitue.usecases.points_state import PointsState, read_program_card, writes_of
from habitue.usecases.shop import Shop
from habitue.usecases.writing import settled

Save = Callable[[Connection, ProgramCard], Awaitable[None]]


async def read_card(
    shop: Shop, connection: Connection, program: LoyaltyProgram, identifier: str
) -> ProgramCard:
    """The card. Raises `NotFound`, and `InvalidInput` where the program has no cards."""
    card_based(program)
    document = await program_cards.read_card(connection, program.id, identifier)
    if document is None:
        raise NotFound("Loyalty card", identifier)
    return read_program_card(document)


async def find_program_cards(shop: Shop, wanted: CardFilter) -> list[ProgramCard]:
    """One page of the cards that fit, and one more where there are more."""
    return [read_program_card(each) for each in await find_cards(shop.database, wanted)]


async def set_card_status(
    shop: Shop, program: LoyaltyProgram, identifier: str, status: CardState, now: datetime
) -> ProgramCard:
    """The card under that status. Raises `CardRefused`, `NotFound`, `ProfileBusy`."""

    async def save(connection: Connection, card: ProgramCard) -> None:
        if decide_status(card, status):
            await program_cards.save_status(connection, card.owner_id, card.version, status, now)

    return await _changed(shop, program, identifier, (), save)


async def link_profile(
    shop: Shop, program: LoyaltyProgram, identifier: str, integration_id: str, now: datetime
) -> ProgramCard:
    """The card, linked to that profile. Raises `CardRefused`, `NotFound`, `ProfileBusy`."""
    key = profile_key(integration_id, sandbox=program.sandbox)

    async def save(connection: Connection, card: ProgramCard) -> None:
        profile = await _profile(connection, key, integration_id)
        if decide_link(program, card, profile.customer_id):
            await program_cards.link(
                connection, card.owner_id, card.version, profile, integration_id, now
            )

    return await _changed(shop, program, identifier, (key,), save)


async def unlink_profile(
    shop: Shop, program: LoyaltyProgram, identifier: str, integration_id: str, now: datetime
) -> ProgramCard:
    """The card, not linked to that profile. Raises `CardRefused`, `NotFound`, `ProfileBusy`."""
    key = profile_key(integration_id, sandbox=program.sandbox)

    async def save(connection: Connection, card: ProgramCard) -> None:
        profile = await _profile(connection, key, integration_id)
        if decide_unlink(card, profile.customer_id):
            await program_cards.unlink(
                connection, card.owner_id, card.version, profile.customer_id, now
            )

    return await _changed(shop, program, identifier, (key,), save)


async def transfer_card(
    shop: Shop,
    program: LoyaltyProgram,
    identifier: str,
    new_identifier: str,
    reason: str,
    now: datetime,
) -> None:
    """A new card takes the place of this one, with its points, their history and its profiles.

    Raises `CardRefused`, `InvalidInput`, `NotFound`, `ProfileBusy`.
    """
    refuse_if_any(text_faults(reason, "/blockReason", BLOCK_REASON_LENGTH_MAX))

    async def save(connection: Connection, card: ProgramCard) -> None:
        if card.new_identifier == new_identifier:
            return
        decide_transfer(card, new_identifier)
        if await program_cards.read_card(connection, program.id, new_identifier) is not None:
            details = f"card {new_identifier} exists already"
            raise InvalidInput(Fault("/newCardIdentifier", "Taken", details))
        await program_cards.transfer(
            connection, card.owner_id, card.version, new_identifier, reason, now
        )

    await _changed(shop, program, identifier, (), save)


async def delete_card(
    shop: Shop, program: LoyaltyProgram, identifier: str, key: UUID, cause: Cause, now: datetime
) -> None:
    """The card is no more, its points are reversed under that key, and its identifier is free.

    Raises `NotFound`, `ProfileBusy`, and `InvalidInput` where the program has no cards.
    """
    query = PointsQuery(None, None, program.id, card=identifier)

    async def attempt(connection: Connection, locked: bool) -> None:
        state = await read_points(shop, connection, query, identifier, now, locked=locked)
        decisions = [reversed_ledger(state, name, key, cause) for name in sorted(state.ledgers)]
        writes = writes_of(decisions) or b"[]"
        owner_id, version = state.customer_id, state.customer_version
        await program_cards.delete(connection, owner_id, version, now, writes)

    async with shop.queue.turn([card_turn(program.id, identifier)], ProfileBusy):
        await settled(shop, attempt, ProfileBusy)


async def card_points(
    shop: Shop,
    connection: Connection,
    program: LoyaltyProgram,
    identifier: str,
    now: datetime,
    *,
    keys: Sequence[UUID] = (),
    locked: bool = False,
) -> PointsState:
    """Everything that decisions about the points of a card need, in one round trip: its accounts in
    all subledgers, and the card itself (`state.card`).

    What is decided is saved by `store.loyalty.save_of_card` at `state.customer_version`, in the
    transaction of the caller. With `locked` nobody else writes the card until that ends. Raises
    `NotFound`, and `InvalidInput` where the program has no cards.
    """
    query = PointsQuery(None, None, program.id, None, keys, card=identifier)
    return await read_points(shop, connection, query, identifier, now, locked=locked)


async def _changed(
    shop: Shop, program: LoyaltyProgram, identifier: str, keys: Sequence[UUID], save: Save
) -> ProgramCard:
    """The card after `save` has done its work with it."""

    async def attempt(connection: Connection, locked: bool) -> ProgramCard:
        if locked:
            await program_cards.lock(connection, program.id, identifier, keys)
        card = await read_card(shop, connection, program, identifier)
        await save(connection, card)
        return await read_card(shop, connection, program, identifier)

    async with shop.queue.turn([card_turn(program.id, identifier)], ProfileBusy):
        return await settled(shop, attempt, ProfileBusy)


async def _profile(connection: Connection, key: UUID, integration_id: str) -> ProfileRow:
    profile = (await program_cards.profiles(connection, [key])).get(key)
    if profile is None:
        raise NotFound("Customer profile", integration_id)
    return profile
