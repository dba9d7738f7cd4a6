"""The Management API of the Talon.One protocol: what staff configure.

Published operations keep their published shapes; the create paths, which the vendor keeps behind
its own pages, are those that its early clients used (contracts/talon_one/MANAGEMENT.md).
"""

from habitue.edges.http.operation import Operation
from habitue.edges.talon_one.management import (
    achievements,
    additional_costs,
    apikeys,
    applications,
    attributes,
    audiences,
    campaign_analytics,
    campaign_copies,
    campaign_sets,
    campaigns,
    changes,
    collections,
    coupon_changes,
    coupon_files,
    coupons,
    event_types,
    events,
    giveaways,
    imports,
    loyalty_cards,
    loyalty_closings,
    loyalty_exports,
    loyalty_imports,
    loyalty_points,
    loyalty_programs,
    loyalty_statistics,
    message_logs,
    profiles,
    referrals,
    rulesets,
    running_campaigns,
    sessions,
    stores,
    talang_environment,
    value_maps,
    webhooks,
)

__all__ = ["management_operations"]


def management_operations() -> list[Operation]:
    """What is served with a management key, and the list of campaigns that an integration reads."""
    return [
        *applications.operations(),
        *campaigns.operations(),
        *campaign_copies.operations(),
        *campaign_analytics.operations(),
        *campaign_sets.operations(),
        *rulesets.operations(),
        *referrals.operations(),
        *giveaways.operations(),
        *coupons.operations(),
        *coupon_changes.operations(),
        *coupon_files.operations(),
        *attributes.operations(),
        *additional_costs.operations(),
        *apikeys.operations(),
        *loyalty_programs.operations(),
        *loyalty_points.operations(),
        *loyalty_cards.operations(),
        *loyalty_closings.operations(),
        *loyalty_imports.operations(),
        *loyalty_exports.operations(),
        *loyalty_statistics.operations(),
        *imports.operations(),
        *running_campaigns.operations(),
        *stores.operations(),
        *talang_environment.operations(),
        *collections.operations(),
        *value_maps.operations(),
        *webhooks.operations(),
        *message_logs.operations(),
        *changes.operations(),
        *audiences.operations(),
        *achievements.operations(),
        *profiles.operations(),
        *sessions.operations(),
        *event_types.operations(),
        *events.operations(),
    ]
