"""The operations of the tracker's collector."""

from habitue.edges.http.operation import Operation
from habitue.edges.tracker.collecting import collecting_operations
from habitue.edges.tracker.door import with_preflights
from habitue.edges.tracker.loyalty import loyalty_operations
from habitue.edges.tracker.personaclick import personaclick_operations
from habitue.edges.tracker.personaclick_servers import personaclick_server_operations
from habitue.edges.tracker.retail_rocket import retail_rocket_operations
from habitue.edges.tracker.retail_rocket_files import retail_rocket_file_operations
from habitue.edges.tracker.retail_rocket_servers import retail_rocket_server_operations
from habitue.edges.tracker.subscription_changes import subscription_change_operations


def tracker_operations() -> list[Operation]:
    """The script's own protocol, and the addresses of both vendors."""
    return with_preflights(
        [
            *collecting_operations(),
            *retail_rocket_operations(),
            *retail_rocket_server_operations(),
            *retail_rocket_file_operations(),
            *personaclick_operations(),
            *personaclick_server_operations(),
            *subscription_change_operations(),
            *loyalty_operations(),
        ]
    )
