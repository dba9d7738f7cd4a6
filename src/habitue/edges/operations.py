"""Everything that is served, in one list."""

from habitue.edges.capillary.cards import card_operations
from habitue.edges.capillary.golden import golden_operations
from habitue.edges.capillary.merge_requests import merge_request_operations
from habitue.edges.capillary.oauth import capillary_oauth_operations
from habitue.edges.capillary.once import written_once
from habitue.edges.capillary.organisation import organisation_operations
from habitue.edges.capillary.points import points_operations
from habitue.edges.capillary.points_ledger import points_ledger_operations
from habitue.edges.capillary.reading import reading_operations
from habitue.edges.capillary.redeeming import redeeming_operations
from habitue.edges.capillary.redeeming_v1 import redeeming_v1_operations
from habitue.edges.capillary.registering import registering_operations
from habitue.edges.capillary.staff import staff_operations
from habitue.edges.capillary.status import status_operations
from habitue.edges.capillary.subscriptions import subscription_operations
from habitue.edges.capillary.tiers import tier_operations
from habitue.edges.http.operation import Operation
from habitue.edges.talon_one.integration.achievements import achievement_operations
from habitue.edges.talon_one.integration.audiences import audience_operations
from habitue.edges.talon_one.integration.catalogs import catalog_operations
from habitue.edges.talon_one.integration.events import event_operations
from habitue.edges.talon_one.integration.inventory import inventory_operations
from habitue.edges.talon_one.integration.loyalty import loyalty_operations
from habitue.edges.talon_one.integration.loyalty_cards import loyalty_card_operations
from habitue.edges.talon_one.integration.loyalty_holds import loyalty_hold_operations
from habitue.edges.talon_one.integration.operations import integration_operations
from habitue.edges.talon_one.integration.prices import price_operations
from habitue.edges.talon_one.integration.referrals import referral_operations
from habitue.edges.talon_one.integration.reservations import reservation_operations
from habitue.edges.talon_one.management import management_operations
from habitue.edges.tracker.operations import tracker_operations
from habitue.edges.tracker.serving_script import script_operations


def all_operations() -> list[Operation]:
    """The operations of every door."""
    return [
        *integration_operations(),
        *loyalty_operations(),
        *reservation_operations(),
        *referral_operations(),
        *loyalty_card_operations(),
        *loyalty_hold_operations(),
        *audience_operations(),
        *achievement_operations(),
        *event_operations(),
        *catalog_operations(),
        *price_operations(),
        *inventory_operations(),
        *management_operations(),
        *written_once(_capillary_operations()),
        *tracker_operations(),
        *script_operations(),
    ]


def _capillary_operations() -> list[Operation]:
    return [
        *capillary_oauth_operations(),
        *registering_operations(),
        *card_operations(),
        *reading_operations(),
        *status_operations(),
        *points_operations(),
        *points_ledger_operations(),
        *redeeming_operations(),
        *redeeming_v1_operations(),
        *tier_operations(),
        *subscription_operations(),
        *merge_request_operations(),
        *staff_operations(),
        *golden_operations(),
        *organisation_operations(),
    ]
