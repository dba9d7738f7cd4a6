"""Effects that set attributes."""

from collections.abc import Mapping
from typing import Any

from habitue.model.attributes import Entity, normalised, validate
from habitue.promotions.effects import UpdateAttribute
from habitue.promotions.evaluation import Evaluation
from habitue.promotions.host.words import plain
from habitue.rules.dialect import HostFunction
from habitue.rules.frame import RuleFailed
from habitue.rules.types import ANY, EFFECT, STRING

#: The entities whose attributes a rule may set, by the name that paths use.
WRITABLE: Mapping[str, Entity] = {"Session": "CustomerSession", "Profile": "CustomerProfile"}


def update_attribute(frame: Evaluation, path: str, value: Any) -> None:
    """Sets an attribute of the session or the profile, from the next request on."""
    owner, separator, name = path.partition(".Attributes.")
    entity = WRITABLE.get(owner)
    if not separator or entity is None:
        raise RuleFailed(f"{path!r} is not the path of an attribute that a rule can set")
    if (frame.profile if owner == "Profile" else frame.session) is None:
        raise RuleFailed(f"there is no {owner.lower()} to update")
    stored = plain(value)
    faults = validate({name: stored}, frame.writable[entity], entity, "")
    if faults:
        raise RuleFailed(faults[0].details)
    frame.attribute_changes.append((entity, name, normalised({name: stored})[name]))
    frame.add(UpdateAttribute(path, stored))


FUNCTIONS: tuple[HostFunction, ...] = (
    HostFunction(
        "updateAttribute",
        (("path", STRING), ("value", ANY)),
        EFFECT,
        update_attribute,
        description="Sets Session.Attributes.<name> or Profile.Attributes.<name>.",
    ),
)
