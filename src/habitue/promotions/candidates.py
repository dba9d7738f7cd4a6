"""Finding the rules that may apply to a cart without trying all of them."""

from collections.abc import Iterable

from habitue.promotions.compiled import CompiledCampaign, CompiledRule
from habitue.promotions.evaluation import Evaluation
from habitue.rules.dialect import Dialect


class CandidateIndex:
    """The rules of all campaigns of an application, in evaluation order."""

    def __init__(self, campaigns: Iterable[CompiledCampaign], dialect: Dialect) -> None:
        ordered = sorted(campaigns, key=lambda each: each.campaign.id)
        self._all = [(each, each.rules) for each in ordered]

    def of(
        self, frame: Evaluation, coupon_campaign_ids: Iterable[int]
    ) -> list[tuple[CompiledCampaign, tuple[CompiledRule, ...]]]:
        """The campaigns whose rules may apply, each with those rules, in evaluation order."""
        return self._all
