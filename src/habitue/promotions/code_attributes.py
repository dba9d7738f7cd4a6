"""Attributes of coupons and referral codes that rules have set.

A code is nobody's row: many sessions may set an attribute of it at the same moment. A change says
what the attribute was when it was read, and holds only while that is so; else the decision is made
again (docs/decisions/0125). What was set stays when the session is taken back.
"""

from collections.abc import Iterable
from typing import Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from habitue.model.attributes import Entity
from habitue.promotions.coupon import Coupon
from habitue.promotions.referral import Referral

Kind = Literal["coupon", "referral"]
KINDS: dict[Entity, Kind] = {"Coupon": "coupon", "Referral": "referral"}


class CodeAttribute(msgspec.Struct, frozen=True, omit_defaults=True):
    """An attribute of a code as it shall be, and as it was: UNSET where the code had none."""

    kind: Kind
    application_id: int
    code: str
    id: int
    name: str
    value: Any
    old: Any | UnsetType = UNSET


def code_attribute(entity: Entity, code: Coupon | Referral, name: str, value: Any) -> CodeAttribute:
    """The change of a code as it was read."""
    old = code.attributes.get(name, UNSET)
    return CodeAttribute(KINDS[entity], code.application_id, code.code, code.id, name, value, old)


def settled(changes: Iterable[CodeAttribute]) -> tuple[CodeAttribute, ...]:
    """The last change of each attribute, in the order in which codes are locked."""
    last = {(each.kind, each.code, each.name): each for each in changes}
    return tuple(last[key] for key in sorted(last))
