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


class MessageKeys:
    """Keys of the messages of one device of a shop: 32 hexadecimal digits.

    The first 12 are the device's, so that what it sends at once is stored side by side.
    """

    def __init__(self, shop: str, device: str) -> None:
        encoded = [part.encode("utf-8", "surrogatepass") for part in (shop, device)]
        sender = b"".join(len(each).to_bytes(8, "big") + each for each in encoded)
        self._device = blake2b(sender, digest_size=6).hexdigest()
        self._begun = blake2b(sender, digest_size=10)

    def key(self, message_id: str) -> str:
        """The key of the message of that id."""
        digest = self._begun.copy()
        digest.update(message_id.encode("utf-8", "surrogatepass"))
        return self._device + digest.hexdigest()


def profile_key(integration_id: str, *, sandbox: bool) -> UUID:
    """The claim on a store-side id; live and sandbox applications have customers of their own."""
    return claim_key("sandbox" if sandbox else "live", STORE_SIDE_ID, integration_id)


def event_key(application_id: int, integration_id: str) -> UUID:
    """The claim on an advanced event's id, which is unique within its application."""
    return claim_key("event", str(application_id), integration_id)


def session_key(application_id: int, integration_id: str) -> UUID:
    """The claim on a session's id, which is unique within its application."""
    return claim_key("session", str(application_id), integration_id)
