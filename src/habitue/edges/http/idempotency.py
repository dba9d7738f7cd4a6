"""The Idempotency-Key header.

A key is unique within (who asks, method, path); what a request asks for is its method, its path
with the query, and its body (contracts/talon_one/SEMANTICS.md section 1.5). Storing and replaying
happen in the use case's transaction.
"""

import re
from hashlib import sha256

from habitue.model.errors import Fault, InvalidInput
from habitue.model.idempotency import KEY_DIGEST_BYTES, Idempotency
from habitue.model.limits import IDEMPOTENCY_KEY_LENGTH_MAX

HEADER = "Idempotency-Key"
_KEY = re.compile(rf"[\x21-\x7e]{{1,{IDEMPOTENCY_KEY_LENGTH_MAX}}}")


def idempotency_of(
    key: str, scope: str, method: str, raw_path: bytes, query: bytes, body: bytes
) -> Idempotency:
    """What the header `key` promises. Raises InvalidInput unless it is 1 to 255 visible ASCII
    characters."""
    if _KEY.fullmatch(key) is None:
        limit = IDEMPOTENCY_KEY_LENGTH_MAX
        details = f"{HEADER} must be 1 to {limit} visible ASCII characters"
        raise InvalidInput(Fault("", "pattern", details, parameter=HEADER))
    place = method.encode() + b" " + raw_path
    digest = sha256(_framed(scope.encode(), place, key.encode())).digest()[:KEY_DIGEST_BYTES]
    return Idempotency(digest, sha256(_framed(place, query, body)).digest())


def _framed(*parts: bytes) -> bytes:
    return b"".join(len(part).to_bytes(8, "big") + part for part in parts)
