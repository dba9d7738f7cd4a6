"""Everything that is served, in one list."""

from habitue.edges.capillary.oauth import capillary_oauth_operations
from habitue.edges.http.operation import Operation
from habitue.edges.talon_one.integration.operations import integration_operations
from habitue.edges.talon_one.management import management_operations


def all_operations() -> list[Operation]:
    """The operations of every door."""
    return [*integration_operations(), *management_operations(), *capillary_oauth_operations()]
