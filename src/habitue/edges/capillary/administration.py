"""What calls about the shop itself share: a fresh configuration, booleans, the places of faults.

Whoever may register customers may change settings, as with the vendor. A *switch* is sent as a
boolean, as 0 or 1, or as a text; an empty text is not sent.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, TypeAlias

from habitue.edges.capillary.attribution import TillPrincipal
from habitue.edges.capillary.requests import flag
from habitue.edges.http.call import Call
from habitue.edges.http.numbers import Integer
from habitue.model.errors import Fault, InvalidInput
from habitue.usecases.shop import Shop

Switch: TypeAlias = bool | Integer | str | None
TillCall: TypeAlias = Call[TillPrincipal, Any, Any]
GROUP = "Organisation"
#: Nobody in particular: who set something is not kept.
NOBODY = -1


async def refreshed(call: TillCall) -> Shop:
    """The shop, with the newest configuration."""
    shop: Shop = call.services.shop
    await shop.refresh()
    return shop


def date_of(moment: datetime) -> str:
    """The day of a moment in UTC."""
    return moment.astimezone(UTC).date().isoformat()


def switched(value: Switch, pointer: str) -> bool | None:
    """The switch as a boolean, or None where it was not sent. Raises `InvalidInput`."""
    return flag(str(value) if isinstance(value, int) else value, pointer)


@contextmanager
def places_of_the_wire(places: Mapping[str, str]) -> Iterator[None]:
    """Faults of the block point at the fields as they are called on the wire."""
    try:
        yield
    except InvalidInput as refusal:
        refusal.faults = tuple(_moved(fault, places) for fault in refusal.faults)
        raise


def _moved(fault: Fault, places: Mapping[str, str]) -> Fault:
    pointer = places.get(fault.pointer, fault.pointer)
    return Fault(pointer, fault.title, fault.details, fault.parameter)
