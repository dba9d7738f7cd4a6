"""What is refused about merge requests, in the codes of the protocol (contracts/capillary/SPEC.md
section 7.3). Where it has no code for something, the text says what happened."""

from collections.abc import Mapping

from habitue.customers.merge_request import MergeRequestReason
from habitue.edges.capillary.rows import Row

MERGE_REQUEST_ROWS: Mapping[MergeRequestReason, Row] = {
    "type_invalid": Row(9006, "Request type is invalid"),
    "base_type_invalid": Row(9008, "Request base type is invalid"),
    "status_invalid": Row(9012, "Request status is invalid - {subject}"),
    "identifiers_missing": Row(9019, "No customer identifiers passed"),
    "victim_unknown": Row(9011, "Customer to be merged is not registered"),
    "survivor_unknown": Row(9007, "Target customer does not exist or is invalid"),
    "request_unknown": Row(9013, "Request not found"),
    "victim_pending": Row(9018, "A merge request is pending for the victim already"),
    "survivor_pending": Row(9026, "A merge request is pending for the survivor already"),
    "victim_merged": Row(9027, "Victim is already merged to another user"),
    "survivor_merged": Row(9023, "Survivor is already merged to another user as victim"),
    "same_request_pending": Row(9028, "The same request is pending already"),
    "same_customer": Row(9029, "Survivor and victim are same"),
    "transition_forbidden": Row(9012, "A request that is {subject} cannot become {other}"),
}
