"""New secrets, out of the machine's randomness.

A key is a prefix that tells its kind to whoever finds it in a file, and 32 random bytes. A till has
a login and a password instead; a tracker key is public, and 30 hexadecimal digits as pages carry
them.
"""

import re
import secrets
from collections.abc import Mapping
from typing import NamedTuple

from habitue.model.keys import KeyKind, till_credentials

_PREFIXES: Mapping[KeyKind, str] = {
    "management": "hab_m_",
    "integration": "hab_i_",
    "session": "hab_s_",
}
_NOT_IN_LOGINS = re.compile(r"[^a-z0-9]+")


class NewSecret(NamedTuple):
    """What the caller is shown once, and what is kept the digest of."""

    shown: str
    kept: str


def new_secret(kind: KeyKind, name: str) -> NewSecret:
    """A secret that nobody has had before; a till's login begins with `name`."""
    if kind == "tracker":
        shop = secrets.token_hex(15)
        return NewSecret(shop, shop)
    if kind != "till":
        key = _PREFIXES[kind] + secrets.token_urlsafe(32)
        return NewSecret(key, key)
    stem = _NOT_IN_LOGINS.sub("-", name.lower()).strip("-")[:40] or "till"
    login, password = f"{stem}-{secrets.token_hex(3)}", secrets.token_urlsafe(24)
    return NewSecret(f"{login}:{password}", till_credentials(login, password))
