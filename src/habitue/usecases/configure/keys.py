"""Keys: making, listing and revoking them. What opens a door is never stored, only its digest."""

from datetime import datetime

import msgspec

from habitue.model.errors import Conflict, Fault, NotFound
from habitue.model.keys import (
    TIME_OFFSET_NS_MAX,
    TRACKER_KEY,
    ApiKey,
    Endpoint,
    KeyKind,
    Permission,
    digest_of,
    suffix_of,
)
from habitue.promotions.configuration import Configuration
from habitue.store import oauth
from habitue.store.configuration import new_ids
from habitue.usecases.configuration import Change
from habitue.usecases.configure.checks import application_faults, name_faults, refuse_if_any
from habitue.usecases.configure.settle import Decision, settle
from habitue.usecases.shop import Shop


class KeyLimits(msgspec.Struct, frozen=True):
    """What a management key is limited to; empty stands for no limit."""

    endpoints: tuple[Endpoint, ...] = ()
    application_ids: tuple[int, ...] = ()


NO_LIMITS = KeyLimits()


async def create_key(
    shop: Shop,
    secret: str,
    kind: KeyKind,
    name: str,
    application_id: int | None,
    expires: datetime,
    now: datetime,
    platform: str = "none",
    permissions: tuple[Permission, ...] = (),
    limits: KeyLimits = NO_LIMITS,
    user_id: int = 0,
    *,
    staging: bool = False,
    time_offset_ns: int = 0,
) -> ApiKey:
    """The new key that `secret` is. Raises `NotFound`, `InvalidInput`, or `Conflict` if it exists.

    A key of the kind integration belongs to an application, a key of the kind management to none,
    but it may be limited to what is of some. A `staging` key is one for dry runs, the only one of
    an application where campaigns are staged. That of a user opens nothing without the user.
    """
    (id_,) = await new_ids(shop.database, "api_key")
    suffix = suffix_of(kind, secret)
    key = ApiKey(
        *(id_, kind, name, now, expires, application_id, platform, suffix, permissions),
        staging=staging,
        endpoints=limits.endpoints,
        application_ids=limits.application_ids,
        user_id=user_id,
        time_offset_ns=time_offset_ns,
    )
    digest = digest_of(kind, secret)

    async def decide(configuration: Configuration) -> Decision[ApiKey]:
        _check(configuration, key, now)
        _check_form(kind, secret)
        if staging:
            _check_staging(configuration, key)
        if digest in configuration.keys:
            raise Conflict("This key exists already")
        return Decision(key, (Change(key, key_hash=digest),))

    return await settle(shop, decide)


async def revoke_key(shop: Shop, key_id: int, application_id: int | None = None) -> ApiKey:
    """The key that no longer opens anything. Raises `NotFound`.

    With `application_id` only a key of that application is found.
    """

    async def decide(configuration: Configuration) -> Decision[ApiKey]:
        for digest, key in configuration.keys.items():
            if key.id == key_id and application_id in (None, key.application_id):
                return Decision(key, (Change(key, deleted=True, key_hash=digest),))
        raise NotFound("Key", key_id)

    return await settle(shop, decide)


def list_keys(configuration: Configuration, application_id: int | None = None) -> list[ApiKey]:
    """All keys, or those of one application, oldest first."""
    keys = configuration.keys.values()
    listed = [key for key in keys if application_id in (None, key.application_id)]
    return sorted(listed, key=lambda key: key.id)


def _check_form(kind: KeyKind, secret: str) -> None:
    """Pages carry the key as one of the two forms that their snippets know."""
    if kind == "tracker" and TRACKER_KEY.fullmatch(secret) is None:
        details = "a tracker key is 24 or 30 hexadecimal digits, in small letters"
        refuse_if_any([Fault("/key", "Invalid", details)])


def _check_staging(configuration: Configuration, key: ApiKey) -> None:
    application = configuration.application(key.application_id or 0)
    if not application.enable_campaign_state_management:
        details = "a staging key is for an Application whose campaigns can be staged"
        refuse_if_any([Fault("/type", "Not allowed", details)])
    if any(each.staging for each in list_keys(configuration, application.id)):
        raise Conflict("The Application has a staging key already")


def _check(configuration: Configuration, key: ApiKey, now: datetime) -> None:
    if key.application_id is not None:
        configuration.application(key.application_id)
    faults = list(name_faults(key.name, "/title"))
    if key.kind == "integration" and key.application_id is None:
        details = "an integration key belongs to an Application"
        faults.append(Fault("/application", "Missing", details))
    if key.kind == "management" and key.application_id is not None:
        details = "a management key belongs to no Application"
        faults.append(Fault("/application", "Not supported", details))
    if key.permissions and key.kind != "till":
        details = "only the key of a till has permissions of its own"
        faults.append(Fault("/permissions", "Not supported", details))
    ids = key.application_ids
    faults += application_faults(ids, configuration, "/allowedApplicationIds")
    if key.expires <= now:
        faults.append(Fault("/expires", "Out of range", "a key expires in the future"))
    if abs(key.time_offset_ns) > TIME_OFFSET_NS_MAX:
        details = "a key moves requests by 104 days at most"
        faults.append(Fault("/timeOffset", "Out of range", details))
    refuse_if_any(faults)


async def signing_secret(shop: Shop, candidate: bytes) -> bytes:
    """What access tokens are signed with in every process: `candidate` if there was nothing yet."""
    return await oauth.signing_secret(shop.database, candidate)
