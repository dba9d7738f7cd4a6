"""Customers as the registration protocol answers them (contracts/capillary/SPEC.md section 6.2).

One profile per source account and root, each with what that source told. What belongs to the
customer as a whole is that of the golden view. Moments are told in UTC to the second.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from habitue.customers.card import (
    Actor,
    Card,
    Channel,
    HeldIdentifier,
    Part,
    Profile,
    StatusChange,
    Told,
)
from habitue.customers.golden import Golden, golden_view
from habitue.customers.identifier import CARD
from habitue.customers.lookup import Place
from habitue.customers.organisation import Organisation
from habitue.customers.status import LoggedStatus
from habitue.customers.subscriptions import Subscription
from habitue.edges.capillary.envelopes import Item

#: One deployment is one organisation; the protocol numbers it.
ORGANISATION_ID = 1
#: How the protocol spells a kind of identifier that the house spells otherwise.
_SPELLINGS = {CARD: "cardnumber"}
_ELSEWHERE = "held_by_another"


class ActorOut(msgspec.Struct):
    """Who did something: a till, as a rule."""

    id: int
    code: str
    description: str
    name: str
    type: str


class AttributionOut(msgspec.Struct, rename="camel"):
    """Who told it, and when."""

    create_date: str
    created_by: ActorOut
    modified_by: ActorOut
    modified_date: str


class CustomerAttributionOut(AttributionOut, rename="camel"):
    """Who registered the customer, when, and where."""

    created_from_source: str


class IdentifierOut(msgspec.Struct):
    """An identifier, as it was told."""

    type: str
    value: str


class ChannelOut(msgspec.Struct):
    """A way to reach the person."""

    type: str
    value: str
    primary: bool
    verified: bool
    meta: dict[str, Any]
    attributes: dict[str, Any]
    subscribed: bool | UnsetType = UNSET


class ProfileOut(msgspec.Struct, rename="camel"):
    """What one source account told; `conflictingProfileList` holds the identifiers that another
    customer is known by."""

    first_name: str
    last_name: str
    attribution: AttributionOut
    fields: dict[str, Any]
    identifiers: list[IdentifierOut]
    comm_channels: list[ChannelOut]
    source: str
    user_id: int
    account_id: str
    conflicting_profile_list: list[IdentifierOut]
    auto_update_time: str
    identifiers_all: list[IdentifierOut]


class LoyaltyInfoOut(msgspec.Struct, rename="camel"):
    """Whether the customer takes part in loyalty, since when, and what they bought."""

    loyalty_type: str
    attribution_v2: AttributionOut = msgspec.field(name="attributionV2")
    lifetime_purchases: Decimal


class StatusOut(msgspec.Struct, rename="camel"):
    """The status that stands."""

    status: str
    label: str
    reason: str
    created_on: str


class SubscriptionOut(msgspec.Struct, rename="camel"):
    """Whether the customer is opted in, for one channel and priority."""

    channel: str
    priority: str
    type: str
    account_id: str = ""
    source_name: str = ""


class EmbeddedSubscriptionOut(msgspec.Struct):
    """The same, as a customer's answer has it."""

    channel: str
    priority: str
    type: str


class SubscriptionInfoOut(msgspec.Struct):
    """All subscriptions."""

    subscriptions: list[EmbeddedSubscriptionOut]


class CustomerOut(msgspec.Struct, rename="camel"):
    """A customer; what was not asked for is absent."""

    id: int
    profiles: list[ProfileOut]
    loyalty_info: LoyaltyInfoOut
    segments: dict[str, Any]
    associated_with: str
    extended_fields: dict[str, Any]
    subscription_info: SubscriptionInfoOut | UnsetType = UNSET
    card_details: list[Any] | UnsetType = UNSET
    customer_status: StatusOut | UnsetType = UNSET
    points_summary: Any | UnsetType = UNSET
    loyalty_program_details: list[Any] | UnsetType = UNSET
    expiry_schedules: list[Any] | UnsetType = UNSET
    warnings: list[Item] = []


class LoggedStatusOut(msgspec.Struct, rename="camel"):
    """A line of the log of a customer's statuses."""

    created_by_user: str
    reason: str
    created_by: int
    actions: list[str]
    auto_update_time: str
    created_on: str
    entity_id: int
    is_active: bool
    label: str
    status: str
    prev_label: str | UnsetType = UNSET


def customer_out(card: Card, place: Place, organisation: Organisation) -> CustomerOut:
    """The customer as that source account knows it, or as all do."""
    golden = golden_view(card, organisation.settings)
    return CustomerOut(
        id=card.id,
        profiles=[
            _profile(profile, card.id, organisation)
            for _, profile in card.profiles()
            if place.holds(*profile.place)
        ],
        loyalty_info=_loyalty_info(card, golden, organisation),
        segments={},
        associated_with=golden.associated_with,
        extended_fields={name: each.value for name, each in golden.extended_fields.items()},
    )


def status_out(status: StatusChange) -> StatusOut:
    """The status that stands."""
    return StatusOut(status.status, status.label, status.reason, moment(status.at))


def subscription_out(subscription: Subscription) -> SubscriptionOut:
    """One subscription, with the source account in which it was told, if it was."""
    entry = subscription.entry
    return SubscriptionOut(
        *_subscription(subscription),
        account_id=entry.account_id if entry else "",
        source_name=entry.source if entry else "",
    )


def subscription_info_out(subscriptions: Iterable[Subscription]) -> SubscriptionInfoOut:
    """All subscriptions, without their sources."""
    return SubscriptionInfoOut(
        [EmbeddedSubscriptionOut(*_subscription(each)) for each in subscriptions]
    )


def logged_status_out(
    line: LoggedStatus, customer_id: int, organisation: Organisation
) -> LoggedStatusOut:
    """A line of the log; `actions` are what the label stops."""
    change = line.change
    label = next(
        (each for each in organisation.status_labels.values() if each.label == change.label), None
    )
    return LoggedStatusOut(
        created_by_user=change.by.code,
        reason=change.reason,
        created_by=change.by.id,
        actions=list(label.blocks) if label else [],
        auto_update_time=change.at.astimezone(UTC).date().isoformat(),
        created_on=moment(change.at),
        entity_id=customer_id,
        is_active=line.active,
        label=change.label,
        status=change.status,
        prev_label=line.previous_label or UNSET,
    )


def attribution_out(
    created: datetime,
    created_by: Actor,
    modified: datetime,
    modified_by: Actor,
    organisation: Organisation,
) -> AttributionOut:
    """Who did it first and last, and when."""
    return AttributionOut(
        moment(created),
        _actor(created_by, organisation),
        _actor(modified_by, organisation),
        moment(modified),
    )


def moment(instant: datetime) -> str:
    """A moment in UTC, to the second."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def identifier_spelling(kind: str) -> str:
    """The protocol's spelling of a kind of identifier."""
    return _SPELLINGS.get(kind, kind)


def _subscription(subscription: Subscription) -> tuple[str, str, str]:
    channel = "SMS" if subscription.channel == "mobile" else subscription.channel.upper()
    return channel, subscription.priority, "OPTIN" if subscription.opted_in else "OPTOUT"


def _profile(profile: Profile, customer_id: int, organisation: Organisation) -> ProfileOut:
    identifiers = [_identifier(each) for each in profile.identifiers]
    return ProfileOut(
        first_name=_text(profile.told, "first_name"),
        last_name=_text(profile.told, "last_name"),
        attribution=attribution_out(
            profile.created,
            profile.created_by,
            profile.modified,
            profile.modified_by,
            organisation,
        ),
        fields=_values(profile.fields),
        identifiers=identifiers,
        comm_channels=[_channel(each) for each in profile.channels],
        source=profile.source,
        user_id=customer_id,
        account_id=profile.account_id,
        conflicting_profile_list=[
            _identifier(each) for each in profile.identifiers if each.remark == _ELSEWHERE
        ],
        auto_update_time=moment(profile.modified),
        identifiers_all=identifiers,
    )


def _identifier(identifier: HeldIdentifier) -> IdentifierOut:
    return IdentifierOut(identifier_spelling(identifier.kind), identifier.value)


def _channel(channel: Channel) -> ChannelOut:
    return ChannelOut(
        channel.type,
        channel.value,
        channel.primary,
        channel.verified,
        channel.meta,
        channel.attributes,
        UNSET if channel.subscribed is None else channel.subscribed,
    )


def _loyalty_info(card: Card, golden: Golden, organisation: Organisation) -> LoyaltyInfoOut:
    own = card.parts[0] if card.parts else Part(root_id=card.id, registered=golden.registered)
    profiles = [profile for _, profile in card.profiles()]
    last = max(profiles, key=lambda each: each.modified, default=None)
    attribution = attribution_out(
        golden.registered,
        own.created_by,
        last.modified if last else own.registered,
        last.modified_by if last else own.created_by,
        organisation,
    )
    return LoyaltyInfoOut(
        loyalty_type=golden.loyalty_type,
        attribution_v2=CustomerAttributionOut(
            **msgspec.structs.asdict(attribution), created_from_source=own.created_from
        ),
        lifetime_purchases=card.customer.total_sales,
    )


def _values(told: Mapping[str, Told]) -> dict[str, Any]:
    return {name: each.value for name, each in told.items()}


def _text(told: Mapping[str, Told], name: str) -> str:
    return str(told[name].value) if name in told else ""


def _actor(actor: Actor, organisation: Organisation) -> ActorOut:
    till = organisation.till_of.get(actor.code)
    name = till.name if till else actor.code
    description = till.description if till else ""
    return ActorOut(actor.id, actor.code, description, name, actor.kind)
