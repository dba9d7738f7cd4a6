"""Campaign sets and their groups on the wire (contracts/talon_one/SEMANTICS.md section 4.4).

A set is a tree: a `SET` has elements, each another `SET` or a `CAMPAIGN`. The operators of early
clients mean two of the modes: `ALL` is stackable, `FIRST` is the list's order.
"""

from functools import partial
from typing import Literal, TypeAlias

import msgspec
from msgspec import UNSET, UnsetType

from habitue.edges.http.operation import Answer, Operation
from habitue.edges.talon_one.management.shared import Id, ManagementCall, managed
from habitue.promotions.campaign_set import (
    CampaignSet,
    EvaluationMode,
    EvaluationScope,
    Group,
    Leaf,
    groups_in,
)
from habitue.usecases.configure.campaign_sets import campaign_set_of, replace_campaign_set

Operator = Literal["ALL", "FIRST"]


class CampaignNode(msgspec.Struct, rename="camel", tag_field="type", tag="CAMPAIGN"):
    """A campaign in its place."""

    campaign_id: Id


class SetNode(msgspec.Struct, rename="camel", tag_field="type", tag="SET"):
    """A group of campaigns and groups; without an id it is a new one."""

    name: str
    elements: tuple["SetNode | CampaignNode", ...] = ()
    operator: Operator | UnsetType = UNSET
    group_id: Id | UnsetType = UNSET
    locked: bool = False
    description: str = ""
    evaluation_mode: EvaluationMode | UnsetType = UNSET
    evaluation_scope: EvaluationScope = "session"


class CampaignSetIn(msgspec.Struct, rename="camel"):
    """A set as it is sent; with a `version` it is refused where the set has changed since."""

    set: SetNode
    version: Id | UnsetType | None = UNSET
    default_evaluation_group_id: Id | UnsetType | None = UNSET


class CampaignSetOut(msgspec.Struct, rename="camel"):
    """The groups of an application."""

    id: int
    application_id: int
    version: int
    default_evaluation_group_id: int
    set: SetNode


class GroupOut(msgspec.Struct, rename="camel"):
    """One group."""

    id: int
    application_id: int
    name: str
    parent_id: int
    description: str
    evaluation_mode: EvaluationMode
    evaluation_scope: EvaluationScope
    locked: bool


class GroupsOut(msgspec.Struct, rename="camel"):
    """The groups of an application, each before those in it."""

    total_result_size: int
    data: list[GroupOut]


_Nodes: TypeAlias = tuple[SetNode | CampaignNode, ...]


async def get_campaign_set(call: ManagementCall[None, None]) -> Answer:
    application_id = call.integer("applicationId")
    campaign_set = campaign_set_of(call.services.shop.configuration, application_id)
    return Answer(200, _out(campaign_set, application_id))


async def put_campaign_set(call: ManagementCall[None, CampaignSetIn]) -> Answer:
    application_id, body = call.integer("applicationId"), call.body
    campaign_set = await replace_campaign_set(
        call.services.shop,
        application_id,
        group_of(body.set),
        body.version if isinstance(body.version, int) else None,
        call.now,
        body.default_evaluation_group_id or None,
    )
    return Answer(200, _out(campaign_set, application_id))


async def get_groups(call: ManagementCall[None, None]) -> Answer:
    application_id = call.integer("applicationId")
    root = campaign_set_of(call.services.shop.configuration, application_id).root
    parents = {
        each.id: group.id
        for group in groups_in(root)
        for each in group.elements
        if isinstance(each, Group)
    }
    groups = [
        GroupOut(
            each.id,
            application_id,
            each.name,
            parents.get(each.id, 0),
            each.description,
            each.mode,
            each.scope,
            each.locked,
        )
        for each in groups_in(root)
    ]
    return Answer(200, GroupsOut(len(groups), groups))


def group_of(node: SetNode) -> Group:
    """The group that a node describes."""
    mode: EvaluationMode = "listOrder" if node.operator == "FIRST" else "stackable"
    return Group(
        id=node.group_id or 0,
        name=node.name,
        elements=tuple(
            Leaf(each.campaign_id) if isinstance(each, CampaignNode) else group_of(each)
            for each in node.elements
        ),
        mode=mode if node.evaluation_mode is UNSET else node.evaluation_mode,
        scope=node.evaluation_scope,
        description=node.description,
        locked=node.locked,
    )


def _out(campaign_set: CampaignSet, application_id: int) -> CampaignSetOut:
    return CampaignSetOut(
        id=application_id,
        application_id=application_id,
        version=campaign_set.version,
        default_evaluation_group_id=campaign_set.default_group_id,
        set=_node(campaign_set.root),
    )


def _node(group: Group) -> SetNode:
    return SetNode(
        name=group.name,
        elements=tuple(
            CampaignNode(each.campaign_id) if isinstance(each, Leaf) else _node(each)
            for each in group.elements
        ),
        operator="FIRST" if group.mode == "listOrder" else "ALL",
        group_id=group.id,
        locked=group.locked,
        description=group.description,
        evaluation_mode=group.mode,
        evaluation_scope=group.scope,
    )


def operations() -> list[Operation]:
    """The operations on campaign sets."""
    one = "/v1/applications/{applicationId:int}/campaign_set"
    operation = partial(managed, group="Applications")
    return [
        operation(
            "getCampaignSet",
            "GET",
            one,
            get_campaign_set,
            "Get the groups in which campaigns are evaluated",
            {200: CampaignSetOut},
        ),
        operation(
            "updateCampaignSet",
            "PUT",
            one,
            put_campaign_set,
            "Replace the groups in which campaigns are evaluated",
            {200: CampaignSetOut},
            body=CampaignSetIn,
            description="Campaigns that the set does not name are not evaluated any more.",
            request_example=_EXAMPLE,
        ),
        operation(
            "getCampaignEvaluationGroups",
            "GET",
            "/v1/applications/{applicationId:int}/evaluation_groups",
            get_groups,
            "List the groups in which campaigns are evaluated",
            {200: GroupsOut},
        ),
    ]


_EXAMPLE = b"""{
  "set": {
    "type": "SET",
    "name": "Base group",
    "evaluationMode": "highestDiscount",
    "elements": []
  }
}"""
