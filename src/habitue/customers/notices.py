"""What a caller should know about a write that succeeded.

A *notice* is a business fact; each protocol's edge gives it its own code and words, in one table.
`kind` is what happened, `subject` what it happened to (a field's name, a value as it was sent, the
id of another customer), `pointer` where in the request.
"""

from typing import Literal

import msgspec

NoticeKind = Literal[
    "combined",  # the person was known from another source; the profile was attached
    "merged",  # two cards were one person's; subject: the survivor's id
    "conflict",  # identifiers lead to several cards; subject: the other card's id
    "email_invalid",
    "mobile_invalid",
    "channel_email_invalid",
    "channel_mobile_invalid",
    "external_id_invalid",
    "identifier_invalid",
    "placeholder",  # an address that is nobody's: kept, not recognised by
    "shared_identifier",  # on too many cards to recognise anybody by
    "merged_customer",  # the id is that of a card that was joined into another; subject: survivor
    "nothing_changed",
    "mobile_attached",  # already attached to this customer
    "email_attached",
    "external_id_attached",
    "identifier_attached",
    "primary_mismatch",
    "till_unknown",
    "extended_field_invalid",  # unknown, ill-typed or too long; subject: the field
    "custom_field_invalid",
    "status_label_default_missing",
    "enrollment_program_invalid",
    "enrollment_tier_invalid",
    "enrollment_points_invalid",
    "enrollment_date_invalid",
    "enrollment_exists",
    "name_truncated",
    "trait_invalid",  # a field of the person that cannot be read; subject: the field
]


class Notice(msgspec.Struct, frozen=True):
    """One thing to know; see the module."""

    kind: NoticeKind
    subject: str = ""
    pointer: str = ""
