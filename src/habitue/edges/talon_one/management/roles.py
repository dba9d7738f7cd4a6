"""Roles of the staff on the wire.

Listing, reading and updating is published; making and deleting is ours, for the vendor keeps both
behind its own pages. What this version does not give rights for is refused, never ignored.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any, get_args

import msgspec
from msgspec import UNSET, UnsetType

from habitue.edges.http.operation import Answer, Operation
from habitue.edges.talon_one.management.paging import Page, PageQuery, page_of
from habitue.edges.talon_one.management.shared import ACCOUNT_ID, Id, ManagementCall, managed
from habitue.model.errors import Fault, InvalidInput
from habitue.model.limits import PERMISSION_SETS_MAX, PERMISSIONS_MAX
from habitue.model.staff import Area, PermissionSet, Role
from habitue.promotions.configuration import Configuration
from habitue.usecases.configure.checks import refuse_if_any
from habitue.usecases.configure.roles import (
    RoleFields,
    create_role,
    delete_role,
    found_role,
    members_of,
    update_role,
)

#: Every permission there is.
PERMISSIONS = frozenset(
    f"{verb}{area}Operations"
    for verb in ("get", "create", "update", "edit", "delete")
    for area in get_args(Area)
)
_AREAS = ("application", "campaign")


class PermissionSetIO(msgspec.Struct, rename="camel"):
    """A permission set."""

    name: str
    logical_operations: tuple[str, ...]


class GroupsIO(msgspec.Struct, rename="camel", kw_only=True):
    """Which sets a role gives, of which applications and programs, by their ids."""

    applications: dict[str, dict[str, str]] = {}
    loyalty_programs: dict[str, str] = {}
    campaign_access_groups: dict[str, str] = {}
    account: str = ""


class PermissionsIO(msgspec.Struct, rename="camel", kw_only=True):
    """What a role gives."""

    permission_sets: tuple[PermissionSetIO, ...] = ()
    roles: GroupsIO = msgspec.field(default_factory=GroupsIO)
    thresholds: tuple[dict[str, Any], ...] = ()


class StrictPermissions(PermissionsIO, rename="camel", kw_only=True, forbid_unknown_fields=True):
    """What a text says that a role gives, and nothing else."""


class RoleIn(msgspec.Struct):
    """A role as it is sent."""

    name: str | UnsetType = UNSET
    description: str | UnsetType | None = UNSET
    permissions: PermissionsIO | UnsetType = UNSET
    members: tuple[Id, ...] | UnsetType | None = UNSET


class EarlyRoleIn(msgspec.Struct):
    """A role as early clients send it: `acl` is the text of its permissions, in JSON."""

    name: str
    acl: str
    description: str | UnsetType | None = UNSET
    members: tuple[Id, ...] | UnsetType | None = UNSET


class EarlyRoleOut(msgspec.Struct, rename="camel"):
    """A role as early clients read it."""

    id: int
    created: datetime
    modified: datetime
    account_id: int
    name: str
    description: str
    members: list[int]
    acl: PermissionsIO


class RoleOut(msgspec.Struct, rename="camel"):
    """A role as it is answered."""

    id: int
    created: datetime
    modified: datetime
    account_id: int
    name: str
    description: str
    permissions: PermissionsIO
    members: list[int]
    is_readonly: bool


_SORTS = {"id": "id", "name": "name", "created": "created"}


async def get_roles(call: ManagementCall[PageQuery, None]) -> Answer:
    configuration = call.services.shop.configuration
    roles = configuration.roles.values()
    return Answer(200, page_of(roles, call.query, _SORTS, partial(_out, configuration)))


async def get_role(call: ManagementCall[None, None]) -> Answer:
    configuration = call.services.shop.configuration
    return Answer(200, _out(configuration, found_role(configuration, call.integer("roleId"))))


async def post_role(call: ManagementCall[None, RoleIn]) -> Answer:
    shop = call.services.shop
    role = await create_role(shop, _fields(call.body), call.now)
    return Answer(201, _out(shop.configuration, role))


async def post_early_role(call: ManagementCall[None, EarlyRoleIn]) -> Answer:
    shop, body = call.services.shop, call.body
    sent = RoleIn(body.name, body.description, _permissions(body.acl), body.members)
    try:
        role = await create_role(shop, _fields(sent), call.now)
    except InvalidInput as refusal:
        faults = (
            replace(each, pointer=each.pointer.replace("/permissions", "/acl", 1))
            for each in refusal.faults
        )
        raise InvalidInput(*faults) from None
    shown = _out(shop.configuration, role)
    return Answer(
        201,
        EarlyRoleOut(
            shown.id,
            shown.created,
            shown.modified,
            ACCOUNT_ID,
            shown.name,
            shown.description,
            shown.members,
            shown.permissions,
        ),
    )


def _permissions(acl: str) -> PermissionsIO:
    """What the text says. Raises `InvalidInput` for what is none, and for what is not known."""
    try:
        permissions = msgspec.json.decode(acl, type=StrictPermissions)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        details = "acl is the JSON text of permissionSets and roles, as in the second version"
        raise InvalidInput(Fault("/acl", "Invalid", details)) from None
    return PermissionsIO(
        permission_sets=permissions.permission_sets,
        roles=permissions.roles,
        thresholds=permissions.thresholds,
    )


async def put_role(call: ManagementCall[None, RoleIn]) -> Answer:
    shop = call.services.shop
    role = await update_role(shop, call.integer("roleId"), _fields(call.body), call.now)
    return Answer(200, _out(shop.configuration, role))


async def remove_role(call: ManagementCall[None, None]) -> Answer:
    await delete_role(call.services.shop, call.integer("roleId"))
    return Answer(204)


def _fields(body: RoleIn) -> RoleFields:
    said = RoleFields(name=body.name, description=body.description, members=body.members)
    if isinstance(body.permissions, UnsetType):
        return said
    refuse_if_any(_faults(body.permissions))
    sets, groups = body.permissions.permission_sets, body.permissions.roles
    return msgspec.structs.replace(
        said,
        permission_sets=tuple(PermissionSet(e.name, e.logical_operations) for e in sets),
        applications={int(id_): areas for id_, areas in groups.applications.items()},
        loyalty_programs={int(id_): name for id_, name in groups.loyalty_programs.items()},
        account=groups.account,
    )


def _faults(permissions: PermissionsIO) -> Iterator[Fault]:
    for index, each in enumerate(permissions.permission_sets):
        at = f"/permissions/permissionSets/{index}/logicalOperations"
        if index >= PERMISSION_SETS_MAX or len(each.logical_operations) > PERMISSIONS_MAX:
            yield Fault(at, "Too many", "these are more than are accepted")
            return
        for place, name in enumerate(each.logical_operations):
            if name not in PERMISSIONS:
                known = ", ".join(sorted(PERMISSIONS))
                yield Fault(f"{at}/{place}", "Unknown", f"known permissions are {known}")
    groups, at = permissions.roles, "/permissions/roles"
    for word, ids in (
        ("applications", groups.applications),
        ("loyaltyPrograms", groups.loyalty_programs),
    ):
        for id_ in ids:
            if not (id_.isascii() and id_.isdecimal() and len(id_) <= 15):
                yield Fault(f"{at}/{word}", "Invalid type", "these are given by their ids")
    for id_, areas in groups.applications.items():
        for area in areas:
            if area not in _AREAS:
                details = "only application and campaign are supported by this version"
                yield Fault(f"{at}/applications/{id_[:20]}", "Not supported", details)
    if groups.campaign_access_groups:
        details = "there are no campaign access groups in this version"
        yield Fault(f"{at}/campaignAccessGroups", "Not supported", details)
    if permissions.thresholds:
        details = "there are no thresholds in this version"
        yield Fault("/permissions/thresholds", "Not supported", details)


def _out(configuration: Configuration, role: Role) -> RoleOut:
    groups = GroupsIO(
        applications={str(id_): areas for id_, areas in role.applications.items()},
        loyalty_programs={str(id_): name for id_, name in role.loyalty_programs.items()},
        account=role.account,
    )
    sets = tuple(PermissionSetIO(each.name, each.operations) for each in role.permission_sets)
    return RoleOut(
        role.id,
        role.created,
        role.modified,
        ACCOUNT_ID,
        role.name,
        role.description,
        PermissionsIO(permission_sets=sets, roles=groups),
        members_of(configuration, role.id),
        False,
    )


def operations() -> list[Operation]:
    """The operations on roles."""
    operation, one = partial(managed, group="Roles"), "/v2/roles/{roleId:int}"
    return [
        operation(
            "listAllRolesV2",
            "GET",
            "/v2/roles",
            get_roles,
            "List roles",
            {200: Page[RoleOut]},
            query=PageQuery,
        ),
        operation(
            "createRoleV2",
            "POST",
            "/v2/roles",
            post_role,
            "Create a role",
            {201: RoleOut},
            body=RoleIn,
        ),
        operation(
            "createRole",
            "POST",
            "/v1/roles",
            post_early_role,
            "Create a role, as early clients do",
            {201: EarlyRoleOut},
            body=EarlyRoleIn,
            request_example=b'{"name": "Reader", "acl": "{}"}',
            description="`acl` is the JSON text of what `permissions` are in the second version.",
        ),
        operation("getRoleV2", "GET", one, get_role, "Get a role", {200: RoleOut}),
        operation(
            "updateRoleV2", "PUT", one, put_role, "Update a role", {200: RoleOut}, body=RoleIn
        ),
        operation("deleteRoleV2", "DELETE", one, remove_role, "Delete a role", {204: None}),
    ]
