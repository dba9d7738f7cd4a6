"""Keys that open the doors.

Words: a key is a secret of the caller; what is kept is its digest. Its *kind* says which door it
opens: management (everything), integration (one application), tracker (a browser's public key),
till (a login with a password),
session (what a user of the staff has signed in for). A key stops working at the instant it expires.
"""

import hashlib
import re
from datetime import datetime
from typing import Literal

import msgspec

#: What a key may do beside what its kind may: "privacy" is reading all that is held on a person,
#: and erasing a person.
Permission = Literal["privacy"]
KeyKind = Literal["management", "integration", "tracker", "till", "session"]

#: How far a key can move its requests in time, either way: 104 days, the whole numbers that every
#: client can hold.
TIME_OFFSET_NS_MAX = 2**53 - 1
_PARAMETER = re.compile(r"\{[^{}]*\}")
#: A shop's public key has two forms: 24 hex digits, and the same ones with six more.
TRACKER_KEY = re.compile(r"([0-9a-f]{24})([0-9a-f]{6})?", re.ASCII)


class Endpoint(msgspec.Struct, frozen=True):
    """An operation of an API by its method and its path; what its parameters are called does not
    matter."""

    method: str
    path: str

    @property
    def shape(self) -> tuple[str, str]:
        """The same for the same operation."""
        return self.method.upper(), _PARAMETER.sub("{}", self.path)


class ApiKey(msgspec.Struct, frozen=True):
    """What is known of a key; `application_id` is set for keys of one application.

    `platform` is a label: the product of another vendor that uses the key. `suffix` are the digits
    of a tracker key that its short form leaves out. All requests with a `staging` key are dry. A
    management key may be limited to `endpoints` and to what is of some applications; empty stands
    for no limit. A key of a user opens nothing without that user. What is asked
    with an integration key is decided as of `time_offset_ns` nanoseconds from now.
    """

    id: int
    kind: KeyKind
    name: str
    created: datetime
    expires: datetime
    application_id: int | None = None
    platform: str = "none"
    suffix: str = ""
    permissions: tuple[Permission, ...] = ()
    staging: bool = False
    endpoints: tuple[Endpoint, ...] = ()
    application_ids: tuple[int, ...] = ()
    user_id: int = 0
    time_offset_ns: int = 0

    @property
    def is_limited(self) -> bool:
        """Whether it may do less than its kind may."""
        return bool(self.endpoints or self.application_ids)

    def allows(self, endpoint: Endpoint) -> bool:
        """Whether it may use that operation at all."""
        return not self.endpoints or endpoint.shape in {each.shape for each in self.endpoints}

    def opens(self, kind: KeyKind, now: datetime) -> bool:
        """Whether the key is of that kind and has not expired."""
        return self.kind == kind and now < self.expires


def key_hash(key: str) -> bytes:
    """The digest under which a key is stored: SHA-256, for keys are long and random."""
    return hashlib.sha256(key.encode()).digest()


def digest_of(kind: KeyKind, secret: str) -> bytes:
    """The digest that a key of that kind is found under: of a tracker key, that of its short form,
    so that both forms lead to it."""
    tracker = TRACKER_KEY.fullmatch(secret) if kind == "tracker" else None
    return key_hash(secret if tracker is None else tracker[1])


def suffix_of(kind: KeyKind, secret: str) -> str:
    """The digits of a tracker key beyond its short form; of all other keys nothing."""
    tracker = TRACKER_KEY.fullmatch(secret) if kind == "tracker" else None
    return "" if tracker is None else tracker[2] or ""


def till_credentials(login: str, password: str) -> str:
    """What a till presents, and so what is kept the digest of: the login and a digest of the
    password, which is how tills send it (contracts/capillary/SPEC.md, Basic authentication)."""
    digest = hashlib.md5(password.encode(), usedforsecurity=False).hexdigest()
    return f"{login}:{digest}"
