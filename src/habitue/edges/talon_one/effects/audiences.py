"""Audiences that customers join and leave by rules, on the wire."""

from collections.abc import Mapping

import msgspec

from habitue.edges.talon_one.effects.props import Out, Props
from habitue.promotions import effects as house


class AudienceProps(Props):
    audience_id: int
    audience_name: str
    profile_integration_id: str
    profile_id: int


def _audience(outcome: house.AddToAudience | house.RemoveFromAudience) -> Props:
    return AudienceProps(*msgspec.structs.astuple(outcome))


OUT: Mapping[type, Out] = {
    house.AddToAudience: ("addToAudience", _audience),
    house.RemoveFromAudience: ("removeFromAudience", _audience),
}
