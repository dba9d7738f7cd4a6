"""`POST /v3/oauth/token/generate`: access tokens for programs.

The key of a client is the login of a key of the kind "till", its secret the password
(contracts/capillary/SPEC.md section 1). Errors come in the envelope of the protocol's third
version.
"""

from datetime import datetime
from typing import Annotated, Any

import msgspec
from starlette.datastructures import Headers

from habitue.edges.capillary.door import KEYS, SIGNER, coded_answer, good
from habitue.edges.capillary.envelopes import Item
from habitue.edges.capillary.tokens import TOKEN_SECONDS, Claims
from habitue.edges.http.call import Answer, Call
from habitue.edges.http.door import Door
from habitue.edges.http.operation import Operation
from habitue.edges.http.refusals import headers_of
from habitue.model.errors import Refusal
from habitue.model.keys import key_hash, till_credentials


class V3Failure(msgspec.Struct):
    """Nothing was done, in the words of the protocol's third version."""

    data: None
    errors: list[Item]


class TokenDoor(Door):
    """Open to everybody: here callers get what opens the other door."""

    name = "capillary_oauth"

    def authenticate(self, headers: Headers, services: Any, now: datetime) -> Any:
        return None

    def refuse(self, refusal: Refusal, operation: Operation | None) -> Answer:
        """The answer for a refusal, in the envelope of the third version."""
        status, items = coded_answer(refusal, operation)
        return Answer(status, V3Failure(None, items), headers_of(refusal))

    def error_type(self, status: int, operation: Operation) -> Any:
        """The type of the body that `refuse` answers with."""
        return V3Failure


class TokenRequest(msgspec.Struct):
    """A till's login and its password."""

    key: Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
    secret: Annotated[str, msgspec.Meta(min_length=1, max_length=255)]


class Token(msgspec.Struct, rename="camel"):
    """A token, and for how many seconds it is good."""

    access_token: str
    ttl_seconds: int


class TokenAnswer(msgspec.Struct):
    """A token in the envelope of the protocol's third version."""

    data: Token
    errors: None


async def generate_token(call: Call[None, None, TokenRequest]) -> Answer:
    """A token for a login and its password. Raises `Unauthorized` where they do not belong."""
    shop, login = call.services.shop, call.body.key
    digest = key_hash(till_credentials(login, call.body.secret))
    key = good(await KEYS.by_digest(shop, digest), call.now)
    token = await SIGNER.issue(shop, Claims(key.id, login), call.now)
    return Answer(200, TokenAnswer(Token(token, TOKEN_SECONDS), None))


TOKENS = TokenDoor()


def capillary_oauth_operations() -> list[Operation]:
    """The operation that gives out access tokens."""
    return [
        Operation(
            "generateAccessToken",
            "POST",
            "/v3/oauth/token/generate",
            generate_token,
            TOKENS,
            summary="Exchange a till's login and password for an access token",
            group="Registration",
            body=TokenRequest,
            responses={200: TokenAnswer, 401: V3Failure},
            request_example=b'{"key": "orchard-till03-5f2a1c", "secret": "its password"}',
        )
    ]
