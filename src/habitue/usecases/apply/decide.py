"""Making the plan: a pure function of the configuration, the wanted shop and what is stored.

What the shop says of itself comes before everything else. Then come applications, for attributes
may be offered to some of them only; then attributes and costs, which the rest may use; then
applications in full, campaigns with their rules and coupons, and customers.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, TypeVar

import msgspec
from msgspec import UNSET

from habitue.model.attributes import (
    AttributeDefinition,
    Attributes,
    by_name,
    merged,
    normalised,
    validate,
)
from habitue.model.errors import Fault, InvalidInput
from habitue.promotions.campaign import Application
from habitue.promotions.configuration import Configuration
from habitue.promotions.coupon import Coupon
from habitue.usecases.apply.campaigns import plan_campaign
from habitue.usecases.apply.organisation import plan_entry, plan_labels, plan_settings
from habitue.usecases.apply.plan import Draft, Plan, TakeId, differences
from habitue.usecases.apply.wanted import (
    WantedApplication,
    WantedAttribute,
    WantedCost,
    WantedCustomer,
    WantedLoyaltyProgram,
    WantedOrganisation,
    WantedShop,
)
from habitue.usecases.configure.additional_costs import (
    changed_additional_cost,
    new_additional_cost,
)
from habitue.usecases.configure.applications import application_with
from habitue.usecases.configure.attributes import (
    changed_attribute,
    new_attribute,
    new_type_of,
)
from habitue.usecases.configure.loyalty_programs import (
    changed_loyalty_program,
    new_loyalty_program,
    tier_count,
)

Named = TypeVar("Named")
Fields = TypeVar("Fields", bound=msgspec.Struct)


class Stored(msgspec.Struct, frozen=True):
    """What is stored beside the configuration: coupons by application and code, and attributes of
    customers by id."""

    coupons: Mapping[tuple[int, str], Coupon] = {}
    customers: Mapping[str, Attributes] = {}


def make_plan(
    configuration: Configuration,
    wanted: WantedShop,
    stored: Stored,
    take_id: TakeId,
    now: datetime,
) -> Plan:
    """What has to happen. Raises `InvalidInput` with everything that is wrong."""
    draft = Draft(configuration, take_id)
    _plan_organisation(draft, wanted.organisation, now)
    for application in wanted.applications:
        _found_application(draft, application, now)
    for attribute in wanted.attributes:
        _plan_attribute(draft, attribute, now)
    for cost in wanted.additional_costs:
        _plan_cost(draft, cost, now)
    for program in wanted.loyalty_programs:
        _plan_loyalty_program(draft, program, now)
    for application in wanted.applications:
        _plan_application(draft, application, stored.coupons, now)
    customers, application_id = _plan_customers(draft, wanted.customers, stored.customers)
    if draft.faults:
        raise InvalidInput(*draft.faults)
    return Plan(
        steps=tuple(draft.steps),
        changes=draft.changes,
        new_coupons=tuple(draft.new_coupons),
        changed_coupons=tuple(draft.changed_coupons),
        customers=customers,
        profile_application_id=application_id,
        warnings=tuple(draft.warnings),
    )


def application_named(configuration: Configuration, name: str) -> Application | None:
    """The application of that name."""
    return _named(configuration.applications.values(), name=name)


def _plan_organisation(draft: Draft, wanted: WantedOrganisation, now: datetime) -> None:
    for entry in wanted.entries:
        plan_entry(draft, entry, now)
    for labels in wanted.labels:
        plan_labels(draft, labels, now)
    for settings in wanted.settings:
        plan_settings(draft, settings)


def _found_application(draft: Draft, wanted: WantedApplication, now: datetime) -> None:
    """Lets attributes refer to an application that comes to be."""
    if application_named(draft.configuration, wanted.name) is not None:
        return
    with draft.faults_under(wanted.at):
        blank = Application(
            draft.take_id("application"), wanted.name, "", "", created=now, modified=now
        )
        fields = msgspec.structs.replace(
            wanted.fields,
            attributes=UNSET,
            mandatory_campaign_attributes=UNSET,
            mandatory_coupon_attributes=UNSET,
        )
        draft.put(application_with(draft.configuration, blank, fields, now))
        return
    draft.unmade.add(wanted.name)


def _plan_application(
    draft: Draft,
    wanted: WantedApplication,
    coupons: Mapping[tuple[int, str], Coupon],
    now: datetime,
) -> None:
    old = application_named(draft.configuration, wanted.name)
    if old is None:
        return  # it could not be made, which was told already
    before = draft.before.applications.get(old.id)
    with draft.faults_under(wanted.at):
        new = application_with(draft.configuration, old, wanted.fields, now)
        changed = differences(before or old, new)
        if before is None or changed:
            draft.put(new)
        draft.tell("application", wanted.name, changed, new=before is None)
    for campaign in wanted.campaigns:
        plan_campaign(draft, old.id, wanted.name, campaign, coupons, now)


def _plan_attribute(draft: Draft, wanted: WantedAttribute, now: datetime) -> None:
    event_type = wanted.fields.event_type or ""
    known = draft.configuration.attributes.values()
    old = _named(known, name=wanted.name, entity=wanted.entity, event_type=event_type)
    with draft.faults_under(wanted.at):
        fields = _subscribed(draft, wanted.fields, wanted.applications)
        if old is None:
            new = new_attribute(draft.configuration, draft.take_id("attribute"), fields, now)
        elif old.builtin and wanted.fields == _only_named(wanted):
            new = old
        else:
            new = changed_attribute(draft.configuration, old, fields)
        changed = differences(old or new, new)
        if old is None or changed:
            _put_type(draft, new)
            draft.put(new)
        name = f"{wanted.entity}.{wanted.name}"
        draft.tell("attribute", name, changed, new=old is None)


def _put_type(draft: Draft, attribute: AttributeDefinition) -> None:
    """The first attribute of events of a type brings the type."""
    if new_type_of(draft.configuration, attribute, 0) is not None:
        type_ = new_type_of(draft.configuration, attribute, draft.take_id("event_type"))
        assert type_ is not None, "the configuration is as it was"
        draft.put(type_)


def _plan_cost(draft: Draft, wanted: WantedCost, now: datetime) -> None:
    old = _named(draft.configuration.additional_costs.values(), name=wanted.name)
    with draft.faults_under(wanted.at):
        fields = _subscribed(draft, wanted.fields, wanted.applications)
        if old is None:
            id_ = draft.take_id("additional_cost")
            new = new_additional_cost(draft.configuration, id_, fields, now)
        else:
            new = changed_additional_cost(draft.configuration, old, fields)
        changed = differences(old or new, new)
        if old is None or changed:
            draft.put(new)
        draft.tell("additional cost", wanted.name, changed, new=old is None)


def _plan_loyalty_program(draft: Draft, wanted: WantedLoyaltyProgram, now: datetime) -> None:
    old = _named(draft.configuration.loyalty_programs.values(), name=wanted.name)
    with draft.faults_under(wanted.at):
        fields = _subscribed(draft, wanted.fields, wanted.applications)
        count = tier_count(fields)
        if old is None:
            ids = [draft.take_id("loyalty_program") for _ in range(1 + count)]
            new = new_loyalty_program(draft.configuration, ids, fields, now)
        else:
            known = {tier.name for tier in old.tiers}
            wishes = fields.tiers if isinstance(fields.tiers, tuple) else ()
            ids = [0 if wish.name in known else draft.take_id("loyalty_program") for wish in wishes]
            new = changed_loyalty_program(draft.configuration, old, ids[:count], fields, now)
        changed = differences(old or new, new)
        if old is None or changed:
            draft.put(new)
        draft.tell("loyalty program", wanted.name, changed, new=old is None)


def _plan_customers(
    draft: Draft, wanted: tuple[WantedCustomer, ...], stored: Mapping[str, Attributes]
) -> tuple[tuple[WantedCustomer, ...], int]:
    """The customers that change, and the application through which they are stored."""
    applications = draft.configuration.applications.values()
    live = [each.id for each in applications if not each.sandbox]
    if wanted and not live and not draft.unmade:
        details = "customers belong to live Applications, and there is none"
        draft.faults.append(Fault(wanted[0].at, "No Application", details))
        return (), 0
    definitions = by_name(draft.configuration.attributes.values(), "CustomerProfile")
    changing, seen = [], set[str]()
    for customer in wanted:
        if customer.integration_id in seen:
            details = f'the customer "{customer.integration_id}" is wanted twice'
            draft.faults.append(Fault(f"{customer.at}/id", "Duplicate", details))
        seen.add(customer.integration_id)
        attributes, at = customer.attributes, f"{customer.at}/attributes"
        faults = validate(attributes, definitions, "CustomerProfile", at)
        draft.faults.extend(faults)
        old = stored.get(customer.integration_id)
        new = {} if faults else merged(old or {}, normalised(attributes))
        changed = tuple(name for name in new if (old or {}).get(name) != new[name])
        gone = tuple(name for name in old or {} if name not in new)
        draft.tell("customer", customer.integration_id, changed + gone, new=old is None)
        if old is None or changed or gone:
            changing.append(customer)
    return tuple(changing), min(live, default=0)


def _subscribed(draft: Draft, fields: Fields, names: tuple[str, ...] | None) -> Fields:
    """`fields` with the ids of the named applications."""
    if names is None:
        return fields
    ids, faults = [], []
    for index, name in enumerate(names):
        application = application_named(draft.configuration, name)
        if application is None and name not in draft.unmade:
            details = f'there is no Application named "{name}"'
            faults.append(Fault(f"/applications/{index}", "Unknown", details))
        elif application is not None:
            ids.append(application.id)
    if len(ids) < len(names):
        raise InvalidInput(*faults)
    changed: dict[str, Any] = {"subscribed_application_ids": tuple(ids)}
    return msgspec.structs.replace(fields, **changed)


def _only_named(wanted: WantedAttribute) -> msgspec.Struct:
    """The fields of an attribute of which nothing is said but what it is called."""
    blank = type(wanted.fields)()
    return msgspec.structs.replace(
        blank, entity=wanted.fields.entity, name=wanted.name, type=wanted.fields.type
    )


def _named(entities: Iterable[Named], **wanted: str) -> Named | None:
    for entity in entities:
        if all(getattr(entity, name) == value for name, value in wanted.items()):
            return entity
    return None
