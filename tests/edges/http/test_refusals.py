"""The table of status codes covers every refusal of the product."""

import importlib
import pkgutil
from collections.abc import Iterator

import pytest

import habitue
from habitue.edges.http.refusals import STATUS, status_of
from habitue.edges.talon_one.errors import ErrorResponse, ErrorResponseWithStatus, refuse
from habitue.model.errors import Conflict, InvalidInput, KeyReused, Refusal
from tests.edges.http.shop import OPERATIONS


def refusals(kind: type[Refusal] = Refusal) -> Iterator[type[Refusal]]:
    for each in kind.__subclasses__():
        if each.__module__.startswith("habitue."):
            yield each
            yield from refusals(each)


def test_every_refusal_has_a_status_code() -> None:
    for module in pkgutil.walk_packages(habitue.__path__, "habitue."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    kinds = set(refusals())
    assert set(STATUS) <= kinds
    assert {kind: 400 <= status_of(kind) <= 599 for kind in kinds} == dict.fromkeys(kinds, True)
    assert status_of(KeyReused) == 409


def test_a_refusal_of_no_kind_has_no_status_code() -> None:
    with pytest.raises(KeyError):
        status_of(Refusal)


def test_a_shape_without_status_is_for_400_of_listed_operations_only() -> None:
    update, *_, last = OPERATIONS
    assert isinstance(refuse(InvalidInput(), update).body, ErrorResponse)
    assert refuse(Conflict("x"), update).body == ErrorResponseWithStatus("x", [], 409)
    assert isinstance(refuse(InvalidInput(), last).body, ErrorResponseWithStatus)
    assert isinstance(refuse(InvalidInput(), None).body, ErrorResponseWithStatus)
