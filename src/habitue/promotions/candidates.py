"""Finding the rules that may apply to a cart without trying all of them.

Rules that ask for a code are found through the campaigns of the codes that were submitted, so that
each of them says why it refused its code. All others are found through the index of what their
conditions need (`habitue.rules.index`).

Invariant: no rule that would apply is missing; what is found is in evaluation order.
"""

from bisect import bisect_left
from collections.abc import Iterable, Mapping

from habitue.promotions.compiled import CompiledCampaign, CompiledRule
from habitue.promotions.evaluation import Evaluation
from habitue.rules.dialect import Dialect
from habitue.rules.index import RuleIndex
from habitue.rules.tree import Expression, Literal

RuleKey = tuple[int, int]
#: A rule with the campaign that it belongs to.
Candidate = tuple[CompiledCampaign, CompiledRule]


#: The condition of a rule that has something to say whether its own condition holds or not.
_ALWAYS = Literal(True)


class CandidateIndex:
    """The rules of all campaigns of an application."""

    def __init__(self, campaigns: Mapping[int, CompiledCampaign], dialect: Dialect) -> None:
        self._campaigns = campaigns
        self._rules: dict[RuleKey, Candidate] = {
            (id_, rule.index): (campaign, rule)
            for id_, campaign in campaigns.items()
            for rule in campaign.rules
        }
        self._index: RuleIndex[RuleKey] = RuleIndex(dialect)
        self._index.add_all(
            ((id_, rule.index), _necessary(rule), rule.names)
            for id_, campaign in campaigns.items()
            for rule in campaign.rules
            if not rule.needs_coupon or rule.failure_effects
        )

    def of(
        self, frame: Evaluation, coupon_campaign_ids: Iterable[int], referral_campaign_id: int = 0
    ) -> list[Candidate]:
        """The rules that may apply, each with its campaign, in evaluation order."""
        keys = self._index.candidates(frame)
        for key in self._asking(coupon_campaign_ids, referral_campaign_id):
            place = bisect_left(keys, key)
            if place == len(keys) or keys[place] != key:
                keys.insert(place, key)
        return list(map(self._rules.__getitem__, keys))

    def _asking(
        self, coupon_campaign_ids: Iterable[int], referral_campaign_id: int
    ) -> Iterable[RuleKey]:
        for id_ in coupon_campaign_ids:
            campaign = self._campaigns.get(id_)
            if campaign is not None:
                yield from ((id_, rule.index) for rule in campaign.rules if rule.uses_coupon)
        campaign = self._campaigns.get(referral_campaign_id)
        if campaign is not None:
            for rule in campaign.rules:
                if rule.uses_referral:
                    yield referral_campaign_id, rule.index


def _necessary(rule: CompiledRule) -> Expression:
    return _ALWAYS if rule.failure_effects else rule.tree.condition
