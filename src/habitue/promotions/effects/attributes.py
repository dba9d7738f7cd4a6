"""Attributes that rules have set."""

from typing import Any

import msgspec


class UpdateAttribute(msgspec.Struct, frozen=True, tag=True):
    """An attribute that was set; `path` is the entity and the attribute's name, with a dot."""

    path: str
    value: Any
