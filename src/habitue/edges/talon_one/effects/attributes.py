"""Attributes that rules have set, on the wire."""

from collections.abc import Mapping
from typing import Any

from habitue.edges.talon_one.effects.props import Out, Props, shortened
from habitue.promotions import effects as house


class UpdateAttributeProps(Props, omit_defaults=False):
    path: str
    value: Any


OUT: Mapping[type, Out] = {
    house.UpdateAttribute: (
        "updateAttribute",
        lambda it: UpdateAttributeProps(it.path, shortened(it.value)),
    ),
}
