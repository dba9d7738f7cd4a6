"""How many new devices an address may bring: a bound on what one caller can make us remember.

Counted per process and minute, and in bounded memory: beyond so many addresses the one that was
counted longest ago is forgotten. Of an IPv6 address the network counts, which is one customer's.
"""

from collections import OrderedDict
from collections.abc import Mapping
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address

ADDRESSES_MAX = 50_000
_WINDOW = timedelta(minutes=1)


class NewDevices:
    """The new devices of each address in its current minute."""

    def __init__(self, addresses_max: int = ADDRESSES_MAX) -> None:
        self._counts: OrderedDict[str, tuple[datetime, int]] = OrderedDict()
        self._addresses_max = addresses_max

    def allows(self, address: str, limit: int, now: datetime) -> bool:
        """Whether the address may bring one more; a limit of 0 is none."""
        began, count = self._counts.get(address, (now, 0))
        return limit == 0 or now - began >= _WINDOW or count < limit

    def count(self, address: str, now: datetime) -> None:
        """Counts a device that the address brought."""
        began, count = self._counts.pop(address, (now, 0))
        if now - began >= _WINDOW:
            began, count = now, 0
        self._counts[address] = (began, count + 1)
        if len(self._counts) > self._addresses_max:
            self._counts.popitem(last=False)

    def __len__(self) -> int:
        return len(self._counts)


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
