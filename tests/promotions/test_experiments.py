"""Who gets which variant: by the caller's word, by the session's, by a hash that is weighted."""

from collections import Counter

import pytest

from habitue.model.errors import InvalidInput
from habitue.promotions.campaign import StoredRuleset
from habitue.promotions.experiments import (
    Experiment,
    Variant,
    VariantAllocation,
    allocated,
    check_allocations,
    drawn_variant,
    subject_of,
    variants_of,
)
from tests.building import NOW

RULESET = StoredRuleset(1, 7, NOW, {"rules": [], "bindings": []})


def experiment(*weights: int, id_: int = 5, external: bool = False) -> Experiment:
    variants = tuple(
        Variant(10 * id_ + index, f"v{index}", NOW, RULESET, weight, index == 0)
        for index, weight in enumerate(weights)
    )
    return Experiment(id_, 1, id_ + 2, NOW, NOW, variants, "enabled", external)


def test_the_hash_is_repeatable_and_follows_the_weights() -> None:
    subjects = [subject_of(f"customer-{index}") for index in range(10_000)]
    three = experiment(70, 20, 10)
    counts = Counter(drawn_variant(three, each) for each in subjects)
    assert counts == Counter(drawn_variant(three, each) for each in subjects)
    assert {each: round(count / 1000) for each, count in counts.items()} == {50: 7, 51: 2, 52: 1}
    assert {drawn_variant(experiment(0, 100), each) for each in subjects} == {51}
    other = experiment(50, 50, id_=6)
    both = Counter(
        (drawn_variant(experiment(50, 50), each), drawn_variant(other, each)) for each in subjects
    )
    assert len(both) == 4
    assert all(2_300 < count < 2_700 for count in both.values()), "one experiment sorts another"


def test_the_callers_word_comes_first_and_the_sessions_before_the_hash() -> None:
    mine, external = experiment(0, 100), experiment(50, 50, id_=6, external=True)
    both = {7: mine, 8: external}
    assert variants_of(both, (), subject_of("maria")) == {7: 51}
    assert variants_of(both, (VariantAllocation(6, 61),), "") == {8: 61}
    assert variants_of(both, (VariantAllocation(5, 99),), "x") == {7: 51}
    earlier = (VariantAllocation(5, 50), VariantAllocation(6, 60))
    said = (VariantAllocation(6, 61), VariantAllocation(4, 1))
    assert allocated(both, said, earlier, "x") == (*said, VariantAllocation(5, 50))
    assert allocated(both, (), (), "x") == (VariantAllocation(5, 51),)


def test_allocations_that_cannot_be_are_refused_by_their_place() -> None:
    known = {7: experiment(50, 50)}
    check_allocations(known, [VariantAllocation(5, 50), VariantAllocation(99, 1)])
    with pytest.raises(InvalidInput) as refusal:
        check_allocations(known, [VariantAllocation(5, 51), VariantAllocation(5, 52)])
    place = "/customerSession/experimentVariantAllocations/1"
    assert [each.pointer for each in refusal.value.faults] == [place, f"{place}/variantID"]
