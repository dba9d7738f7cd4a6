"""Users of the staff, their roles, and what these let them do."""

import asyncio
from typing import Any

import msgspec
import pytest
import talon_one
from talon_one import ManagementApi
from talon_one.exceptions import ForbiddenException, UnauthorizedException
from talon_one.models.deactivate_user_request import DeactivateUserRequest
from talon_one.models.login_params import LoginParams
from talon_one.models.new_invitation import NewInvitation
from talon_one.models.update_user import UpdateUser

from habitue.model.staff import PermissionSet, Role, Wish, permits
from tests.configure.shops import NOW
from tests.management.conftest import SHOP, Client, with_campaign
from tests.management.test_management_keys import FAR, KEYS, statuses

PASSWORD = "correct horse"


async def invited(client: Client, email: str, **fields: Any) -> dict[str, Any]:
    made: dict[str, Any] = await client.made("/v2/invites", {"email": email, **fields})
    return made


async def signed_in(client: Client, email: str, **fields: Any) -> tuple[int, Client]:
    """A new user's id, and a client of the user's session."""
    token = (await invited(client, email, **fields))["inviteToken"]
    user = await client.made("/v1/users", {"inviteToken": token, "password": PASSWORD})
    return user["id"], await session(client, email)


async def session(client: Client, email: str, password: str = PASSWORD) -> Client:
    opened = await client.made("/v1/sessions", {"email": email, "password": password})
    other = Client(client.session, client.url, client.shop)
    other.headers = {"authorization": f"Bearer {opened['token']}"}
    return other


async def role(client: Client, name: str, sets: dict[str, list[str]], **roles: Any) -> Any:
    listed = [{"name": each, "logicalOperations": some} for each, some in sets.items()]
    body = {"name": name, "permissions": {"permissionSets": listed, "roles": roles}}
    return await client.made("/v2/roles", body)


async def test_who_is_invited_accepts_signs_in_and_out(client: Client) -> None:
    first = await invited(client, "Ann@shop.example", name="Ann", isAdmin=True)
    assert (first["state"], first["isAdmin"], first["email"]) == (
        "invited",
        True,
        "Ann@shop.example",
    )
    assert (await client.send("GET", f"/v1/users/{first['id']}"))[1]["inviteToken"] == ""
    # nobody signs in before, and an invitation anew ends the one before
    wrong = {"email": "ann@shop.example", "password": PASSWORD}
    second = await invited(client, "ann@shop.example")
    assert (second["id"], second["name"], second["isAdmin"]) == (first["id"], "Ann", True)
    short = {"inviteToken": second["inviteToken"], "password": "short"}
    assert await client.faults("POST", "/v1/users", short) == [("/password", "Invalid length")]
    accept = {"password": PASSWORD, "name": "Ann B"}
    assert await statuses(
        client,
        ("POST", "/v1/sessions", wrong),
        ("POST", "/v1/users", {**accept, "inviteToken": first["inviteToken"]}),
        ("POST", "/v1/users", {**accept, "inviteToken": ""}),
        ("POST", "/v1/users", {**accept, "inviteToken": second["inviteToken"]}),
        ("POST", "/v1/users", {**accept, "inviteToken": second["inviteToken"]}),
        ("POST", "/v2/invites", {"email": "ANN@shop.example"}),
    ) == [401, 401, 401, 201, 401, 409]
    await asyncio.sleep(1.1)  # more sign-ins than a second has are refused
    assert await statuses(
        client,
        ("POST", "/v1/sessions", {**wrong, "password": f"{PASSWORD} "}),
        ("POST", "/v1/sessions", {**wrong, "email": "bob@shop.example"}),
    ) == [401, 401]
    ann = await session(client, "ANN@shop.example")
    other = await session(client, "ann@shop.example")
    shown = (await ann.send("GET", f"/v1/users/{first['id']}"))[1]
    assert (shown["name"], shown["state"]) == ("Ann B", "active")
    # an administrator does everything, and a key that was made so ends with its maker
    made = await ann.made(KEYS, {"name": "Ann's", "expiryDate": FAR})
    key = Client(client.session, client.url, client.shop)
    key.headers = {"authorization": f"ManagementKey-v1 {made['key']}"}
    await ann.made("/v1/applications", SHOP)
    assert await statuses(key, ("GET", "/v1/users"), ("DELETE", "/v1/sessions")) == [200, 403]
    assert (await other.send("DELETE", "/v1/sessions"))[0] == 204
    assert await statuses(other, ("GET", "/v1/users")) == [401]
    assert (await ann.send("GET", "/v1/users"))[0] == 200
    switched = {
        **ann.headers,
        "authorization": ann.headers["authorization"].replace("Bearer", "ManagementKey-v1"),
    }
    assert (await ann.send("GET", "/v1/users", headers=switched))[0] == 401
    assert (await client.send("DELETE", f"/v1/users/{first['id']}"))[0] == 204
    assert await statuses(ann, ("GET", "/v1/users")) == [401]
    assert await statuses(key, ("GET", "/v1/users")) == [401]
    assert await statuses(client, ("POST", "/v1/sessions", wrong)) == [401]
    database = client.shop.database
    assert await database.fetchval("SELECT count(*) FROM staff_secret") == 0
    # nothing that signs anybody in stands in the configuration, or in its log
    logged = await database.fetch("SELECT old, new FROM configuration_change")
    secrets = (PASSWORD, second["inviteToken"], made["key"], "argon2")
    text = "".join(f"{each['old']}{each['new']}" for each in logged)
    assert [each for each in secrets if each in text] == []
    faults = await client.faults("POST", "/v2/invites", {"email": "no address", "roles": [7]})
    assert faults == [("/roles/0", "Unknown")]
    assert await client.faults("POST", "/v2/invites", {"email": "no address"}) == [
        ("/email", "Invalid")
    ]


async def test_an_invitation_is_taken_once_however_many_take_it(client: Client) -> None:
    token = (await invited(client, "dan@shop.example"))["inviteToken"]
    bodies = [{"inviteToken": token, "password": f"{PASSWORD} {each}"} for each in range(3)]
    taken = await asyncio.gather(*(client.send("POST", "/v1/users", each) for each in bodies))
    assert sorted(status for status, _ in taken) == [201, 401, 401]
    winner = next(n for n, (status, _) in enumerate(taken) if status == 201)
    logins = [
        ("POST", "/v1/sessions", {"email": "dan@shop.example", "password": each["password"]})
        for each in bodies
    ]
    found = await statuses(client, *logins)
    assert [n for n, status in enumerate(found) if status == 201] == [winner]


async def test_a_user_does_what_roles_give_and_no_more(client: Client) -> None:
    mine = await with_campaign(client)
    second = (await client.made("/v1/applications", {**SHOP, "name": "Other"}))["id"]
    other = f"/v1/applications/{second}"
    own = f"/v1/applications/{mine.split('/')[3]}"
    sets = {
        "reads": ["getCampaignOperations"],
        "edits": ["getCampaignOperations", "updateCampaignOperations"],
        "looks": ["getApplicationOperations"],
    }
    applications = {
        own.rsplit("/", 1)[1]: {"campaign": "edits"},
        str(second): {"campaign": "reads"},
    }
    made = await role(client, "Marketing", sets, applications=applications)
    id_, bob = await signed_in(client, "bob@shop.example", roles=[made["id"]])
    assert (await client.send("GET", f"/v2/roles/{made['id']}"))[1]["members"] == [id_]
    before = client.shop.configuration.campaigns
    campaign = {"name": "New", "features": ["coupons"]}
    asked: list[tuple[Any, ...]] = [
        ("GET", mine),
        ("PUT", mine, {"name": "Changed"}),
        ("GET", f"{own}/campaigns"),
        ("GET", f"{other}/campaigns"),
        ("GET", f"/v1/users/{id_}"),
        ("GET", "/v1/applications"),
    ]
    assert await statuses(bob, *asked) == [200] * 6
    seen = (await bob.send("GET", "/v1/applications"))[1]
    assert seen["totalResultSize"] == 2
    refused: list[tuple[Any, ...]] = [
        ("DELETE", mine),
        ("POST", f"{own}/campaigns", campaign),
        ("POST", f"{other}/campaigns", campaign),
        ("GET", own),
        ("PUT", own, {"name": "Mine"}),
        ("GET", f"{own}/stores"),
        ("GET", "/v1/applications/999/campaigns"),
        ("GET", "/v1/attributes"),
        ("GET", "/v1/users"),
        ("GET", f"/v1/users/{id_ + 1}"),
        ("PUT", f"/v1/users/{id_}", {"isAdmin": True}),
        ("POST", "/v2/invites", {"email": "eve@shop.example", "isAdmin": True}),
        ("PUT", f"/v2/roles/{made['id']}", {"name": "Everything"}),
        ("POST", KEYS, {"name": "All", "expiryDate": FAR}),
        ("GET", "/v1/changes"),
    ]
    assert await statuses(bob, *refused) == [403] * len(refused)
    after = client.shop.configuration
    assert [each.name for each in after.campaigns.values()] == ["Changed"]
    assert (len(after.campaigns), len(after.users), len(before)) == (1, 1, 1)
    # an application that goes leaves the role as it is, without what it gave there
    assert (await client.send("DELETE", other))[0] == 204
    one = f"/v2/roles/{made['id']}"
    assert (await client.send("PUT", one, {"description": "of the web"}))[0] == 200
    assert (await bob.send("GET", "/v1/applications"))[1]["totalResultSize"] == 1
    # what a role gives changes at once, for whoever has it
    body: dict[str, Any] = {"permissions": {"permissionSets": [], "roles": {}}}
    assert (await client.send("PUT", f"/v2/roles/{made['id']}", body))[0] == 200
    assert await statuses(bob, ("GET", mine), ("GET", "/v1/applications")) == [403, 200]
    assert (await bob.send("GET", "/v1/applications"))[1]["totalResultSize"] == 0
    assert (await client.send("DELETE", f"/v2/roles/{made['id']}"))[0] == 204
    assert (await client.send("GET", f"/v1/users/{id_}"))[1]["roles"] == []


async def test_a_role_that_says_what_is_not_there_is_not_made(client: Client) -> None:
    sets = [{"name": "a", "logicalOperations": ["getEverything"]}]
    roles: dict[str, Any] = {
        "applications": {"1": {"tools": "a"}},
        "campaignAccessGroups": {"1": "a"},
    }
    body: dict[str, Any] = {
        "name": "X",
        "permissions": {"permissionSets": sets, "roles": roles, "thresholds": [{}]},
    }
    assert await client.faults("POST", "/v2/roles", body) == [
        ("/permissions/permissionSets/0/logicalOperations/0", "Unknown"),
        ("/permissions/roles/applications/1", "Not supported"),
        ("/permissions/roles/campaignAccessGroups", "Not supported"),
        ("/permissions/thresholds", "Not supported"),
    ]
    roles = {
        "applications": {"9": {"campaign": "b"}},
        "loyaltyPrograms": {"8": "b"},
        "account": "b",
    }
    twice = [{"name": "a", "logicalOperations": ["getAccountOperations"]}] * 2
    body = {"name": " ", "members": [5], "permissions": {"permissionSets": twice, "roles": roles}}
    assert await client.faults("POST", "/v2/roles", body) == [
        ("/name", "Missing"),
        ("/permissions/permissionSets", "Duplicate"),
        ("/permissions/roles/applications/9", "Unknown"),
        ("/permissions/roles/applications/9/campaign", "Unknown"),
        ("/permissions/roles/loyaltyPrograms/8", "Unknown"),
        ("/permissions/roles/loyaltyPrograms/8", "Unknown"),
        ("/permissions/roles/account", "Unknown"),
        ("/members/0", "Unknown"),
    ]
    assert (await client.send("GET", "/v2/roles"))[1]["data"] == []
    for text in ("", "[]", '{"Role": 127}', "[" * 5000):
        body = {"name": "Early", "acl": text}
        assert await client.faults("POST", "/v1/roles", body) == [("/acl", "Invalid")]
    acl = {"permissionSets": [{"name": "a", "logicalOperations": ["getAccountOperations"]}]}
    unknown = msgspec.json.encode({"roles": {"account": "b"}}).decode()
    faults = await client.faults("POST", "/v1/roles", {"name": "Early", "acl": unknown})
    assert faults == [("/acl/roles/account", "Unknown")]
    text = msgspec.json.encode({**acl, "roles": {"account": "a"}}).decode()
    body = {"name": "Early", "acl": text}
    early = await client.made("/v1/roles", body)
    assert early["acl"]["permissionSets"] == acl["permissionSets"]
    same = (await client.send("GET", f"/v2/roles/{early['id']}"))[1]
    assert (same["name"], same["permissions"]) == ("Early", early["acl"])
    await client.send("DELETE", f"/v2/roles/{early['id']}")
    await role(client, "X", {})
    assert (await client.send("POST", "/v2/roles", {"name": "X"}))[0] == 409


async def test_the_vendors_client_invites_signs_in_and_reads(
    client: Client, vendor: ManagementApi
) -> None:
    await client.made("/v1/applications", SHOP)
    made = await role(client, "Reader", {"all": ["getAccountOperations"]}, account="all")
    new = NewInvitation(email="cleo@shop.example", name="Cleo", roles=[made["id"]])
    early = await client.made("/v1/invites", {"email": "cleo@shop.example"})
    assert early["inviteToken"]
    user = await asyncio.to_thread(vendor.create_invite_v2, new)
    stale = {"inviteToken": early["inviteToken"], "password": PASSWORD}
    assert (await client.send("POST", "/v1/users", stale))[0] == 401
    assert (user.state, user.roles, user.name) == ("invited", [made["id"]], "Cleo")
    await client.made("/v1/users", {"inviteToken": user.invite_token, "password": PASSWORD})
    login = LoginParams(email="cleo@shop.example", password=PASSWORD)
    opened = await asyncio.to_thread(vendor.create_session, login)
    assert opened.user_id == user.id
    configuration = talon_one.Configuration(
        host=client.url,
        api_key_prefix={"manager_auth": "Bearer", "api_key_v1": "Bearer"},
        api_key={"manager_auth": opened.token, "api_key_v1": opened.token},
    )
    cleo = ManagementApi(talon_one.ApiClient(configuration))
    assert (await asyncio.to_thread(cleo.get_attributes, page_size=1)).total_result_size > 0
    with pytest.raises(ForbiddenException):
        await asyncio.to_thread(cleo.get_application, 1)
    listed = await asyncio.to_thread(vendor.get_users)
    assert [each.email for each in listed.data] == ["cleo@shop.example"]
    # this release of the vendor's client cannot read roles: it lacks the name of its own class
    roles = (await client.send("GET", "/v2/roles"))[1]["data"]
    assert roles == [{**made, "members": [user.id]}]
    body = {"name": "Nobody", "members": []}
    renamed = (await client.send("PUT", f"/v2/roles/{made['id']}", body))[1]
    assert (renamed["name"], renamed["permissions"]) == ("Nobody", made["permissions"])
    assert (await client.send("GET", f"/v2/roles/{made['id']}"))[1] == renamed
    with pytest.raises(ForbiddenException):
        await asyncio.to_thread(cleo.get_attributes)
    change = UpdateUser(name="Cleo C", isAdmin=True)
    changed = await asyncio.to_thread(vendor.update_user, user.id, change)
    assert (changed.name, changed.is_admin) == ("Cleo C", True)
    assert (await asyncio.to_thread(cleo.get_application, 1)).name == "Web"
    await asyncio.to_thread(
        vendor.deactivate_user_by_email, DeactivateUserRequest(email="CLEO@shop.example")
    )
    with pytest.raises(UnauthorizedException):
        await asyncio.to_thread(cleo.get_application, 1)
    assert await statuses(
        client,
        ("POST", "/v1/sessions", {"email": "cleo@shop.example", "password": PASSWORD}),
        ("POST", "/v1/users/activate", {"email": "cleo@shop.example"}),
        ("POST", "/v1/sessions", {"email": "cleo@shop.example", "password": PASSWORD}),
        ("POST", "/v1/users/delete", {"email": "cleo@shop.example"}),
        ("POST", "/v1/users/delete", {"email": "cleo@shop.example"}),
    ) == [401, 204, 201, 204, 404]
    rows = await client.shop.database.fetch("SELECT document FROM api_key WHERE NOT deleted")
    assert [msgspec.json.decode(each["document"])["kind"] for each in rows] == ["management"]


def test_permissions_hold_where_a_role_names_their_set() -> None:
    sets = (
        PermissionSet("all", ("getCampaignOperations", "editCampaignOperations")),
        PermissionSet("points", ("createLoyaltyProgramOperations",)),
    )
    given = Role(1, "a", NOW, NOW, "", sets, {3: {"campaign": "all"}}, {5: "points"})
    assert permits([given], Wish("GET", "Campaign", 3))
    assert permits([given], Wish("PUT", "Campaign", 3))
    assert permits([given], Wish("POST", "Campaign", 3, searches=True))
    assert permits([given], Wish("POST", "LoyaltyProgram", 5))
    for wish in (
        Wish("POST", "Campaign", 3),
        Wish("DELETE", "Campaign", 3),
        Wish("GET", "Campaign", 4),
        Wish("GET", "Application", 3),
        Wish("GET", "LoyaltyProgram", 5),
        Wish("POST", "LoyaltyProgram", 3),
        Wish("GET", "Account"),
        Wish("PATCH", "Campaign", 3),
    ):
        assert not permits([given], wish), wish
    assert not permits([], Wish("GET", "Campaign", 3))
