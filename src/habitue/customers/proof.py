"""Proofs: a shop's signature under whom its page names.

The shop signs with a secret that only it and we know: HMAC-SHA256, in lower-case hexadecimal. The
*short* text is the store-side id and `valid_till`; it proves the id and nothing else. The *long*
one is id, e-mail address, telephone and `valid_till`, as they are sent, with a line feed between
them; it proves that they are one person's (contracts/tracker/SPEC.md sections 1.5 and 3).
"""

import hashlib
import hmac
import re
from datetime import UTC, datetime
from typing import Literal

import msgspec

_VALID_TILL = re.compile(r"\d{14}", re.ASCII)

ProofFault = Literal["signing_off", "bad_valid_till", "expired", "bad_signature"]


class Claimed(msgspec.Struct, frozen=True):
    """Whom a page names, as it was sent, and the proof of it."""

    external_id: str
    email: str
    phone: str
    valid_till: str
    signature: str


def signature_of(secret: str, *texts: str) -> str:
    """What the shop computes: of one text, or of several with line feeds between them."""
    message = "\n".join(texts).encode("utf-8", "surrogatepass")
    return hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()


def proven(claimed: Claimed, secret: str, now: datetime) -> Literal["id", "full"] | ProofFault:
    """What the signature proves, or why it proves nothing."""
    if not secret:
        return "signing_off"
    if _VALID_TILL.fullmatch(claimed.valid_till) is None:
        return "bad_valid_till"
    try:
        end = datetime.strptime(claimed.valid_till, "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return "bad_valid_till"
    if end < now:
        return "expired"
    long = (claimed.external_id, claimed.email, claimed.phone, claimed.valid_till)
    if _same(signature_of(secret, *long), claimed.signature):
        return "full"
    short = claimed.external_id + claimed.valid_till
    if claimed.external_id and _same(signature_of(secret, short), claimed.signature):
        return "id"
    return "bad_signature"


def _same(wanted: str, sent: str) -> bool:
    return hmac.compare_digest(wanted.encode(), sent.lower().encode("utf-8", "surrogatepass"))
