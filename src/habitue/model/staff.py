"""Staff: users who sign in, and roles that say what those may do who are no administrators.

Words: an *area* is what an operation is about: a campaign, an application apart from its campaigns,
a loyalty program, or the account for everything else. A *permission set* is a named list of what
may be done in an area, as `getCampaignOperations`; a role gives sets for single applications and
programs (contracts: RoleV2). Passwords are no part of a user.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Literal

import msgspec

UserState = Literal["invited", "active", "deactivated"]
Area = Literal["Campaign", "Application", "LoyaltyProgram", "Account"]
#: What a method of HTTP does, as permissions word it.
_VERBS: Mapping[str, tuple[str, ...]] = {
    "GET": ("get",),
    "POST": ("create",),
    "PUT": ("update", "edit"),
    "DELETE": ("delete",),
}


class User(msgspec.Struct, frozen=True):
    """Somebody of the shop's staff; nobody else has the `email`, in whatever case."""

    id: int
    email: str
    created: datetime
    modified: datetime
    name: str = ""
    state: UserState = "invited"
    is_admin: bool = False
    role_ids: tuple[int, ...] = ()

    @property
    def key(self) -> str:
        """What the user is told apart by."""
        return self.email.casefold()


class PermissionSet(msgspec.Struct, frozen=True):
    """What may be done, under a name."""

    name: str
    operations: tuple[str, ...]


class Role(msgspec.Struct, frozen=True):
    """What its users may do. Applications give sets by area (`application`, `campaign`), loyalty
    programs and the account one each; sets are named."""

    id: int
    name: str
    created: datetime
    modified: datetime
    description: str = ""
    permission_sets: tuple[PermissionSet, ...] = ()
    applications: dict[int, dict[str, str]] = {}
    loyalty_programs: dict[int, str] = {}
    account: str = ""

    def names_set(self, area: Area, id_: int) -> str:
        """The set that the role gives in that area, of that application or program."""
        if area == "Account":
            return self.account
        if area == "LoyaltyProgram":
            return self.loyalty_programs.get(id_, "")
        kind = "campaign" if area == "Campaign" else "application"
        return self.applications.get(id_, {}).get(kind, "")


class Wish(msgspec.Struct, frozen=True):
    """What a request wants: to do something by a method, in an area, to what has that id. One that
    `searches` only reads, whatever its method."""

    method: str
    area: Area
    id: int = 0
    searches: bool = False

    @property
    def permissions(self) -> frozenset[str]:
        """What permission sets call it."""
        verbs = ("get",) if self.searches else _VERBS.get(self.method, ())
        return frozenset(f"{verb}{self.area}Operations" for verb in verbs)


def permits(roles: Iterable[Role], wish: Wish) -> bool:
    """Whether any of the roles gives what is wished."""
    return any(
        wish.permissions.intersection(each.operations)
        for role in roles
        for each in role.permission_sets
        if each.name == role.names_set(wish.area, wish.id)
    )


def application_ids(roles: Iterable[Role]) -> frozenset[int]:
    """The applications of which the roles let anything be read."""
    areas: tuple[Area, ...] = ("Application", "Campaign")
    held = list(roles)
    return frozenset(
        id_
        for role in held
        for id_ in role.applications
        if any(permits(held, Wish("GET", area, id_)) for area in areas)
    )
