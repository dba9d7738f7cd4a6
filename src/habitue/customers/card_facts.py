"""What can be refused or remarked about loyalty cards and their series, as business facts.

Words: a *fact* is a reason with what it is about; the same fact is an error where it stops what was
asked for, and a warning where the rest was done (contracts/capillary/SPEC.md sections 3.6 and 9.2).
Its number and words on the wire are given to it by that protocol's edge, in one table: the protocol
gives some numbers to two reasons, which are told apart here.
"""

from typing import Literal

import msgspec

from habitue.model.errors import Conflict

CardReason = Literal[
    # numbers and their generation
    "configuration_invalid",
    "numbers_exhausted",  # every number that the series can have is taken
    "generation_disabled",  # the series does not make numbers
    "length_configured_invalid",  # the series leaves no room for its numbers
    "generation_interrupted",  # an unexpected failure while numbers were made
    "generation_failed",  # no free number was found in a bounded number of tries
    "count_invalid",
    "count_too_large",
    "numbers_duplicate",  # a remark: some numbers existed already; subject: how many
    "batch_too_large",
    # the configuration of series
    "series_invalid",  # not a series, or not the one that the card is of
    "series_code_missing",
    "series_exists",
    "series_type_missing",
    "series_unknown",
    "series_expired",  # not active any more
    "length_invalid",
    "length_too_small",
    "length_too_large",
    "total_length_too_large",
    "generation_duplicate",  # another series makes numbers of the same form
    "generation_missing",
    "generation_unchanged",
    "expiry_negative",
    "expiry_missing",
    "type_invalid",
    "prefix_invalid",
    "suffix_invalid",
    "offset_invalid",
    "not_alphanumeric",  # subject: what is not
    "active_max_negative",
    "org_unit_invalid",
    "org_unit_taken",  # the org unit is bound to another series
    "org_unit_trigger_exists",
    "registration_trigger_exists",  # another series is issued at registration already
    # labels
    "labels_empty",
    "statuses_duplicate",
    "status_invalid",  # subject: the status
    "status_mapping_missing",  # subject: the status
    "default_label_missing",  # subject: the status
    "default_label_duplicate",  # subject: the status
    "label_repeated",  # subject: the label
    "action_unsupported",  # subject: the action, other: the status
    "action_unmapped",  # subject: the action, other: the label
    # one card
    "number_exists",
    "number_unknown",
    "status_missing",
    "status_same",
    "status_not_selectable",  # a status that is not set by hand
    "label_unknown",
    "label_not_for_unissued",  # a label of another status than NOT_ISSUED
    "label_unchanged",  # a remark: the card has that label already
    "transition_forbidden",  # subject: the status now, other: the status asked for
    "card_is",  # subject: the status that forbids it
    "external_id_exists",
    "external_id_mismatch",  # number and external id name two cards
    "external_id_too_short",  # subject: its length, other: the length it must have
    "external_id_failed",
    "mapped_entity_unknown",  # subject: its type, other: its value
    "mapped_entity_type_invalid",
    # a card and its customer
    "not_linkable",
    "not_unlinkable",
    "several_cards",  # more than one in a registration or an update
    "several_links",  # more than one linked or unlinked at once
    "series_cap",  # as many active cards of the series as a customer may have
    "organisation_cap",  # as many active cards as a customer may have
    "customer_deleted",
    "customer_status_disabled",
]


class CardFact(msgspec.Struct, frozen=True):
    """One reason, and what it is about; `pointer` says where in the request, if anywhere."""

    reason: CardReason
    subject: str = ""
    other: str = ""
    pointer: str = ""


class CardRefused(Conflict):
    """What was asked for a card or a series is refused, for the reason in `fact`."""

    def __init__(self, fact: CardFact) -> None:
        about = " ".join(part for part in (fact.subject[:80], fact.other[:80]) if part)
        super().__init__(f"{fact.reason.replace('_', ' ')}{f' ({about})' if about else ''}")
        self.fact = fact


def refused(
    reason: CardReason, subject: str = "", other: str = "", pointer: str = ""
) -> CardRefused:
    """The refusal for that reason."""
    return CardRefused(CardFact(reason, subject, other, pointer))
