"""Every refusal of the domain, as a business fact.

A refusal names what is wrong in the shop's own words; which status code and which JSON shape that
becomes is decided by each protocol's edge, in one table. The tree:

    Refusal
    ├── InvalidInput          the request is wrong; one `Fault` per wrong field
    ├── NotFound              the thing named by the request does not exist
    ├── Conflict              the request contradicts what is already stored
    │   ├── SessionBusy       other requests hold this session for too long
    │   ├── ProfileBusy       other requests hold this profile for too long
    │   └── KeyReused         an idempotency key came back with another body
    ├── NotAllowed            the caller is known and may not do this
    ├── Unauthorized          the caller's key is unknown, expired or of the wrong kind
    ├── TooManyRequests       the caller has used up what it may send in this time
    └── StoreUnavailable      the database cannot be reached; nothing was changed

Invariant: whoever sees a `Refusal` may rely on nothing having been stored.
"""

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with a request: where (a JSON pointer into the body), what, and in words.

    `parameter` names a query or path parameter instead of a place in the body, `line` a line of an
    uploaded file.
    """

    pointer: str
    title: str
    details: str
    parameter: str | None = None
    line: int | None = None

    def under(self, prefix: str) -> "Fault":
        """The same fault, for a document that stands at `prefix` inside a larger one."""
        return replace(self, pointer=prefix + self.pointer)


class Refusal(Exception):
    """The request was understood and refused; nothing was stored."""

    @property
    def message(self) -> str:
        return str(self)


class InvalidInput(Refusal):
    """The request is wrong; `faults` names every wrong field at once."""

    def __init__(self, *faults: Fault, message: str = "The submitted data was invalid") -> None:
        super().__init__(message)
        self.faults = faults


class NotFound(Refusal):
    """Nothing is stored under the id that the request names."""

    def __init__(self, resource: str, key: object) -> None:
        super().__init__(f"{resource} {key} does not exist")
        self.resource = resource
        self.key = key


class Conflict(Refusal):
    """The request contradicts what is already stored, for instance a name that is taken."""


class SessionBusy(Conflict):
    """Other requests held the session for longer than this one may wait."""

    def __init__(self) -> None:
        super().__init__("Too many requests are updating this session at the same time")


class ProfileBusy(Conflict):
    """Other requests held the profile for longer than this one may wait."""

    def __init__(self) -> None:
        super().__init__("Too many requests are updating this profile at the same time")


class KeyReused(Conflict):
    """An idempotency key came back with another body than it was first used with."""

    def __init__(self) -> None:
        super().__init__("This Idempotency-Key was already used with a different request")


class NotAllowed(Refusal):
    """The caller is known, and may not do this."""


class Unauthorized(Refusal):
    """The caller's key is unknown, expired, or of a kind that does not open this door."""


class TooManyRequests(Refusal):
    """The caller has sent as much as it may for now; more is taken after `retry_seconds`."""

    def __init__(self, limit: int, retry_seconds: int, window: str = "minute") -> None:
        super().__init__(f"The limit of {limit} requests per {window} is reached")
        self.retry_seconds = retry_seconds


class StoreUnavailable(Refusal):
    """The database cannot be reached or refuses connections; try again after `retry_seconds`."""

    def __init__(self, retry_seconds: int = 1) -> None:
        super().__init__("The database is not available at the moment")
        self.retry_seconds = retry_seconds
