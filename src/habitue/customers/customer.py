"""The customer card: one row that owns everything that is kept about a person.

Words: an *anonymous* customer owns a session nobody has been named for. `version` moves with every
write of anything the customer owns, so that a decision made on an older reading is not saved.
Counters leave out sessions that were cancelled or reopened; `total_sales` is before discounts.
"""

from datetime import datetime
from decimal import Decimal

import msgspec

from habitue.model.attributes import Attributes
from habitue.model.numbers import ZERO


class Customer(msgspec.Struct, frozen=True):
    """A customer as read from the store; version 0 stands for one that is not stored yet."""

    id: int
    created: datetime
    last_activity: datetime
    version: int = 0
    anonymous: bool = False
    session_count: int = 0
    closed_sessions: int = 0
    total_sales: Decimal = ZERO
    attributes: Attributes = {}
