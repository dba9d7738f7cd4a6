"""What all management operations share: fresh configuration, request fields, budgets.

Words: a *body* is a struct of a request whose fields are UNSET where they were not sent. One
deployment is one organisation: there is one account, and one user who did everything.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from functools import wraps
from typing import Annotated, Any, TypeAlias, TypeVar

import msgspec
from msgspec import UNSET, Meta, UnsetType

from habitue.edges.http.numbers import Integer, Number
from habitue.edges.http.operation import Answer, Call, Operation
from habitue.edges.talon_one.doors import MANAGEMENT, SIGNING_IN, ManagementPrincipal
from habitue.edges.talon_one.management.access import check_access
from habitue.edges.talon_one.management.noted_exports import note_if_export
from habitue.model.errors import Fault, InvalidInput, Unauthorized
from habitue.model.instants import Period
from habitue.model.numbers import shortest
from habitue.promotions.campaign import CodeSettings, Limit
from habitue.promotions.configuration import Configuration
from habitue.usecases.acting import Acting, on_behalf_of
from habitue.usecases.configure.limits import LimitWish

ACCOUNT_ID = 1
USER_ID = 1

Instant: TypeAlias = Annotated[datetime, Meta(tz=True)]
Id: TypeAlias = Integer
Fields = TypeVar("Fields", bound=msgspec.Struct)
Query = TypeVar("Query")
Body = TypeVar("Body")
ManagementCall: TypeAlias = Call[ManagementPrincipal, Query, Body]
Handler: TypeAlias = Callable[[Any], Awaitable[Answer]]


class LimitIn(msgspec.Struct, rename="camel"):
    """A budget as it is sent."""

    action: str
    limit: Number
    entities: tuple[str, ...] = ()
    period: Period | None = None


class LimitOut(msgspec.Struct, rename="camel"):
    """A budget."""

    action: str
    limit: Decimal
    entities: list[str]
    period: Period | UnsetType = UNSET


class CodeSettingsIn(msgspec.Struct, rename="camel"):
    """How codes are generated."""

    valid_characters: tuple[str, ...]
    coupon_pattern: str


def managed(
    id_: str,
    method: str,
    path: str,
    handler: Handler,
    summary: str,
    responses: Mapping[int, Any],
    *,
    group: str,
    body: Any = None,
    query: type[msgspec.Struct] | None = None,
    description: str = "",
    request_example: bytes = b"",
    upload: bool = False,
    idempotent: bool = False,
    by_key: bool = True,
) -> Operation:
    """An operation of the management door, whose handler sees what other workers have written. One
    that is not called `by_key` looks after both itself."""
    door = MANAGEMENT if by_key else SIGNING_IN
    operation = Operation(
        id=id_,
        method=method,
        path=path,
        handler=handler,
        door=door,
        summary=summary,
        group=group,
        description=description,
        body=body,
        query=query,
        responses=responses,
        request_example=request_example,
        upload=upload,
        idempotent=idempotent,
    )
    return replace(operation, handler=_refreshed(operation) if by_key else handler)


def fields_of(body: msgspec.Struct, kind: type[Fields], **instead: Any) -> Fields:
    """The fields of `body` that `kind` has too, with `instead` for those that are named there."""
    values = {name: getattr(body, name, UNSET) for name in kind.__struct_fields__}
    return kind(**{**values, **instead})


def wishes_of(limits: Any) -> tuple[LimitWish, ...] | UnsetType | None:
    """The budgets of a body as the use cases take them."""
    if not limits:
        return () if isinstance(limits, tuple) else None if limits is None else UNSET
    return tuple(
        LimitWish(each.action, Decimal(each.limit), each.entities, each.period) for each in limits
    )


def limits_out(limits: tuple[Limit, ...]) -> list[LimitOut]:
    """Budgets as they are answered."""
    return [
        LimitOut(each.action, shortest(each.limit), list(each.entities), each.period or UNSET)
        for each in limits
    ]


def settings_of(settings: Any) -> CodeSettings | UnsetType | None:
    """The way of generating codes, as the use cases take it."""
    if isinstance(settings, CodeSettingsIn):
        return CodeSettings(settings.valid_characters, settings.coupon_pattern)
    return None if settings is None else UNSET


def settings_out(settings: CodeSettings | None) -> CodeSettingsIn | UnsetType:
    """The way of generating codes, as it is answered."""
    if settings is None:
        return UNSET
    return CodeSettingsIn(settings.valid_characters, settings.coupon_pattern)


def refuse_unsupported(body: msgspec.Struct, only: Mapping[str, tuple[Any, ...]]) -> None:
    """Raises `InvalidInput` for each field with another value than those in `only`.

    Features that do not exist yet are refused where they are asked for, never ignored.
    """
    faults = tuple(_unsupported(body, only))
    if faults:
        raise InvalidInput(*faults)


def _unsupported(body: msgspec.Struct, only: Mapping[str, tuple[Any, ...]]) -> Iterator[Fault]:
    names = {field.name: field.encode_name for field in msgspec.structs.fields(type(body))}
    for name, accepted in only.items():
        value = getattr(body, name)
        if value is not UNSET and value is not None and value not in accepted:
            details = f"{names[name]} is not supported by this version"
            if accepted:
                shown = msgspec.json.encode(accepted[0]).decode()
                details += f"; leave it out or send {shown}"
            yield Fault(f"/{names[name]}", "Not supported", details)


def _refreshed(operation: Operation) -> Handler:
    handler = operation.handler

    @wraps(handler)
    async def handle(call: ManagementCall[Any, Any]) -> Answer:
        configuration: Configuration = await call.services.shop.refresh()
        keys = configuration.keys.values()
        key = next((each for each in keys if each.id == call.principal.key_id), None)
        if key is None:
            raise Unauthorized("This key was revoked")
        check_access(configuration, key, operation, call.path)
        with on_behalf_of(Acting("management", call.principal.key_id, call.now)):
            answer = await handler(call)
            await note_if_export(call)
            return answer

    return handle
