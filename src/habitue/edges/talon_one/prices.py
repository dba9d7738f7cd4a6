"""Observed prices on the wire, as both APIs of the protocol show them."""

from datetime import datetime
from decimal import Decimal

import msgspec
from msgspec import UNSET, UnsetType

from habitue.model.numbers import shortest
from habitue.promotions.configuration import Configuration
from habitue.promotions.price_labels import EVERYBODY, Adjusted, PriceMetadata
from habitue.promotions.prior_price import Observation


class InfluenceOut(msgspec.Struct, rename="camel"):
    """What a campaign has taken off a price."""

    campaign_id: int
    discount_value: Decimal


class AdjustmentOut(msgspec.Struct, rename="camel"):
    """The price adjustment that a price came from."""

    reference_id: str
    selected_price_type: str
    value: Decimal


class PriceMetadataOut(msgspec.Struct, rename="camel"):
    """Why a price was what it was; the last two are what earlier clients read."""

    influencing_campaign_details: list[InfluenceOut]
    adjustment_details: AdjustmentOut | UnsetType = UNSET
    influencing_campaign_ids: list[int] = msgspec.field(
        name="influencingCampaignIDs", default_factory=list
    )
    adjustment_reference_id: str | UnsetType = UNSET


class LabelAudienceOut(msgspec.Struct, rename="camel", omit_defaults=True):
    """The audience that saw a price."""

    id: int
    integration: str = ""
    integration_id: str = ""


class TargetOut(msgspec.Struct, omit_defaults=True):
    """Who saw a price: everybody, or an audience."""

    type: str
    audience: LabelAudienceOut | None = None


class HistoryOut(msgspec.Struct, rename="camel"):
    """A price that was seen, until there was another."""

    id: int
    observed_at: datetime
    context_ids: list[str]
    context_id: str
    price: Decimal
    metadata: PriceMetadataOut
    target: TargetOut
    excluded_at: datetime | UnsetType = UNSET
    exclusion_reason: str | UnsetType = UNSET


class BestPriorPriceOut(HistoryOut):
    """The best prior price of an article."""

    sku: str = ""


def history_out(each: Observation, configuration: Configuration) -> HistoryOut:
    """The observation as it is shown."""
    label = each.label
    return HistoryOut(
        id=each.id,
        observed_at=label.at,
        context_ids=list(label.context_ids),
        context_id=label.context_ids[0] if label.context_ids else "",
        price=shortest(label.price),
        metadata=_metadata_out(label.metadata),
        target=_target_out(label.audience_id, configuration),
        excluded_at=each.excluded_at or UNSET,
        exclusion_reason=each.exclusion_reason or UNSET,
    )


def best_out(each: Observation, configuration: Configuration) -> BestPriorPriceOut:
    """The observation with its article."""
    shown = history_out(each, configuration)
    return BestPriorPriceOut(**msgspec.structs.asdict(shown), sku=each.label.sku)


def _metadata_out(metadata: PriceMetadata) -> PriceMetadataOut:
    adjusted = metadata.adjusted
    return PriceMetadataOut(
        [InfluenceOut(e.campaign_id, shortest(e.discount)) for e in metadata.influences],
        UNSET if adjusted is None else _adjustment_out(adjusted),
        [each.campaign_id for each in metadata.influences],
        UNSET if adjusted is None else adjusted.reference_id,
    )


def _adjustment_out(adjusted: Adjusted) -> AdjustmentOut:
    return AdjustmentOut(adjusted.reference_id, adjusted.price_type, shortest(adjusted.value))


def _target_out(audience_id: int, configuration: Configuration) -> TargetOut:
    if audience_id == EVERYBODY:
        return TargetOut("NONE")
    audience = configuration.audiences.get(audience_id)
    if audience is None:
        return TargetOut("AUDIENCE", LabelAudienceOut(audience_id))
    names = (audience.integration, audience.integration_id)
    return TargetOut("AUDIENCE", LabelAudienceOut(audience_id, *names))
