"""Registering a customer: whoever comes under whatever identifier is one customer."""

from datetime import datetime

from habitue.customers.amend import decide_update
from habitue.customers.change import CardDecision
from habitue.customers.organisation import Organisation
from habitue.customers.refusals import CustomerExists
from habitue.customers.register import Found, claim_keys, decide_registration
from habitue.customers.registration import Registration, Understood
from habitue.customers.understand import understand
from habitue.model.idempotency import Idempotency
from habitue.usecases.card_writing import Render, Wanted, write_card
from habitue.usecases.enrolments import Programs, possible, with_notices
from habitue.usecases.issue_card import CardOrder
from habitue.usecases.shop import Shop
from habitue.usecases.writing import Reply


async def register_customer(
    shop: Shop,
    registration: Registration,
    now: datetime,
    render: Render,
    idempotency: Idempotency | None = None,
    order: CardOrder | None = None,
) -> Reply:
    """Registers the customer, or attaches the profiles to the one who is there already.

    Where the shop says so, who is known in this very source is updated instead of refused. Raises
    what `understand` and `decide_registration` raise, `CustomerBusy` and `KeyReused`; nothing is
    stored then.
    """

    reading = _Reading(shop, registration, now)

    def decide(found: Found, organisation: Organisation) -> CardDecision:
        understood = reading.under(organisation)
        try:
            return decide_registration(understood, found, organisation, now)
        except CustomerExists as known:
            if not organisation.settings.updates_on_add:
                raise
            card = found.cards[known.customer_id]
            return decide_update(understood, card, card.id, organisation, now)

    return await write_card(shop, reading.wanted, decide, now, render, idempotency, order)


class _Reading:
    """A registration as it is understood: read once, and anew where the shop says otherwise."""

    def __init__(self, shop: Shop, registration: Registration, now: datetime) -> None:
        self._registration = registration
        self._now = now
        self._last: tuple[Organisation, Programs, Understood, Wanted] | None = None
        self._shop = shop

    def under(self, organisation: Organisation) -> Understood:
        """What is understood under these rules. Raises what `understand` raises."""
        return self._read(organisation)[0]

    def wanted(self, organisation: Organisation) -> Wanted:
        """Whom it is about. Raises what `understand` raises."""
        return self._read(organisation)[1]

    def _read(self, organisation: Organisation) -> tuple[Understood, Wanted]:
        programs = self._shop.configuration.loyalty_programs
        known = self._last
        if known is None or known[0] is not organisation or known[1] is not programs:
            registration, notices = possible(self._registration, programs, self._now)
            understood = understand(registration, organisation, self._now)
            understood = with_notices(understood, notices)
            wanted = Wanted(claim_keys(understood, organisation))
            self._last = known = organisation, programs, understood, wanted
        return known[2], known[3]
