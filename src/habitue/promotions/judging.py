"""Judging campaigns group by group: which of those that would apply do apply.

Words as in `habitue.promotions.campaign_set`. To compare elements of a group each is tried on its
own: its rules are run, what it would give is looked at, and all of it is rolled back; the winner is
run once more for good, so that it decides upon what the campaigns before the group have left. The
*worth* of an element is the sum of its discounts; points and gifts count nothing.

Invariants: what is not applied leaves no trace in effects, attributes, budgets or codes, but for
the reasons of the codes that it would have accepted; a group in which nothing triggers gives
nothing but what its rules have to say of that.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import groupby
from typing import TypeAlias

import msgspec

from habitue.model.numbers import ZERO
from habitue.promotions.campaign_set import Group, Leaf, Path, Placement
from habitue.promotions.candidates import Candidate
from habitue.promotions.coupon import ExclusionReason
from habitue.promotions.coupon_book import BookNotes
from habitue.promotions.effects import (
    DISCOUNTS,
    Effect,
    SetDiscountPerAdditionalCostPerItem,
    SetDiscountPerItem,
)
from habitue.promotions.referral_book import Cause
from habitue.promotions.trying import Run

#: A campaign's place, and the rules of it that may apply.
_Entry: TypeAlias = tuple[Path, list[Candidate]]
#: One element of a group with its entries.
_Element: TypeAlias = tuple[Group | Leaf, list[_Entry]]
_Unit: TypeAlias = tuple[int, int]


class _Trial(msgspec.Struct, frozen=True):
    """What came of trying an element on its own; `friend` is the rule that would have accepted the
    referral code."""

    element: _Element
    triggered: bool
    worth: Decimal
    units: Mapping[_Unit, Decimal]
    notes: BookNotes
    friend: Cause | None


def judge(run: Run, placement: Placement, candidates: Iterable[Candidate], complete: bool) -> None:
    """Runs the rules in their groups; with `complete` every group is a stackable one.

    Campaigns that have no place are not judged.
    """
    rules: dict[int, list[Candidate]] = {}
    for candidate in candidates:
        rules.setdefault(candidate[0].campaign.id, []).append(candidate)
    entries: list[_Entry] = []
    for id_, found in rules.items():
        path = placement.paths.get(id_)
        if path is None:
            run.exclude(found[0][0].campaign, "CampaignNotInEvaluationSet")
        else:
            entries.append((path, found))
    entries.sort(key=lambda entry: entry[0])
    _Judge(run, complete).group(placement.root, entries, 0)


class _Judge:
    """One walk through the groups."""

    def __init__(self, run: Run, complete: bool) -> None:
        self._run = run
        self._complete = complete

    def group(self, group: Group, entries: list[_Entry], depth: int) -> bool:
        """Runs what of the group applies; whether anything did."""
        elements = list(_elements(group, entries, depth))
        mode = "stackable" if self._complete else group.mode
        outer = self._run.frame.group
        self._run.frame.group = (group.id, group.mode)
        if mode == "stackable":
            triggered = self._all(elements, depth)
        elif group.scope == "cartItem":
            triggered = self._by_unit(group, elements, depth)
        elif mode == "listOrder":
            triggered = self._first(elements, depth)
        else:
            triggered = self._best(group, elements, depth)
        self._run.frame.group = outer
        return triggered

    def _element(self, element: _Element, depth: int) -> bool:
        what, entries = element
        if isinstance(what, Group):
            return self.group(what, entries, depth + 1)
        before = len(self._run.triggered)
        for _, candidates in entries:
            for campaign, rule in candidates:
                self._run.rule(campaign, rule)
        return len(self._run.triggered) > before

    def _all(self, elements: list[_Element], depth: int) -> bool:
        triggered = False
        for element in elements:
            triggered = self._element(element, depth) or triggered
        return triggered

    def _first(self, elements: list[_Element], depth: int) -> bool:
        for index, element in enumerate(elements):
            if self._element(element, depth):
                for later in elements[index + 1 :]:
                    self._exclude(later, "CampaignIsNotFirst")
                return True
        return False

    def _best(self, group: Group, elements: list[_Element], depth: int) -> bool:
        if len(elements) == 1:
            return self._element(elements[0], depth)
        trials = [self._tried(each, depth) for each in elements]
        triggered = [each for each in trials if each.triggered]
        if not triggered:
            for each in trials:
                self._quietly(each.element, depth)
            return False
        worths = [each.worth for each in triggered]
        worth = max(worths) if group.mode == "highestDiscount" else min(worths)
        winner = triggered[worths.index(worth)]
        self._quietly(winner.element, depth)
        for trial in trials:
            if trial is not winner:
                self._run.lost(trial.notes, trial.friend, _reason(group))
        return True

    def _by_unit(self, group: Group, elements: list[_Element], depth: int) -> bool:
        trials = [self._tried(each, depth) for each in elements]
        winners = _winners(group, [each for each in trials if each.triggered])
        triggered = False
        for trial in trials:
            won = frozenset(unit for unit, winner in winners.items() if winner is trial)
            if trial.units and not won:
                self._run.lost(trial.notes, trial.friend, _reason(group))
                continue
            outer = self._run.frame.won
            if trial.units:
                self._run.frame.won = won if outer is None else won & outer
            triggered = self._quietly(trial.element, depth) or triggered
            self._run.frame.won = outer
        return triggered

    def _tried(self, element: _Element, depth: int) -> _Trial:
        run = self._run
        marks = run.marks()
        before = len(run.frame.effects)
        triggered = self._element(element, depth)
        effects = run.frame.effects[before:]
        notes = run.book.notes_since(marks[2])
        friend = run.friend_accepted_by()
        run.roll_back(marks)
        if friend == run.friend_accepted_by():
            friend = None
        return _Trial(element, triggered, _worth(effects), _by_units(effects), notes, friend)

    def _quietly(self, element: _Element, depth: int) -> bool:
        """Runs what has been tried already, and so has been noted."""
        tracer, self._run.tracer = self._run.tracer, None
        triggered = self._element(element, depth)
        self._run.tracer = tracer
        return triggered

    def _exclude(self, element: _Element, reason: ExclusionReason) -> None:
        for _, candidates in element[1]:
            self._run.exclude(candidates[0][0].campaign, reason)


def _elements(group: Group, entries: list[_Entry], depth: int) -> Iterator[_Element]:
    for index, members in groupby(entries, key=lambda entry: entry[0][depth]):
        yield group.elements[index], list(members)


def _winners(group: Group, trials: Sequence[_Trial]) -> dict[_Unit, _Trial]:
    """Who may give something on each unit; of equals the first."""
    winners: dict[_Unit, _Trial] = {}
    for trial in trials:
        for unit, worth in trial.units.items():
            best = winners.get(unit)
            if best is None or _beats(group, worth, best.units[unit]):
                winners[unit] = trial
    return winners


def _beats(group: Group, worth: Decimal, best: Decimal) -> bool:
    if group.mode == "listOrder":
        return False
    return worth > best if group.mode == "highestDiscount" else worth < best


def _worth(effects: Sequence[Effect]) -> Decimal:
    return sum(
        (each.outcome.value for each in effects if isinstance(each.outcome, DISCOUNTS)), ZERO
    )


def _by_units(effects: Sequence[Effect]) -> dict[_Unit, Decimal]:
    units: dict[_Unit, Decimal] = {}
    for effect in effects:
        outcome = effect.outcome
        if isinstance(outcome, SetDiscountPerItem | SetDiscountPerAdditionalCostPerItem):
            unit = outcome.position, outcome.sub_position
            units[unit] = units.get(unit, ZERO) + outcome.value
    return units


def _reason(group: Group) -> ExclusionReason:
    return "CampaignIsNotFirst" if group.mode == "listOrder" else "CampaignGaveLowerDiscount"
