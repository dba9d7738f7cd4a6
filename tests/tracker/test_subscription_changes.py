"""`/subscriptions/changes`: who has opted in or out since a moment, for servers of the shop."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest

from habitue.usecases.read_consent_changes import SETTLED
from tests.capillary.conftest import till_headers
from tests.serving import Reply
from tests.tracker.conftest import SERVER_KEY, SHOP, SHOP_LONG, Tracked, device_id, identify

SERVER = {"shop_id": SHOP_LONG, "shop_secret": SERVER_KEY}
PATH = f"/subscriptions/changes?shop_id={SHOP_LONG}&shop_secret={SERVER_KEY}"
MAIL = ("email_bulk", "email_chain")


def changes(tracked: Tracked, **query: Any) -> Reply:
    more = "".join(f"&{name}={quote(str(value))}" for name, value in query.items())
    return tracked.get(f"{PATH}{more}")


def about(reply: Reply, email: str) -> list[dict[str, Any]]:
    """The entries about that person."""
    assert reply.status == 200, reply.body
    found: list[dict[str, Any]] = [each for each in reply.json["data"] if each["email"] == email]
    return found


async def test_what_was_said_is_told_with_how_it_stands(tracked: Tracked, did: str) -> None:
    began = datetime.now(UTC)
    email = f"ch{did}@examplemail.com"
    tracked.collect(identify("rr", email=email, customerId=f"c{did}"), did=did)
    tracked.post("/subscriptions/callback", {**SERVER, "event": "unsubscribed", "email": email})
    manage = {**SERVER, "did": did, "sms_transactional": False, "email_bulk": True}
    assert tracked.post("/subscriptions/manage", manage).status == 200
    # Nothing that is said of anything else is a change of consents.
    tracked.collect(identify("rr", email=email, firstName="Ada"), did=did)
    reply = changes(tracked, since=began.isoformat())
    first, second, third = about(reply, email)
    assert [each["changed"] for each in (first, second, third)] == [
        dict.fromkeys(MAIL, True),
        dict.fromkeys(MAIL, False),
        {**dict.fromkeys(MAIL, True), "sms_transactional": False},
    ]
    assert (second["source"], second["reason"]) == ("WEBSITE", "unsubscribed")
    assert int(first["id"]) < int(second["id"]) < int(third["id"])
    for each in (first, second, third):
        assert began <= datetime.fromisoformat(each["date"]) <= datetime.now(UTC)
        assert (each["external_id"], each["phone"]) == (f"c{did}", None)
        wanted = {name for name, value in each["subscriptions"].items() if value}
        assert (wanted, len(each["subscriptions"])) == (set(MAIL), 12)
    later = datetime.fromisoformat(third["date"]) + timedelta(seconds=1)
    assert about(changes(tracked, since=later.isoformat()), email) == []
    seconds = int(began.timestamp()) - 1
    assert about(changes(tracked, since=seconds), email) == [first, second, third]


async def test_pages_follow_one_another_and_end_a_while_back(tracked: Tracked, did: str) -> None:
    began = datetime.now(UTC)
    emails = [f"p{number}{did}@examplemail.com" for number in range(5)]
    for email in emails:
        tracked.collect(identify("rr", email=email), did=device_id())
    read, sizes, cursor = [], [], {"since": began.isoformat()}
    while True:
        reply = changes(tracked, limit=2, **cursor)
        read += [each["email"] for each in reply.json["data"]]
        sizes.append(len(reply.json["data"]))
        cursor = {"cursor": reply.json["cursor"]}
        if not reply.json["has_more"]:
            break
    assert (read, sizes) == (emails, [2, 2, 1])
    # Whoever goes on reads the last ten minutes again, and what came to be since.
    moment = int(cursor["cursor"].partition("-")[0]) / 1_000_000
    assert abs(datetime.now(UTC).timestamp() - SETTLED.total_seconds() - moment) < 60
    again = changes(tracked, limit=1000, **cursor)
    assert [each["email"] for each in again.json["data"] if each["email"] in emails] == emails
    # A cursor that is older than that stays where it is.
    await tracked.database.execute("UPDATE customer_change SET at = at - interval '1 hour'")
    old = changes(tracked, since=(began - timedelta(hours=2)).isoformat(), limit=1000)
    end = changes(tracked, cursor=old.json["cursor"])
    assert (end.json["data"], end.json["has_more"]) == ([], False)
    assert old.json["cursor"] == end.json["cursor"]


async def test_many_other_changes_shorten_a_page(tracked: Tracked, did: str) -> None:
    began = datetime.now(UTC)
    email = f"w{did}@examplemail.com"
    await tracked.database.execute(
        "INSERT INTO customer_change (customer_id, id, root_id, kind, at, actor, changes)"
        " SELECT -1, nextval('customer_change_id'), -1, 'updated', $1, '{}', '[]'"
        " FROM generate_series(1, 20000)",
        began,
    )
    tracked.collect(identify("rr", email=email), did=did)
    since = (began - timedelta(microseconds=1)).isoformat()
    first = changes(tracked, since=since).json
    assert (first["data"], first["has_more"]) == ([], True)
    second = changes(tracked, cursor=first["cursor"])
    assert (len(about(second, email)), second.json["has_more"]) == (1, False)
    await tracked.database.execute("DELETE FROM customer_change WHERE customer_id = -1")


async def test_a_joined_card_speaks_of_who_it_is_now(tracked: Tracked, did: str) -> None:
    began = datetime.now(UTC)
    email, kept = f"v{did}@examplemail.com", f"s{did}@examplemail.com"
    tracked.collect(identify("rr", email=email), did=did)
    victim = tracked.customer("email", email)
    survivor = tracked.register(
        identifiers=[{"type": "email", "value": kept}, {"type": "externalId", "value": f"S{did}"}]
    )
    wish = {"type": "CHANGE_IDENTIFIER", "baseType": "MERGE"}
    named = {**wish, "customerId": victim, "targetCustomerId": survivor, "comments": "one person"}
    asked = tracked.front.send("POST", "/v2/requests", named, till_headers())
    approved = [{**wish, "id": asked.json["createdId"], "status": "APPROVED"}]
    assert tracked.front.send("PUT", "/v2/requests", approved, till_headers()).status == 200
    found = [
        each
        for each in changes(tracked, since=began.isoformat()).json["data"]
        if each["external_id"] == f"S{did}"
    ]
    assert found[0]["changed"] == dict.fromkeys(MAIL, True)
    assert all(each["subscriptions"]["email_bulk"] for each in found)
    purge = {**SERVER, "email": kept, "i_understand_what_i_am_doing": True}
    reply = tracked.front.send("DELETE", "/profile/purge", json.dumps(purge).encode())
    assert reply.status == 200, reply.body
    # Whoever was erased has left none, under neither id.
    assert changes(tracked, since=began.isoformat()).json["data"] == []


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("", 422),
        ("&since=yesterday", 422),
        ("&since=2026-13-01T00:00:00Z", 422),
        ("&cursor=12", 422),
        ("&cursor=12-x", 422),
        (f"&cursor={'9' * 18}-1", 422),
        (f"&cursor={'9' * 17}-{'9' * 18}", 200),
        ("&since=99999999999", 200),
        ("&since=1&limit=0", 422),
        ("&since=1&limit=1001", 422),
        ("&since=1&limit=many", 422),
        ("&since=1&limit=1000", 200),
    ],
)
def test_what_cannot_be_asked_is_refused(tracked: Tracked, query: str, status: int) -> None:
    reply = tracked.get(f"{PATH}{query}")
    assert reply.status == status, reply.body
    assert reply.json["status"] == ("error" if status == 422 else "success")


def test_only_servers_of_the_shop_read_them(tracked: Tracked, did: str) -> None:
    path = f"/subscriptions/changes?since=1&did={did}"
    assert tracked.get(f"{path}&shop_id={SHOP_LONG}").status == 403
    assert tracked.get(f"{path}&shop_id={SHOP}&shop_secret=guessed").status == 403
    assert tracked.get(f"{path}&shop_secret={SERVER_KEY}").status == 401
