"""Who comes in with a till's password, and who does not."""

import asyncio
import base64
import hashlib
import os
import subprocess
from datetime import timedelta
from inspect import isawaitable

import pytest
from starlette.datastructures import Headers

from habitue.edges.capillary.attribution import TillPrincipal
from habitue.edges.capillary.door import CAPILLARY
from habitue.edges.services import Services
from habitue.model.errors import Unauthorized
from habitue.model.keys import till_credentials
from habitue.store.database import Database
from habitue.usecases.configure.keys import create_key, revoke_key
from habitue.usecases.shop import Shop
from tests.capillary.conftest import LOGIN, PASSWORD, Counter, basic, make_till, till_headers
from tests.configure.shops import NOW, opened, with_application
from tests.serving import COMMAND, ROOT

DIGEST = hashlib.md5(PASSWORD.encode()).hexdigest()
DENIED = {
    "errors": [{"status": False, "code": 4000, "message": "Not authorized. Access is denied!"}]
}


@pytest.fixture
async def shop(database: Database) -> Shop:
    """A shop with one till."""
    opened_shop = await opened(database)
    await make_till(opened_shop)
    return opened_shop


async def enter(shop: Shop, headers: dict[str, str], later: timedelta = timedelta()) -> object:
    found = CAPILLARY.authenticate(Headers(headers), Services(shop), NOW + later)
    return await found if isawaitable(found) else found


@pytest.mark.parametrize("digest", [DIGEST, DIGEST.upper(), DIGEST[:8].upper() + DIGEST[8:]])
@pytest.mark.parametrize("scheme", ["Basic", "basic", "BASIC "])
async def test_a_till_comes_in_with_the_digest_of_its_password(
    shop: Shop, digest: str, scheme: str
) -> None:
    encoded = base64.b64encode(f"{LOGIN}:{digest}".encode()).decode()
    principal = await enter(shop, {"authorization": f"{scheme} {encoded}"})
    assert principal == TillPrincipal(1, LOGIN, LOGIN)
    assert CAPILLARY.scope(TillPrincipal(1, LOGIN, LOGIN)) == "capillary 1"


async def test_a_login_may_hold_a_colon(shop: Shop) -> None:
    key_id = await make_till(shop, "org:till", "pass:word")
    principal = await enter(shop, till_headers("org:till", "pass:word"))
    assert principal == TillPrincipal(key_id, "org:till", "org:till")


STRANGERS = {
    "nothing": {},
    "an empty header": {"authorization": ""},
    "no credentials": {"authorization": "Basic"},
    "another scheme": {"authorization": f"ApiKey-v1 {LOGIN}:{DIGEST}"},
    "no base64": {"authorization": f"Basic {LOGIN}:{DIGEST}"},
    "broken base64": {"authorization": "Basic YWJj*"},
    "wrong padding": {"authorization": "Basic YWJjZ"},
    "no text": {"authorization": "Basic " + base64.b64encode(b"\xff\xfe:\x80").decode()},
    "no colon": basic(LOGIN),
    "no login": basic(f":{DIGEST}"),
    "no password": basic(f"{LOGIN}:"),
    "the password itself": basic(f"{LOGIN}:{PASSWORD}"),
    "a wrong password": till_headers(password="another"),
    "a wrong login": till_headers(login="orchard-till04"),
    "another case of the login": till_headers(login=LOGIN.upper()),
    "spaces around": basic(f" {LOGIN}:{DIGEST} "),
    "an unknown token beside a good password": {**till_headers(), "x-cap-api-oauth-token": "x.y.z"},
    "an empty token beside a good password": {**till_headers(), "cap-api-access-token": ""},
}


@pytest.mark.parametrize("kind", STRANGERS)
async def test_nobody_else_comes_in(shop: Shop, kind: str) -> None:
    with pytest.raises(Unauthorized):
        await enter(shop, STRANGERS[kind])


async def test_keys_of_other_kinds_do_not_open_this_door(shop: Shop) -> None:
    application = await with_application(shop)
    for kind, of in (("management", None), ("integration", application.id)):
        secret = till_credentials(kind, PASSWORD)
        await create_key(shop, secret, kind, kind, of, NOW + timedelta(1), NOW)  # type: ignore[arg-type]
        with pytest.raises(Unauthorized):
            await enter(shop, till_headers(kind))


async def test_a_key_expires_and_is_revoked(shop: Shop) -> None:
    secret = till_credentials("brief", PASSWORD)
    key = await create_key(shop, secret, "till", "brief", None, NOW + timedelta(1), NOW)
    assert await enter(shop, till_headers("brief")) == TillPrincipal(key.id, "brief", "brief")
    with pytest.raises(Unauthorized):
        await enter(shop, till_headers("brief"), timedelta(1))
    await revoke_key(shop, key.id)
    with pytest.raises(Unauthorized):
        await enter(shop, till_headers("brief"))


async def test_a_till_made_by_another_process_comes_in(shop: Shop, database: Database) -> None:
    key_id = await make_till(await opened(database), "new-till")
    assert await enter(shop, till_headers("new-till")) == TillPrincipal(
        key_id, "new-till", "new-till"
    )


def test_over_the_socket(practice: Counter) -> None:
    reply = practice.send("POST", "/v2/customers")
    assert reply.status == 200
    assert reply.json["sideEffects"] == [{"key": 1, "login": LOGIN, "name": LOGIN}]
    for headers in STRANGERS.values():
        reply = practice.front.send("POST", "/v2/customers", headers=headers)
        assert (reply.status, reply.json) == (401, DENIED)
        assert reply.headers["www-authenticate"] == 'Basic realm="till"'


def the_command_line_gives_permissions(url: str) -> None:
    """A key for staff is listed with what it may do; only tills have such keys."""

    def keys(*words: str) -> "subprocess.CompletedProcess[str]":
        command = [*COMMAND, "keys", *words]
        environment = {**os.environ, "HABITUE_DATABASE_URL": url}
        return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment)

    made = keys("create", "--kind", "till", "--name", "desk", "--privacy")
    assert made.returncode == 0, made.stderr
    (line,) = [each for each in keys("list").stdout.splitlines() if "\tdesk" in each]
    assert line.split("\t")[-2:] == ["desk", "privacy"]
    refused = keys("create", "--kind", "management", "--privacy")
    assert refused.returncode != 0
    assert "only the key of a till has permissions" in refused.stderr


async def test_the_command_line_makes_a_till(practice: Counter, capillary_url: str) -> None:
    made = await asyncio.to_thread(
        subprocess.run,
        [*COMMAND, "keys", "create", "--kind", "till", "--name", "orchard.till04"],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
        env={**os.environ, "HABITUE_DATABASE_URL": capillary_url},
    )
    login, password = made.stdout.strip().split(":")
    assert login.startswith("orchard-till04-")
    await asyncio.to_thread(the_command_line_gives_permissions, capillary_url)
    headers = till_headers(login, password)
    reply = await asyncio.to_thread(practice.front.send, "POST", "/v2/customers", None, headers)
    assert reply.json["sideEffects"] == [{"key": 2, "login": login, "name": "orchard.till04"}]
    body = {"key": login, "secret": password}
    reply = await asyncio.to_thread(practice.front.send, "POST", "/v3/oauth/token/generate", body)
    assert reply.status == 200
    token = {"x-cap-api-oauth-token": reply.json["data"]["accessToken"]}
    reply = await asyncio.to_thread(practice.front.send, "POST", "/v2/customers", None, token)
    assert reply.json["sideEffects"] == [{"key": 2, "login": login, "name": "orchard.till04"}]
