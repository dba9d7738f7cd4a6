"""The one table: every fact has its code, and the contract's texts are kept to the letter."""

import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from typing import Any, get_args

import pytest

import habitue
from habitue.customers import refusals
from habitue.customers.card_facts import CardFact, CardReason, refused
from habitue.customers.merge import MergedWithItself, NotMerged, SandboxMixed
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
from habitue.edges.capillary.card_codes import CARD_ROWS
from habitue.edges.capillary.codes import (
    Coded,
    RequestFact,
    RequestFault,
    coded_card,
    coded_notice,
    coded_refusal,
    has_own_row,
    verb_of,
)
from habitue.edges.capillary.envelopes import warnings_of
from habitue.model.errors import (
    Conflict,
    Fault,
    InvalidInput,
    NotFound,
    ProfileBusy,
    Refusal,
    Unauthorized,
)
from habitue.store.failures import GuardFailed, LockTimeout

ADD, UPDATE, CHANGE = "addCustomer", "updateCustomer", "changeCustomerIdentifiers"
LOOKUP, GET = "lookupCustomer", "getCustomer"
BUSY = "Multiple actions running for the same customer, Please try after some time"

#: Refusal, operation, code and message; the messages up to 4001 are the contract's own.
REFUSED: list[tuple[Refusal, str, int, str]] = [
    (MergedWithItself(7), "unmergeCustomer", 9029, "Survivor and victim are same"),
    (NotMerged(7), "unmergeCustomer", 9012, "The customer is not merged into another one"),
    (
        SandboxMixed(7),
        "setMergeRequests",
        9007,
        "Target customer does not exist or is invalid",
    ),
    (SourceMissing("/source"), ADD, 8004, "Add failed, No source passed"),
    (
        IdentifiersMissing("/identifiers"),
        ADD,
        8005,
        "Add failed, No valid identifiers passed",
    ),
    (
        CustomerExists(880100231),
        ADD,
        8006,
        "Add failed, Customer already exists with id 880100231 for same source",
    ),
    (
        PrimaryInvalid("/value", "65912"),
        ADD,
        8014,
        "Error in customer registration: Invalid Primary Id - 65912",
    ),
    (
        RegistrationDateInvalid("/createDate"),
        ADD,
        8017,
        "Error in customer registration: Invalid registration date",
    ),
    (CustomerErased(7), ADD, 8026, "Same customer was deleted for PII feature, could not add"),
    (SourceTaken(7), ADD, 8066, "Combine not possible, User id already used in same source"),
    (LabelUnknown("/statusLabel", "x"), ADD, 8086, "Status label passed is not valid"),
    (
        ProfileMissing("INSTORE"),
        ADD,
        8090,
        "Unable to create profile as instore profile doesn't exist",
    ),
    (AccountUnknown("/accountId", "LINE", "x"), ADD, 3217, "Source is invalid."),
    (SourceUnknown("/source", "x"), ADD, 8003, "Invalid source passed"),
    (ChannelInvalid("/type", "x"), ADD, 8010, "Invalid communication channel passed"),
    (ChannelInvalid("/type", ""), ADD, 8106, "Communication channel type not passed"),
    (AccountMissing("/accountId", "LINE"), ADD, 8045, "Account id is not passed"),
    (CustomerNotFound(7), UPDATE, 8009, "Update failed, Customer not found"),
    (CustomerNotFound("mobile"), UPDATE, 8015, "Customer not found for the given identifiers"),
    (CustomerNotFound(7), CHANGE, 8009, "Update failed, Customer not found"),
    (CustomerNotFound(7), GET, 8015, "Customer not found for the given identifiers"),
    (CustomerNotFound("mobile"), LOOKUP, 8015, "Customer not found for the given identifiers"),
    (SourceMissing("/source"), LOOKUP, 8001, "Lookup failed, No source passed"),
    (CustomerErased(7), GET, 8026, "Customer is deleted after PII delete request"),
    (CustomerMerged(9), GET, 8069, "Merged customer found"),
    (
        AccountUnknown("/accountId", "LINE", "x"),
        UPDATE,
        3217,
        "Org source addition failed, Invalid source account identifier passed",
    ),
    (CustomerExists(7), UPDATE, 8007, "Update failed, Customer already exists for same source"),
    (CustomerExists(7), CHANGE, 8007, "Update failed, Customer already exists for same source"),
    (CustomerBusy(), ADD, 521, BUSY),
    (ProfileBusy(), UPDATE, 521, BUSY),
    (GuardFailed("x"), ADD, 521, BUSY),
    (LockTimeout(), ADD, 521, BUSY),
    (Unauthorized("x"), ADD, 4000, "Not authorized. Access is denied!"),
    # ours
    (SourceMissing("/source"), GET, 8016, "Get failed, No source passed"),
    (SourceMissing("/source"), UPDATE, 8001, "Lookup failed, No source passed"),
    (SourceUnknown("/source", "x"), LOOKUP, 8003, "Invalid source"),
    (SourceUnknown("/source", "x"), GET, 8012, "Get failed, Invalid source passed"),
    (AccountMissing("/accountId", "LINE"), GET, 8091, "Get failed, Account id is not passed"),
    (IdentifiersMissing(""), LOOKUP, 8002, "Lookup failed, No identifiers passed"),
    (IdentifiersMissing(""), CHANGE, 8070, "No valid change identifiers passed"),
    (
        LoyaltyTypeFixed("/loyaltyType"),
        UPDATE,
        8018,
        "Update failed, Loyalty customer cannot be changed to non loyalty",
    ),
    (
        PrimaryMismatch(7),
        ADD,
        8075,
        "Primary identifier does not match with the other identifiers",
    ),
    (CustomerBlocked("Fraud"), UPDATE, 3045, "Not allowed, customer status is Fraud"),
    (IdentifierFixed("/type", "mobile"), CHANGE, 91006, "Update of mobile is not allowed"),
    (
        IdentifiersConflict((7, 9)),
        CHANGE,
        8074,
        "Change failed, Identifier found in multiple sources and userIds",
    ),
    (
        IdentifiersConflict((7, 9)),
        UPDATE,
        8053,
        "Update customer, Conflicting Customers found",
    ),
    (IdentifiersConflict((7, 9)), ADD, 8052, "Add customer, Conflicting Customers found"),
    (NotFound("Till", 7), GET, 404, "Till 7 does not exist"),
    (Conflict("The name is taken"), ADD, 409, "The name is taken"),
    (InvalidInput(message="Nothing was sent"), ADD, 400, "Nothing was sent"),
    (refused("series_exists"), ADD, 3002, "Card series already exists"),
    (refused("number_unknown"), CHANGE, 3010, "Card number does not exists"),
    (refused("label_unchanged"), UPDATE, 3039, "No update in status label"),
    (refused("card_is", "EXPIRED"), CHANGE, 8087, "Card is EXPIRED"),
    (RequestFault("attribution_type_missing"), ADD, 1061, "Attribution lookup type is not passed"),
    (RequestFault("batch_too_large", subject="100"), ADD, 1060, "Batch limit of 100 exceeded"),
]


@pytest.mark.parametrize(
    ("refusal", "operation", "code", "message"),
    REFUSED,
    ids=[f"{type(each).__name__}-{operation}" for each, operation, _, _ in REFUSED],
)
def test_refusals(refusal: Refusal, operation: str, code: int, message: str) -> None:
    (found,) = coded_refusal(refusal, operation)
    assert (found.code, found.message) == (code, message)


#: Notice, operation, code and message.
NOTICED: list[tuple[Notice, str, int, str]] = [
    (Notice("combined"), ADD, 8050, "Same Customer found in other sources,Combining"),
    (Notice("conflict", "7"), ADD, 8052, "Add customer, Conflicting Customers found"),
    (Notice("conflict", "7"), CHANGE, 8053, "Update customer, Conflicting Customers found"),
    (Notice("email_invalid"), ADD, 8055, "Invalid email id"),
    (Notice("mobile_invalid"), ADD, 8056, "Invalid mobile"),
    (Notice("channel_email_invalid"), ADD, 8057, "Invalid email id in comm channel"),
    (Notice("channel_mobile_invalid"), ADD, 8058, "Invalid mobile in comm channel"),
    (
        Notice("till_unknown", "x"),
        ADD,
        8077,
        "Invalid associatedWith passed, attribution not updated",
    ),
    (Notice("email_attached"), CHANGE, 8072, "Email already attached with this user"),
    (Notice("status_label_default_missing"), ADD, 8107, "Default customer status label not set"),
    (Notice("merged_customer", "9"), GET, 8069, "Merged customer found"),
    (
        Notice("merged", "9"),
        ADD,
        8051,
        "Same Customer found in other sources, Merging with userId 9",
    ),
    (Notice("extended_field_invalid", "zip"), ADD, 91015, "Extended field not updated - zip"),
    (Notice("extended_field_invalid"), ADD, 91015, "Extended field not updated"),
]


@pytest.mark.parametrize(
    ("notice", "operation", "code", "message"), NOTICED, ids=[each[0].kind for each in NOTICED]
)
def test_notices(notice: Notice, operation: str, code: int, message: str) -> None:
    assert coded_notice(notice, operation) == Coded(code, message)


def _classes(module: Any) -> Iterator[type[Refusal]]:
    for _, each in inspect.getmembers(module, inspect.isclass):
        if issubclass(each, Refusal) and each.__module__ == module.__name__:
            yield each


def test_every_refusal_about_customers_has_a_row_of_its_own() -> None:
    found = set(_classes(refusals)) - {refusals.Named}
    assert CustomerExists in found
    assert {each for each in found if not has_own_row(each)} == set()


def test_every_refusal_of_the_product_can_be_said() -> None:
    for module in pkgutil.walk_packages(habitue.__path__, "habitue."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    unsaid = [each for each in _below(Refusal) if not any(map(has_own_row, each.__mro__))]
    assert unsaid == []


def _below(kind: type[Refusal]) -> Iterator[type[Refusal]]:
    for each in kind.__subclasses__():
        if each.__module__.startswith("habitue."):
            yield each
            yield from _below(each)


def test_every_notice_request_fault_and_card_fact_can_be_said() -> None:
    for operation in (ADD, UPDATE, CHANGE, LOOKUP, GET, ""):
        for kind in get_args(NoticeKind):
            found = coded_notice(Notice(kind, "what"), operation)
            assert found.code >= 300
            assert "{" not in found.message
        for fact in get_args(RequestFact):
            (said,) = coded_refusal(RequestFault(fact, subject="what"), operation)
            assert said.code >= 800
            assert "{" not in said.message
    assert set(CARD_ROWS) == set(get_args(CardReason))
    for reason in get_args(CardReason):
        assert "{" not in coded_card(CardFact(reason, "what", "other")).message


def test_braces_in_values_are_text() -> None:
    (found,) = coded_refusal(PrimaryInvalid("/value", "{code}{0}"), ADD)
    assert found.message == "Error in customer registration: Invalid Primary Id - {code}{0}"
    assert coded_notice(Notice("custom_field_invalid", "{x!r}"), ADD).message == (
        "Invalid custom field - {x!r}"
    )


def test_every_wrong_field_is_named() -> None:
    faults = (
        Fault("/profiles/0/firstName", "Invalid type", "expected str"),
        Fault("", "Invalid type", "expected object"),
        Fault("", "Invalid", "not a number", parameter="limit"),
    )
    assert coded_refusal(InvalidInput(*faults), ADD) == (
        Coded(400, "/profiles/0/firstName: Invalid type, expected str", False),
        Coded(400, "body: Invalid type, expected object", False),
        Coded(400, "limit: Invalid, not a number", False),
    )


def test_a_warning_is_told_once() -> None:
    notices = [Notice("email_invalid", "a"), Notice("combined"), Notice("email_invalid", "b")]
    assert [each.code for each in warnings_of(notices, ADD)] == [8055, 8050]
    assert [each.status for each in warnings_of(notices, ADD)] == [False, False]


def test_the_verb_is_the_first_word() -> None:
    ids = [ADD, UPDATE, CHANGE, LOOKUP, GET, "search", "", "GetX"]
    verbs = ["add", "update", "change", "lookup", "get", "search", "", ""]
    assert [verb_of(each) for each in ids] == verbs
