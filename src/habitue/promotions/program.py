"""The program: all campaigns of one application, compiled and indexed.

A program is built when the configuration changes and is immutable afterwards. Compiled campaigns
are kept from one version to the next as long as neither their ruleset nor the shop's attributes
have changed, so that a change costs by what changed.
"""

from collections.abc import Iterable, Mapping
from datetime import tzinfo
from types import MappingProxyType

import msgspec

from habitue.loyalty.achievement import Achievement
from habitue.loyalty.program import LoyaltyProgram
from habitue.model.attributes import Definitions
from habitue.promotions.audiences import Audience
from habitue.promotions.campaign import AdditionalCost, Application, Campaign
from habitue.promotions.campaign_set import Placement, placed
from habitue.promotions.candidates import CandidateIndex
from habitue.promotions.catalog import PriceType
from habitue.promotions.compiled import (
    CompiledCampaign,
    compile_campaign,
    compile_experiment,
    ruleset_ids_of,
)
from habitue.promotions.configuration import Configuration
from habitue.promotions.dialect import definitions_of, dialect_of, event_definitions
from habitue.promotions.experiments import Experiment, campaign_in
from habitue.promotions.facts import FactDefinitions
from habitue.promotions.giveaways import GiveawayPool
from habitue.promotions.item_filters import compiled_filters
from habitue.promotions.loyalty_references import loyalty_programs
from habitue.promotions.quick_look import plain_types
from habitue.promotions.shop_lists import ShopLists, lists_of
from habitue.promotions.store_budgets import (
    Limits,
    limits_by_campaign,
    limits_in_store,
    store_terms,
)
from habitue.promotions.update import Vocabulary
from habitue.promotions.webhook import Webhook
from habitue.rules.dialect import Dialect
from habitue.rules.tree import texts_in

#: The functions that need the books of `habitue.promotions.issuing`.
ISSUING_CALLS = frozenset(
    {"referralvalid", "createcoupon", "createreferral", "reservecoupon", "awardgiveaway"}
)


class Program:
    """Everything that deciding about sessions of one application takes. `calls` are the functions
    that its rules name, in lower case; `strikethrough_texts` are the texts in conditions of rules
    that mark prices, by which these name audiences."""

    calls: frozenset[str] = frozenset()
    _rewards_advocates = False
    strikethrough_texts: frozenset[str] = frozenset()

    def __init__(self, configuration: Configuration, application: Application) -> None:
        self.version = configuration.version
        self.application = application
        self.zone: tzinfo = application.zone
        self.dialect: Dialect = dialect_of(configuration, application.id)
        self.experiments: Mapping[int, Experiment] = _experiments(configuration, application.id)
        self.campaigns: Mapping[int, Campaign] = {
            each.id: campaign_in(self.experiments[each.id], each)
            if each.id in self.experiments
            else each
            for each in configuration.campaigns_of(application.id)
        }
        self.limits = limits_by_campaign(self.campaigns.values())
        self.stores = store_terms(self.campaigns.values(), self.limits)
        self.vocabulary = _vocabulary(configuration, application.id)
        self.additional_cost_ids: Mapping[str, int] = {
            name: cost.id for name, cost in self.vocabulary.additional_costs.items()
        }
        self.audiences: Mapping[int, Audience] = configuration.audiences_of(
            sandbox=application.sandbox
        )
        self.audience_names: Mapping[int, str] = {
            id_: each.name for id_, each in self.audiences.items() if each.serves(application.id)
        }
        self.event_types: Mapping[str, Definitions] = event_definitions(
            configuration, application.id
        )
        self.profile_definitions = definitions_of(configuration, application.id, "CustomerProfile")
        self.writable: Mapping[str, Definitions] = {
            "CustomerSession": self.vocabulary.session_attributes,
            "CustomerProfile": self.profile_definitions,
            "CartItem": self.vocabulary.item_attributes,
            "Coupon": definitions_of(configuration, application.id, "Coupon"),
            "Referral": definitions_of(configuration, application.id, "Referral"),
        }
        self.fact_definitions = _fact_definitions(self.writable)
        self.webhooks: Mapping[int, Webhook] = {
            id_: each
            for id_, each in configuration.webhooks.items()
            if each.serves(application.id) and not each.draft
        }
        self.loyalty = _loyalty(configuration, sandbox=application.sandbox)
        self.loyalty_served: frozenset[int] = frozenset(
            id_
            for id_, each in self.loyalty.items()
            if application.id in each.subscribed_application_ids
        )
        filters = configuration.cart_item_filters_of(application.id)
        default_filter = application.default_cart_item_filter_id
        self.filters = compiled_filters(filters, default_filter, self.dialect)
        self.lists = _lists(configuration, application.id)
        self.catalog_ids = _catalog_ids(configuration, application.id)
        self.price_types = _price_types(configuration)
        self.placement = _placement(application, self.campaigns)
        self.achievements: Mapping[int, Achievement] = configuration.achievements_of(application)
        self.compiled: Mapping[int, CompiledCampaign] = MappingProxyType({})
        self._loyalty_used: frozenset[int] = frozenset()
        self._asks_for_achievements = False
        self.pools: Mapping[int, GiveawayPool] = configuration.pools_of(application)
        self.candidates: CandidateIndex = CandidateIndex({}, self.dialect)

    @property
    def issues(self) -> bool:
        """Whether a rule may read a referral code, make something or give something away."""
        return bool(self.calls & ISSUING_CALLS)

    def limits_in(self, store: str) -> Limits:
        """The limits of campaigns, by id, for a request that names that store, or none."""
        budgets = self.stores.budgets
        if not budgets:
            return self.limits
        return limits_in_store(self.limits, budgets, self.lists.store_ids.get(store))

    def idle_campaigns(self) -> list[Campaign]:
        """The campaigns that have no active rules, and are never evaluated."""
        return [each for each in self.campaigns.values() if each.id not in self.compiled]

    def compiled_campaigns(self, only: Iterable[int] | None = None) -> list[CompiledCampaign]:
        """The compiled campaigns in evaluation order: all of them, or only those."""
        ids = sorted(self.compiled if only is None else set(only) & self.compiled.keys())
        return [self.compiled[each] for each in ids]

    def use(self, compiled: Mapping[int, CompiledCampaign]) -> None:
        """From now on, before anybody else sees the program, these are its campaigns."""
        self.compiled = compiled
        self.candidates = CandidateIndex(compiled, self.dialect)
        self.strikethrough_texts = frozenset(
            text
            for each in compiled.values()
            for rule in each.strikethrough
            for text in texts_in(rule.tree.condition)
        )
        self.calls = frozenset[str]().union(*(each.calls for each in compiled.values()))
        enabled = [id_ for id_ in compiled if self.campaigns[id_].state == "enabled"]
        self._loyalty_used = self.loyalty_wanted(frozenset(enabled))
        self._asks_for_achievements = self.achievements_wanted(frozenset(enabled))
        self._rewards_advocates = self.rewards_advocates(frozenset(enabled))

    def achievements_wanted(self, campaign_ids: frozenset[int] | None = None) -> bool:
        """Whether rules of those campaigns are about achievements; of all enabled ones where that
        is None."""
        if campaign_ids is None:
            return self._asks_for_achievements
        wanted = campaign_ids & self.compiled.keys()
        return any(self.compiled[id_].loyalty.achievements for id_ in wanted)

    def loyalty_wanted(self, campaign_ids: frozenset[int] | None = None) -> frozenset[int]:
        """The loyalty programs of this application that rules of those campaigns refer to; of all
        enabled ones where that is None."""
        if campaign_ids is None:
            return self._loyalty_used
        wanted = [self.compiled[id_].loyalty for id_ in campaign_ids & self.compiled.keys()]
        return loyalty_programs(wanted, self.loyalty) & self.loyalty_served

    def rewards_advocates(self, campaign_ids: frozenset[int] | None = None) -> bool:
        """Whether rules of those campaigns may give points to advocates; of all enabled ones where
        that is None."""
        if campaign_ids is None:
            return self._rewards_advocates
        return any(
            self.compiled[id_].loyalty.advocates for id_ in campaign_ids & set(self.compiled)
        )


def build_program(
    configuration: Configuration, application_id: int, previous: Program | None = None
) -> Program:
    """The program of an application; what `previous` has compiled is used again where it holds."""
    program = Program(configuration, configuration.application(application_id))
    same_words = previous is not None and previous.dialect == program.dialect
    kept = previous.compiled if previous is not None and same_words else {}
    compiled = {}
    for campaign in program.campaigns.values():
        found = _compiled(program, configuration, campaign, kept.get(campaign.id))
        if found is not None:
            compiled[campaign.id] = found
    program.use(compiled)
    return program


def _compiled(
    program: Program,
    configuration: Configuration,
    campaign: Campaign,
    earlier: CompiledCampaign | None,
) -> CompiledCampaign | None:
    experiment = program.experiments.get(campaign.id)
    ruleset = configuration.rulesets.get(campaign.active_ruleset_id or 0)
    ids: tuple[int, ...] = (ruleset.id,) if ruleset is not None else ()
    if experiment is not None:
        ids = ruleset_ids_of(experiment)
    if earlier is not None and earlier.ruleset_ids == ids:
        return msgspec.structs.replace(earlier, campaign=campaign)
    if experiment is not None:
        return compile_experiment(campaign, experiment, program.dialect)
    return None if ruleset is None else compile_campaign(campaign, ruleset, program.dialect)


def _experiments(configuration: Configuration, application_id: int) -> dict[int, Experiment]:
    """The experiments of an application that are not archived, by their campaign."""
    found = map(configuration.experiment_of, configuration.campaigns_of(application_id))
    return {each.campaign_id: each for each in found if each is not None}


def _vocabulary(configuration: Configuration, application_id: int) -> Vocabulary:
    costs: dict[str, AdditionalCost] = {
        each.name: each for each in configuration.additional_costs.values()
    }
    item_attributes = definitions_of(configuration, application_id, "CartItem")
    return Vocabulary(
        session_attributes=definitions_of(configuration, application_id, "CustomerSession"),
        item_attributes=item_attributes,
        plain_item_attributes=plain_types(item_attributes),
        additional_costs=costs,
        application_id=application_id,
        stores=frozenset(
            each.integration_id
            for each in configuration.stores.values()
            if each.application_id == application_id
        ),
    )


def _lists(configuration: Configuration, application_id: int) -> ShopLists:
    return lists_of(
        application_id,
        configuration.stores.values(),
        configuration.collections.values(),
        configuration.value_maps.values(),
    )


def _fact_definitions(writable: Mapping[str, Definitions]) -> FactDefinitions:
    return FactDefinitions(
        session=writable["CustomerSession"],
        cart_item=writable["CartItem"],
        profile=writable["CustomerProfile"],
        coupon=writable["Coupon"],
    )


def _catalog_ids(configuration: Configuration, application_id: int) -> tuple[int, ...]:
    """The catalogs that the application is subscribed to, oldest first."""
    return tuple(
        sorted(
            id_
            for id_, each in configuration.catalogs.items()
            if application_id in each.subscribed_application_ids
        )
    )


def _price_types(configuration: Configuration) -> Mapping[str, PriceType]:
    return {each.name: each for each in configuration.price_types.values()}


def _loyalty(configuration: Configuration, *, sandbox: bool) -> Mapping[int, LoyaltyProgram]:
    programs = configuration.loyalty_programs
    return {id_: each for id_, each in programs.items() if each.sandbox == sandbox}


def _placement(application: Application, campaign_ids: Iterable[int]) -> Placement | None:
    campaign_set = application.campaign_set
    return None if campaign_set is None else placed(campaign_set, campaign_ids)
