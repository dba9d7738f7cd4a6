"""Identifiers: their kinds, how each is read, and the claim that each is owned under.

An identifier is a kind and a value. Phones and e-mail addresses have rules of their own
(`customers.phone`, `customers.email`); every other value is compared as it was told, without the
white space around it. A *soft link* is a pair that the shop names itself: each name is a kind.

Invariants: whatever is read is held or rejected with a reason, never an error; reading the normal
form of what is held gives it again; a store-side id leads to the same person whether it was told as
an external id or as the id of the session door.
"""

import re
from collections.abc import Callable
from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

from habitue.customers.card import HeldIdentifier
from habitue.customers.claims import STORE_SIDE_ID, claim_key
from habitue.customers.email import EmailReason, NoEmail, is_sample, read_email
from habitue.customers.phone import NoPhone, PhoneReason, read_phone
from habitue.customers.settings import RegistrationSettings
from habitue.model.limits import IDENTIFIER_LENGTH_MAX, SOFT_LINK_NAME_LENGTH_MAX

MOBILE = "mobile"
EMAIL = "email"
EXTERNAL_ID = "externalId"
INTEGRATION_ID = STORE_SIDE_ID
WECHAT = "wechat"
UNION_ID = "unionId"
MARTJACK_ID = "martjackId"
FACEBOOK_ID = "fbId"
TMALL_USER_NAME = "tmall_uname"
ALI_USER_NAME = "ali_uname"
JD_USER_NAME = "jd_uname"
VIP_USER_NAME = "vip_uname"
CUSTOMER_UID = "cuid"
MOBILE_PUSH = "mobilePush"
LINE = "line"
CARD = "card"
DEVICE = "device"

KINDS = (
    MOBILE,
    EMAIL,
    EXTERNAL_ID,
    INTEGRATION_ID,
    WECHAT,
    UNION_ID,
    MARTJACK_ID,
    FACEBOOK_ID,
    TMALL_USER_NAME,
    ALI_USER_NAME,
    JD_USER_NAME,
    VIP_USER_NAME,
    CUSTOMER_UID,
    MOBILE_PUSH,
    LINE,
    CARD,
    DEVICE,
)
_SOFT_LINK = "softlink:"
#: By the spelling in lower case; the last ones are what the field calls some of the kinds as well.
_KINDS = {kind.lower(): kind for kind in KINDS} | {"cardnumber": CARD, "facebook": FACEBOOK_ID}
#: What a template prints for a variable that has no value: everybody's id, and so nobody's.
_NO_VALUE = frozenset({"null", "undefined", "nan", "[object object]"})
#: Control characters, and halves of characters: neither can be stored nor shown.
_UNFIT = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")

IdentifierReason = (
    Literal["unknown_kind", "prefix", "exact_length", "no_value", "email_shaped"]
    | PhoneReason
    | EmailReason
)


class Rejected(msgspec.Struct, frozen=True):
    """An identifier that cannot be held; `value` is what was told, fit to be shown.

    `prefix` and `exact_length` are the shop's own rules for external ids, `no_value` is the word of
    a programming language for nothing, `email_shaped` an address under a soft link's name.
    """

    kind: str
    value: str
    reason: IdentifierReason


class _Reading(msgspec.Struct, frozen=True):
    """One reading of one value: what its kind's reader needs to know."""

    kind: str
    value: str
    source: str
    settings: RegistrationSettings
    since: datetime
    has_opinion: bool

    def held(self, normal_form: str, remark: str = "", opinion: str = "") -> HeldIdentifier:
        return HeldIdentifier(
            self.kind, self.value, normal_form, self.since, not remark, remark, opinion
        )

    def rejected(self, reason: IdentifierReason) -> Rejected:
        return Rejected(self.kind, _shown(self.value), reason)


def soft_link(name: str) -> str:
    """The kind of the soft links of that name; names are compared as they are written."""
    return f"softLink:{name.strip()}"


def canonical_kind(kind: str) -> str | None:
    """The kind in its own spelling, whatever the case it was told in; None if there is none."""
    folded = kind.strip().lower()
    if not folded.startswith(_SOFT_LINK):
        return _KINDS.get(folded)
    name = kind.strip()[len(_SOFT_LINK) :].strip()
    if not 0 < len(name) <= SOFT_LINK_NAME_LENGTH_MAX or _UNFIT.search(name):
        return None
    return soft_link(name)


def read_identifier(
    kind: str,
    value: object,
    source: str,
    settings: RegistrationSettings,
    since: datetime,
    *,
    has_opinion: bool = True,
) -> HeldIdentifier | Rejected:
    """Read what a source told; whole numbers count as their digits.

    An address that is nobody's is held but is no identity; its `remark` says why. Whoever only
    compares identifiers can do without the opinion on a phone, which takes most of the time.
    """
    text = _text(value)
    canonical = canonical_kind(kind)
    if canonical is None:
        return Rejected(_shown(kind), _shown(text or ""), "unknown_kind")
    if text is None:
        return Rejected(canonical, "", "not_text")
    reading = _Reading(canonical, text, source, settings, since, has_opinion)
    return _READERS.get(canonical, _read_other)(reading)


def key_of(identifier: HeldIdentifier, space: str) -> UUID:
    """The key that the identifier is claimed under in that space."""
    return claim_key(space, claim_kind(identifier.kind), identifier.normal_form)


def claim_kind(kind: str) -> str:
    """The kind that claims are made under: store-side ids are one kind, by whatever door."""
    return STORE_SIDE_ID if kind == EXTERNAL_ID else kind


def _text(value: object) -> str | None:
    """The value as trimmed text; None if it is neither text nor a number that can be an id."""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, int) and not isinstance(value, bool):
        # Python refuses to spell numbers of thousands of digits.
        return str(value) if 0 <= value < _NUMBER_BOUND else None
    return None


_NUMBER_BOUND = 10**IDENTIFIER_LENGTH_MAX


_SHOWN_LENGTH_MAX = 80


def _shown(text: str) -> str:
    return _UNFIT.sub("\N{REPLACEMENT CHARACTER}", text[:_SHOWN_LENGTH_MAX])


def _read_mobile(reading: _Reading) -> HeldIdentifier | Rejected:
    phone = read_phone(reading.value, reading.settings.phone_region_of(reading.source))
    if isinstance(phone, NoPhone):
        return reading.rejected(phone.reason)
    opinion = phone.opinion if reading.has_opinion else ""
    return reading.held(phone.normal_form, opinion=opinion)


def _read_email(reading: _Reading) -> HeldIdentifier | Rejected:
    email = read_email(reading.value, reading.settings)
    if isinstance(email, NoEmail):
        return reading.rejected(email.reason)
    remark = email.placeholder
    if not remark and reading.source in reading.settings.public_sources:
        remark = "placeholder_domain" if is_sample(email.normal_form) else ""
    return reading.held(email.normal_form, remark=remark)


def _read_external_id(reading: _Reading) -> HeldIdentifier | Rejected:
    settings = reading.settings
    reason = _fault(reading)
    if reason is None and not reading.value.startswith(settings.external_id_prefix):
        reason = "prefix"
    if reason is None and settings.external_id_length not in (0, len(reading.value)):
        reason = "exact_length"
    return reading.held(reading.value) if reason is None else reading.rejected(reason)


def _read_other(reading: _Reading) -> HeldIdentifier | Rejected:
    reason = _fault(reading)
    return reading.held(reading.value) if reason is None else reading.rejected(reason)


def _fault(reading: _Reading) -> IdentifierReason | None:
    value = reading.value
    if not value:
        return "empty"
    if len(value) > IDENTIFIER_LENGTH_MAX:
        return "length"
    if not value.isprintable() and _UNFIT.search(value):
        return "bad_characters"
    if value.lower() in _NO_VALUE:
        return "no_value"
    return "email_shaped" if _is_linked_email(reading) else None


def _is_linked_email(reading: _Reading) -> bool:
    if "@" not in reading.value or not reading.kind.startswith("softLink:"):
        return False
    return not isinstance(read_email(reading.value, reading.settings), NoEmail)


_READERS: dict[str, Callable[[_Reading], HeldIdentifier | Rejected]] = {
    MOBILE: _read_mobile,
    EMAIL: _read_email,
    EXTERNAL_ID: _read_external_id,
}
