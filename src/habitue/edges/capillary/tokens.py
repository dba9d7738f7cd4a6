"""Access tokens of the registration protocol (contracts/capillary/SPEC.md section 1, OAuth).

A client exchanges its key and secret, which are the login and the password of a key of the kind
"till", for a token that stands for them for five minutes. A token is a JSON Web Token (RFC 7519)
signed by HMAC with SHA-256, with a secret that all processes on one database share; to clients it
is opaque. It names its key, so that a revoked key takes its tokens along.
"""

import secrets
from datetime import datetime
from typing import Any
from weakref import WeakKeyDictionary

import jwt
import msgspec

from habitue.model.errors import Unauthorized
from habitue.usecases.configure.keys import signing_secret
from habitue.usecases.shop import Shop

TOKEN_SECONDS = 300
_SECRET_BYTES = 64
_ALGORITHM = "HS256"
_ISSUER = "habitue"
_USE = "access"
#: The moment is checked by the request's own clock.
_CHECKS: Any = {
    "verify_exp": False,
    "verify_iat": False,
    "require": ["iss", "sub", "exp", "client_id", "token_use"],
}


class Claims(msgspec.Struct, frozen=True):
    """What a token says: for which key, and under which login it was asked for."""

    key_id: int
    login: str


class Signer:
    """Issues and reads the tokens of each shop."""

    def __init__(self) -> None:
        self._secrets: WeakKeyDictionary[Shop, bytes] = WeakKeyDictionary()

    async def issue(self, shop: Shop, claims: Claims, now: datetime) -> str:
        """A token that is good for `TOKEN_SECONDS` from `now` on."""
        issued = int(now.timestamp())
        payload = {
            "iss": _ISSUER,
            "sub": str(claims.key_id),
            "client_id": claims.login,
            "iat": issued,
            "exp": issued + TOKEN_SECONDS,
            "jti": secrets.token_hex(16),
            "token_use": _USE,
        }
        return jwt.encode(payload, await self._secret(shop), _ALGORITHM)

    async def read(self, shop: Shop, token: str, now: datetime) -> Claims:
        """What a token says. Raises `Unauthorized` unless it is one of ours and still good."""
        secret = await self._secret(shop)
        try:
            payload = jwt.decode(
                token, secret, algorithms=[_ALGORITHM], issuer=_ISSUER, options=_CHECKS
            )
            expires, key_id = int(payload["exp"]), int(payload["sub"])
        except (jwt.PyJWTError, ValueError, TypeError):
            raise Unauthorized("This token is not valid") from None
        if payload["token_use"] != _USE:
            raise Unauthorized("This token is not valid")
        if now.timestamp() >= expires:
            raise Unauthorized("This token has expired")
        return Claims(key_id, str(payload["client_id"]))

    async def _secret(self, shop: Shop) -> bytes:
        secret = self._secrets.get(shop)
        if secret is None:
            candidate = secrets.token_bytes(_SECRET_BYTES)
            secret = await signing_secret(shop, candidate)
            self._secrets[shop] = secret
        return secret
