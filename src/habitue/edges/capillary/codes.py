"""Business facts in the codes and words of the registration protocol: the one table.

Words: a *fact* is a refusal (`Refusal`), a notice (`Notice`) or something wrong with a request that
only this protocol knows (`RequestFault`). The *verb* is the first word of an operation's id, so
`lookup` of `lookupCustomer`: the protocol gives one fact several codes by what was asked for. A
*row* is a code with its message; names in braces stand for what the fact knows.

Texts that the contract has are used to the letter (contracts/capillary/SPEC.md sections 3.3, 3.4,
5, 6, 13, 13.1 and its examples 06 and 07), also their spacing. Where it has a code without a text,
the text is ours; where it has no code, the nearest one is taken, and the text says what happened.
Facts about cards have a table of their own, `card_codes`, and so have the shop's own settings,
`organisation_codes`.
"""

import re
from collections.abc import Mapping
from typing import Literal, NamedTuple

from habitue.customers.card_facts import CardFact, CardRefused
from habitue.customers.lookup import (
    CustomerNotInSource,
    IdentifierTypeMissing,
    IdentifierTypeUnknown,
    IdentifierValueMissing,
)
from habitue.customers.merge import MergedWithItself, NotMerged, SandboxMixed
from habitue.customers.merge_request import MergeRequestRefused
from habitue.customers.notices import Notice, NoticeKind
from habitue.customers.refusals import (
    AccountMissing,
    AccountUnknown,
    ChannelInvalid,
    CustomerBlocked,
    CustomerBusy,
    CustomerErased,
    CustomerExists,
    CustomerMerged,
    CustomerNotFound,
    IdentifierFixed,
    IdentifiersConflict,
    IdentifiersMissing,
    LabelUnknown,
    LoyaltyTypeFixed,
    PrimaryInvalid,
    PrimaryMismatch,
    ProfileMissing,
    RegistrationDateInvalid,
    SourceMissing,
    SourceTaken,
    SourceUnknown,
)
from habitue.customers.status import StatusFinal
from habitue.edges.capillary.card_codes import CARD_ROWS
from habitue.edges.capillary.organisation_codes import ORGANISATION_ROWS, OrganisationRefused
from habitue.edges.capillary.points_codes import POINTS_ROWS
from habitue.edges.capillary.request_codes import MERGE_REQUEST_ROWS
from habitue.edges.capillary.rows import Row
from habitue.edges.http.refusals import (
    BodyTooLarge,
    BodyTooSlow,
    MediaTypeUnsupported,
    MethodNotAllowed,
    PathUnknown,
    Unexpected,
)
from habitue.model.errors import (
    Conflict,
    Fault,
    InvalidInput,
    KeyReused,
    NotAllowed,
    NotFound,
    ProfileBusy,
    Refusal,
    SessionBusy,
    StoreUnavailable,
    TooManyRequests,
    Unauthorized,
)
from habitue.store.failures import AlreadyExists, GuardFailed, LockTimeout, StartFailure

RequestFact = Literal[
    "attribution_type_missing",
    "not_in_program",
    "details_missing",
    "offset_negative",
    "limit_too_small",
    "limit_too_large",
    "ids_missing",
    "ids_too_many",
    "batch_too_large",  # subject: how many there may be
    "subscriptions_missing",
    "subscription_channel_invalid",  # subject: the channel
    "subscription_priority_invalid",
    "subscription_scope_invalid",
    "subscription_status_invalid",
    "not_enrolled",
    "entity_type_invalid",  # subject: the type
    "program_invalid",  # subject: the id
    "points_not_whole",
    "points_too_precise",
]


class RequestFault(InvalidInput):
    """Something wrong with a request of this protocol; `parameter` may be a header's name."""

    def __init__(self, fact: RequestFact, parameter: str = "", subject: str = "") -> None:
        title = fact.replace("_", " ")
        super().__init__(Fault("", title, title, parameter=parameter), message=title)
        self.fact = fact
        self.subject = subject[:80]


class Coded(NamedTuple):
    """A fact as this protocol says it. Of one that is `business` the shop chooses the status."""

    code: int
    message: str
    business: bool = True


BUSY_CODE = 521
#: What a fact is said as, by verb; "" stands for every other verb.
_Rows = Mapping[str, Row]
_ANY = ""
_MALFORMED = Row(400, "{message}", False)
_BUSY = Row(
    BUSY_CODE, "Multiple actions running for the same customer, Please try after some time", False
)
_AWAY = Row(4001, "Authorization status unavailable!", False)
_DENIED = Row(4000, "Not authorized. Access is denied!", False)
_NOT_FOUND = Row(8015, "Customer not found for the given identifiers")
_UPDATE_NOT_FOUND = Row(8009, "Update failed, Customer not found")
_EXISTS_UPDATE = Row(8007, "Update failed, Customer already exists for same source")
_CHANNEL_TYPE_MISSING = Row(8106, "Communication channel type not passed")
_CONFLICT_UPDATE = Row(8053, "Update customer, Conflicting Customers found")
_NO_SOURCE_LOOKUP = Row(8001, "Lookup failed, No source passed")
_NO_IDENTIFIERS = Row(8002, "Lookup failed, No identifiers passed")
_NO_ACCOUNT = Row(8045, "Account id is not passed")
_SOURCE_INVALID = Row(8003, "Invalid source passed")


def _technical(code: int) -> _Rows:
    return {_ANY: Row(code, "{message}", False)}


_REFUSALS: Mapping[type[Refusal], _Rows] = {
    # where the request says whom it is about
    SourceMissing: {
        "add": Row(8004, "Add failed, No source passed"),
        "lookup": _NO_SOURCE_LOOKUP,
        "get": Row(8016, "Get failed, No source passed"),
        _ANY: _NO_SOURCE_LOOKUP,
    },
    SourceUnknown: {
        "lookup": Row(8003, "Invalid source"),
        "get": Row(8012, "Get failed, Invalid source passed"),
        _ANY: _SOURCE_INVALID,
    },
    AccountMissing: {
        "get": Row(8091, "Get failed, Account id is not passed"),
        _ANY: _NO_ACCOUNT,
    },
    AccountUnknown: {
        "update": Row(3217, "Org source addition failed, Invalid source account identifier passed"),
        _ANY: Row(3217, "Source is invalid."),
    },
    IdentifiersMissing: {
        "lookup": _NO_IDENTIFIERS,
        "change": Row(8070, "No valid change identifiers passed"),
        _ANY: Row(8005, "Add failed, No valid identifiers passed"),
    },
    PrimaryInvalid: {
        _ANY: Row(8014, "Error in customer registration: Invalid Primary Id - {value}"),
    },
    IdentifierTypeMissing: {
        "get": Row(8092, "Get failed, Identifier type is not passed"),
        _ANY: _NO_IDENTIFIERS,
    },
    IdentifierValueMissing: {
        "get": Row(8093, "Get failed, Identifier value is not passed"),
        _ANY: _NO_IDENTIFIERS,
    },
    IdentifierTypeUnknown: {_ANY: Row(8013, "Lookup, Invalid identifier passed")},
    # what the request says
    RegistrationDateInvalid: {
        _ANY: Row(8017, "Error in customer registration: Invalid registration date"),
    },
    ChannelInvalid: {_ANY: Row(8010, "Invalid communication channel passed")},
    LabelUnknown: {_ANY: Row(8086, "Status label passed is not valid")},
    LoyaltyTypeFixed: {
        _ANY: Row(8018, "Update failed, Loyalty customer cannot be changed to non loyalty"),
    },
    IdentifierFixed: {_ANY: Row(91006, "Update of {kind} is not allowed")},
    # whom it is about
    CustomerNotFound: {_ANY: _NOT_FOUND},
    CustomerNotInSource: {_ANY: Row(8065, "User not found for given source")},
    StatusFinal: {_ANY: Row(3042, "Customer is deleted, the status cannot change any more")},
    CustomerExists: {
        "update": _EXISTS_UPDATE,
        "change": _EXISTS_UPDATE,
        _ANY: Row(
            8006, "Add failed, Customer already exists with id {customer_id} for same source"
        ),
    },
    SourceTaken: {_ANY: Row(8066, "Combine not possible, User id already used in same source")},
    PrimaryMismatch: {
        _ANY: Row(8075, "Primary identifier does not match with the other identifiers"),
    },
    IdentifiersConflict: {
        "change": Row(8074, "Change failed, Identifier found in multiple sources and userIds"),
        "update": _CONFLICT_UPDATE,
        _ANY: Row(8052, "Add customer, Conflicting Customers found"),
    },
    ProfileMissing: {
        "update": Row(8065, "Customer not found in the given source"),
        "change": Row(8065, "Customer not found in the given source"),
        _ANY: Row(8090, "Unable to create profile as instore profile doesn't exist"),
    },
    CustomerMerged: {_ANY: Row(8069, "Merged customer found")},
    MergedWithItself: {_ANY: Row(9029, "Survivor and victim are same")},
    SandboxMixed: {_ANY: Row(9007, "Target customer does not exist or is invalid")},
    NotMerged: {_ANY: Row(9012, "The customer is not merged into another one")},
    CustomerErased: {
        "add": Row(8026, "Same customer was deleted for PII feature, could not add"),
        _ANY: Row(8026, "Customer is deleted after PII delete request"),
    },
    CustomerBlocked: {_ANY: Row(3045, "Not allowed, customer status is {label}")},
    **{kind: {_ANY: row} for kind, row in POINTS_ROWS.items()},
    # everything that any door may refuse
    InvalidInput: {_ANY: _MALFORMED},
    Unauthorized: {_ANY: _DENIED},
    NotAllowed: {_ANY: _DENIED},
    NotFound: _technical(404),
    PathUnknown: _technical(404),
    MethodNotAllowed: _technical(405),
    BodyTooSlow: _technical(408),
    Conflict: _technical(409),
    AlreadyExists: _technical(409),
    KeyReused: _technical(409),
    CustomerBusy: {_ANY: _BUSY},
    SessionBusy: {_ANY: _BUSY},
    ProfileBusy: {_ANY: _BUSY},
    GuardFailed: {_ANY: _BUSY},
    LockTimeout: {_ANY: _BUSY},
    BodyTooLarge: _technical(413),
    MediaTypeUnsupported: _technical(415),
    TooManyRequests: _technical(429),
    Unexpected: {_ANY: Row(500, "All requests have failed due to errors", False)},
    StoreUnavailable: {_ANY: _AWAY},
    StartFailure: {_ANY: _AWAY},
}

_REQUEST_FAULTS: Mapping[RequestFact, _Rows] = {
    "attribution_type_missing": {_ANY: Row(1061, "Attribution lookup type is not passed", False)},
    "not_in_program": {_ANY: Row(8089, "Customer is not in the loyalty program")},
    "details_missing": {_ANY: Row(8084, "Customer details not sent")},
    "offset_negative": {_ANY: Row(8100, "Offset cannot be less than 0")},
    "limit_too_small": {_ANY: Row(8101, "Limit must be greater than 0")},
    "limit_too_large": {_ANY: Row(8102, "Limit cannot be greater than 100")},
    "ids_missing": {_ANY: Row(8119, "Customer ids cannot be empty")},
    "ids_too_many": {_ANY: Row(8120, "More than 100 customer ids passed")},
    "batch_too_large": {_ANY: Row(1060, "Batch limit of {subject} exceeded")},
    "subscriptions_missing": {_ANY: Row(1110, "Subscription could not be updated, none passed")},
    "subscription_channel_invalid": {_ANY: Row(1101, "Invalid channel passed - {subject}")},
    "subscription_priority_invalid": {_ANY: Row(1102, "Invalid priority passed - {subject}")},
    "subscription_scope_invalid": {_ANY: Row(1103, "Invalid scope passed - {subject}")},
    "subscription_status_invalid": {_ANY: Row(1106, "Invalid status passed - {subject}")},
    "not_enrolled": {_ANY: Row(1218, "Customer is not enrolled in a loyalty program")},
    "entity_type_invalid": {_ANY: Row(1212, "Invalid entity type - {subject}")},
    "program_invalid": {_ANY: Row(1213, "Invalid program id - {subject}")},
    "points_not_whole": {_ANY: Row(807, "Only whole points can be transferred")},
    "points_too_precise": {_ANY: Row(878, "Points can have at most 3 decimals")},
}

_NOTICES: Mapping[NoticeKind, _Rows] = {
    "combined": {_ANY: Row(8050, "Same Customer found in other sources,Combining")},
    "merged": {
        _ANY: Row(8051, "Same Customer found in other sources, Merging with userId {subject}"),
    },
    "conflict": {
        "update": _CONFLICT_UPDATE,
        "change": _CONFLICT_UPDATE,
        _ANY: Row(8052, "Add customer, Conflicting Customers found"),
    },
    "email_invalid": {_ANY: Row(8055, "Invalid email id")},
    "mobile_invalid": {_ANY: Row(8056, "Invalid mobile")},
    "channel_email_invalid": {_ANY: Row(8057, "Invalid email id in comm channel")},
    "channel_mobile_invalid": {_ANY: Row(8058, "Invalid mobile in comm channel")},
    "external_id_invalid": {_ANY: Row(8064, "External ID validation failed")},
    "identifier_invalid": {_ANY: Row(8013, "Invalid identifier passed - {subject}")},
    "placeholder": {_ANY: Row(8055, "Invalid email id, not used as an identifier - {subject}")},
    "shared_identifier": {
        _ANY: Row(8074, "Identifier found with too many customers, not used - {subject}"),
    },
    "merged_customer": {_ANY: Row(8069, "Merged customer found")},
    "nothing_changed": {_ANY: Row(8070, "No valid change identifiers passed")},
    "mobile_attached": {_ANY: Row(8071, "Mobile already attached with this user")},
    "email_attached": {_ANY: Row(8072, "Email already attached with this user")},
    "external_id_attached": {_ANY: Row(8073, "External id already attached with this user")},
    "identifier_attached": {
        _ANY: Row(8070, "Identifier already attached with this user - {subject}")
    },
    "primary_mismatch": {
        _ANY: Row(8075, "Primary identifier does not match with the other identifiers"),
    },
    "till_unknown": {
        _ANY: Row(8077, "Invalid associatedWith passed, attribution not updated"),
    },
    "extended_field_invalid": {_ANY: Row(91015, "Extended field not updated - {subject}")},
    "trait_invalid": {_ANY: Row(91015, "Value is not valid - {subject}")},
    "custom_field_invalid": {_ANY: Row(1017, "Invalid custom field - {subject}")},
    "status_label_default_missing": {_ANY: Row(8107, "Default customer status label not set")},
    "enrollment_program_invalid": {_ANY: Row(1213, "Invalid program id - {subject}")},
    "enrollment_tier_invalid": {_ANY: Row(1023, "Could not enroll, invalid tier - {subject}")},
    "enrollment_points_invalid": {
        _ANY: Row(1010, "Loyalty points could not be updated - {subject}")
    },
    "enrollment_date_invalid": {_ANY: Row(1215, "Expiry date is not valid - {subject}")},
    "enrollment_exists": {_ANY: Row(1023, "Could not enroll, already enrolled - {subject}")},
    "name_truncated": {_ANY: Row(91015, "Value is too long - {subject}")},
}

_VERB = re.compile(r"[a-z]+")


def verb_of(operation_id: str) -> str:
    """What an operation does: the first word of its id."""
    found = _VERB.match(operation_id)
    return found[0] if found else _ANY


def has_own_row(kind: type) -> bool:
    """Whether refusals of exactly that kind are said in words of their own."""
    return kind in _REFUSALS or kind is RequestFault


def coded_refusal(refusal: Refusal, operation_id: str = "") -> tuple[Coded, ...]:
    """The errors that a refusal is said as: one, or one for each wrong field of a request."""
    if isinstance(refusal, CardRefused):
        return (coded_card(refusal.fact),)
    if isinstance(refusal, MergeRequestRefused):
        row = MERGE_REQUEST_ROWS[refusal.reason]
        return (Coded(row.code, row.filled(vars(refusal))),)
    if isinstance(refusal, OrganisationRefused):
        row = ORGANISATION_ROWS[refusal.reason]
        return (Coded(row.code, row.filled(vars(refusal))),)
    row = _row_of(refusal, verb_of(operation_id))
    if row is _MALFORMED and isinstance(refusal, InvalidInput) and refusal.faults:
        return tuple(Coded(row.code, _told(each), row.business) for each in refusal.faults)
    told = refusal.faults[0].details if isinstance(refusal, InvalidInput) and refusal.faults else ""
    known = {**vars(refusal), "message": refusal.message, "told": told}
    return (Coded(row.code, row.filled(known), row.business),)


def coded_notice(notice: Notice, operation_id: str = "") -> Coded:
    """The warning that a notice is said as."""
    row = _of_verb(_NOTICES[notice.kind], verb_of(operation_id))
    return Coded(row.code, row.filled({"subject": notice.subject[:80]}))


def coded_card(fact: CardFact) -> Coded:
    """The error or warning that a fact about a card is said as."""
    row = CARD_ROWS[fact.reason]
    known = {"subject": fact.subject[:80], "other": fact.other[:80]}
    return Coded(row.code, row.filled(known))


def _row_of(refusal: Refusal, verb: str) -> Row:
    match refusal:
        case RequestFault():
            return _of_verb(_REQUEST_FAULTS[refusal.fact], verb)
        case CustomerNotFound(key=int()) if verb in ("update", "change"):
            return _UPDATE_NOT_FOUND
        case ChannelInvalid(channel=""):
            return _CHANNEL_TYPE_MISSING
    kind = next(each for each in type(refusal).__mro__ if each in _REFUSALS)
    return _of_verb(_REFUSALS[kind], verb)


def _of_verb(rows: _Rows, verb: str) -> Row:
    return rows.get(verb) or rows[_ANY]


def _told(fault: Fault) -> str:
    place = fault.parameter or fault.pointer or "body"
    return f"{place}: {fault.title}, {fault.details}"
