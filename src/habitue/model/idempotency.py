"""A caller's promise that a request sent twice is meant once.

Words: the *key digest* stands for (who asks, which operation on which path, the caller's key); the
*request hash* for all that was asked for. Invariant: same key digest and same request hash mean the
same request; same key digest and another request hash mean that the caller reused a key.
"""

import msgspec

KEY_DIGEST_BYTES = 16


class Idempotency(msgspec.Struct, frozen=True):
    """`key_digest` has 16 bytes and is what responses are stored under; `request_hash` has 32."""

    key_digest: bytes
    request_hash: bytes
