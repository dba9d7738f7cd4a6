"""What the shop says of itself, on the wire: extended and custom fields, and all the rest in one
list (contracts/capillary/SPEC.md section 9.1, example 25)."""

from functools import partial
from typing import Any

import msgspec

from habitue.customers.organisation import CustomField, ExtendedField
from habitue.edges.capillary.administration import (
    GROUP,
    NOBODY,
    Switch,
    date_of,
    places_of_the_wire,
    refreshed,
    switched,
)
from habitue.edges.capillary.attribution import TillPrincipal
from habitue.edges.capillary.card_series import card_series_operations
from habitue.edges.capillary.configs import config_operations
from habitue.edges.capillary.door import CAPILLARY
from habitue.edges.capillary.envelopes import EntityFound, Item, Listing, entity, listing
from habitue.edges.capillary.labels import label_operations
from habitue.edges.capillary.organisation_codes import OrganisationRefused
from habitue.edges.capillary.source_accounts import source_operations
from habitue.edges.http.call import Answer, Call
from habitue.edges.http.operation import Operation
from habitue.model.errors import NotFound
from habitue.usecases.configure.custom_fields import (
    CUSTOM_FIELD_SCOPES,
    CustomFieldFields,
    create_custom_field,
)

_LINE_ITEMS = "REGULAR_LINEITEM"
_CUSTOMERS = "CUSTOMER"
_FIELD_PLACES = {
    "/compulsory": "/isCompulsory",
    "/disabled": "/isDisabled",
    "/updatable": "/isUpdatable",
    "/personal": "/isPiiData",
}


class ExtendedFieldOut(msgspec.Struct, rename="camel"):
    """A field with a controlled name and type."""

    id: int
    name: str
    created_by: int
    created_on: str
    modified_by: int
    modified_on: str
    label: str
    entity_type: str
    data_type: str
    parent_id: int


class ExtendedFieldDefinition(ExtendedFieldOut, rename="camel"):
    """The same with everything that its values must be."""

    options: list[str]
    length_max: int
    element_type: str
    count_min: int
    count_max: int
    warnings: list[Item]


class ExtendedFieldsOut(msgspec.Struct):
    """Fields by entity."""

    entity: dict[str, list[ExtendedFieldOut]]
    warnings: list[Item]
    errors: list[Item]
    success: bool = True


class CustomFieldOut(msgspec.Struct, rename="camel"):
    """A free field of the shop."""

    id: int
    name: str
    type: str
    data_type: str
    label: str
    scope: str
    default_value: str
    phase: str
    position: int
    rule: str
    server_rule: str
    regex: str
    error: str
    options: str
    is_disabled: int
    is_compulsory: int
    disable_at_server: int
    is_updatable: int
    is_pii_data: int
    is_psi_data: int


class CustomFieldIn(msgspec.Struct, rename="camel"):
    """A free field, to be defined; options are a list, or a text with commas."""

    name: str | None = None
    label: str | None = None
    scope: str | None = None
    type: str | None = None
    regex: str | None = None
    error: str | None = None
    options: list[str] | str | None = None
    default_value: str | None = None
    is_compulsory: Switch = None
    is_disabled: Switch = None
    is_updatable: Switch = None
    is_pii_data: Switch = None


class CustomFieldQuery(msgspec.Struct, rename="camel"):
    """Fields of one scope, or of all."""

    scope: str = ""
    include_disabled: bool = False
    include_disabled_at_server: bool = False


class EntityQuery(msgspec.Struct, rename="camel"):
    """What the field belongs to: a customer, where nothing is said."""

    entity_type: str = _CUSTOMERS


async def list_extended_fields(call: Call[TillPrincipal, None, None]) -> Answer:
    fields = (await refreshed(call)).configuration.organisation.extended_fields.values()
    by_entity: dict[str, list[ExtendedFieldOut]] = {_CUSTOMERS: [], _LINE_ITEMS: []}
    for field in fields:
        by_entity.setdefault(field.entity, []).append(ExtendedFieldOut(**_extended(field)))
    return Answer(200, ExtendedFieldsOut(by_entity, [], []))


async def get_extended_field(call: Call[TillPrincipal, EntityQuery, None]) -> Answer:
    organisation = (await refreshed(call)).configuration.organisation
    name, of = call.path["name"], call.query.entity_type.upper()
    field = organisation.extended_field_of.get((of, name))
    if field is None:
        raise NotFound("Extended field", name[:80])
    definition = ExtendedFieldDefinition(
        **_extended(field),
        options=list(field.options),
        length_max=field.length_max,
        element_type=field.element_type if field.type == "LIST" else "",
        count_min=field.count_min,
        count_max=field.count_max,
        warnings=[],
    )
    return Answer(200, definition)


async def list_custom_fields(call: Call[TillPrincipal, CustomFieldQuery, None]) -> Answer:
    query = call.query
    if query.scope and query.scope not in CUSTOM_FIELD_SCOPES:
        raise OrganisationRefused("scope_unknown", query.scope)
    fields = (await refreshed(call)).configuration.organisation.custom_fields.values()
    shown = query.include_disabled or query.include_disabled_at_server
    wanted = [
        field
        for field in fields
        if (not query.scope or field.scope == query.scope) and (shown or not field.disabled)
    ]
    return listing([custom_field_out(field, place) for place, field in enumerate(wanted)])


async def add_custom_field(call: Call[TillPrincipal, None, CustomFieldIn]) -> Answer:
    body = call.body
    options = body.options
    if isinstance(options, str):
        options = [part.strip() for part in options.split(",") if part.strip()]
    fields = CustomFieldFields(
        name=body.name or "",
        label=body.label,
        scope=body.scope,
        type=body.type,
        regex=body.regex,
        error=body.error,
        options=tuple(options or ()),
        default_value=body.default_value,
        compulsory=switched(body.is_compulsory, "/isCompulsory"),
        disabled=switched(body.is_disabled, "/isDisabled"),
        updatable=switched(body.is_updatable, "/isUpdatable"),
        personal=switched(body.is_pii_data, "/isPiiData"),
    )
    with places_of_the_wire(_FIELD_PLACES):
        field = await create_custom_field(call.services.shop, fields, call.now)
    return entity(field.id)


def custom_field_out(field: CustomField, position: int) -> CustomFieldOut:
    """A custom field as it is answered; a disabled one is not taken by the server either."""
    return CustomFieldOut(
        id=field.id,
        name=field.name,
        type=field.type,
        data_type="String",
        label=field.label,
        scope=field.scope,
        default_value=field.default_value,
        phase="1",
        position=position,
        rule="",
        server_rule="",
        regex=field.regex,
        error=field.error,
        options=",".join(field.options),
        is_disabled=int(field.disabled),
        is_compulsory=int(field.compulsory),
        disable_at_server=int(field.disabled),
        is_updatable=int(field.updatable),
        is_pii_data=int(field.personal),
        is_psi_data=0,
    )


def _extended(field: ExtendedField) -> dict[str, Any]:
    day = date_of(field.created)
    return {
        "id": field.id,
        "name": field.name,
        "created_by": NOBODY,
        "created_on": day,
        "modified_by": NOBODY,
        "modified_on": day,
        "label": field.label,
        "entity_type": field.entity,
        "data_type": field.type,
        "parent_id": field.parent_id or NOBODY,
    }


def organisation_operations() -> list[Operation]:
    """Everything that the shop says of itself: fields, sources, settings, card series, labels."""
    return [
        *_field_operations(),
        *source_operations(),
        *config_operations(),
        *card_series_operations(),
        *label_operations(),
    ]


def _field_operations() -> list[Operation]:
    operation = partial(Operation, door=CAPILLARY, group=GROUP)
    return [
        operation(
            "listExtendedFields",
            "GET",
            "/v2/extendedFields",
            list_extended_fields,
            summary="The extended fields that the shop has, by what they belong to",
            responses={200: ExtendedFieldsOut},
        ),
        operation(
            "getExtendedField",
            "GET",
            "/v2/extendedFields/{name}",
            get_extended_field,
            summary="One extended field with its options",
            query=EntityQuery,
            responses={200: ExtendedFieldDefinition},
        ),
        operation(
            "listCustomFields",
            "GET",
            "/v2/organization/customFields",
            list_custom_fields,
            summary="The custom fields of a scope",
            query=CustomFieldQuery,
            responses={200: Listing},
        ),
        operation(
            "addCustomField",
            "POST",
            "/v2/customFields",
            add_custom_field,
            summary="Define a custom field",
            body=CustomFieldIn,
            responses={200: EntityFound},
            request_example=b'{"name": "pin", "scope": "customer_card", "regex": "[0-9]{4}"}',
        ),
    ]
