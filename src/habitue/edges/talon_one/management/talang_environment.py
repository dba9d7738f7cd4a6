"""What rules of an Application may read and call, told to editors (TALANG.md section 6)."""

from datetime import datetime
from typing import Any

import msgspec

from habitue.edges.http.operation import Answer, Operation
from habitue.edges.talon_one.management.shared import ManagementCall, managed
from habitue.promotions.dialect import dialect_of
from habitue.promotions.dialect_words import Word, core_words, host_words, slots_of


class SlotDef(msgspec.Struct):
    """A name that has a value."""

    name: str
    type: str
    title: str
    writable: bool


class FuncArgDef(msgspec.Struct):
    """One argument of a function."""

    type: str
    description: str
    optional: bool


class FunctionDef(msgspec.Struct, omit_defaults=True):
    """A function or an effect; `feature` is what a campaign must have for it."""

    name: str
    type: str
    description: str
    help: str
    args: list[FuncArgDef]
    feature: str | None = None


class Environment(msgspec.Struct, rename="camel"):
    """Everything that rules of an Application may use."""

    id: int
    application_id: int
    created: datetime
    slots: list[SlotDef]
    functions: list[FunctionDef]
    templates: list[Any]
    variables: list[str]
    additional_costs: list[str]
    audiences: list[str]
    collections: list[str]
    giveaways_pools: list[Any]


async def get_environment(call: ManagementCall[None, None]) -> Answer:
    configuration = call.services.shop.configuration
    application = configuration.application(call.integer("applicationId"))
    dialect = dialect_of(configuration, application.id)
    collections = configuration.collections.values()
    environment = Environment(
        id=application.id,
        application_id=application.id,
        created=application.created,
        slots=[
            SlotDef(each.name, each.type, each.name.rpartition(".")[2], each.writable)
            for each in slots_of(dialect)
        ],
        functions=[_function(each) for each in (*host_words(dialect.functions), *core_words())],
        templates=[],
        variables=list(dialect.variables),
        additional_costs=sorted(each.name for each in configuration.additional_costs.values()),
        audiences=sorted(
            each.name
            for each in configuration.audiences_of(sandbox=application.sandbox).values()
            if each.serves(application.id)
        ),
        collections=sorted({each.name for each in collections if each.serves(application.id)}),
        giveaways_pools=[],
    )
    return Answer(200, environment)


def _function(word: Word) -> FunctionDef:
    args = [FuncArgDef(each.type, each.name, each.optional) for each in word.parameters]
    return FunctionDef(word.name, word.type, word.description, "", args, word.feature)


def operations() -> list[Operation]:
    """The description of the rule language."""
    return [
        managed(
            "getTalangEnvironment",
            "GET",
            "/v1/applications/{applicationId:int}/talang_environment",
            get_environment,
            "Get everything that rules of an Application may read and call",
            {200: Environment},
            group="Rulesets",
        )
    ]
