"""Claims: who owns an identifier.

A claim's key is a 128-bit digest of the space, the kind and the normal form of an identifier. The
same identifier always gives the same key, and the key says nothing about the identifier.
"""

from hashlib import blake2b
from uuid import UUID

#: The kind of the id that the shop's own systems give a customer, whichever door it comes through.
STORE_SIDE_ID = "integrationId"


def claim_key(space: str, kind: str, normal_form: str) -> UUID:
    """The key under which ownership of that identifier is claimed."""
    digest = blake2b(digest_size=16)
    for part in (space, kind, normal_form):
        encoded = part.encode("utf-8", "surrogatepass")
        digest.update(len(encoded).to_bytes(8, "big") + encoded)
    return UUID(bytes=digest.digest())


class KeysWithin:
    """Keys of many names that share space and kind: the same as `claim_key` gives, sooner."""

    def __init__(self, space: str, kind: str) -> None:
        self._begun = blake2b(digest_size=16)
        for part in (space, kind):
            encoded = part.encode("utf-8", "surrogatepass")
            self._begun.update(len(encoded).to_bytes(8, "big") + encoded)

    def key(self, name: str) -> UUID:
        """The key of that name."""
        digest = self._begun.copy()
        encoded = name.encode("utf-8", "surrogatepass")
        digest.update(len(encoded).to_bytes(8, "big") + encoded)
        return UUID(bytes=digest.digest())


def profile_key(integration_id: str, *, sandbox: bool) -> UUID:
    """The claim on a store-side id; live and sandbox applications have customers of their own."""
    return claim_key("sandbox" if sandbox else "live", STORE_SIDE_ID, integration_id)


def session_key(application_id: int, integration_id: str) -> UUID:
    """The claim on a session's id, which is unique within its application."""
    return claim_key("session", str(application_id), integration_id)
