"""Who changes the configuration, as the edge tells it for the request that it serves.

The whole of a request is done on behalf of one actor; saying so once spares every use case a
parameter that only the log of changes reads.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime

import msgspec


class Acting(msgspec.Struct, frozen=True):
    """Who acts, and since when; `key_id` is that of the key that was shown, if one was."""

    actor: str = ""
    key_id: int | None = None
    at: datetime | None = None


_ACTING: ContextVar[Acting] = ContextVar("acting", default=Acting())  # noqa: B039


def acting() -> Acting:
    """Who acts now; nobody in particular outside of any request."""
    return _ACTING.get()


@contextmanager
def on_behalf_of(actor: Acting) -> Iterator[None]:
    """What is done in this block is done by that actor."""
    token = _ACTING.set(actor)
    try:
        yield
    finally:
        _ACTING.reset(token)
