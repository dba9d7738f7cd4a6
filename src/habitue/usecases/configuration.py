"""The configuration between the database and memory: documents there, values here.

Words: a *change* is one entity as it shall be from now on, or its removal.
"""

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, TypeAlias, TypeVar

import msgspec

from habitue.loyalty.achievement import Achievement
from habitue.loyalty.program import LoyaltyProgram
from habitue.model.attributes import AttributeDefinition, normalised
from habitue.model.documents import decoder_of, encode
from habitue.model.keys import ApiKey
from habitue.model.staff import Role, User
from habitue.promotions.audiences import Audience
from habitue.promotions.campaign import AdditionalCost, Application, Campaign, StoredRuleset
from habitue.promotions.campaign_template import CampaignTemplate
from habitue.promotions.catalog import Catalog, PriceType
from habitue.promotions.configuration import Configuration
from habitue.promotions.event import EventType
from habitue.promotions.experiments import Experiment
from habitue.promotions.giveaways import GiveawayPool
from habitue.promotions.item_filters import CartItemFilter
from habitue.promotions.notification import Notification
from habitue.promotions.revision import Revision
from habitue.promotions.shop_lists import Collection, Store, ValueMap
from habitue.promotions.webhook import Webhook
from habitue.store.configuration import (
    ConfigurationRow,
    ConfigurationWrite,
    Kind,
    load_changes,
    save_changes,
)
from habitue.store.database import Connection
from habitue.usecases.acting import acting
from habitue.usecases.organisation import (
    PLACES,
    OrganisationEntry,
    name_of,
    stored_form,
    with_changes,
)

Entity: TypeAlias = (
    Application
    | AttributeDefinition
    | AdditionalCost
    | Campaign
    | StoredRuleset
    | ApiKey
    | LoyaltyProgram
    | Audience
    | GiveawayPool
    | Webhook
    | Notification
    | Store
    | Collection
    | ValueMap
    | User
    | Role
    | Achievement
    | EventType
    | Catalog
    | PriceType
    | CartItemFilter
    | Experiment
    | CampaignTemplate
    | Revision
    | OrganisationEntry
)
Value = TypeVar("Value")


class Change(msgspec.Struct, frozen=True):
    """`entity` as it shall be, or gone if `deleted`; a key comes with its digest."""

    entity: Entity
    deleted: bool = False
    key_hash: bytes | None = None


_KINDS: Mapping[type, Kind] = {
    Application: "application",
    AttributeDefinition: "attribute",
    AdditionalCost: "additional_cost",
    Campaign: "campaign",
    StoredRuleset: "ruleset",
    ApiKey: "api_key",
    LoyaltyProgram: "loyalty_program",
    Audience: "audience",
    GiveawayPool: "giveaway_pool",
    Webhook: "webhook",
    Notification: "notification",
    Store: "store",
    Collection: "collection",
    ValueMap: "value_map",
    User: "user",
    Role: "role",
    Achievement: "achievement",
    EventType: "event_type",
    Catalog: "catalog",
    PriceType: "price_type",
    CartItemFilter: "cart_item_filter",
    Experiment: "experiment",
    CampaignTemplate: "campaign_template",
    Revision: "revision",
    **{type_: place.kind for type_, place in PLACES.items()},
}
_DECODERS: Mapping[str, "msgspec.json.Decoder[Any]"] = {
    kind: decoder_of(type_) for type_, kind in _KINDS.items()
}
#: What is told apart by its key.
_KEYED = (
    Store | Collection | ValueMap | Notification | CartItemFilter | User | Experiment | Revision
)
_COLUMNS = (
    "name",
    "entity",
    "event_type",
    "application_id",
    "campaign_id",
    "active_ruleset_id",
)


async def load_configuration(connection: Connection, known: Configuration) -> Configuration:
    """The newest configuration: `known` with everything laid over it that changed since."""
    version, rows = await load_changes(connection, known.version)
    if version <= known.version:
        return known
    changed: dict[str, dict[Any, Any]] = {kind: {} for kind in _DECODERS}
    for row in rows:
        key = row.id if row.key_hash is None else row.key_hash
        changed[row.kind][key] = None if row.deleted else _entity(row)
    return _laid_over(known, version, changed)


async def save_configuration(
    connection: Connection, version: int, changes: Sequence[Change]
) -> None:
    """Saves all `changes`, decided upon that version.

    Raises `GuardFailed`, with nothing saved, when it has moved.
    """
    who = acting()
    writes = [_write(change) for change in changes]
    await save_changes(connection, version, writes, at=who.at, key_id=who.key_id, actor=who.actor)


def read_ruleset(document: bytes) -> StoredRuleset:
    """The ruleset that a stored document holds."""
    ruleset: StoredRuleset = _DECODERS["ruleset"].decode(document)
    return ruleset


def _entity(row: ConfigurationRow) -> Entity:
    entity: Entity = _DECODERS[row.kind].decode(row.document)
    if isinstance(entity, Application | Campaign) and entity.attributes:
        attributes = normalised(entity.attributes)
        return msgspec.structs.replace(entity, attributes=attributes)
    return entity


def _laid_over(
    known: Configuration, version: int, changed: Mapping[str, Mapping[Any, Any]]
) -> Configuration:
    campaigns = _merged(known.campaigns, changed["campaign"])
    rulesets = _merged(known.rulesets, changed["ruleset"])
    active = {campaign.active_ruleset_id for campaign in campaigns.values()}
    return Configuration(
        version=version,
        applications=_merged(known.applications, changed["application"]),
        attributes=_merged(known.attributes, changed["attribute"]),
        additional_costs=_merged(known.additional_costs, changed["additional_cost"]),
        campaigns=campaigns,
        rulesets=_kept(rulesets, active),
        keys=_merged(known.keys, changed["api_key"]),
        organisation=with_changes(known.organisation, changed),
        loyalty_programs=_merged(known.loyalty_programs, changed["loyalty_program"]),
        audiences=_merged(known.audiences, changed["audience"]),
        giveaway_pools=_merged(known.giveaway_pools, changed["giveaway_pool"]),
        webhooks=_merged(known.webhooks, changed["webhook"]),
        notifications=_merged(known.notifications, changed["notification"]),
        achievements=_merged(known.achievements, changed["achievement"]),
        event_types=_merged(known.event_types, changed["event_type"]),
        stores=_merged(known.stores, changed["store"]),
        collections=_merged(known.collections, changed["collection"]),
        value_maps=_merged(known.value_maps, changed["value_map"]),
        catalogs=_merged(known.catalogs, changed["catalog"]),
        price_types=_merged(known.price_types, changed["price_type"]),
        cart_item_filters=_merged(known.cart_item_filters, changed["cart_item_filter"]),
        experiments=_merged(known.experiments, changed["experiment"]),
        campaign_templates=_merged(known.campaign_templates, changed["campaign_template"]),
        revisions=_merged(known.revisions, changed["revision"]),
        users=_merged(known.users, changed["user"]),
        roles=_merged(known.roles, changed["role"]),
    )


def _merged(old: Mapping[Any, Value], changes: Mapping[Any, Value | None]) -> Mapping[Any, Value]:
    if not changes:
        return old
    merged = {**old, **changes}
    return MappingProxyType({key: each for key, each in merged.items() if each is not None})


def _kept(rulesets: Mapping[int, Value], ids: Iterable[int | None]) -> Mapping[int, Value]:
    wanted = {id_ for id_ in ids if id_ is not None}
    return MappingProxyType({id_: rulesets[id_] for id_ in wanted & rulesets.keys()})


def _write(change: Change) -> ConfigurationWrite:
    entity = change.entity
    columns = {name: getattr(entity, name, None) for name in _COLUMNS}
    document: Any = entity
    if isinstance(entity, Webhook):
        columns["name"] = entity.title
    if isinstance(entity, _KEYED):
        columns["name"] = entity.key
    if isinstance(entity, Achievement):
        columns["name"] = f"{entity.campaign_id}/{entity.name}"
    if isinstance(entity, OrganisationEntry):
        columns["name"], document = name_of(entity), stored_form(entity)
    return ConfigurationWrite(
        kind=_KINDS[type(entity)],
        id=entity.id,
        document=msgspec.Raw(encode(document)),
        deleted=change.deleted,
        key_hash=None if change.key_hash is None else change.key_hash.hex(),
        **columns,
    )
