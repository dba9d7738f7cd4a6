"""Effects that have the customer join audiences and leave them."""

from habitue.promotions.effects import AddToAudience, RemoveFromAudience
from habitue.promotions.evaluation import Evaluation
from habitue.rules.dialect import HostFunction
from habitue.rules.frame import RuleFailed
from habitue.rules.types import EFFECT, STRING


def add_to_audience(frame: Evaluation, audience: str) -> None:
    """The customer joins the audience of that name, as the next request sees."""
    _change_membership(frame, audience, AddToAudience)


def remove_from_audience(frame: Evaluation, audience: str) -> None:
    """The customer leaves the audience of that name, as the next request sees."""
    _change_membership(frame, audience, RemoveFromAudience)


def _change_membership(
    frame: Evaluation, audience: str, outcome: type[AddToAudience | RemoveFromAudience]
) -> None:
    profile = frame.profile
    if profile is None:
        raise RuleFailed("there is no profile to change the audiences of")
    found = [id_ for id_, name in frame.audience_names.items() if name == audience]
    if len(found) != 1:
        raise RuleFailed(f"{len(found)} audiences are named {audience!r}; one is needed")
    frame.memberships.change(found[0], joins=outcome is AddToAudience)
    frame.add(outcome(found[0], audience, profile.integration_id, profile.customer_id))


FUNCTIONS: tuple[HostFunction, ...] = (
    HostFunction(
        "addToAudience",
        (("audience", STRING),),
        EFFECT,
        add_to_audience,
        description="The customer joins the audience of that name.",
    ),
    HostFunction(
        "removeFromAudience",
        (("audience", STRING),),
        EFFECT,
        remove_from_audience,
        description="The customer leaves the audience of that name.",
    ),
)
