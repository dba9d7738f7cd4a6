"""What becomes of referral codes."""

import msgspec


class RejectReferral(msgspec.Struct, frozen=True, tag=True):
    value: str
    reason: str
