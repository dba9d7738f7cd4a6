"""Letting new devices in, so many from one address in a minute.

Counted as requests of tills are, by one guarded statement on one row, so the count is exact however
many processes share it. A device that is refused has left nothing behind, and one that was let in
but said nothing that is kept is given back.
"""

from datetime import datetime

from habitue.store import rate_limits, visitors
from habitue.usecases.identify_visitor import Device
from habitue.usecases.limit_rate import limit_rate
from habitue.usecases.shop import Shop

#: Devices are nobody's credential.
_NOBODY = 0


async def is_known_device(shop: Shop, device: Device) -> bool:
    """Whether anybody has come with the device before."""
    return await visitors.read_device(shop.database, device.key) is not None


async def admit_device(shop: Shop, device: Device, address: str, limit: int, now: datetime) -> bool:
    """Counts the device if it is new; whether it was. Raises `TooManyRequests` beyond the limit."""
    if await is_known_device(shop, device):
        return False
    await limit_rate(shop, _NOBODY, _endpoint(address), limit, now)
    return True


async def give_back_device(shop: Shop, address: str) -> None:
    """Counts one device less."""
    await rate_limits.give_back(shop.database, _NOBODY, _endpoint(address))


def _endpoint(address: str) -> str:
    return f"devices from {address}"
