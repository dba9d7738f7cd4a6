"""Making cards of loyalty programs: one, under an identifier of the caller's or of the program's
pattern, or a batch by pattern. All that are asked for are made, or none.

Words: a *batch* is made at once and has an id; the same id again is refused, so that whoever has
lost an answer can ask again.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import islice

import msgspec

from habitue.customers.claims import profile_key
from habitue.loyalty.card import CardState, ProgramCard, decide_link, identifier_faults
from habitue.loyalty.program import CardCodes, LoyaltyProgram
from habitue.model.errors import Fault, InvalidInput, ProfileBusy
from habitue.model.limits import CARDS_PER_BATCH_MAX, PROFILES_PER_CARD_REQUEST_MAX
from habitue.promotions.codes import CodeSpace, Draw, code_space, random_codes
from habitue.store import program_cards
from habitue.store.database import Connection
from habitue.store.failures import GuardFailed
from habitue.store.program_cards import NewCards
from habitue.usecases.change_points import card_based
from habitue.usecases.configure.checks import card_code_faults, refuse_if_any
from habitue.usecases.points_state import read_program_card
from habitue.usecases.shop import Shop
from habitue.usecases.writing import settled

#: How often codes that are taken are drawn again before a pattern counts as used up.
_ROUNDS_MAX = 40
_CODES_DEFAULT = CardCodes(tuple("ABCDEFGHJKLMNPQRSTUVWXYZ23456789"), "#" * 16)


class CardWish(msgspec.Struct, frozen=True):
    """One card: without an identifier it gets one of the program's pattern."""

    identifier: str | None
    status: CardState = "active"
    profiles: tuple[str, ...] = ()


class BatchWish(msgspec.Struct, frozen=True):
    """Cards in number, by the program's pattern or another one."""

    count: int
    batch_id: str
    status: CardState = "active"
    codes: CardCodes | None = None


async def make_card(
    shop: Shop, program: LoyaltyProgram, wish: CardWish, draw: Draw, now: datetime
) -> ProgramCard:
    """The new card, linked to the profiles that are named. Raises `InvalidInput`, `ProfileBusy`."""
    card_based(program)
    if wish.identifier is not None:
        refuse_if_any(identifier_faults(wish.identifier, "/cardIdentifier"))
    refuse_if_any(_profile_faults(program, wish.profiles))
    shared = NewCards(program.id, program.sandbox, wish.status, "", wish.identifier is None, now)

    async def attempt(connection: Connection, locked: bool) -> ProgramCard:
        if not locked:
            # Several statements make one write: they need the transaction of the next try.
            raise GuardFailed("several statements")
        card = await _added(connection, program, shared, wish.identifier, draw)
        for index, profile in enumerate(wish.profiles):
            card = await _linked(connection, program, card, profile, index, now)
        return card

    return await settled(shop, attempt, ProfileBusy)


async def make_batch(
    shop: Shop, program: LoyaltyProgram, wish: BatchWish, draw: Draw, now: datetime
) -> int:
    """Makes the cards of a batch; how many. Raises `InvalidInput`."""
    card_based(program)
    codes = wish.codes or program.card_codes
    refuse_if_any(_batch_faults(wish, codes))
    assert codes is not None, "a batch without a pattern was refused"
    space = _space(codes)
    if space.size < wish.count:
        raise _used_up(wish.count - space.size)
    shared = NewCards(program.id, program.sandbox, wish.status, wish.batch_id, True, now)
    async with shop.database.transaction() as connection:
        await program_cards.hold_batches(connection, program.id)
        if await program_cards.has_batch(connection, program.id, wish.batch_id):
            details = f"batch {wish.batch_id} exists already"
            raise InvalidInput(Fault("/batchId", "Taken", details))
        await _drawn(connection, shared, space, wish.count, draw)
    return wish.count


async def _added(
    connection: Connection,
    program: LoyaltyProgram,
    shared: NewCards,
    identifier: str | None,
    draw: Draw,
) -> ProgramCard:
    if identifier is None:
        space = _space(program.card_codes or _CODES_DEFAULT)
        (document,) = await _drawn(connection, shared, space, 1, draw)
        return read_program_card(document)
    added = await program_cards.add_cards(connection, shared, [identifier])
    if not added:
        details = f"card {identifier} exists already"
        raise InvalidInput(Fault("/cardIdentifier", "Taken", details))
    return read_program_card(added[identifier])


async def _linked(
    connection: Connection,
    program: LoyaltyProgram,
    card: ProgramCard,
    integration_id: str,
    index: int,
    now: datetime,
) -> ProgramCard:
    key = profile_key(integration_id, sandbox=program.sandbox)
    profile = (await program_cards.profiles(connection, [key])).get(key)
    pointer = f"/customerProfileIds/{index}"
    if profile is None:
        details = f"customer profile {integration_id[:80]} does not exist"
        raise InvalidInput(Fault(pointer, "Unknown", details))
    if not decide_link(program, card, profile.customer_id):
        return card
    await program_cards.link(connection, card.owner_id, card.version, profile, integration_id, now)
    document = await program_cards.read_card(connection, program.id, card.identifier)
    assert document is not None, "the card was added in this transaction"
    return read_program_card(document)


async def _drawn(
    connection: Connection, shared: NewCards, space: CodeSpace, count: int, draw: Draw
) -> list[bytes]:
    """Cards under codes that were free."""
    codes, documents = random_codes(space, draw), list[bytes]()
    for _ in range(_ROUNDS_MAX):
        wanted = list(dict.fromkeys(islice(codes, count - len(documents))))
        documents += (await program_cards.add_cards(connection, shared, wanted)).values()
        if len(documents) == count:
            return documents
        if not wanted:
            break
    raise _used_up(count - len(documents))


def _space(codes: CardCodes) -> CodeSpace:
    return code_space(codes.pattern, codes.valid_characters, str)


def _used_up(missing: int) -> InvalidInput:
    details = f"too many codes of the pattern are taken: {missing} cards could not be made"
    return InvalidInput(Fault("/cardCodeSettings/couponPattern", "Used up", details))


def _batch_faults(wish: BatchWish, codes: CardCodes | None) -> Iterator[Fault]:
    if not 1 <= wish.count <= CARDS_PER_BATCH_MAX:
        details = f"from 1 to {CARDS_PER_BATCH_MAX} cards are made at once"
        yield Fault("/numberOfCards", "Out of range", details)
    if codes is None:
        details = "the program has no pattern for the codes of cards"
        yield Fault("/cardCodeSettings", "Missing", details)
        return
    yield from card_code_faults(codes)


def _profile_faults(program: LoyaltyProgram, profiles: Sequence[str]) -> Iterator[Fault]:
    most = program.users_per_card or PROFILES_PER_CARD_REQUEST_MAX
    if len(set(profiles)) > most:
        details = f"a card of this program is linked to at most {most} profiles"
        yield Fault("/customerProfileIds", "Too many", details)
