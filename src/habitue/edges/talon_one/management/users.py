"""Users of the staff on the wire: invitations, sessions, and what is told of a user.

No mail leaves: whoever invites is answered the token of the invitation, once, and passes it on. The
vendor takes it on pages of its own; here `POST /v1/users` does, as its early clients did.
"""

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from habitue.edges.http.operation import Answer, Call, Operation
from habitue.edges.key_secrets import new_secret
from habitue.edges.passwords import fits, hashed
from habitue.edges.talon_one.errors import ErrorResponseWithStatus
from habitue.edges.talon_one.management.paging import Page, PageQuery, page_of
from habitue.edges.talon_one.management.shared import ACCOUNT_ID, Id, ManagementCall, managed
from habitue.model.errors import Fault, InvalidInput, NotAllowed, Unauthorized
from habitue.model.limits import PASSWORD_LENGTH_MAX, PASSWORD_LENGTH_MIN, SIGN_INS_PER_SECOND_MAX
from habitue.model.staff import User
from habitue.usecases.acting import Acting, on_behalf_of
from habitue.usecases.configure.keys import revoke_key
from habitue.usecases.configure.staff import (
    UserFields,
    accept_invitation,
    delete_user,
    found_user,
    invite_user,
    open_session,
    password_of,
    update_user,
    user_of,
)
from habitue.usecases.limit_rate import A_SECOND, limit_rate


class SessionIn(msgspec.Struct):
    """Who signs in."""

    email: str
    password: str


class SessionOut(msgspec.Struct, rename="camel"):
    """A session; its token goes into the header `Authorization: Bearer <token>`."""

    user_id: int
    token: str
    created: datetime


class EmailIn(msgspec.Struct):
    """A user, by address."""

    email: str


class InvitationIn(msgspec.Struct, rename="camel"):
    """Who is invited, as what."""

    email: str
    name: str | UnsetType | None = UNSET
    is_admin: bool | UnsetType | None = UNSET
    roles: tuple[Id, ...] | UnsetType | None = UNSET


class AcceptanceIn(msgspec.Struct, rename="camel"):
    """The token of an invitation, and the password to sign in with from now on."""

    invite_token: str
    password: str
    name: str | None = None


class UserIn(msgspec.Struct, rename="camel"):
    """What changes of a user."""

    name: str | UnsetType | None = UNSET
    state: Literal["active", "deactivated"] | UnsetType | None = UNSET
    is_admin: bool | UnsetType | None = UNSET
    roles: tuple[Id, ...] | UnsetType | None = UNSET


class UserOut(msgspec.Struct, rename="camel"):
    """A user. The token is shown when it is made, and is empty ever after."""

    id: int
    created: datetime
    modified: datetime
    email: str
    account_id: int
    name: str
    state: str
    invite_token: str
    is_admin: bool
    policy: dict[str, Any]
    roles: list[int]
    auth_method: str


_SORTS = {"id": "id", "email": "email", "name": "name", "created": "created"}


async def post_session(call: Call[None, None, SessionIn]) -> Answer:
    shop, body = call.services.shop, call.body
    await limit_rate(shop, 0, call.operation_id, SIGN_INS_PER_SECOND_MAX, call.now, A_SECOND)
    user, kept = await password_of(shop, body.email)
    right = len(body.password) <= PASSWORD_LENGTH_MAX and await fits(body.password, kept)
    if user is None or not right:
        raise Unauthorized("The email address or the password is wrong")
    token = new_secret("session", body.email)
    with on_behalf_of(Acting("user", None, call.now)):
        session = await open_session(shop, user.id, token.kept, call.now)
    return Answer(201, SessionOut(user.id, token.shown, session.created))


async def remove_session(call: ManagementCall[None, None]) -> Answer:
    key = call.principal.key
    if key.kind != "session":
        raise NotAllowed("A key is no session: revoke it instead")
    await revoke_key(call.services.shop, key.id)
    return Answer(204)


async def post_invitation(call: ManagementCall[None, InvitationIn]) -> Answer:
    body, token = call.body, new_secret("session", "invitation")
    fields = UserFields(name=body.name, is_admin=body.is_admin, role_ids=body.roles)
    user = await invite_user(call.services.shop, body.email, fields, token.kept, call.now)
    return Answer(201, _out(user, token.shown))


async def post_user(call: Call[None, None, AcceptanceIn]) -> Answer:
    shop, body = call.services.shop, call.body
    await limit_rate(shop, 0, call.operation_id, SIGN_INS_PER_SECOND_MAX, call.now, A_SECOND)
    if not PASSWORD_LENGTH_MIN <= len(body.password) <= PASSWORD_LENGTH_MAX:
        bounds = f"{PASSWORD_LENGTH_MIN} to {PASSWORD_LENGTH_MAX}"
        fault = Fault("/password", "Invalid length", f"a password has {bounds} characters")
        raise InvalidInput(fault)
    with on_behalf_of(Acting("user", None, call.now)):
        kept = await hashed(body.password)
        user = await accept_invitation(shop, body.invite_token, body.name, kept, call.now)
    return Answer(201, _out(user))


async def get_users(call: ManagementCall[PageQuery, None]) -> Answer:
    users = call.services.shop.configuration.users.values()
    return Answer(200, page_of(users, call.query, _SORTS, _out))


async def get_user(call: ManagementCall[None, None]) -> Answer:
    return Answer(200, _out(found_user(call.services.shop.configuration, call.integer("userId"))))


async def put_user(call: ManagementCall[None, UserIn]) -> Answer:
    body = call.body
    fields = UserFields(
        name=body.name, state=body.state, is_admin=body.is_admin, role_ids=body.roles
    )
    user = await update_user(call.services.shop, call.integer("userId"), fields, call.now)
    return Answer(200, _out(user))


async def remove_user(call: ManagementCall[None, None]) -> Answer:
    await delete_user(call.services.shop, call.integer("userId"))
    return Answer(204)


async def remove_user_by_email(call: ManagementCall[None, EmailIn]) -> Answer:
    shop = call.services.shop
    await delete_user(shop, user_of(shop.configuration, call.body.email).id)
    return Answer(204)


async def set_state(
    state: Literal["active", "deactivated"], call: ManagementCall[None, EmailIn]
) -> Answer:
    shop = call.services.shop
    user = user_of(shop.configuration, call.body.email)
    await update_user(shop, user.id, UserFields(state=state), call.now)
    return Answer(204)


def _out(user: User, token: str = "") -> UserOut:
    return UserOut(
        id=user.id,
        created=user.created,
        modified=user.modified,
        email=user.email,
        account_id=ACCOUNT_ID,
        name=user.name,
        state=user.state,
        invite_token=token,
        is_admin=user.is_admin,
        policy={},
        roles=list(user.role_ids),
        auth_method="basic_auth",
    )


def operations() -> list[Operation]:
    """The operations on users and sessions."""
    return [*_session_operations(), *_user_operations()]


def _session_operations() -> list[Operation]:
    operation = partial(managed, group="Users")
    return [
        operation(
            "createSession",
            "POST",
            "/v1/sessions",
            post_session,
            "Sign in",
            {201: SessionOut},
            body=SessionIn,
            by_key=False,
            description="No key is needed. The session holds for 90 days.",
        ),
        operation(
            "destroySession", "DELETE", "/v1/sessions", remove_session, "Sign out", {204: None}
        ),
        operation(
            "createInviteV2",
            "POST",
            "/v2/invites",
            post_invitation,
            "Invite a user",
            {201: UserOut},
            body=InvitationIn,
            description="No mail is sent: the token is answered once, and holds for 24 hours."
            " Who has not accepted can be invited again.",
        ),
        operation(
            "createInvite",
            "POST",
            "/v1/invites",
            post_invitation,
            "Invite a user, as early clients do",
            {201: UserOut},
            body=InvitationIn,
            description="The same as `createInviteV2`.",
        ),
        operation(
            "acceptInvite",
            "POST",
            "/v1/users",
            post_user,
            "Accept an invitation, with a password",
            {201: UserOut},
            body=AcceptanceIn,
            by_key=False,
            description="No key is needed.",
        ),
    ]


def _user_operations() -> list[Operation]:
    operation, one = partial(managed, group="Users"), "/v1/users/{userId:int}"
    responses = {204: None, 404: ErrorResponseWithStatus}
    by_email: Mapping[str, Any] = {"responses": responses, "body": EmailIn}
    return [
        operation(
            "getUsers",
            "GET",
            "/v1/users",
            get_users,
            "List users",
            {200: Page[UserOut]},
            query=PageQuery,
        ),
        operation("getUser", "GET", one, get_user, "Get a user", {200: UserOut}),
        operation("updateUser", "PUT", one, put_user, "Update a user", {200: UserOut}, body=UserIn),
        operation("deleteUser", "DELETE", one, remove_user, "Delete a user", {204: None}),
        operation(
            "deleteUserByEmail",
            "POST",
            "/v1/users/delete",
            remove_user_by_email,
            "Delete a user by email address",
            **by_email,
        ),
        operation(
            "activateUserByEmail",
            "POST",
            "/v1/users/activate",
            partial(set_state, "active"),
            "Activate a user by email address",
            **by_email,
        ),
        operation(
            "deactivateUserByEmail",
            "POST",
            "/v1/users/deactivate",
            partial(set_state, "deactivated"),
            "Deactivate a user by email address; all sessions end",
            **by_email,
        ),
    ]
