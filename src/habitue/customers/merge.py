"""Joining two cards into one, and taking them apart again.

Words: the *victim* becomes a part of the *survivor* and holds nothing of its own from then on. A
merge *stands* until it is undone. The standing merges below one customer are a tree of *roots*:
each root is a card as it was before it was joined, with the attributes that it had by itself.

Taking a card out of a tree is telling the story again without that merge: every root begins with
what it had, the other merges happen again in their order, and every later change is made to the
card that it named, wherever that card is then. So it does not matter in which order merges are
undone, and undoing a merge at once gives both cards as they were.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from decimal import localcontext
from typing import Literal

import msgspec

from habitue.customers.card import Card, ordered
from habitue.customers.history import Change
from habitue.customers.organisation import Organisation
from habitue.customers.refusals import CustomerBlocked, CustomerErased, CustomerMerged
from habitue.customers.status import blocking_label
from habitue.model.attributes import Attributes, merged
from habitue.model.errors import Conflict
from habitue.model.numbers import EXACT

#: What a status label names when it forbids that a card is joined with another one.
MERGE_ACTION = "identifier_change_and_merge"


class MergedWithItself(Conflict):
    """A card is not joined with itself."""

    def __init__(self, customer_id: int) -> None:
        super().__init__(f"Customer {customer_id} cannot be merged with itself")
        self.customer_id = customer_id


class SandboxMixed(Conflict):
    """One of the cards is of a sandbox, whose customers are nobody, and the other one is not."""

    def __init__(self, sandbox_id: int) -> None:
        super().__init__(f"Customer {sandbox_id} is of a sandbox and the other one is not")
        self.customer_id = sandbox_id


class VictimMerged(CustomerMerged):
    """The card that was to be joined is a part of that of `survivor_id` already."""


class SurvivorMerged(CustomerMerged):
    """The card that was to take the other one is itself a part of that of `survivor_id`."""


class NotMerged(Conflict):
    """There is nothing to undo: the card stands for itself."""

    def __init__(self, customer_id: int) -> None:
        super().__init__(f"Customer {customer_id} is not merged into another one")
        self.customer_id = customer_id


class MergeReason(msgspec.Struct, frozen=True, kw_only=True):
    """Why two cards are one person's: an identifier that both have, or a person's request.

    An identifier is told by its kind and where it was told, without its value.
    """

    kind: Literal["identifier", "request"]
    identifier_kind: str = ""
    source: str = ""
    account_id: str = ""
    request_id: int = 0
    comment: str = ""


class MergeDecision(msgspec.Struct, frozen=True):
    """A merge to be saved: `survivor` as it will be, and the cards as they were."""

    survivor: Card
    survivor_before: Card
    victim: Card


class RootBase(msgspec.Struct, frozen=True):
    """What a card was by itself when it was joined; changes after `since_change` came later."""

    root_id: int
    attributes: Attributes
    since_change: int


class StandingMerge(msgspec.Struct, frozen=True):
    """A merge that was not undone; merges and changes are numbered in one order."""

    id: int
    victim_id: int
    survivor_id: int


class AttributeChange(msgspec.Struct, frozen=True):
    """Attributes that changed at one moment, of the root that was named."""

    id: int
    root_id: int
    changes: tuple[Change, ...]


class JoinedTree(msgspec.Struct, frozen=True):
    """Everything that is joined in the customer `holder_id`, and what has changed since."""

    holder_id: int
    roots: tuple[RootBase, ...]
    merges: tuple[StandingMerge, ...]
    changes: tuple[AttributeChange, ...]


class UnmergeDecision(msgspec.Struct, frozen=True):
    """The roots that go with the victim, and both customers' attributes afterwards."""

    victim_id: int
    holder_id: int
    roots: tuple[int, ...]
    victim_attributes: Attributes
    holder_attributes: Attributes


def decide_merge(
    survivor: Card,
    victim: Card,
    organisation: Organisation,
    sandboxed: Collection[int] = (),
) -> MergeDecision:
    """The merge of two cards; of attributes that both have the survivor's stays.

    `sandboxed` are the ids of those who are customers of a sandbox. Raises `MergedWithItself`,
    `VictimMerged`, `SurvivorMerged`, `CustomerErased`, `SandboxMixed` and `CustomerBlocked`.
    """
    if survivor.id == victim.id:
        raise MergedWithItself(survivor.id)
    if victim.merged_into is not None:
        raise VictimMerged(victim.merged_into)
    if survivor.merged_into is not None:
        raise SurvivorMerged(survivor.merged_into)
    for card in (survivor, victim):
        _refuse_erased(card)
    if (survivor.id in sandboxed) != (victim.id in sandboxed):
        raise SandboxMixed(survivor.id if survivor.id in sandboxed else victim.id)
    for card in (survivor, victim):
        _refuse_blocked(card, organisation)
    return MergeDecision(joined(survivor, victim), survivor, victim)


def joined(survivor: Card, victim: Card) -> Card:
    """The survivor as it is with the victim in it; the version is the one after the merge."""
    mine, others = survivor.customer, victim.customer
    with localcontext(EXACT):
        total_sales = mine.total_sales + others.total_sales
    customer = msgspec.structs.replace(
        mine,
        version=mine.version + 1,
        last_activity=max(mine.last_activity, others.last_activity),
        session_count=mine.session_count + others.session_count,
        closed_sessions=mine.closed_sessions + others.closed_sessions,
        total_sales=total_sales,
        attributes=_united(mine.attributes, others.attributes),
    )
    return Card(customer, ordered((*survivor.parts, *victim.parts), survivor.id))


def decide_unmerge(victim_id: int, tree: JoinedTree) -> UnmergeDecision:
    """Takes the victim, with all that was joined into it before, out of the tree.

    Raises `NotMerged` where no standing merge made the victim a part of it.
    """
    remaining = tuple(each for each in tree.merges if each.victim_id != victim_id)
    if len(remaining) == len(tree.merges):
        raise NotMerged(victim_id)
    attributes = replayed(tree.roots, remaining, tree.changes)
    return UnmergeDecision(
        victim_id,
        tree.holder_id,
        roots=roots_below(victim_id, remaining),
        victim_attributes=attributes[victim_id],
        holder_attributes=attributes[tree.holder_id],
    )


def roots_below(customer_id: int, merges: Iterable[StandingMerge]) -> tuple[int, ...]:
    """The customer and all that is joined in it by those merges, in ascending order."""
    standing = tuple(merges)
    found = {customer_id}
    while more := {
        each.victim_id
        for each in standing
        if each.survivor_id in found and each.victim_id not in found
    }:
        found |= more
    return tuple(sorted(found))


def replayed(
    roots: Sequence[RootBase],
    merges: Iterable[StandingMerge],
    changes: Iterable[AttributeChange],
) -> Mapping[int, Attributes]:
    """The attributes of every card that stands for itself after those merges and changes."""
    since = {each.root_id: each.since_change for each in roots}
    cards = {each.root_id: each.attributes for each in roots}
    holders = {each.root_id: each.root_id for each in roots}
    events: list[StandingMerge | AttributeChange] = [*merges, *changes]
    events.sort(key=lambda event: event.id)
    for event in events:
        if isinstance(event, StandingMerge):
            _join(cards, holders, event)
        elif event.id > since[event.root_id]:
            holder = holders[event.root_id]
            told = {_attribute(each.path): each.after for each in event.changes}
            cards[holder] = merged(cards[holder], told)
    return cards


def _join(cards: dict[int, Attributes], holders: dict[int, int], merge: StandingMerge) -> None:
    victims = cards.pop(merge.victim_id)
    cards[merge.survivor_id] = _united(cards[merge.survivor_id], victims)
    for root_id, holder in holders.items():
        if holder == merge.victim_id:
            holders[root_id] = merge.survivor_id


def _attribute(path: str) -> str:
    """The name of the attribute that a path of the history is about."""
    return path.removeprefix("attributes/").replace("~1", "/").replace("~0", "~")


def _united(mine: Attributes, others: Attributes) -> Attributes:
    return {**others, **mine}


def _refuse_erased(card: Card) -> None:
    if card.erased is not None:
        raise CustomerErased(card.id)


def _refuse_blocked(card: Card, organisation: Organisation) -> None:
    label = blocking_label(card, organisation, MERGE_ACTION)
    if label is not None:
        raise CustomerBlocked(label)
