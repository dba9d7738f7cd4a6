"""Signing what leaves, by the scheme of Standard Webhooks (standardwebhooks.com, version 1).

The headers `webhook-id`, `webhook-timestamp` and `webhook-signature` let the receiver know that a
request is ours, is what we sent, is recent, and whether it has come before. What is signed is
`id.timestamp.body` with HMAC-SHA-256; a secret is base64 behind the prefix `whsec_`.
"""

import hashlib
import hmac
from base64 import b64decode, b64encode
from datetime import datetime
from uuid import UUID

SECRET_PREFIX = "whsec_"
SECRET_BYTES = 24


def secret_of(random: bytes) -> str:
    """The secret as it is shown and kept."""
    return SECRET_PREFIX + b64encode(random).decode()


def signature_headers(
    secret: str, message_id: UUID, moment: datetime, body: bytes
) -> tuple[tuple[str, str], ...]:
    """The three headers of one attempt."""
    key = b64decode(secret.removeprefix(SECRET_PREFIX))
    name, timestamp = f"msg_{message_id.hex}", str(int(moment.timestamp()))
    signed = f"{name}.{timestamp}.".encode() + body
    signature = b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    return (
        ("webhook-id", name),
        ("webhook-timestamp", timestamp),
        ("webhook-signature", f"v1,{signature}"),
    )
