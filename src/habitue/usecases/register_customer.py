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

    reading = _Reading(registration, now)

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

    def __init__(self, registration: Registration, now: datetime) -> None:
        self._registration = registration
        self._now = now
        self._last: tuple[Organisation, Understood, Wanted] | None = None

    def under(self, organisation: Organisation) -> Understood:
        """What is understood under these rules. Raises what `understand` raises."""
        return self._read(organisation)[1]

    def wanted(self, organisation: Organisation) -> Wanted:
        """Whom it is about. Raises what `understand` raises."""
        return self._read(organisation)[2]

    def _read(self, organisation: Organisation) -> tuple[Organisation, Understood, Wanted]:
        if self._last is None or self._last[0] is not organisation:
            understood = understand(self._registration, organisation, self._now)
            wanted = Wanted(claim_keys(understood, organisation))
            self._last = organisation, understood, wanted
        return self._last
