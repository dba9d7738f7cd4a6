"""Whom a write is attributed to, as the headers say (contracts/capillary/SPEC.md section 1).

Words: an *attribution* is a till or a store that is named in the headers, by a code, a name or an
id of another system. Headers come in two families, one documented with access tokens and one with
Basic authentication; both are read, whichever way a caller came in. Where they name nobody, a write
is the credential's own till's: the till whose code is the login, or else the name of the key.

Headers are a mapping that finds names in any case, as that of a call does.

A till or store that the shop does not have is no error: the write is the credential's own, and the
caller is told.
"""

from collections.abc import Callable, Mapping
from typing import TypeAlias

import msgspec

from habitue.customers.card import Actor
from habitue.customers.notices import Notice
from habitue.customers.organisation import Organisation, Till
from habitue.edges.capillary.codes import RequestFault
from habitue.model.errors import Fault, InvalidInput
from habitue.model.keys import Permission

ENTITY_TYPE = "X-CAP-API-ATTRIBUTION-ENTITY-TYPE"
ENTITY_CODE = "X-CAP-API-ATTRIBUTION-ENTITY-CODE"
TILL_CODE = "X-CAP-API-ATTRIBUTION-TILL-CODE"
LOOKUP_TYPE = "X-CAP-API-ATTRIBUTION-LOOKUP-TYPE"
LOOKUP = "X-CAP-API-ATTRIBUTION-LOOKUP"
#: What a caller says of itself for the history: the header's name, and how it stands there.
CONTEXT = {
    "USER-CONTEXT-ENTITY-TYPE": "entityType",
    "USER-CONTEXT-ENTITY-ID": "entityId",
    "USER-CONTEXT-ENTITY-SOURCE": "source",
    "USER-CONTEXT-SOURCE": "source",
    "USER-CONTEXT-ENTITY-SOURCE-ID": "sourceId",
    "USER-CONTEXT-SOURCE-ID": "sourceId",
}
HEADER_LENGTH_MAX = 255

_Is: TypeAlias = Callable[[Till, str], bool]
_TILL = "TILL"
_STORE = "STORE"


def _has_external_id(till: Till, value: str) -> bool:
    return till.external_id == value


#: How a till is recognised by each type of code; None is by its own code, which no other till has.
#: The shop keeps one external id for each.
_RECOGNISED: Mapping[str, tuple[str, _Is | None]] = {
    "TILL": (_TILL, None),
    "TILL_CODE": (_TILL, None),
    "STORE_CODE": (_STORE, lambda till, value: value in (till.store_code, till.code)),
    "STORE_NAME": (_STORE, lambda till, value: till.name == value),
    "STORE_EXTERNAL_ID": (_STORE, _has_external_id),
    "STORE_EXTERNAL_ID_1": (_STORE, _has_external_id),
    "STORE_EXTERNAL_ID_2": (_STORE, _has_external_id),
}


class TillPrincipal(msgspec.Struct, frozen=True):
    """Who is asking: the key of a till or of a program, its login, what the key is called, and
    what it may do beside what every till may."""

    key_id: int
    login: str
    name: str
    permissions: tuple[Permission, ...] = ()


class Named(msgspec.Struct, frozen=True):
    """The till or store that the headers name."""

    type: str
    code: str


class Attribution(msgspec.Struct, frozen=True):
    """Whom a write is attributed to, and what the caller should know about that."""

    actor: Actor
    notices: tuple[Notice, ...] = ()


def named_in(headers: Mapping[str, str]) -> Named | None:
    """The till or store that the headers name, if any.

    Raises `InvalidInput` where a type is unknown, or stands without a code, and `RequestFault`
    where what is looked up has no type.
    """
    code = _value(headers, ENTITY_CODE)
    kind = _value(headers, ENTITY_TYPE)
    if code or kind:
        return _named(kind or _TILL, code, ENTITY_TYPE, ENTITY_CODE)
    code = _value(headers, TILL_CODE)
    if code:
        return Named(_TILL, code)
    code, kind = _value(headers, LOOKUP), _value(headers, LOOKUP_TYPE)
    if code and not kind:
        raise RequestFault("attribution_type_missing", LOOKUP_TYPE)
    return _named(kind, code, LOOKUP_TYPE, LOOKUP) if kind else None


def attribution_of(
    principal: TillPrincipal, headers: Mapping[str, str], organisation: Organisation
) -> Attribution:
    """Whom the headers attribute a write to. Raises as `named_in` does."""
    named, context = named_in(headers), context_of(headers)
    if named is None:
        return Attribution(_own(principal, organisation, context))
    till = _recognised(named, organisation)
    if till is None:
        notice = Notice("till_unknown", named.code)
        return Attribution(_own(principal, organisation, context), (notice,))
    kind, _ = _RECOGNISED[named.type]
    code = till.code if kind == _TILL else till.store_code or till.code
    return Attribution(Actor(kind, till.id, code, context))


def attributed(
    principal: TillPrincipal, headers: Mapping[str, str], organisation: Organisation
) -> Actor:
    """Who did it, as the headers say. Raises as `named_in` does."""
    return attribution_of(principal, headers, organisation).actor


def context_of(headers: Mapping[str, str]) -> str:
    """What the caller says of itself, as `entityType=staff, entityId=7`."""
    told: dict[str, str] = {}
    for header, name in CONTEXT.items():
        value = _value(headers, header)
        if value:
            told.setdefault(name, value)
    return ", ".join(f"{name}={value}" for name, value in told.items())


def _named(kind: str, code: str, type_header: str, code_header: str) -> Named:
    if kind not in _RECOGNISED:
        known = ", ".join(_RECOGNISED)
        raise _wrong(type_header, "Unknown", f'"{kind[:80]}" is none of {known}')
    if not code:
        raise _wrong(code_header, "Missing", f"{type_header} needs it")
    return Named(kind, code)


def _wrong(header: str, title: str, details: str) -> InvalidInput:
    return InvalidInput(Fault("", title, details, parameter=header))


def _value(headers: Mapping[str, str], name: str) -> str:
    value = headers.get(name, "").strip()
    if len(value) > HEADER_LENGTH_MAX:
        raise _wrong(name, "Too long", f"longer than {HEADER_LENGTH_MAX} characters")
    return value


def _recognised(named: Named, organisation: Organisation) -> Till | None:
    _, is_it = _RECOGNISED[named.type]
    if is_it is None:
        return organisation.till_of.get(named.code)
    found = [each for each in organisation.tills.values() if is_it(each, named.code)]
    return min(found, key=lambda each: each.id, default=None)


def _own(principal: TillPrincipal, organisation: Organisation, context: str) -> Actor:
    tills = organisation.till_of
    till = tills.get(principal.login) or tills.get(principal.name)
    if till is None:
        return Actor(_TILL, 0, principal.login, context)
    return Actor(_TILL, till.id, till.code, context)
