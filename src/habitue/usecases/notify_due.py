"""Noting what time brings about: points that become active, points and coupons near their end,
campaigns that begin and end.

Everything up to a moment a little ago is looked for once, so that what was being written meanwhile
is not missed. A notification begins with what comes after it was made; one that is off looks on
without noting, so that it does not tell of everything when it is put on again.
"""

from datetime import datetime, timedelta

from habitue.promotions.campaign import Campaign
from habitue.promotions.configuration import Configuration
from habitue.promotions.notification import TIMED_TYPES, Notification
from habitue.store import notifications
from habitue.store.database import Transaction
from habitue.usecases.shop import Shop

#: So long ago everything that a request has written has been committed.
LATE = timedelta(seconds=30)


async def notify_due(shop: Shop, now: datetime) -> None:
    """Notes everything that has come about until a little before `now`."""
    configuration = await shop.refresh()
    for notification in configuration.notifications.values():
        if notification.type in TIMED_TYPES:
            async with shop.database.transaction() as transaction:
                await _look_on(transaction, configuration, notification, now - LATE)


async def _look_on(
    transaction: Transaction,
    configuration: Configuration,
    notification: Notification,
    until: datetime,
) -> None:
    since = await notifications.take_over(transaction, notification.id, until)
    if since is None:
        return
    if notification.enabled:
        await _note(transaction, configuration, notification, since, until)
    await notifications.move_on(transaction, notification.id, until)


async def _note(
    transaction: Transaction,
    configuration: Configuration,
    notification: Notification,
    since: datetime,
    until: datetime,
) -> None:
    id_, entity_id = notification.id, notification.entity_id
    match notification.type:
        case "pending_to_active_points":
            await notifications.note_active_points(transaction, id_, entity_id, since, until)
        case "expiring_coupons":
            for trigger in notification.triggers:
                await notifications.note_expiring_coupons(
                    transaction, id_, entity_id, since, until, trigger.duration
                )
        case "expiring_points":
            zone = configuration.loyalty_programs[entity_id].timezone
            for trigger in notification.triggers:
                await notifications.note_expiring_points(
                    transaction, id_, (entity_id, zone), since, until, trigger.duration
                )
        case "card_expiring_points":
            program = configuration.loyalty_programs[entity_id]
            shape = (entity_id, program.timezone, program.users_per_card)
            for trigger in notification.triggers:
                await notifications.note_expiring_card_points(
                    transaction, id_, shape, since, until, trigger.duration
                )
        case "campaign":
            for campaign in configuration.campaigns_of(entity_id):
                for moment in _turns(campaign, since, until):
                    told = {"type": "campaign", "source": "", "old": campaign, "new": campaign}
                    told |= {"at": moment, "by_time": True}
                    await notifications.note(transaction, id_, entity_id, campaign.id, told, until)


def _turns(campaign: Campaign, since: datetime, until: datetime) -> list[datetime]:
    """When in that time the campaign has begun or ended by itself."""
    moments = (campaign.start_time, campaign.end_time)
    if campaign.state != "enabled":
        return []
    return [each for each in moments if each is not None and since < each <= until]
