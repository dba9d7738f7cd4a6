"""Access tokens: given out, read, expired, forged, and gone with their key."""

import base64
import json
from datetime import timedelta
from inspect import isawaitable
from typing import Any

import jwt
import pytest
from starlette.datastructures import Headers

from habitue.edges.capillary.attribution import TillPrincipal
from habitue.edges.capillary.door import CAPILLARY
from habitue.edges.capillary.oauth import capillary_oauth_operations
from habitue.edges.capillary.tokens import TOKEN_SECONDS, Claims, Signer
from habitue.edges.http.application import Application, build
from habitue.edges.services import Services
from habitue.model.errors import Unauthorized
from habitue.store import oauth
from habitue.store.database import Database
from habitue.usecases.configure.keys import revoke_key
from habitue.usecases.shop import Shop
from tests.capillary.conftest import LOGIN, PASSWORD, Counter, make_till
from tests.configure.shops import NOW, opened
from tests.edges.http.requests import Response, request

PATH = "/v3/oauth/token/generate"
DENIED = {"status": False, "code": 4000, "message": "Not authorized. Access is denied!"}
CLAIMS = Claims(1, LOGIN)
SECOND = timedelta(seconds=1)


@pytest.fixture
async def shop(database: Database) -> Shop:
    """A shop with one till."""
    opened_shop = await opened(database)
    await make_till(opened_shop)
    return opened_shop


async def enter(shop: Shop, token: str, later: timedelta = timedelta()) -> Any:
    return await of_till(Headers({"x-cap-api-oauth-token": token}), shop, later)


async def of_till(headers: Headers, shop: Shop, later: timedelta = timedelta()) -> Any:
    found = CAPILLARY.authenticate(headers, Services(shop), NOW + later)
    return await found if isawaitable(found) else found


async def ask(shop: Shop, body: Any) -> Response:
    application: Application = build(
        capillary_oauth_operations(), Services(shop), clock=lambda: NOW
    )
    return await request(application, "POST", PATH, json.dumps(body).encode())


async def test_a_login_and_its_password_give_a_token(shop: Shop) -> None:
    reply = await ask(shop, {"key": LOGIN, "secret": PASSWORD})
    assert reply.status == 200
    answer = reply.json()
    assert list(answer) == ["data", "errors"]
    assert answer["errors"] is None
    token = answer["data"].pop("accessToken")
    assert answer["data"] == {"ttlSeconds": 300}
    payload = jwt.decode(token, options={"verify_signature": False})
    issued = int(NOW.timestamp())
    assert len(payload.pop("jti")) == 32
    assert payload == {
        "iss": "habitue",
        "sub": "1",
        "client_id": LOGIN,
        "iat": issued,
        "exp": issued + 300,
        "token_use": "access",
    }
    assert await enter(shop, token) == TillPrincipal(1, LOGIN, LOGIN)


async def test_two_tokens_are_never_the_same(shop: Shop) -> None:
    signer = Signer()
    assert await signer.issue(shop, CLAIMS, NOW) != await signer.issue(shop, CLAIMS, NOW)


@pytest.mark.parametrize(
    ("key", "secret"),
    [(LOGIN, "wrong"), ("nobody", PASSWORD), (PASSWORD, LOGIN), (LOGIN, "\U0001f600")],
)
async def test_others_get_no_token(shop: Shop, key: str, secret: str) -> None:
    reply = await ask(shop, {"key": key, "secret": secret})
    assert (reply.status, reply.json()) == (401, {"data": None, "errors": [DENIED]})


WRONG: list[tuple[Any, str]] = [
    ({}, "/key"),
    ({"key": LOGIN}, "/secret"),
    ({"key": LOGIN, "secret": ""}, "/secret"),
    ({"key": 7, "secret": "x"}, "/key"),
    ({"key": None, "secret": "x"}, "/key"),
    ({"key": LOGIN, "secret": "x" * 256}, "/secret"),
    ([], "body"),
]


@pytest.mark.parametrize(("body", "place"), WRONG)
async def test_a_malformed_request_is_told_its_field(shop: Shop, body: Any, place: str) -> None:
    reply = await ask(shop, body)
    answer = reply.json()
    assert (reply.status, answer["data"]) == (400, None)
    assert {error["code"] for error in answer["errors"]} == {400}
    assert place in [error["message"].partition(":")[0] for error in answer["errors"]]


async def test_a_lone_surrogate_is_no_text(shop: Shop) -> None:
    application = build(capillary_oauth_operations(), Services(shop), clock=lambda: NOW)
    reply = await request(application, "POST", PATH, b'{"key": "\\ud800", "secret": "x"}')
    assert reply.status in (400, 401)


async def test_a_token_is_good_for_five_minutes(shop: Shop) -> None:
    token = await Signer().issue(shop, CLAIMS, NOW)
    for seconds in (0, TOKEN_SECONDS - 1):
        assert await enter(shop, token, seconds * SECOND) == TillPrincipal(1, LOGIN, LOGIN)
    for seconds in (TOKEN_SECONDS, TOKEN_SECONDS + 1, 10**6):
        with pytest.raises(Unauthorized) as caught:
            await enter(shop, token, seconds * SECOND)
        assert caught.value.message == "This token has expired"


async def test_both_headers_carry_a_token(shop: Shop) -> None:
    token = await Signer().issue(shop, CLAIMS, NOW)
    for name in ("X-CAP-API-OAUTH-TOKEN", "CAP-API-ACCESS-TOKEN"):
        headers = Headers({name: token, "authorization": "Basic nonsense"})
        found = await of_till(headers, shop)
        assert found == TillPrincipal(1, LOGIN, LOGIN)


async def test_a_revoked_key_takes_its_tokens_along(shop: Shop) -> None:
    token = await Signer().issue(shop, CLAIMS, NOW)
    await enter(shop, token)
    await revoke_key(shop, 1)
    with pytest.raises(Unauthorized):
        await enter(shop, token)


async def test_all_processes_share_one_secret_for_good(shop: Shop, database: Database) -> None:
    first, second = Signer(), Signer()
    token = await first.issue(shop, CLAIMS, NOW)
    elsewhere = await opened(database)
    assert await second.read(elsewhere, token, NOW) == CLAIMS
    kept = await oauth.signing_secret(database, b"another")
    assert await oauth.signing_secret(database, b"a third") == kept
    assert len(kept) == 64


def _part(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


async def _forged(shop: Shop, database: Database) -> dict[str, str]:
    good = await Signer().issue(shop, CLAIMS, NOW)
    secret = await oauth.signing_secret(database, b"")
    payload = jwt.decode(good, options={"verify_signature": False})
    head, body, signature = good.split(".")

    def signed(**changes: Any) -> str:
        changed = {**payload, **changes}
        return jwt.encode({k: v for k, v in changed.items() if v is not ...}, secret, "HS256")

    other = {**payload, "sub": "2"}
    return {
        "empty": "",
        "no token": "abc",
        "no text": "\xff\xfe",
        "another secret": jwt.encode(payload, "x" * 64, "HS256"),
        "unsigned": jwt.encode(payload, None, "none"),
        "none and the signature": f"{_part({'alg': 'none'})}.{body}.{signature}",
        "None in capitals": f"{_part({'alg': 'NONE', 'typ': 'JWT'})}.{body}.",
        "another algorithm": jwt.encode(payload, secret, "HS384"),
        "another body": f"{head}.{_part(other)}.{signature}",
        "no signature": f"{head}.{body}.",
        "a changed signature": good[:-2] + ("AA" if good[-2:] != "AA" else "BB"),
        "another issuer": signed(iss="else"),
        "another use": signed(token_use="refresh"),
        "no end": signed(exp=...),
        "no key": signed(sub=...),
        "a wordy key": signed(sub="one"),
        "an unknown key": signed(sub="999"),
        "an endless end": signed(exp="never"),
    }


async def test_forged_tokens_open_nothing(shop: Shop, database: Database) -> None:
    forged = await _forged(shop, database)
    assert len(forged) == 18
    for token in forged.values():
        with pytest.raises(Unauthorized):
            await enter(shop, token)


def test_over_the_socket(practice: Counter) -> None:
    reply = practice.front.send("POST", PATH, {"key": LOGIN, "secret": PASSWORD})
    assert reply.status == 200
    token = reply.json["data"]["accessToken"]
    reply = practice.front.send("POST", "/v2/customers", None, {"cap-api-access-token": token})
    assert reply.json["sideEffects"] == [{"key": 1, "login": LOGIN, "name": LOGIN}]
    reply = practice.front.send("POST", "/v2/customers", None, {"cap-api-access-token": token[:-9]})
    assert (reply.status, reply.json) == (401, {"errors": [DENIED]})
