"""The one table from refusals to status codes, and the refusals that only HTTP knows.

Words: a *refusal* is a business fact of `model.errors`; this module adds the few that arise before
any use case is called. Each protocol's door gives a refusal its body; the status code is the same
on every door unless a door says otherwise.

Invariant: every refusal has a status code, its own or that of the nearest class above it.
"""

from collections.abc import Mapping

from habitue.model.errors import (
    Conflict,
    InvalidInput,
    NotAllowed,
    NotFound,
    Refusal,
    StoreUnavailable,
    TooManyRequests,
    Unauthorized,
)
from habitue.model.limits import BODY_BYTES_MAX
from habitue.store.failures import StartFailure


class PathUnknown(Refusal):
    """No operation has this path."""

    def __init__(self) -> None:
        super().__init__("There is nothing under this path")


class MethodNotAllowed(Refusal):
    """The path exists, with the methods in `allowed` only."""

    def __init__(self, method: str, allowed: tuple[str, ...]) -> None:
        super().__init__(f"{method} is not possible here; possible: {', '.join(allowed)}")
        self.allowed = allowed


class BodyTooLarge(Refusal):
    """The body is longer than what is taken; the connection is closed."""

    def __init__(self, bytes_max: int = BODY_BYTES_MAX) -> None:
        super().__init__(f"The body is longer than {bytes_max} bytes")


class BodyTooSlow(Refusal):
    """The body did not arrive in time; the connection is closed."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"The body did not arrive within {seconds:g} seconds")


class MediaTypeUnsupported(Refusal):
    """The body is of a kind that this operation does not read."""

    def __init__(self, header: str, sent: str, read: tuple[str, ...]) -> None:
        super().__init__(f'{header} "{sent[:100]}" is not supported; send {" or ".join(read)}')


class Unexpected(Refusal):
    """A mistake of ours. The log has it under the request's id."""

    def __init__(self, request_id: str) -> None:
        super().__init__(f"The request could not be processed; it is logged as {request_id}")


STATUS: Mapping[type[Refusal], int] = {
    InvalidInput: 400,
    Unauthorized: 401,
    NotAllowed: 403,
    NotFound: 404,
    PathUnknown: 404,
    MethodNotAllowed: 405,
    BodyTooSlow: 408,
    Conflict: 409,
    BodyTooLarge: 413,
    MediaTypeUnsupported: 415,
    TooManyRequests: 429,
    Unexpected: 500,
    StoreUnavailable: 503,
    StartFailure: 503,
}


def status_of(kind: type[Refusal]) -> int:
    """The status code of a kind of refusal. Raises KeyError where neither it nor a class above it
    has a row."""
    for each in kind.__mro__:
        if each in STATUS:
            return STATUS[each]
    raise KeyError(kind)


def headers_of(refusal: Refusal) -> dict[str, str]:
    """The headers that belong to a refusal whatever its body looks like."""
    match refusal:
        case StoreUnavailable() | TooManyRequests():
            return {"retry-after": str(refusal.retry_seconds)}
        case MethodNotAllowed():
            return {"allow": ", ".join(refusal.allowed)}
        case BodyTooLarge() | BodyTooSlow():
            return {"connection": "close"}
    return {}
