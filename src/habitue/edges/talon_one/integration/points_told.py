"""Loyalty programs and cards in the answer to a session, a profile or an event."""

from datetime import datetime
from decimal import Decimal

import msgspec

from habitue.edges.talon_one.cards import LoyaltyCardOut, card_out
from habitue.edges.talon_one.loyalty import tier_out
from habitue.edges.talon_one.loyalty_ledgers import LedgerInfoOut, ProgramLedgersOut
from habitue.loyalty.program import MAIN_LEDGER, LoyaltyProgram
from habitue.model.numbers import shortest
from habitue.usecases.points_told import CardTold, LedgerTold, PointsTold, ProgramTold


class LoyaltyOut(msgspec.Struct, rename="camel", omit_defaults=True):
    """Loyalty programs by their ids, and the cards that the request names, if it does."""

    programs: dict[str, ProgramLedgersOut]
    cards: list[LoyaltyCardOut] = []


def loyalty_out(told: PointsTold, now: datetime) -> LoyaltyOut:
    """The programs and cards as they go over the wire."""
    return LoyaltyOut(
        {str(each.program.id): _program_out(each) for each in told.programs},
        [_card_out(each, now) for each in told.cards],
    )


def _card_out(told: CardTold, now: datetime) -> LoyaltyCardOut:
    ledgers = {name: _ledger_out(told.program, each) for name, each in told.ledgers.items()}
    main = ledgers.pop(MAIN_LEDGER)
    subledgers = {name: each for name, each in ledgers.items() if not told.ledgers[name].is_blank}
    card = card_out(told.program, told.card, now)
    return msgspec.structs.replace(card, ledger=main, subledgers=dict(subledgers))


def _program_out(told: ProgramTold) -> ProgramLedgersOut:
    program = told.program
    ledgers = {name: _ledger_out(program, each) for name, each in told.ledgers.items()}
    return ProgramLedgersOut(
        id=program.id,
        title=program.title,
        name=program.name,
        ledger=ledgers.pop(MAIN_LEDGER),
        sub_ledgers={
            name: each for name, each in ledgers.items() if not told.ledgers[name].is_blank
        },
        join_date=None if told.joined is None else told.joined.astimezone(program.zone),
    )


def _ledger_out(program: LoyaltyProgram, ledger: LedgerTold) -> LedgerInfoOut:
    current, tentative, standing = ledger.current, ledger.tentative, ledger.standing
    out = LedgerInfoOut(
        current_balance=shortest(current.active),
        pending_balance=shortest(current.pending),
        negative_balance=shortest(current.negative),
        expired_balance=Decimal(0),
        spent_balance=Decimal(0),
        tentative_current_balance=shortest(tentative.active),
        tentative_pending_balance=shortest(tentative.pending),
        tentative_negative_balance=shortest(tentative.negative),
    )
    if standing.tier is not None and standing.state is not None:
        out.current_tier = tier_out(program, standing.tier, standing.state)
    if standing.next_tier is not None and standing.points_to_next is not None:
        out.next_tier_name = standing.next_tier.name
        out.points_to_next_tier = shortest(standing.points_to_next)
    return out
