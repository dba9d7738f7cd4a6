"""Audiences that customers join and leave by rules."""

from typing import TypeAlias

import msgspec


class _Membership(msgspec.Struct, frozen=True):
    """A customer and an audience; `profile_id` is the customer's id in the house."""

    audience_id: int
    audience_name: str
    profile_integration_id: str
    profile_id: int


class AddToAudience(_Membership, frozen=True, tag=True):
    """A customer who joins an audience."""


class RemoveFromAudience(_Membership, frozen=True, tag=True):
    """A customer who leaves an audience."""


AudienceOutcome: TypeAlias = AddToAudience | RemoveFromAudience
