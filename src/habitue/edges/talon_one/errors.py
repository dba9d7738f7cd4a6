"""Refusals in the words of the Talon.One protocol (contracts/talon_one/SEMANTICS.md section 1.3).

Status codes come from the one table in `edges.http.refusals`. Bodies have two shapes:
`ErrorResponse` for status 400 of the operations listed here, `ErrorResponseWithStatus` for
everything else and for every 401. Both carry `errors`, one `APIError` per fault, whose source names
a place in the body (`pointer`), a parameter, or the resource that does not exist.
"""

import msgspec

from habitue.edges.http.call import Answer
from habitue.edges.http.operation import Operation
from habitue.edges.http.refusals import headers_of, status_of
from habitue.model.errors import Fault, InvalidInput, NotFound, Refusal, Unauthorized

# Operations whose 400 has no StatusCode in the published interface description.
WITHOUT_STATUS = frozenset(
    {
        "createCampaignStoreBudget",
        "createReferral",
        "createStore",
        "deleteCampaignStoreBudgets",
        "disconnectCampaignStores",
        "getCustomerSession",
        "importAllowedList",
        "importAudiencesMemberships",
        "importCampaignStoreBudget",
        "importCampaignStores",
        "listCampaignStoreBudgetLimits",
        "reopenCustomerSession",
        "returnCartItems",
        "summarizeCampaignStoreBudget",
        "syncCatalog",
        "updateCustomerSessionV2",
    }
)


class ErrorSource(msgspec.Struct, omit_defaults=True):
    """Where an error is: exactly one of a JSON pointer, a parameter's name, the line of an uploaded
    file and a resource."""

    pointer: str | None = None
    parameter: str | None = None
    line: str | None = None
    resource: str | None = None


class APIError(msgspec.Struct):
    """One error."""

    title: str
    details: str
    source: ErrorSource


class ErrorResponse(msgspec.Struct):
    """The body of some operations' 400."""

    message: str
    errors: list[APIError]


class ErrorResponseWithStatus(msgspec.Struct):
    """The body of every other error."""

    message: str
    errors: list[APIError]
    status_code: int = msgspec.field(name="StatusCode")


def refuse(refusal: Refusal, operation: Operation | None) -> Answer:
    """The answer for a refusal; `operation` is None where the path is unknown."""
    status = status_of(type(refusal))
    headers = headers_of(refusal)
    if isinstance(refusal, Unauthorized):
        headers["www-authenticate"] = "ApiKey-v1"
    errors = _errors_of(refusal)
    if error_type(status, operation) is ErrorResponse:
        return Answer(status, ErrorResponse(refusal.message, errors), headers)
    return Answer(status, ErrorResponseWithStatus(refusal.message, errors, status), headers)


def error_type(
    status: int, operation: Operation | None
) -> type[ErrorResponse] | type[ErrorResponseWithStatus]:
    """Which of the two shapes an operation's error of this status has."""
    if status == 400 and operation is not None and operation.id in WITHOUT_STATUS:
        return ErrorResponse
    return ErrorResponseWithStatus


def _errors_of(refusal: Refusal) -> list[APIError]:
    if isinstance(refusal, InvalidInput):
        return [_error_of(each) for each in refusal.faults]
    if isinstance(refusal, NotFound):
        source = ErrorSource(resource=refusal.resource)
        return [APIError("Not found", refusal.message, source)]
    return []


def _error_of(fault: Fault) -> APIError:
    if fault.line is not None:
        return APIError(fault.title, fault.details, ErrorSource(line=str(fault.line)))
    if fault.parameter is not None:
        return APIError(fault.title, fault.details, ErrorSource(parameter=fault.parameter))
    return APIError(fault.title, fault.details, ErrorSource(pointer=fault.pointer))
