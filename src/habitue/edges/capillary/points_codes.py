"""Facts about points and tiers in the codes of the registration protocol.

The contract has codes for whole numbers (807), decimals (878), the way of the request (1212, 1213)
and the ends of tiers (8923, 8925); where it has none, codes of its 800s that it does not use are
taken, and the text says what happened (docs/decisions/0053).
"""

from collections.abc import Mapping

from habitue.edges.capillary.rows import Row
from habitue.loyalty.refusals import NotEnoughPoints, WrongPoints
from habitue.model.errors import Refusal
from habitue.usecases.place_in_tier import TierRefused
from habitue.usecases.redeem_points import RedemptionExists, RedemptionUnknown, ReversedAlready
from habitue.usecases.transfer_points import TransferToOneself

POINTS_ROWS: Mapping[type[Refusal], Row] = {
    NotEnoughPoints: Row(802, "Insufficient points, {active} available"),
    WrongPoints: Row(804, "Invalid points: {told}"),
    RedemptionUnknown: Row(805, "Redemption not found - {key}"),
    RedemptionExists: Row(604, "Points already redeemed for {reference}"),
    ReversedAlready: Row(806, "Only {left} points can be reversed"),
    TransferToOneself: Row(808, "Points cannot be transferred to the same customer"),
    TierRefused: Row(8917, "Tier could not be changed: {reason}"),
}
