"""Labels: the shop's own words for the statuses of customers and of loyalty cards.

A label belongs to one status for good and cannot be deleted; of the labels of a status one is its
default, the first one until another is chosen (contracts/capillary/SPEC.md sections 2 and 9.2). To
say again what a label is already changes nothing.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TypeVar, get_args

import msgspec

from habitue.customers.card import CustomerStatus
from habitue.customers.card_facts import refused
from habitue.customers.organisation import (
    BLOCKS,
    CardLabel,
    CardStatus,
    Organisation,
    StatusLabel,
    folded,
)
from habitue.model.errors import Fault
from habitue.promotions.configuration import Configuration
from habitue.store.configuration import new_ids
from habitue.usecases.configuration import Change
from habitue.usecases.configure.checks import refuse_if_any
from habitue.usecases.configure.entries import EntryExists, required_faults
from habitue.usecases.configure.settle import Decision, settle
from habitue.usecases.shop import Shop

LABELS_PER_REQUEST_MAX = 100
CARD_STATUSES: tuple[CardStatus, ...] = get_args(CardStatus)
CUSTOMER_STATUSES: tuple[CustomerStatus, ...] = get_args(CustomerStatus)
_NEVER_BLOCKING = "ACTIVE"
_ALWAYS_BLOCKING = "DELETED"

Label = TypeVar("Label", StatusLabel, CardLabel)


class LabelWish(msgspec.Struct, frozen=True, kw_only=True):
    """A label that there shall be; `blocks` of None leaves them as they are."""

    label: str
    status: str
    is_default: bool = False
    blocks: tuple[str, ...] | None = None


async def add_card_labels(
    shop: Shop, wishes: Sequence[LabelWish], now: datetime
) -> tuple[CardLabel, ...]:
    """The labels as they are now. Raises `CardRefused`, `InvalidInput` or `EntryExists`."""
    refuse_bad_card_labels(wishes)
    ids = await new_ids(shop.database, "card_label", len(wishes))

    async def decide(configuration: Configuration) -> Decision[tuple[CardLabel, ...]]:
        changed = changed_card_labels(configuration.organisation, wishes, ids, now)
        labels = {**configuration.organisation.card_label_of, **_by_name(changed)}
        result = tuple(labels[folded(wish.label)] for wish in wishes)
        return Decision(result, tuple(map(Change, changed)))

    return await settle(shop, decide)


async def add_status_labels(
    shop: Shop, wishes: Sequence[LabelWish], now: datetime
) -> tuple[StatusLabel, ...]:
    """The labels of customers as they are now. Raises `InvalidInput` or `EntryExists`."""
    refuse_if_any(status_label_faults(wishes))
    ids = await new_ids(shop.database, "status_label", len(wishes))

    async def decide(configuration: Configuration) -> Decision[tuple[StatusLabel, ...]]:
        changed = changed_status_labels(configuration.organisation, wishes, ids, now)
        labels = {**configuration.organisation.status_label_of, **_by_name(changed)}
        result = tuple(labels[folded(wish.label)] for wish in wishes)
        return Decision(result, tuple(map(Change, changed)))

    return await settle(shop, decide)


def changed_card_labels(
    organisation: Organisation, wishes: Sequence[LabelWish], ids: Sequence[int], now: datetime
) -> list[CardLabel]:
    """The labels that come to be or change. `wishes` are checked; each has an id to take."""
    wanted = [
        CardLabel(id_, wish.label.strip(), _card_status(wish), now, wish.is_default)
        for id_, wish in zip(ids, wishes, strict=True)
    ]
    return _changed(organisation.card_label_of, wanted)


def changed_status_labels(
    organisation: Organisation, wishes: Sequence[LabelWish], ids: Sequence[int], now: datetime
) -> list[StatusLabel]:
    """The labels that come to be or change. `wishes` are checked; each has an id to take."""
    wanted = []
    for id_, wish in zip(ids, wishes, strict=True):
        old = organisation.status_label_of.get(folded(wish.label))
        blocks = wish.blocks if wish.blocks is not None else old.blocks if old else ()
        status = _customer_status(wish)
        blocks = BLOCKS if status == _ALWAYS_BLOCKING else blocks
        wanted.append(
            StatusLabel(id_, wish.label.strip(), status, now, wish.is_default, tuple(blocks))
        )
    return _changed(organisation.status_label_of, wanted)


def refuse_bad_card_labels(wishes: Sequence[LabelWish]) -> None:
    """Raises `CardRefused` or `InvalidInput` for what no shop could have."""
    if not wishes:
        raise refused("labels_empty")
    refuse_if_any(_text_faults(wishes))
    for index, wish in enumerate(wishes):
        if wish.status not in CARD_STATUSES:
            raise refused("status_invalid", wish.status, pointer=f"/{index}/status")
    twice = _twice(folded(wish.label) for wish in wishes)
    if twice:
        raise refused("label_repeated", twice)
    twice = _twice(wish.status for wish in wishes if wish.is_default)
    if twice:
        raise refused("default_label_duplicate", twice)


def status_label_faults(wishes: Sequence[LabelWish]) -> Iterator[Fault]:
    """What is wrong with labels of customers whatever the shop has."""
    if not wishes:
        yield Fault("", "Missing", "at least one label is required")
    yield from _text_faults(wishes)
    for index, wish in enumerate(wishes):
        if wish.status not in CUSTOMER_STATUSES:
            details = f"a status is one of {', '.join(CUSTOMER_STATUSES)}"
            yield Fault(f"/{index}/status", "Unknown", details)
        for place, block in enumerate(wish.blocks or ()):
            if block not in BLOCKS:
                details = f"what is blocked is one of {', '.join(BLOCKS)}"
                yield Fault(f"/{index}/blocks/{place}", "Unknown", details)
        if wish.blocks and wish.status == _NEVER_BLOCKING:
            yield Fault(f"/{index}/blocks", "Not supported", "an active customer is not blocked")
    twice = _twice(folded(wish.label) for wish in wishes)
    if twice:
        yield Fault("", "Duplicate", f'the label "{twice[:80]}" stands here twice')
    twice = _twice(wish.status for wish in wishes if wish.is_default)
    if twice:
        yield Fault("", "Duplicate", f"{twice[:80]} has more than one default label here")


def _text_faults(wishes: Sequence[LabelWish]) -> Iterator[Fault]:
    if len(wishes) > LABELS_PER_REQUEST_MAX:
        yield Fault("", "Too many", f"at most {LABELS_PER_REQUEST_MAX} labels are accepted")
    for index, wish in enumerate(wishes):
        for fault in required_faults(wish.label, "/label"):
            yield fault.under(f"/{index}")


def _twice(names: Iterable[str]) -> str:
    return next((name for name, count in Counter(names).items() if count > 1), "")


def _card_status(wish: LabelWish) -> CardStatus:
    return next(each for each in CARD_STATUSES if each == wish.status)


def _customer_status(wish: LabelWish) -> CustomerStatus:
    return next(each for each in CUSTOMER_STATUSES if each == wish.status)


def _by_name(labels: Iterable[Label]) -> dict[str, Label]:
    return {folded(each.label): each for each in labels}


def _changed(known: Mapping[str, Label], wanted: Sequence[Label]) -> list[Label]:
    """The labels that differ from `known` once `wanted` hold."""
    labels = dict(known)
    for wish in wanted:
        key = folded(wish.label)
        old = labels.get(key)
        new = wish if old is None else _renewed(old, wish)
        rivals = [
            name
            for name, each in labels.items()
            if name != key and each.status == new.status and each.is_default
        ]
        if not rivals and not new.is_default:
            new = msgspec.structs.replace(new, is_default=True)
        elif new.is_default:
            for name in rivals:
                labels[name] = msgspec.structs.replace(labels[name], is_default=False)
        labels[key] = new
    return [each for key, each in labels.items() if each != known.get(key)]


def _renewed(old: Label, wish: Label) -> Label:
    if old.status != wish.status:
        raise EntryExists("A label of another status", old.label)
    default = old.is_default or wish.is_default
    changed = msgspec.structs.replace(wish, id=old.id, label=old.label, created=old.created)
    return msgspec.structs.replace(changed, is_default=default)
