"""What became of the codes of a session, as the last evaluation left it."""

from collections.abc import Iterator
from datetime import datetime

import msgspec

from habitue.model.errors import NotFound
from habitue.promotions.effects import AcceptCoupon, RejectCoupon
from habitue.promotions.session import Session
from habitue.store.application_sessions import last_event
from habitue.usecases.read_session import read_session
from habitue.usecases.shop import Shop


class CodeVerdict(msgspec.Struct, frozen=True):
    """A code, the campaign that took or refused it, and why it was refused."""

    code: str
    campaign_name: str
    rule_name: str
    rejection: RejectCoupon | None


class SessionVerdicts(msgspec.Struct, frozen=True):
    """A session with the verdicts on its codes, and the event that they are of."""

    session: Session
    event_id: int
    verdicts: tuple[CodeVerdict, ...]


async def read_verdicts(
    shop: Shop, integration_id: str, application_id: int | None, code: str | None, now: datetime
) -> list[SessionVerdicts]:
    """The sessions of that id, in one application or in all, with the verdicts on that code or on
    all codes. Raises `NotFound` where there is no such session."""
    wanted = sorted(shop.configuration.applications)
    if application_id is not None:
        wanted = [shop.configuration.application(application_id).id]
    found = []
    for id_ in wanted:
        try:
            session = await read_session(shop, id_, integration_id, now)
        except NotFound:
            continue
        event_id = await last_event(shop.database, session.customer_id, id_, session.id)
        verdicts = tuple(_verdicts(shop, session, code))
        found.append(SessionVerdicts(session, event_id, verdicts))
    if not found:
        raise NotFound("Customer session", integration_id)
    return found


def _verdicts(shop: Shop, session: Session, code: str | None) -> Iterator[CodeVerdict]:
    spelled = shop.configuration.application(session.application_id).code
    for each in session.effects:
        outcome = each.outcome
        if not isinstance(outcome, AcceptCoupon | RejectCoupon):
            continue
        if code is not None and spelled(outcome.value) != spelled(code):
            continue
        campaign = shop.configuration.campaigns.get(each.campaign_id)
        yield CodeVerdict(
            outcome.value,
            campaign.name if campaign else "",
            each.rule_name,
            outcome if isinstance(outcome, RejectCoupon) else None,
        )
