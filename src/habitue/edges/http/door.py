"""A door: the side of one wire protocol that all of its operations share.

Words: a door *authenticates* a request (who is asking), *permits* an operation (may they), may
*admit* it (may they just now), and *refuses*: it gives a refusal the body that this protocol's
clients understand. The *plain* door is for paths of no protocol, such as /health: nobody is asked
for, errors are a small JSON object.
"""

from abc import abstractmethod
from collections.abc import Awaitable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

import msgspec
from starlette.datastructures import Headers

from habitue.edges.http.call import Answer
from habitue.edges.http.refusals import headers_of, status_of
from habitue.model.errors import InvalidInput, Refusal

if TYPE_CHECKING:
    from habitue.edges.http.operation import Operation


class Door(Protocol):
    """What every protocol supplies. Subclass it: `permit`, `scope` and `security` have defaults."""

    name: str

    @abstractmethod
    def authenticate(self, headers: Headers, services: Any, now: datetime) -> Awaitable[Any] | Any:
        """Who is asking; handlers find it in `call.principal`. May be a coroutine.

        Raises Unauthorized or NotAllowed.
        """

    @abstractmethod
    def refuse(self, refusal: Refusal, operation: "Operation | None") -> Answer:
        """The answer for a refusal; `operation` is None where the path is unknown."""

    @abstractmethod
    def error_type(self, status: int, operation: "Operation") -> Any:
        """The type of the body that `refuse` answers with, for the documentation."""

    def permit(self, principal: Any, operation: "Operation") -> None:
        """Raise NotAllowed where this caller may not use this operation."""
        return

    async def admit(
        self, principal: Any, operation: "Operation", services: Any, now: datetime
    ) -> None:
        """Raise a refusal where a permitted caller may not use this operation just now.

        Called only on doors that have an `admit` of their own.
        """
        return

    def moment(self, principal: Any, now: datetime) -> datetime:
        """As of when it is decided what the caller asks.

        Called only on doors that have a `moment` of their own.
        """
        return now

    def note(self, heard: "Heard", services: Any) -> None:
        """Keep a record of a request that was answered, once its caller was known.

        Called only on doors that have a `note` of their own; it must not wait for anything.
        """
        return

    def scope(self, principal: Any) -> str:
        """Within what an idempotency key is unique, for instance one application."""
        return ""

    def security(self) -> Mapping[str, Any]:
        """OpenAPI security schemes by name; any one of them opens the door."""
        return {}


class Heard(msgspec.Struct, frozen=True):
    """A request that was answered: by whom it came and when, as it was sent, and the answer."""

    principal: Any
    now: datetime
    method: str
    uri: bytes
    body: bytes
    answer: Answer


class PlainFault(msgspec.Struct, omit_defaults=True):
    """One thing that is wrong: a JSON pointer into the body, or the name of a parameter."""

    title: str
    details: str
    pointer: str | None = None
    parameter: str | None = None


class PlainError(msgspec.Struct):
    """The body of every error on a path that belongs to no protocol."""

    message: str
    errors: list[PlainFault]


class PlainDoor(Door):
    """Open to everybody; for health, metrics and documentation."""

    name = "plain"

    def authenticate(self, headers: Headers, services: Any, now: datetime) -> Any:
        return None

    def refuse(self, refusal: Refusal, operation: "Operation | None") -> Answer:
        faults = refusal.faults if isinstance(refusal, InvalidInput) else ()
        errors = [
            PlainFault(each.title, each.details, parameter=each.parameter)
            if each.parameter is not None
            else PlainFault(each.title, each.details, pointer=each.pointer)
            for each in faults
        ]
        body = PlainError(refusal.message, errors)
        return Answer(status_of(type(refusal)), body, headers_of(refusal))

    def error_type(self, status: int, operation: "Operation") -> Any:
        return PlainError
