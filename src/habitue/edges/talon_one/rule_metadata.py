"""What a rule says of itself to customers, as integrations read it."""

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType


class RuleMetadataOut(msgspec.Struct, rename="camel", kw_only=True):
    """A rule's title, and what else its author wants shown of it."""

    title: str
    display_name: str | UnsetType = UNSET
    display_description: str | UnsetType = UNSET
    related_data: str | UnsetType = UNSET


def rule_metadata(rule: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of `RuleMetadataOut`, out of the document of a rule."""
    return {
        "title": rule["title"],
        "display_name": rule.get("displayName") or UNSET,
        "display_description": rule.get("displayDescription") or UNSET,
        "related_data": rule.get("relatedData") or UNSET,
    }
