"""Resources between the database and memory: what to ask for, what was read, what to write.

Each resource has one entry in `RESOURCES`: a question for the SQL function `read_resource_<name>`,
and how its answer becomes a value. What a decision changes is encoded as it is, one key per
resource, for `write_resource_<name>` (migration 0011), or as the resource writes it.
"""

from collections.abc import Callable, Iterable, Mapping
from operator import attrgetter
from typing import Any

import msgspec

from habitue.customers.claims import event_key, session_key
from habitue.model.documents import decoder_of, encode
from habitue.promotions.catalog import CatalogItem, Stock
from habitue.promotions.program import Program
from habitue.promotions.resources import Asking, EventReading, Progress, ResourceChanges, Resources
from habitue.usecases.budget_questions import (
    ask_budgets,
    ask_campaign_budgets,
    read_budgets,
    read_campaign_budgets,
)
from habitue.usecases.issuing_questions import (
    ask_creations,
    ask_giveaways,
    ask_referrals,
    read_creations,
    read_giveaways,
    read_referrals,
)
from habitue.usecases.owners_resource import ask_owners, owner_writes, read_owners
from habitue.usecases.points_resource import ask_points, read_points
from habitue.usecases.points_state import ledger_writes


class Resource(msgspec.Struct, frozen=True):
    """One resource. `ask` gives the question, None where the request cannot need the resource;
    `read` makes the value for `Resources` out of the JSON that the database gave. `write` makes
    what is written out of the value in `ResourceChanges`, where that is not written as it is."""

    ask: Callable[[Program, Asking], Any]
    read: Callable[[bytes, Program], Any]
    write: Callable[[Any], Any] | None = None


_IDS = decoder_of(frozenset[int])


def _ask_audiences(program: Program, asking: Asking) -> Any:
    """Rules and answers want to know them wherever there are any."""
    return {} if program.audiences else None


def _read_audiences(answer: bytes, program: Program) -> frozenset[int]:
    return _IDS.decode(answer)


_EVENT = decoder_of(EventReading)


def _ask_event(program: Program, asking: Asking) -> Any:
    """Only an advanced event is asked about."""
    if asking.event_id is None:
        return None
    application_id, session_id = program.application.id, asking.connected_session_id
    session = session_key(application_id, session_id) if session_id else None
    return {"event": event_key(application_id, asking.event_id), "session": session}


def _read_event(answer: bytes, program: Program) -> EventReading:
    return _EVENT.decode(answer)


def _ask_achievements(program: Program, asking: Asking) -> Any:
    """Where rules are about them, the answer tells them, or a session may give progress back."""
    told = asking.gives_back or "achievements" in asking.tells
    if not program.achievements or not (told or program.achievements_wanted(asking.campaign_ids)):
        return None
    return {"ids": sorted(program.achievements), "session": asking.gives_back}


def _read_achievements(answer: bytes, program: Program) -> Progress:
    return _PROGRESS.decode(answer)


_PROGRESS = decoder_of(Progress)


def _ask_catalog(program: Program, asking: Asking) -> Any:
    """The articles of the cart that is evaluated, where the application has catalogs."""
    if not program.catalog_ids or not asking.evaluates_cart:
        return None
    items = asking.cart_items
    if not items and (items is not None or asking.dry):
        return None
    skus = None if items is None else list({each.sku for each in items})
    return {"catalogs": program.catalog_ids, "skus": skus}


def _read_catalog(answer: bytes, program: Program) -> Stock:
    return {each.sku: each for each in _ITEMS.decode(answer)}


_ITEMS = decoder_of(list[CatalogItem])

#: By the name of the field in `Resources` and `ResourceChanges`.
RESOURCES: Mapping[str, Resource] = {
    "achievements": Resource(_ask_achievements, _read_achievements),
    "audiences": Resource(_ask_audiences, _read_audiences),
    "catalog": Resource(_ask_catalog, _read_catalog),
    "budgets": Resource(ask_budgets, read_budgets),
    "creations": Resource(ask_creations, read_creations),
    "giveaways": Resource(ask_giveaways, read_giveaways),
    "referrals": Resource(ask_referrals, read_referrals),
    "event": Resource(_ask_event, _read_event),
    "owners": Resource(ask_owners, read_owners, owner_writes),
    "points": Resource(ask_points, read_points, ledger_writes),
}

_ALL_BUT_BUDGETS = tuple(name for name in RESOURCES if name != "budgets")
_ANSWERS = decoder_of(dict[str, msgspec.Raw])


#: What the answer about a profile tells even where no rules are run.
PROFILE_RESOURCES = ("audiences",)


def asked(
    program: Program, asking: Asking, names: Iterable[str] = tuple(RESOURCES)
) -> bytes | None:
    """The questions of one request about the resources of those names, as `load` takes them; None
    where there are none."""
    questions = {
        name: question
        for name in names
        if (question := RESOURCES[name].ask(program, asking)) is not None
    }
    return encode(questions) if questions else None


def questions(program: Program, asking: Asking) -> tuple[bytes | None, bytes | None]:
    """The questions of a request about a session, and that about budgets of whole campaigns, where
    it needs no others: it is answered once for all requests that are read together."""
    budgets = ask_campaign_budgets(program, asking)
    return asked(program, asking, RESOURCES if budgets is None else _ALL_BUT_BUDGETS), budgets


def resources_of(
    answers: bytes | None, program: Program, budgets: bytes | None = None
) -> Resources:
    """What was read, as values; `budgets` are those of whole campaigns."""
    found: dict[str, Any] = {}
    if answers is not None:
        for name, raw in _ANSWERS.decode(answers).items():
            found[name] = RESOURCES[name].read(bytes(raw), program)
    if budgets is not None:
        found["budgets"] = read_campaign_budgets(budgets)
    return Resources(**found)


def changes_of(changes: ResourceChanges) -> bytes | None:
    """What `save` takes; None where nothing changes."""
    if changes == _NOTHING:
        return None
    if not (changes.points or changes.owners):
        return encode(changes)
    wanted = ((name, getattr(changes, name)) for name in _CHANGES)
    return encode({name: _written(name, each) for name, each in wanted if each})


def travel_alone(changes: ResourceChanges) -> bool:
    """Whether more changes than rows of the session's customer and what is taken of budgets, for
    which nobody waits while there is enough."""
    if changes == _NOTHING:
        return False
    budgets = changes.budgets
    if budgets is not None and (budgets.release or budgets.gives):
        return True
    return any(_OF_OTHERS(changes))


def _written(name: str, change: Any) -> Any:
    resource = RESOURCES.get(name)
    return change if resource is None or resource.write is None else resource.write(change)


_NOTHING = ResourceChanges()
_CHANGES = ResourceChanges.__struct_fields__
_OF_THE_CUSTOMER = frozenset({"achievements", "audiences", "budgets", "event", "names", "points"})
_OF_OTHERS = attrgetter(*(name for name in _CHANGES if name not in _OF_THE_CUSTOMER))
