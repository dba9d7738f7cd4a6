"""Which coupons or referral codes a search, a change or a deletion is about, as conditions of a
statement.

Words: a code is *folded* by dropping what is neither letter nor digit and the case, so that people
find `SUMMER-24` as `summer24`.
"""

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Literal

import msgspec

Validity = Literal["expired", "validNow", "validFuture"]

_PUNCTUATION = re.compile(r"[\W_]+")


class CodeFilter(msgspec.Struct, frozen=True, kw_only=True):
    """All that is given must hold. Times compare with `now` or among one another. `value` is looked
    for inside the folded code, or with `exact_match` is the code in any case."""

    application_id: int
    now: datetime
    campaign_ids: tuple[int, ...] | None = None
    after_id: int | None = None
    value: str | None = None
    exact_match: bool = False
    created_before: datetime | None = None
    created_after: datetime | None = None
    valid: Validity | None = None
    usable: bool | None = None
    batch_id: str | None = None


class CouponFilter(CodeFilter, frozen=True, kw_only=True):
    """`codes` are exact. `attributes` is a JSON document whose members a coupon's attributes must
    all have."""

    coupon_id: int | None = None
    codes: tuple[str, ...] | None = None
    starts_before: datetime | None = None
    starts_after: datetime | None = None
    expires_before: datetime | None = None
    expires_after: datetime | None = None
    redeemed: bool | None = None
    recipient_integration_id: str | None = None
    attributes: bytes | None = None


class ReferralFilter(CodeFilter, frozen=True, kw_only=True):
    """Which referral codes."""

    advocate_id: str | None = None


_COMPARISONS = (
    ("coupon_id", "id = {}"),
    ("after_id", "id > {}"),
    ("created_before", "created <= {}"),
    ("created_after", "created >= {}"),
    ("starts_before", "start_date <= {}"),
    ("starts_after", "start_date >= {}"),
    ("expires_before", "expiry_date <= {}"),
    ("expires_after", "expiry_date >= {}"),
    ("batch_id", "batch_id = {}"),
    ("recipient_integration_id", "recipient_integration_id = {}"),
    ("attributes", "attributes @> {}::jsonb"),
    ("advocate_id", "advocate_id = {}"),
)
_VALIDITY = {
    "expired": "expiry_date <= {0}",
    "validNow": "(start_date IS NULL OR start_date <= {0}) "
    "AND (expiry_date IS NULL OR expiry_date > {0})",
    "validFuture": "start_date > {0}",
}
_FOLDED = "position({} IN regexp_replace(lower(code), '[^[:alnum:]]', '', 'g')) > 0"
_USABLE = "(usage_limit = 0 OR usage_counter < usage_limit)"


def conditions(wanted: CodeFilter, first: int = 1) -> tuple[str, list[Any]]:
    """The conditions as SQL text, and its arguments, which are numbered from `first`."""
    found = list(_conditions(wanted))
    texts = [text.format(f"${number}") for number, (text, _) in enumerate(found, first)]
    return " AND ".join(texts), [argument for _, argument in found]


def _conditions(wanted: CodeFilter) -> Iterator[tuple[str, Any]]:
    yield "application_id = {}", wanted.application_id
    if wanted.campaign_ids is not None:
        yield "campaign_id = ANY ({}::bigint[])", list(wanted.campaign_ids)
    codes: tuple[str, ...] | None = getattr(wanted, "codes", None)
    if codes is not None:
        yield "code = ANY ({}::text[])", list(codes)
    for name, text in _COMPARISONS:
        argument = getattr(wanted, name, None)
        if argument is not None:
            yield text, argument
    if wanted.value is not None:
        yield _value_condition(wanted.value, wanted.exact_match)
    if wanted.valid is not None:
        yield _VALIDITY[wanted.valid], wanted.now
    redeemed = getattr(wanted, "redeemed", None)
    for flag, text in ((wanted.usable, _USABLE), (redeemed, "(usage_counter > 0)")):
        if flag is not None:
            yield f"({text}) = {{}}::boolean", flag


def _value_condition(value: str, exact: bool) -> tuple[str, str]:
    if exact:
        return "lower(code) = {}", value.lower()
    folded = _PUNCTUATION.sub("", value).lower()
    return (_FOLDED, folded) if folded else ("position({} IN code) > 0", value)
