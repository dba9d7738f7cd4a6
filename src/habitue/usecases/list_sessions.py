"""Reading sessions for staff: a page of an application's, one of them, what a customer did."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal, localcontext

import msgspec

from habitue.model.documents import decoder_of
from habitue.model.errors import NotFound
from habitue.model.numbers import EXACT
from habitue.promotions.effects import DISCOUNTS, Effect
from habitue.promotions.session import Session
from habitue.store import application_sessions
from habitue.store.application_sessions import ActivityRow, SessionListing, SessionsPage
from habitue.usecases.shop import Shop

_SESSION = decoder_of(Session)


class SessionReading(msgspec.Struct, frozen=True):
    """A session and whose it is; `customer_id` is None for an anonymous one."""

    session: Session
    customer_id: int | None

    @property
    def discounts(self) -> Decimal:
        """The sum of the discounts that stand."""
        with localcontext(EXACT):
            return sum(map(_discount, self.session.effects), Decimal(0))

    @property
    def discounts_by_name(self) -> dict[str, Decimal]:
        """The same for each name of a discount."""
        sums: dict[str, Decimal] = {}
        with localcontext(EXACT):
            for effect in self.session.effects:
                if isinstance(effect.outcome, DISCOUNTS):
                    name = effect.outcome.name
                    sums[name] = sums.get(name, Decimal(0)) + effect.outcome.value
        return sums


async def list_sessions(
    shop: Shop, page: SessionsPage, *, newest_first: bool
) -> tuple[list[SessionReading], bool]:
    """The sessions of one page, and whether there are more. Raises `NotFound`."""
    shop.configuration.application(page.application_id)
    rows = await application_sessions.sessions_page(shop.database, page, newest_first=newest_first)
    return [_reading(row) for row in rows[: page.limit]], len(rows) > page.limit


async def find_session(shop: Shop, application_id: int, session_id: int) -> SessionReading:
    """The session of that id of ours. Raises `NotFound`."""
    shop.configuration.application(application_id)
    row = await application_sessions.one_session(shop.database, application_id, session_id)
    if row is None:
        raise NotFound("Customer session", session_id)
    return _reading(row)


async def read_activity(
    shop: Shop, customer_id: int, application_id: int, since: datetime, until: datetime
) -> ActivityRow:
    """What the customer did in the application in that time."""
    return await application_sessions.activity(
        shop.database, customer_id, application_id, since, until
    )


async def read_activities(
    shop: Shop, customer_ids: Sequence[int], application_id: int, since: datetime, until: datetime
) -> dict[int, ActivityRow]:
    """The same for many customers, by their ids."""
    return await application_sessions.activities(
        shop.database, customer_ids, application_id, since, until
    )


def _reading(row: SessionListing) -> SessionReading:
    return SessionReading(_SESSION.decode(row.document), row.customer_id)


def _discount(effect: Effect) -> Decimal:
    outcome = effect.outcome
    return outcome.value if isinstance(outcome, DISCOUNTS) else Decimal(0)
