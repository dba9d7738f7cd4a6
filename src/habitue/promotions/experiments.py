"""Experiments: a campaign whose customers get one of several sets of rules, so that these compare.

Words: an experiment has *variants*, each with rules of its own; one of them is the *primary* one,
what the others are compared with. A customer is *allocated* to one variant: by the caller where the
experiment is assigned externally or the request says so, and otherwise by a hash of who they are,
weighted. A session keeps its allocations.

Invariants: a campaign has at most one experiment that is not archived; once an experiment was
activated its variants, their weights and rules stay as they are, so that the hash allocates a
customer to the same variant for as long as it runs; exactly one variant is primary.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from hashlib import sha256
from typing import Literal

import msgspec

from habitue.model.errors import Fault, InvalidInput
from habitue.promotions.campaign import Campaign, StoredRuleset

ExperimentState = Literal["enabled", "disabled", "archived"]
ExperimentGoal = Literal[
    "other", "maximize_revenue", "optimize_discount_efficiency", "maximize_items_sold"
]
#: What the weights of variants sum to.
WEIGHTS_SUM = 100


class VariantAllocation(msgspec.Struct, frozen=True):
    """That somebody belongs to one variant of an experiment."""

    experiment_id: int
    variant_id: int


class Variant(msgspec.Struct, frozen=True):
    """One set of rules. `weight` is how many of a hundred customers have it."""

    id: int
    name: str
    created: datetime
    ruleset: StoredRuleset
    weight: int = 0
    is_primary: bool = False


class Experiment(msgspec.Struct, frozen=True):
    """An experiment of a campaign; `activated` is when it was enabled for the first time."""

    id: int
    application_id: int
    campaign_id: int
    created: datetime
    modified: datetime
    variants: tuple[Variant, ...]
    state: ExperimentState = "disabled"
    is_external: bool = False
    goal: ExperimentGoal = "other"
    goal_description: str = ""
    activated: datetime | None = None

    @property
    def key(self) -> str:
        """What it is told apart by: one for each campaign, beside those that are archived."""
        mine = f"campaign {self.campaign_id}"
        return f"{mine}, experiment {self.id}" if self.state == "archived" else mine

    @property
    def primary(self) -> Variant:
        """The variant that the others are compared with."""
        return next(each for each in self.variants if each.is_primary)

    def variant(self, variant_id: int) -> Variant | None:
        """The variant of that id."""
        return next((each for each in self.variants if each.id == variant_id), None)


def campaign_in(experiment: Experiment, campaign: Campaign) -> Campaign:
    """The campaign as it is evaluated: not at all while its experiment is disabled."""
    state = campaign.state if experiment.state == "enabled" else "disabled"
    return msgspec.structs.replace(
        campaign, state=state, active_ruleset_id=experiment.primary.ruleset.id
    )


def drawn_variant(experiment: Experiment, subject: str) -> int:
    """The variant that the hash gives to `subject`, always the same; its chance is its weight."""
    digest = sha256(f"{experiment.id}/{subject}".encode()).digest()
    place = int.from_bytes(digest[:16], "big") * WEIGHTS_SUM >> 128
    for each in experiment.variants:
        place -= each.weight
        if place < 0:
            return each.id
    return experiment.primary.id


def variants_of(
    experiments: Mapping[int, Experiment], sent: Iterable[VariantAllocation], subject: str
) -> dict[int, int]:
    """The variant of each experiment by the experiment's campaign; none where nobody has said which
    and the experiment is assigned externally, or where there is no `subject` to draw for."""
    said = {each.experiment_id: each.variant_id for each in sent}
    found: dict[int, int] = {}
    for campaign_id, each in experiments.items():
        variant_id = said.get(each.id)
        if variant_id is not None and each.variant(variant_id) is not None:
            found[campaign_id] = variant_id
        elif subject and not each.is_external:
            found[campaign_id] = drawn_variant(each, subject)
    return found


def subject_of(profile_id: str, session_id: str = "") -> str:
    """Whom the hash is drawn for: the customer, or the session of nobody."""
    if profile_id:
        return f"profile/{profile_id}"
    return f"session/{session_id}" if session_id else ""


def allocated(
    experiments: Mapping[int, Experiment],
    kept: Iterable[VariantAllocation],
    earlier: Iterable[VariantAllocation],
    subject: str,
) -> tuple[VariantAllocation, ...]:
    """The allocations of a session: `kept` ones as they are, and for each enabled experiment that
    they do not name the one that it had `earlier`, or that is drawn."""
    listed = list(kept)
    named = {each.experiment_id for each in listed}
    found = variants_of(experiments, (*earlier, *listed), subject)
    for campaign_id, variant_id in found.items():
        each = experiments[campaign_id]
        if each.id not in named and each.state == "enabled":
            listed.append(VariantAllocation(each.id, variant_id))
    return tuple(listed)


def check_allocations(
    experiments: Mapping[int, Experiment], sent: Iterable[VariantAllocation] | None
) -> None:
    """Raises `InvalidInput` where a request allocates what cannot be."""
    faults = tuple(_faults(experiments, sent or ()))
    if faults:
        raise InvalidInput(*faults)


def _faults(
    experiments: Mapping[int, Experiment], sent: Iterable[VariantAllocation]
) -> Iterator[Fault]:
    """Two for one experiment, or a variant that is another's. An experiment that does not exist any
    more is no fault: a shop's systems learn of that late."""
    by_id = {each.id: each for each in experiments.values()}
    named: set[int] = set()
    for index, each in enumerate(sent):
        pointer = f"/customerSession/experimentVariantAllocations/{index}"
        if each.experiment_id in named:
            yield Fault(pointer, "Duplicate", f"experiment {each.experiment_id} is named twice")
        named.add(each.experiment_id)
        experiment = by_id.get(each.experiment_id)
        if experiment is not None and experiment.variant(each.variant_id) is None:
            details = f"experiment {experiment.id} has no variant {each.variant_id}"
            yield Fault(f"{pointer}/variantID", "Unknown", details)
