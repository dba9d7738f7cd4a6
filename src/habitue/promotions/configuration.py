"""The configuration of the whole shop at one version, as an immutable value.

Each worker holds one `Configuration` in memory. Every request reads the version that the database
has, so that a change is seen by the next request; what changed is read and laid over the old value.

Invariant: every campaign's application is here, and so is every active ruleset.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import TypeVar

import msgspec

from habitue.customers.organisation import Organisation
from habitue.loyalty.achievement import Achievement
from habitue.loyalty.program import LoyaltyProgram
from habitue.model.attributes import AttributeDefinition
from habitue.model.errors import NotFound
from habitue.model.keys import ApiKey
from habitue.model.staff import Role, User
from habitue.promotions.audiences import Audience
from habitue.promotions.campaign import AdditionalCost, Application, Campaign, StoredRuleset
from habitue.promotions.campaign_template import CampaignTemplate
from habitue.promotions.catalog import Catalog, PriceType
from habitue.promotions.event import EventType
from habitue.promotions.experiments import Experiment
from habitue.promotions.giveaways import GiveawayPool
from habitue.promotions.item_filters import CartItemFilter
from habitue.promotions.notification import Notification
from habitue.promotions.revision import Revision
from habitue.promotions.shop_lists import Collection, Store, ValueMap
from habitue.promotions.webhook import Webhook

Entity = TypeVar("Entity")


class Configuration(msgspec.Struct, frozen=True):
    """Everything that staff configure, by id; keys by their digest, rulesets only active ones."""

    version: int = 0
    applications: Mapping[int, Application] = MappingProxyType({})
    attributes: Mapping[int, AttributeDefinition] = MappingProxyType({})
    additional_costs: Mapping[int, AdditionalCost] = MappingProxyType({})
    campaigns: Mapping[int, Campaign] = MappingProxyType({})
    rulesets: Mapping[int, StoredRuleset] = MappingProxyType({})
    keys: Mapping[bytes, ApiKey] = MappingProxyType({})
    organisation: Organisation = Organisation()
    loyalty_programs: Mapping[int, LoyaltyProgram] = MappingProxyType({})
    audiences: Mapping[int, Audience] = MappingProxyType({})
    webhooks: Mapping[int, Webhook] = MappingProxyType({})
    notifications: Mapping[int, Notification] = MappingProxyType({})
    achievements: Mapping[int, Achievement] = MappingProxyType({})
    event_types: Mapping[int, EventType] = MappingProxyType({})
    stores: Mapping[int, Store] = MappingProxyType({})
    collections: Mapping[int, Collection] = MappingProxyType({})
    value_maps: Mapping[int, ValueMap] = MappingProxyType({})
    users: Mapping[int, User] = MappingProxyType({})
    roles: Mapping[int, Role] = MappingProxyType({})

    giveaway_pools: Mapping[int, GiveawayPool] = MappingProxyType({})
    catalogs: Mapping[int, Catalog] = MappingProxyType({})
    price_types: Mapping[int, PriceType] = MappingProxyType({})
    cart_item_filters: Mapping[int, CartItemFilter] = MappingProxyType({})
    experiments: Mapping[int, Experiment] = MappingProxyType({})
    campaign_templates: Mapping[int, CampaignTemplate] = MappingProxyType({})
    revisions: Mapping[int, Revision] = MappingProxyType({})

    def application(self, application_id: int) -> Application:
        """The application of that id. Raises `NotFound`."""
        return _found("Application", application_id, self.applications)

    def campaign(self, application_id: int, campaign_id: int) -> Campaign:
        """The campaign of that id in that application. Raises `NotFound`."""
        campaign = _found("Campaign", campaign_id, self.campaigns)
        if campaign.application_id != application_id:
            raise NotFound("Campaign", campaign_id)
        return campaign

    def achievements_of(self, application: Application) -> dict[int, Achievement]:
        """The achievements that serve an application, by id: those of its campaigns that are there,
        and those of the account that it is subscribed to."""
        return {
            id_: each
            for id_, each in self.achievements.items()
            if application.id in each.subscribed_application_ids
            and each.sandbox == application.sandbox
            and (not each.campaign_id or each.campaign_id in self.campaigns)
        }

    def achievement(self, achievement_id: int, campaign_id: int = 0) -> Achievement:
        """The achievement of that campaign, or of the account. Raises `NotFound`."""
        achievement = _found("Achievement", achievement_id, self.achievements)
        if achievement.campaign_id != campaign_id:
            raise NotFound("Achievement", achievement_id)
        return achievement

    def audiences_of(self, *, sandbox: bool) -> dict[int, Audience]:
        """The audiences of one environment, by id."""
        return {id_: each for id_, each in self.audiences.items() if each.sandbox == sandbox}

    def audience(self, audience_id: int, *, sandbox: bool | None = None) -> Audience:
        """The audience of that id, of one environment or of any. Raises `NotFound`."""
        audience = _found("Audience", audience_id, self.audiences)
        if sandbox is not None and audience.sandbox != sandbox:
            raise NotFound("Audience", audience_id)
        return audience

    def pool(self, pool_id: int) -> GiveawayPool:
        """The giveaway pool of that id. Raises `NotFound`."""
        return _found("Giveaway pool", pool_id, self.giveaway_pools)

    def pools_of(self, application: Application) -> dict[int, GiveawayPool]:
        """The giveaway pools that serve that application, by id."""
        return {
            id_: each
            for id_, each in self.giveaway_pools.items()
            if each.sandbox == application.sandbox and each.serves(application.id)
        }

    def catalog(self, catalog_id: int) -> Catalog:
        """The catalog of that id. Raises `NotFound`."""
        return _found("Catalog", catalog_id, self.catalogs)

    def price_type(self, price_type_id: int) -> PriceType:
        """The price type of that id. Raises `NotFound`."""
        return _found("Price type", price_type_id, self.price_types)

    def cart_item_filter(self, application_id: int, filter_id: int) -> CartItemFilter:
        """The cart item filter of that id in that application. Raises `NotFound`."""
        self.application(application_id)
        found = _found("Cart item filter", filter_id, self.cart_item_filters)
        if found.application_id != application_id:
            raise NotFound("Cart item filter", filter_id)
        return found

    def cart_item_filters_of(self, application_id: int) -> list[CartItemFilter]:
        """The cart item filters of one application, oldest first."""
        filters = self.cart_item_filters.values()
        mine = [each for each in filters if each.application_id == application_id]
        return sorted(mine, key=lambda each: each.id)

    def experiment(self, application_id: int, experiment_id: int) -> Experiment:
        """The experiment of that id in that application. Raises `NotFound`."""
        self.application(application_id)
        found = _found("Experiment", experiment_id, self.experiments)
        if found.application_id != application_id:
            raise NotFound("Experiment", experiment_id)
        return found

    def experiment_of(self, campaign: Campaign) -> Experiment | None:
        """The experiment that the campaign runs, enabled or not."""
        return self.experiments.get(campaign.experiment_id or 0)

    def campaign_template(self, template_id: int) -> CampaignTemplate:
        """The campaign template of that id. Raises `NotFound`."""
        return _found("Campaign template", template_id, self.campaign_templates)

    def revision(self, campaign: Campaign, revision_id: int) -> Revision:
        """The revision of that id of that campaign. Raises `NotFound`."""
        found = _found("Revision", revision_id, self.revisions)
        if found.campaign_id != campaign.id:
            raise NotFound("Revision", revision_id)
        return found

    def open_revisions(self) -> dict[int, Revision]:
        """The revisions that wait to be activated, by their campaigns."""
        return {each.campaign_id: each for each in self.revisions.values() if each.is_open}

    def campaigns_of(self, application_id: int) -> list[Campaign]:
        """The campaigns of one application, oldest first."""
        campaigns = self.campaigns.values()
        mine = [each for each in campaigns if each.application_id == application_id]
        return sorted(mine, key=lambda each: each.id)


def _found(kind: str, key: int, entities: Mapping[int, Entity]) -> Entity:
    entity = entities.get(key)
    if entity is None:
        raise NotFound(kind, key)
    return entity
