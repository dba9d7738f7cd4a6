"""What a management key may do, beside what its list of endpoints says.

A key that is limited to some applications uses the operations whose path names one of them, and
reads what the rules of all share; every other operation is about other applications as well. What
makes callers, only a key without limits may do: nobody gives more than they have
(docs/decisions/0127).
"""

from habitue.model.errors import NotAllowed
from habitue.model.keys import ApiKey

#: What belongs to no application.
_SHARED_READS = frozenset(
    {
        "getApplications",
        "getAttributes",
        "getAttribute",
        "getAdditionalCosts",
        "getAdditionalCost",
        "getEventTypes",
    }
)
#: What says who may do what.
_MAKES_CALLERS = frozenset({"createManagementKey", "deleteManagementKey"})


def check_access(key: ApiKey, operation_id: str, application_id: str | None) -> None:
    """Raises `NotAllowed` where the key may not use the operation, on that application where its
    path names one."""
    if operation_id in _MAKES_CALLERS and key.is_limited:
        raise NotAllowed("This needs a key without limits")
    if not key.application_ids:
        return
    if application_id is None and operation_id not in _SHARED_READS:
        raise NotAllowed("This key is limited to some Applications, and this is about all")
    if application_id is not None and application_id not in map(str, key.application_ids):
        raise NotAllowed("This key is limited to other Applications")
