"""What has happened in an application, as it goes into files: part by part, each row as it is at
the moment at which it is read. However much there is, one part is held.
"""

from collections.abc import AsyncIterator, Iterable

import msgspec

from habitue.loyalty.achievement import Iteration
from habitue.model.documents import decoder_of
from habitue.promotions.effects import Effect
from habitue.promotions.referral import Referral
from habitue.promotions.session import Session
from habitue.store import exports
from habitue.store.exports import EffectsPart, EffectsRow, ReferralsPart, SessionsPart
from habitue.usecases.configure.referrals import read_referral
from habitue.usecases.list_sessions import SessionReading
from habitue.usecases.shop import Shop

PART = 500

_EFFECTS = decoder_of(tuple[Effect, ...])
_SESSION = decoder_of(Session)
_ITERATION = decoder_of(Iteration)


async def export_effects(shop: Shop, part: EffectsPart) -> AsyncIterator[tuple[EffectsRow, Effect]]:
    """Every effect that is wanted with the event that caused it, oldest first."""
    while rows := await exports.effects(shop.database, part):
        for row in rows:
            for effect in _EFFECTS.decode(row.effects):
                if part.campaign_id in (None, effect.campaign_id):
                    yield row, effect
        part = msgspec.structs.replace(part, after=rows[-1].id)


async def export_sessions(shop: Shop, part: SessionsPart) -> AsyncIterator[SessionReading]:
    """Every session that is wanted, oldest first."""
    while rows := await exports.sessions(shop.database, part):
        for row in rows:
            yield SessionReading(_SESSION.decode(row.document), row.customer_id)
        part = msgspec.structs.replace(part, after=rows[-1].id)


async def export_referrals(
    shop: Shop, part: ReferralsPart, campaign_ids: Iterable[int]
) -> AsyncIterator[Referral]:
    """Every referral code of those campaigns that is wanted, campaign by campaign."""
    for campaign_id in campaign_ids:
        part = msgspec.structs.replace(part, campaign_id=campaign_id, after=0)
        while documents := await exports.referrals(shop.database, part):
            for document in documents:
                referral = read_referral(document)
                yield referral
            part = msgspec.structs.replace(part, after=referral.id)


async def export_progress(shop: Shop, achievement_id: int) -> AsyncIterator[tuple[str, Iteration]]:
    """Everybody who has begun with the achievement, and how far the last iteration has come."""
    after = (0, 0)
    while rows := await exports.progress(shop.database, achievement_id, after, PART):
        for row in rows:
            yield row.profile_id, _ITERATION.decode(row.document)
        after = rows[-1].customer_id, rows[-1].root_id
