"""Passwords of the staff, as Argon2id hashes: slow on purpose, each with a salt of its own.

Hashing takes a good part of a tenth of a second and much memory, so it is done beside the requests,
and sign-ins are limited by whoever calls.
"""

import asyncio
from functools import cache
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

_HASHER: Final = PasswordHasher()


async def hashed(password: str) -> str:
    """The hash to keep."""
    return await asyncio.to_thread(_HASHER.hash, password)


async def fits(password: str, kept: str | None) -> bool:
    """Whether it is the password of that hash; None, of nobody, fits none."""
    return await asyncio.to_thread(_verify, password, kept) and kept is not None


@cache
def _nobodys() -> str:
    """What an unknown user's password is compared with, so that the answer takes as long."""
    return _HASHER.hash("nobody has this password")


def _verify(password: str, kept: str | None) -> bool:
    try:
        return _HASHER.verify(kept or _nobodys(), password)
    except (VerificationError, InvalidHashError):
        return False
