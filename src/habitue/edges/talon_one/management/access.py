"""What a caller of the Management API may do, beside what a key's list of endpoints says.

A key that is limited to some applications uses the operations whose path names one of them, and
reads what the rules of all share; every other operation is about other applications as well. A user
who has signed in does everything as an administrator, and else what the roles give, operation by
operation. What makes callers, only a key without limits or an administrator may do: nobody gives
more than they have (docs/decisions/0127, 0128).
"""

from collections.abc import Mapping

from habitue.edges.http.operation import Operation
from habitue.model.errors import NotAllowed, Unauthorized
from habitue.model.keys import ApiKey
from habitue.model.staff import Area, Role, User, Wish, application_ids, permits
from habitue.promotions.configuration import Configuration

#: What belongs to no application.
_SHARED_READS = frozenset(
    {
        "getApplications",
        "getAttributes",
        "getAttribute",
        "getAdditionalCosts",
        "getAdditionalCost",
        "getEventTypes",
    }
)
#: What says who may do what.
_MAKES_CALLERS = frozenset(
    {
        *("createManagementKey", "deleteManagementKey"),
        *("createInviteV2", "createInvite", "updateUser", "deleteUser", "deleteUserByEmail"),
        *("activateUserByEmail", "deactivateUserByEmail"),
        *("createRoleV2", "createRole", "updateRoleV2", "deleteRoleV2"),
    }
)
_READS_CALLERS = frozenset({"getManagementKeys", "getUsers", "listAllRolesV2", "getRoleV2"})
_APPLICATION, _PROGRAM = "applicationId", "loyaltyProgramId"


def check_access(
    configuration: Configuration, key: ApiKey, operation: Operation, path: Mapping[str, str]
) -> None:
    """Raises `NotAllowed` where the caller may not use the operation on what its path names, and
    `Unauthorized` where the user of the key is not there any more."""
    user = _user_of(configuration, key)
    if key.kind == "session" and user is not None:
        if not (user.is_admin or _gives(configuration, user, operation, path)):
            raise NotAllowed("No role of this user gives this")
        return
    if operation.id in _MAKES_CALLERS and key.is_limited:
        raise NotAllowed("This needs a key without limits")
    if key.application_ids:
        _check_application(key, operation.id, path.get(_APPLICATION))


def seen_applications(configuration: Configuration, key: ApiKey) -> frozenset[int]:
    """The ids of the applications that the caller may know of."""
    everything = frozenset(configuration.applications)
    user = _user_of(configuration, key)
    if key.kind == "session" and user is not None and not user.is_admin:
        return everything & application_ids(_roles_of(configuration, user))
    return everything & frozenset(key.application_ids or everything)


def _user_of(configuration: Configuration, key: ApiKey) -> User | None:
    if not key.user_id:
        return None
    user = configuration.users.get(key.user_id)
    if user is None or user.state != "active":
        raise Unauthorized("The user of this key is not active")
    return user


def _gives(
    configuration: Configuration, user: User, operation: Operation, path: Mapping[str, str]
) -> bool:
    if operation.id in _MAKES_CALLERS | _READS_CALLERS:
        return False
    if operation.id == "getUser":
        return path["userId"] == str(user.id)
    if operation.id in ("destroySession", "getApplications"):
        return True
    return permits(_roles_of(configuration, user), _wish(operation, path))


def _wish(operation: Operation, path: Mapping[str, str]) -> Wish:
    area: Area = "Account"
    named = ""
    if _APPLICATION in path:
        _, _, rest = operation.path.partition(_APPLICATION)
        area, named = "Campaign" if "/campaigns" in rest else "Application", path[_APPLICATION]
    elif _PROGRAM in path:
        area, named = "LoyaltyProgram", path[_PROGRAM]
    searches = "search" in operation.path.rpartition("/")[2]
    id_ = int(named) if named.isascii() and named.isdecimal() and len(named) <= 16 else 0
    return Wish(operation.method, area, id_, searches)


def _roles_of(configuration: Configuration, user: User) -> list[Role]:
    return [configuration.roles[each] for each in user.role_ids if each in configuration.roles]


def _check_application(key: ApiKey, operation_id: str, application_id: str | None) -> None:
    if application_id is None and operation_id not in _SHARED_READS:
        raise NotAllowed("This key is limited to some Applications, and this is about all")
    if application_id is not None and application_id not in map(str, key.application_ids):
        raise NotAllowed("This key is limited to other Applications")
