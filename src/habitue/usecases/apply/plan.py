"""A plan as a value, and the draft in which one comes to be.

Words: a *draft* starts from the configuration as it is and takes over each thing that is decided,
so that what comes later is checked against what comes before it. *Steps* tell people; *changes*
are saved.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Literal, TypeAlias

import msgspec

from habitue.customers.card_facts import CardRefused
from habitue.loyalty.program import LoyaltyProgram
from habitue.model.errors import Conflict, Fault, InvalidInput
from habitue.promotions.audiences import Audience
from habitue.promotions.campaign import AdditionalCost, Application, Campaign, StoredRuleset
from habitue.promotions.configuration import Configuration
from habitue.promotions.coupon import Coupon
from habitue.promotions.event import EventType
from habitue.store.configuration import Kind
from habitue.usecases.apply.wanted import WantedCustomer
from habitue.usecases.configuration import Change, Entity
from habitue.usecases.organisation import OrganisationEntry, with_entry

Action = Literal["create", "update", "unchanged"]
TakeId: TypeAlias = Callable[[Kind], int]

_NOT_SHOWN = frozenset({"id", "created", "modified", "updated", "active_ruleset_id"})


class Step(msgspec.Struct, frozen=True):
    """What happens to one thing; `differences` are the fields that change."""

    action: Action
    kind: str
    name: str
    differences: tuple[str, ...] = ()


class Plan(msgspec.Struct, frozen=True):
    """What would happen; `warnings` say where rules look like mistakes."""

    steps: tuple[Step, ...]
    changes: tuple[Change, ...]
    new_coupons: tuple[Coupon, ...]
    changed_coupons: tuple[Coupon, ...]
    customers: tuple[WantedCustomer, ...]
    profile_application_id: int
    warnings: tuple[Fault, ...]

    @property
    def writes(self) -> bool:
        """Whether anything but customers would be written."""
        return bool(self.changes or self.new_coupons or self.changed_coupons)


class Draft:
    """A plan that is being made."""

    def __init__(self, configuration: Configuration, take_id: TakeId) -> None:
        self.before = configuration
        self.configuration = configuration
        self.take_id = take_id
        self.steps: list[Step] = []
        self.faults: list[Fault] = []
        self.warnings: list[Fault] = []
        self.new_coupons: list[Coupon] = []
        self.changed_coupons: list[Coupon] = []
        #: Applications that were refused; what refers to them needs no fault of its own.
        self.unmade: set[str] = set()
        self._changes: dict[tuple[type, int], Change] = {}

    @property
    def changes(self) -> tuple[Change, ...]:
        """What is to be saved, each thing once."""
        return tuple(self._changes.values())

    def put(self, entity: Entity) -> None:
        """From here on the configuration has `entity`."""
        self._changes[type(entity), entity.id] = Change(entity)
        changed: dict[str, Any] = {}
        if isinstance(entity, OrganisationEntry):
            changed["organisation"] = with_entry(self.configuration.organisation, entity)
        else:
            room = _room(entity)
            changed[room] = {**getattr(self.configuration, room), entity.id: entity}
        self.configuration = msgspec.structs.replace(self.configuration, **changed)

    def tell(self, kind: str, name: str, differences: tuple[str, ...], *, new: bool) -> None:
        """Notes what happens to a thing."""
        action: Action = "create" if new else "update" if differences else "unchanged"
        self.steps.append(Step(action, kind, name, () if new else differences))

    @contextmanager
    def faults_under(self, at: str) -> Iterator[None]:
        """Notes refusals of the block as faults at that place, and goes on after it."""
        try:
            yield
        except InvalidInput as refusal:
            self.faults.extend(fault.under(at) for fault in refusal.faults)
        except CardRefused as refusal:
            self.faults.append(Fault(at + refusal.fact.pointer, "Refused", refusal.message))
        except Conflict as refusal:
            self.faults.append(Fault(at, "Taken", refusal.message))


def differences(old: msgspec.Struct, new: msgspec.Struct) -> tuple[str, ...]:
    """The names of the fields in which the two differ, in words; times of change do not count."""
    names = (name for name in new.__struct_fields__ if name not in _NOT_SHOWN)
    return tuple(
        name.replace("_", " ") for name in names if getattr(old, name) != getattr(new, name)
    )


def _room(entity: Entity) -> str:
    match entity:
        case Application():
            return "applications"
        case Campaign():
            return "campaigns"
        case StoredRuleset():
            return "rulesets"
        case AdditionalCost():
            return "additional_costs"
        case LoyaltyProgram():
            return "loyalty_programs"
        case Audience():
            return "audiences"
        case EventType():
            return "event_types"
    return "attributes"
