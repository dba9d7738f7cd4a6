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
    digest = _hash(scope.encode(), place, key.encode())[:KEY_DIGEST_BYTES]
    return Idempotency(digest, _hash(place, query, body))


def _hash(first: bytes, second: bytes, third: bytes) -> bytes:
    """Of three parts that cannot be mistaken for three others with the same bytes."""
    lengths = b"%d %d " % (len(first), len(second))
    return sha256(b"".join((lengths, first, second, third))).digest()
