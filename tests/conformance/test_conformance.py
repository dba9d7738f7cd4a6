"""Every operation of the Integration API through the vendor's own client, over a real socket, with
the whole answer compared field by field; and the cases that follow from the contract
(contracts/talon_one/SEMANTICS.md section 17).
"""

from dataclasses import replace

import pytest

from habitue.edges.operations import all_operations
from habitue.edges.talon_one.doors import INTEGRATION
from tests.conformance import catalogs, codes, points, sessions
from tests.conformance.cases import CASES
from tests.conformance.scene import Check, Scene, method_of, opened, plain
from tests.masking import masked
from tests.serving import Shopfront

CHECKS: dict[str, Check] = {
    **sessions.CHECKS,
    **codes.CHECKS,
    **points.CHECKS,
    **catalogs.CHECKS,
}
#: Operations beside those of the contract: points that are held for a checkout.
OURS = {
    f"{verb}{whose}{what}"
    for whose in ("Profile", "Card")
    for verb, what in (("hold", "Points"), ("list", "Holds"), ("post", "Hold"), ("void", "Hold"))
}


@pytest.fixture(scope="module")
def scene(front: Shopfront) -> Scene:
    """The shop, opened once for all operations."""
    return opened(front)


@pytest.mark.parametrize("operation", sorted(CHECKS))
def test_an_operation_answers_field_by_field(scene: Scene, operation: str) -> None:
    scene.api.called.clear()
    answer, wanted = CHECKS[operation](scene)
    assert method_of(operation) in scene.api.called
    assert masked(plain(answer), wanted, {}) == wanted


def test_every_operation_of_the_contract_is_called() -> None:
    served = {each.id for each in all_operations() if each.door is INTEGRATION}
    assert set(CHECKS) == served - OURS
    assert len(CHECKS) == 39


@pytest.mark.parametrize(
    "number", CASES, ids=[f"{number}: {case.__name__}" for number, case in CASES.items()]
)
def test_a_case_of_the_contract(scene: Scene, number: int) -> None:
    CASES[number](replace(scene.front))


def test_all_cases_are_there() -> None:
    assert list(CASES) == list(range(1, 17))
