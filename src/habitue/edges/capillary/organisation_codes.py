"""What is refused about the shop's own settings, in the codes of the protocol.

Codes are those of contracts/capillary/SPEC.md section 9.1 and of the vendor's page on the
organisation; the texts are ours where only a code is known.
"""

from collections.abc import Mapping
from typing import Literal

from habitue.edges.capillary.rows import Row
from habitue.model.errors import InvalidInput

OrganisationReason = Literal[
    "source_unknown",  # subject: the id of an account
    "source_update_unknown",
    "source_name_invalid",
    "source_account_invalid",
    "source_type_invalid",
    "source_exists",
    "scope_unknown",  # subject: the scope
    "config_unknown",  # subject: the key
    "config_unset",
    "config_scope_invalid",
    "config_value_invalid",  # subject: the key, other: the value
]

ORGANISATION_ROWS: Mapping[OrganisationReason, Row] = {
    "source_unknown": Row(3213, "Org source not found - {subject}"),
    "source_update_unknown": Row(3219, "Org source update failed, Invalid UUID passed"),
    "source_name_invalid": Row(3216, "Org source failed, Invalid source name passed"),
    "source_account_invalid": Row(
        3217, "Org source addition failed, Invalid source account identifier passed"
    ),
    "source_type_invalid": Row(3218, "Org source failed, Invalid source type passed"),
    "source_exists": Row(3220, "Org source already exists with the given values"),
    "scope_unknown": Row(3204, "Custom fields not found for the scope - {subject}"),
    "config_unknown": Row(3206, "Organization config key not found - {subject}"),
    "config_unset": Row(3209, "Organization config not set - {subject}"),
    "config_scope_invalid": Row(3211, "Organization config scope is invalid"),
    "config_value_invalid": Row(3212, "Invalid value {other} for organization config {subject}"),
}


class OrganisationRefused(InvalidInput):
    """A change of the shop's own settings is refused, or what is asked for is not there."""

    def __init__(self, reason: OrganisationReason, subject: str = "", other: str = "") -> None:
        super().__init__(message=reason.replace("_", " "))
        self.reason = reason
        self.subject = subject[:80]
        self.other = other[:80]
