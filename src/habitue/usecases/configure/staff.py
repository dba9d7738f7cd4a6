"""Users of the staff: invited, signed in, changed, deactivated, deleted.

An invitation and a session are secrets that the edge draws; what is kept are their digests. Whoever
is deactivated or deleted loses every session and every key at once, for a key of a user opens
nothing without that user.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

import msgspec
from msgspec import UNSET, UnsetType

from habitue.model.errors import Conflict, Fault, NotFound, Unauthorized
from habitue.model.keys import ApiKey, key_hash
from habitue.model.limits import EMAIL_LENGTH_MAX, NAME_LENGTH_MAX
from habitue.model.staff import User, UserState
from habitue.promotions.configuration import Configuration
from habitue.store import staff
from habitue.store.configuration import new_ids
from habitue.store.database import Connection
from habitue.store.failures import GuardFailed
from habitue.usecases.configuration import Change
from habitue.usecases.configure.checks import refuse_if_any, text_faults
from habitue.usecases.configure.fields import laid_over, sent
from habitue.usecases.configure.settle import Decision, settle
from habitue.usecases.shop import Shop

#: contracts: an invitation holds a day, a session three months.
INVITATION = timedelta(hours=24)
SESSION = timedelta(days=90)


class UserFields(msgspec.Struct, frozen=True, kw_only=True):
    """What may be said about a user."""

    name: str | UnsetType | None = UNSET
    state: UserState | UnsetType | None = UNSET
    is_admin: bool | UnsetType | None = UNSET
    role_ids: tuple[int, ...] | UnsetType | None = UNSET


def found_user(configuration: Configuration, user_id: int) -> User:
    """The user. Raises `NotFound`."""
    user = configuration.users.get(user_id)
    if user is None:
        raise NotFound("User", user_id)
    return user


def user_of(configuration: Configuration, email: str) -> User:
    """The user of that address. Raises `NotFound`."""
    user = _of_email(configuration.users.values(), email)
    if user is None:
        raise NotFound("User", email[:80])
    return user


async def password_of(shop: Shop, email: str) -> tuple[User | None, str | None]:
    """The user of that address and the hash of their password; None for what there is not."""
    configuration = await shop.refresh()
    user = _of_email(configuration.users.values(), email)
    return user, None if user is None else await staff.read_password(shop.database, user.id)


async def invite_user(
    shop: Shop, email: str, fields: UserFields, token: str, now: datetime
) -> User:
    """The invited user; one who has not accepted yet is invited anew, and the invitation before
    ends. Raises `InvalidInput`, and `Conflict` where the user is there already."""
    (id_,) = await new_ids(shop.database, "user")

    async def decide(configuration: Configuration) -> Decision[User]:
        known = _of_email(configuration.users.values(), email)
        if known is not None and known.state != "invited":
            raise Conflict("A user of this email address exists already")
        old = known or User(id_, email, now, now)
        user = _changed(configuration, old, fields, now)
        refuse_if_any(_email_faults(email))

        async def keep(connection: Connection) -> None:
            await staff.write_invitation(connection, user.id, key_hash(token), now + INVITATION)

        return Decision(user, (Change(user),), keep)

    return await settle(shop, decide)


async def accept_invitation(
    shop: Shop, token: str, name: str | None, password_hash: str, now: datetime
) -> User:
    """The user, who can sign in from now on. Raises `Unauthorized` where the invitation is unknown,
    over, or taken."""
    digest = key_hash(token)

    async def decide(configuration: Configuration) -> Decision[User]:
        id_ = await staff.invited_user(shop.database, digest, now)
        user = None if id_ is None else configuration.users.get(id_)
        if user is None or user.state != "invited":
            raise Unauthorized("This invitation is not valid, or over")
        fields = UserFields(name=name or UNSET)
        new = _changed(configuration, msgspec.structs.replace(user, state="active"), fields, now)

        async def keep(connection: Connection) -> None:
            if await staff.accept_invitation(connection, digest, now, password_hash) != new.id:
                raise GuardFailed("invitation")

        return Decision(new, (Change(new),), keep)

    return await settle(shop, decide)


async def update_user(shop: Shop, user_id: int, fields: UserFields, now: datetime) -> User:
    """The user as changed. Raises `NotFound`, `InvalidInput`."""

    async def decide(configuration: Configuration) -> Decision[User]:
        old = found_user(configuration, user_id)
        if old.state == "invited" and fields.state not in (UNSET, None, "deactivated"):
            details = "who is invited becomes active by accepting the invitation"
            refuse_if_any([Fault("/state", "Not allowed", details)])
        user = _changed(configuration, old, fields, now)
        gone = () if user.state == "active" else _sessions(configuration, user_id)
        return Decision(user, (Change(user), *gone))

    return await settle(shop, decide)


async def delete_user(shop: Shop, user_id: int) -> None:
    """Deletes the user with all keys and sessions. Raises `NotFound`."""

    async def decide(configuration: Configuration) -> Decision[None]:
        user = found_user(configuration, user_id)

        async def forget(connection: Connection) -> None:
            await staff.delete_secret(connection, user_id)

        gone = _sessions(configuration, user_id)
        return Decision(None, (Change(user, deleted=True), *gone), forget)

    await settle(shop, decide)


async def open_session(shop: Shop, user_id: int, token: str, now: datetime) -> ApiKey:
    """The session that the token opens; those of the user that are over go. Raises `Unauthorized`
    where the user is not active."""
    (id_,) = await new_ids(shop.database, "api_key")

    async def decide(configuration: Configuration) -> Decision[ApiKey]:
        user = configuration.users.get(user_id)
        if user is None or user.state != "active":
            raise Unauthorized("This user cannot sign in")
        key = ApiKey(id_, "session", user.email, now, now + SESSION, user_id=user_id)
        over = _sessions(configuration, user_id, now)
        return Decision(key, (Change(key, key_hash=key_hash(token)), *over))

    return await settle(shop, decide)


def _sessions(
    configuration: Configuration, user_id: int, now: datetime | None = None
) -> tuple[Change, ...]:
    """The end of all sessions of the user, or of those that are over by then."""
    return tuple(
        Change(key, deleted=True, key_hash=digest)
        for digest, key in configuration.keys.items()
        if key.user_id == user_id and key.kind == "session" and (now is None or key.expires <= now)
    )


def _changed(configuration: Configuration, old: User, fields: UserFields, now: datetime) -> User:
    changes = {**sent(fields), "modified": now}
    if changes.get("state", "") is None:
        del changes["state"]
    user = laid_over(old, changes)
    refuse_if_any(_faults(configuration, user))
    return user


def _faults(configuration: Configuration, user: User) -> Iterator[Fault]:
    yield from text_faults(user.name, "/name", NAME_LENGTH_MAX)
    for index, id_ in enumerate(user.role_ids):
        if id_ not in configuration.roles:
            yield Fault(f"/roles/{index}", "Unknown", f"role {id_} does not exist")


def _email_faults(email: str) -> Iterator[Fault]:
    local, at, domain = email.partition("@")
    if not (local and at and domain) or any(each.isspace() for each in email):
        yield Fault("/email", "Invalid", "this is no email address")
    yield from text_faults(email, "/email", EMAIL_LENGTH_MAX)


def _of_email(users: Iterable[User], email: str) -> User | None:
    folded = email.casefold()
    return next((each for each in users if each.key == folded), None)
