"""How many new devices an address may bring: a bound on what one caller can make us remember.

Of an IPv6 address the network counts, which is one customer's. The count stands in the database, so
it is exact however many processes serve the shop (`usecases.admit_device`). Each process remembers,
in bounded memory, which devices it has met and which addresses are full: a device that comes again
costs nothing, and whoever is refused costs one look-up.
"""

from collections import OrderedDict
from collections.abc import Mapping
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address
from uuid import UUID

from habitue.model.errors import TooManyRequests
from habitue.usecases.admit_device import admit_device, give_back_device, is_known_device
from habitue.usecases.identify_visitor import Device
from habitue.usecases.shop import Shop

DEVICES_MAX = 50_000
ADDRESSES_MAX = 50_000


class NewDevices:
    """Who has been met, and who may bring no more for now; what was used longest ago is forgotten
    first."""

    def __init__(self, devices_max: int = DEVICES_MAX, addresses_max: int = ADDRESSES_MAX) -> None:
        self._met: OrderedDict[UUID, None] = OrderedDict()
        self._full: OrderedDict[str, datetime] = OrderedDict()
        self._devices_max = devices_max
        self._addresses_max = addresses_max

    async def admit(
        self, shop: Shop, device: Device, address: str, limit: int, now: datetime
    ) -> bool:
        """Counts the device if it is new; whether it was. Raises `TooManyRequests`."""
        if device.key in self._met:
            self._met.move_to_end(device.key)
            return False
        until = self._full.get(address)
        if until is not None and now < until:
            if await is_known_device(shop, device):
                return False
            raise TooManyRequests(limit, max(1, round((until - now).total_seconds())))
        try:
            return await admit_device(shop, device, address, limit, now)
        except TooManyRequests as refusal:
            self._full[address] = now + timedelta(seconds=refusal.retry_seconds)
            if len(self._full) > self._addresses_max:
                self._full.popitem(last=False)
            raise

    def meet(self, device: Device) -> None:
        """Notes that the device is known."""
        self._met[device.key] = None
        if len(self._met) > self._devices_max:
            self._met.popitem(last=False)

    async def give_back(self, shop: Shop, address: str) -> None:
        """Counts one less: of a device that was counted nothing was kept."""
        self._full.pop(address, None)
        await give_back_device(shop, address)

    def __len__(self) -> int:
        return len(self._met) + len(self._full)


def address_of(client: str, headers: Mapping[str, str], proxies: int) -> str:
    """The caller's address, as that many proxies in front of us told it."""
    told = [each.strip() for each in headers.get("x-forwarded-for", "").split(",") if each.strip()]
    found = told[-proxies] if 0 < proxies <= len(told) else client
    try:
        address = ip_address(found)
    except ValueError:
        return found[:64]
    if isinstance(address, IPv6Address) and address.ipv4_mapped is None:
        return str(IPv6Address(int(address) >> 64 << 64)) + "/64"
    return str(address)
