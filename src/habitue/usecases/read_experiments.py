"""What experiments have shown so far, variant by variant."""

import msgspec

from habitue.model.numbers import ZERO
from habitue.promotions.experiments import Experiment, Variant
from habitue.store.experiments import VariantTotals, variant_totals
from habitue.usecases.shop import Shop


class VariantResult(msgspec.Struct, frozen=True):
    """A variant with what came of it."""

    variant: Variant
    totals: VariantTotals


async def read_results(
    shop: Shop, application_id: int, experiment_id: int
) -> tuple[Experiment, list[VariantResult]]:
    """The experiment with the results of its variants, in their order. Raises `NotFound`."""
    experiment = shop.configuration.experiment(application_id, experiment_id)
    rows = await variant_totals(
        shop.database, application_id, experiment.campaign_id, experiment_id
    )
    found = {each.variant_id: each for each in rows}
    return experiment, [
        VariantResult(each, found.get(each.id) or _nothing(each)) for each in experiment.variants
    ]


def _nothing(variant: Variant) -> VariantTotals:
    return VariantTotals(variant.id, 0, 0, 0, 0, ZERO, 0, ZERO)
