"""The campaign set: in which groups and in which order the campaigns of an application are judged.

Words: a *group* holds campaigns and other groups, its *elements*, in an order. Its *mode* says
which of them apply: all (`stackable`), the first one that triggers (`listOrder`), or the one whose
discounts sum to the most or the least (`highestDiscount`, `lowestDiscount`); of equals the first.
Its *scope* says whether that is decided once for the session or for each unit of the cart
(contracts/talon_one/SEMANTICS.md section 4.4). The *root* holds everything; below it there are two
levels of groups.

A campaign that the set does not name stands at the end of the default group, the oldest first,
unless it is *left out*: then it is not judged at all.
"""

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Literal, TypeAlias

import msgspec

EvaluationMode = Literal["stackable", "listOrder", "highestDiscount", "lowestDiscount"]
EvaluationScope = Literal["session", "cartItem"]
#: Levels of groups, the root among them.
GROUP_LEVELS_MAX = 3

#: The indices of the elements that lead from the root to a campaign.
Path: TypeAlias = tuple[int, ...]


class Leaf(msgspec.Struct, frozen=True, tag=True):
    """A campaign in its place."""

    campaign_id: int


class Group(msgspec.Struct, frozen=True, tag=True):
    """Some campaigns and groups, in their order."""

    id: int
    name: str
    elements: tuple["Group | Leaf", ...] = ()
    mode: EvaluationMode = "stackable"
    scope: EvaluationScope = "session"
    description: str = ""
    locked: bool = False


class CampaignSet(msgspec.Struct, frozen=True):
    """The groups of an application; `version` counts the changes that staff have made."""

    root: Group
    default_group_id: int
    left_out: tuple[int, ...] = ()
    version: int = 1


class Placement(msgspec.Struct, frozen=True):
    """Where each campaign stands in a set that names all of them."""

    root: Group
    paths: Mapping[int, Path] = MappingProxyType({})


def default_set(application_id: int) -> CampaignSet:
    """The set of an application that has not been given one: everything in one stackable group.

    Ids of groups come from the same sequence as those of applications, so the application's own is
    free for its root.
    """
    return CampaignSet(Group(application_id, "Base group"), application_id, version=0)


def completed(campaign_set: CampaignSet, campaign_ids: Iterable[int]) -> Group:
    """The root with the campaigns in their places that the set does not name, and without those
    that there are no more."""
    existing = set(campaign_ids)
    named = set(campaigns_in(campaign_set.root)) | set(campaign_set.left_out)
    missing = tuple(Leaf(each) for each in sorted(existing - named))
    return _completed(campaign_set.root, campaign_set.default_group_id, missing, existing)


def placed(campaign_set: CampaignSet, campaign_ids: Iterable[int]) -> Placement | None:
    """Where the campaigns stand; None where that is nothing but the order of their ids."""
    root = completed(campaign_set, campaign_ids)
    paths = dict(_paths(root, ()))
    ids = list(paths)
    if (
        root.mode == "stackable"
        and not any(isinstance(each, Group) for each in root.elements)
        and ids == sorted(campaign_ids)
        and campaign_set.version == 0
    ):
        return None
    return Placement(root, MappingProxyType(paths))


def campaigns_in(group: Group) -> Iterator[int]:
    """The campaigns of the group and of those in it, in their order."""
    for element in group.elements:
        if isinstance(element, Leaf):
            yield element.campaign_id
        else:
            yield from campaigns_in(element)


def groups_in(group: Group) -> Iterator[Group]:
    """The group and all in it, each before its own."""
    yield group
    for element in group.elements:
        if isinstance(element, Group):
            yield from groups_in(element)


def levels_of(group: Group) -> int:
    """How many levels of groups there are, this one among them."""
    inner = [levels_of(each) for each in group.elements if isinstance(each, Group)]
    return 1 + max(inner, default=0)


def _completed(
    group: Group, default_id: int, missing: tuple[Leaf, ...], existing: set[int]
) -> Group:
    elements: list[Group | Leaf] = []
    for element in group.elements:
        if isinstance(element, Group):
            elements.append(_completed(element, default_id, missing, existing))
        elif element.campaign_id in existing:
            elements.append(element)
    if group.id == default_id:
        elements += missing
    return msgspec.structs.replace(group, elements=tuple(elements))


def _paths(group: Group, path: Path) -> Iterator[tuple[int, Path]]:
    for index, element in enumerate(group.elements):
        if isinstance(element, Leaf):
            yield element.campaign_id, (*path, index)
        else:
            yield from _paths(element, (*path, index))
