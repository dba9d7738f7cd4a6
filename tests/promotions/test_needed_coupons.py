"""Rules that ask for a coupon, however deep in their conditions, cost nothing without one."""

import pytest

from tests.promotions.programs import program_of


@pytest.mark.parametrize(
    ("condition", "needs"),
    [
        ("couponValid()", True),
        ("couponValid() and session.total > 0", True),
        ("session.total > 0 and (couponValid() and session.total < 50)", True),
        ("session.total > 0 and (session.total < 50 or couponValid())", False),
        ("session.total > 0 or couponValid()", False),
        ("session.total > 0 and not couponValid()", False),
        ("session.total > 0", False),
    ],
)
def test_a_rule_needs_the_coupon_that_must_hold_whatever_else_does(
    condition: str, needs: bool
) -> None:
    program = program_of({1: [(condition, ['setDiscount("five", 5)'])]})
    (rule,) = program.compiled[1].rules
    assert rule.needs_coupon is needs
