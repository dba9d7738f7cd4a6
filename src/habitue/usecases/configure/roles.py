"""Roles of the staff: made, changed, given to users, deleted."""

from collections.abc import Iterator
from datetime import datetime

import msgspec
from msgspec import UNSET, UnsetType

from habitue.model.errors import Conflict, Fault, NotFound
from habitue.model.staff import PermissionSet, Role
from habitue.promotions.configuration import Configuration
from habitue.store.configuration import new_ids
from habitue.usecases.configuration import Change
from habitue.usecases.configure.checks import description_faults, name_faults, refuse_if_any
from habitue.usecases.configure.fields import laid_over, sent
from habitue.usecases.configure.settle import Decision, settle
from habitue.usecases.shop import Shop


class RoleFields(msgspec.Struct, frozen=True, kw_only=True):
    """What may be said about a role; `members` are the ids of its users."""

    name: str | UnsetType = UNSET
    description: str | UnsetType | None = UNSET
    permission_sets: tuple[PermissionSet, ...] | UnsetType = UNSET
    applications: dict[int, dict[str, str]] | UnsetType = UNSET
    loyalty_programs: dict[int, str] | UnsetType = UNSET
    account: str | UnsetType = UNSET
    members: tuple[int, ...] | UnsetType | None = UNSET


def found_role(configuration: Configuration, role_id: int) -> Role:
    """The role. Raises `NotFound`."""
    role = configuration.roles.get(role_id)
    if role is None:
        raise NotFound("Role", role_id)
    return role


def members_of(configuration: Configuration, role_id: int) -> list[int]:
    """The ids of the users who have the role."""
    users = configuration.users.values()
    return sorted(each.id for each in users if role_id in each.role_ids)


async def create_role(shop: Shop, fields: RoleFields, now: datetime) -> Role:
    """The new role. Raises `InvalidInput`, or `Conflict` where its name is taken."""
    (id_,) = await new_ids(shop.database, "role")

    async def decide(configuration: Configuration) -> Decision[Role]:
        return _decided(configuration, Role(id_, "", now, now), fields, now)

    return await settle(shop, decide)


async def update_role(shop: Shop, role_id: int, fields: RoleFields, now: datetime) -> Role:
    """The role as changed. Raises `NotFound`, `InvalidInput`, `Conflict`."""

    async def decide(configuration: Configuration) -> Decision[Role]:
        return _decided(configuration, found_role(configuration, role_id), fields, now)

    return await settle(shop, decide)


async def delete_role(shop: Shop, role_id: int) -> None:
    """Deletes the role and takes it from its users. Raises `NotFound`."""

    async def decide(configuration: Configuration) -> Decision[None]:
        role = found_role(configuration, role_id)
        members = _membership(configuration, role_id, frozenset())
        return Decision(None, (Change(role, deleted=True), *members))

    await settle(shop, decide)


def _decided(
    configuration: Configuration, old: Role, fields: RoleFields, now: datetime
) -> Decision[Role]:
    changes = {**sent(fields), "modified": now}
    changes.pop("members", None)
    role = laid_over(old, changes)
    members = None if fields.members is UNSET else frozenset(fields.members or ())
    given = () if fields.permission_sets is UNSET else _permission_faults(configuration, role)
    refuse_if_any([*_faults(role), *given, *_member_faults(configuration, fields)])
    if any(e.name == role.name and e.id != role.id for e in configuration.roles.values()):
        raise Conflict(f'A role "{role.name[:80]}" exists already')
    others = () if members is None else _membership(configuration, role.id, members)
    return Decision(role, (Change(role), *others))


def _membership(
    configuration: Configuration, role_id: int, members: frozenset[int]
) -> tuple[Change, ...]:
    """The users who get the role or lose it."""
    changed = []
    for user in configuration.users.values():
        if (user.id in members) != (role_id in user.role_ids):
            kept = tuple(each for each in user.role_ids if each != role_id)
            ids = (*kept, role_id) if user.id in members else kept
            changed.append(Change(msgspec.structs.replace(user, role_ids=ids)))
    return tuple(changed)


def _member_faults(configuration: Configuration, fields: RoleFields) -> Iterator[Fault]:
    for index, id_ in enumerate(fields.members or ()):
        if id_ not in configuration.users:
            yield Fault(f"/members/{index}", "Unknown", f"user {id_} does not exist")


def _faults(role: Role) -> Iterator[Fault]:
    yield from name_faults(role.name)
    yield from description_faults(role.description)


def _permission_faults(configuration: Configuration, role: Role) -> Iterator[Fault]:
    """What is wrong with permissions that are sent; what they were given for may go later."""
    names = [each.name for each in role.permission_sets]
    if len(set(names)) < len(names):
        details = "two permission sets have one name"
        yield Fault("/permissions/permissionSets", "Duplicate", details)
    roles = "/permissions/roles"
    for id_, areas in role.applications.items():
        at = f"{roles}/applications/{id_}"
        if id_ not in configuration.applications:
            yield Fault(at, "Unknown", f"Application {id_} does not exist")
        for area, name in areas.items():
            yield from _set_faults(name, names, f"{at}/{area}")
    for id_, name in role.loyalty_programs.items():
        at = f"{roles}/loyaltyPrograms/{id_}"
        if id_ not in configuration.loyalty_programs:
            yield Fault(at, "Unknown", f"loyalty program {id_} does not exist")
        yield from _set_faults(name, names, at)
    if role.account:
        yield from _set_faults(role.account, names, f"{roles}/account")


def _set_faults(name: str, names: list[str], pointer: str) -> Iterator[Fault]:
    if name not in names:
        yield Fault(pointer, "Unknown", f'there is no permission set "{name[:80]}"')
