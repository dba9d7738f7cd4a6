"""Facts about loyalty cards and their series, in the codes of the registration protocol.

Codes are those of contracts/capillary/SPEC.md sections 3.6 and 9.2, which say what a code is about
and seldom how it is worded: where they do not, the texts are ours. Some codes stand for two
reasons, as they do with the vendor. A reason that the contract gives no code has the nearest one.
"""

from collections.abc import Mapping

from habitue.customers.card_facts import CardReason
from habitue.edges.capillary.rows import Row

CARD_ROWS: Mapping[CardReason, Row] = {
    # numbers and their generation
    "configuration_invalid": Row(701, "Card generation configuration is invalid"),
    "numbers_exhausted": Row(702, "All card numbers of the series are generated"),
    "generation_disabled": Row(703, "Card generation is not enabled for the series"),
    "length_configured_invalid": Row(704, "Configured card length is invalid"),
    "generation_interrupted": Row(705, "Card generation failed unexpectedly"),
    "generation_failed": Row(3030, "Card generation failed"),
    "count_invalid": Row(3025, "Card count is invalid - {subject}"),
    "count_too_large": Row(3026, "Card count is too large - {subject}"),
    "numbers_duplicate": Row(3059, "Duplicate card numbers were left out - {subject}"),
    "batch_too_large": Row(1060, "Batch limit exceeded - {subject}"),
    # the configuration of series
    "series_invalid": Row(3000, "Card series is invalid"),
    "series_code_missing": Row(3001, "Card series code is empty"),
    "series_exists": Row(3002, "Card series already exists"),
    "series_type_missing": Row(3003, "Card series type is empty"),
    "series_unknown": Row(3004, "Card series not found"),
    "series_expired": Row(3008, "Card series is expired"),
    "length_invalid": Row(3005, "Card number length is invalid"),
    "length_too_small": Row(3028, "Card number length is too small"),
    "length_too_large": Row(3029, "Card number length is too large"),
    "total_length_too_large": Row(3024, "Card number length with prefix and suffix is too large"),
    "generation_duplicate": Row(3006, "Another card series has the same generation configuration"),
    "generation_missing": Row(3007, "Card generation configuration is missing"),
    "generation_unchanged": Row(3021, "Card generation configuration is the same"),
    "expiry_negative": Row(3019, "Expiry days cannot be negative"),
    "expiry_missing": Row(3033, "Expiry days are missing"),
    "type_invalid": Row(3020, "Card type is invalid"),
    "prefix_invalid": Row(3022, "Card prefix is invalid"),
    "suffix_invalid": Row(3023, "Card suffix is invalid"),
    "offset_invalid": Row(3047, "Card offset is invalid"),
    "not_alphanumeric": Row(3032, "Only letters and digits are allowed - {subject}"),
    "active_max_negative": Row(3034, "Maximum of active cards per customer cannot be negative"),
    "org_unit_invalid": Row(3032, "Concept is invalid"),
    "org_unit_taken": Row(3037, "Concept is mapped to another card series"),
    "org_unit_trigger_exists": Row(3043, "Another card series has the trigger for this concept"),
    "registration_trigger_exists": Row(3038, "Another card series has the registration trigger"),
    # labels
    "labels_empty": Row(3014, "Label mapping is empty"),
    "statuses_duplicate": Row(3015, "Status is passed more than once"),
    "status_invalid": Row(3016, "Card status is invalid - {subject}"),
    "status_mapping_missing": Row(3033, "No label is mapped to the status - {subject}"),
    "default_label_missing": Row(3034, "No default label for the status - {subject}"),
    "default_label_duplicate": Row(3035, "More than one default label for the status - {subject}"),
    "label_repeated": Row(3036, "Label is passed more than once - {subject}"),
    "action_unsupported": Row(3040, "Action {subject} is not supported for the status {other}"),
    "action_unmapped": Row(3041, "Action {subject} is not mapped to the label {other}"),
    # one card
    "number_exists": Row(3009, "Card number already exists"),
    "number_unknown": Row(3010, "Card number does not exists"),
    "status_missing": Row(3011, "Card status is missing"),
    "status_same": Row(3012, "Card status is the same"),
    "status_not_selectable": Row(3013, "Card status cannot be set - {subject}"),
    "label_unknown": Row(3017, "Card status label is invalid"),
    "label_not_for_unissued": Row(3018, "Card status label is not mapped to NOT_ISSUED"),
    "label_unchanged": Row(3039, "No update in status label"),
    "transition_forbidden": Row(3038, "Card status cannot be changed from {subject} to {other}"),
    "card_is": Row(8087, "Card is {subject}"),
    "external_id_exists": Row(3045, "Card external id already exists"),
    "external_id_mismatch": Row(3046, "Card number and card external id do not match"),
    "external_id_too_short": Row(3050, "Card external id has {subject} characters of {other}"),
    "external_id_failed": Row(3051, "Card external id could not be generated"),
    "mapped_entity_unknown": Row(3048, "Mapped entity not found - {other}"),
    "mapped_entity_type_invalid": Row(3049, "Mapped entity type is invalid - {subject}"),
    # a card and its customer
    "not_linkable": Row(3027, "Card cannot be linked"),
    "not_unlinkable": Row(3031, "Card cannot be unlinked"),
    "several_cards": Row(3035, "More than one card passed"),
    "several_links": Row(3037, "Only one card can be linked or unlinked at once"),
    "series_cap": Row(3036, "Maximum of active cards of the series reached for the customer"),
    "organisation_cap": Row(3039, "Maximum of active cards reached for the customer"),
    "customer_deleted": Row(3042, "Customer is deleted"),
    "customer_status_disabled": Row(3044, "Customer status is not enabled"),
}
