"""Revisions of campaigns over a real socket, read with the vendor's own models."""

from typing import Any

from talon_one.models import Campaign, Revision, RevisionVersion

from tests.serving import MANAGEMENT_KEY, Reply, Shopfront, rule

CART = [{"sku": "tea", "quantity": 1, "price": 200}]
LIMIT = {"action": "setDiscount", "limit": 30, "entities": []}


def paths(front: Shopfront, campaign_id: int) -> tuple[str, str]:
    campaign = f"/v1/applications/{front.application_id}/campaigns/{campaign_id}"
    return campaign, f"{campaign}/revisions"


def ruleset(front: Shopfront, campaign: str, amount: int) -> int:
    body = {"rules": [rule(["and", True], ["setDiscount", "off", amount])], "bindings": []}
    return int(front.manage("POST", f"{campaign}/rulesets", body)["id"])


def post(front: Shopfront, path: str, body: Any, method: str = "POST") -> Reply:
    headers = {"authorization": f"ManagementKey-v1 {MANAGEMENT_KEY}"}
    return front.send(method, path, body, headers)


def faults(reply: Reply) -> list[tuple[str, str]]:
    assert reply.status == 400, reply.body
    return [(each["source"]["pointer"], each["title"]) for each in reply.json["errors"]]


def discount(front: Shopfront, session: str) -> list[Any]:
    effects = front.put(session, content=["customerSession"], cartItems=CART).json["effects"]
    return [each["props"]["value"] for each in effects]


def campaign_of(front: Shopfront, path: str) -> Campaign:
    shown = Campaign.from_dict(front.manage("GET", path))
    assert shown is not None
    return shown


def test_a_campaign_takes_over_the_last_version_and_nothing_before(front: Shopfront) -> None:
    first = rule(["and", True], ["setDiscount", "off", 5])
    id_ = front.campaign(first, name="Plain", description="kept", tags=["old"])
    campaign, revisions = paths(front, id_)
    other = ruleset(front, campaign, 50)
    before = front.manage("GET", campaign)
    assert (before["version"], "currentRevisionId" in before) == (0, False)
    said = {"name": "Revised", "activeRulesetId": other, "limits": [LIMIT], "tags": None}
    made = Revision.from_dict(front.manage("POST", revisions, said))
    assert made is not None
    assert made.current_version is not None
    assert (made.campaign_id, made.application_id) == (id_, front.application_id)
    assert (made.activated_at, made.current_version.version) == (None, 1)
    one = f"{revisions}/{made.id}"
    settings = {"validCharacters": ["A"], "couponPattern": "R-####"}
    more = {"name": "Revised twice", "couponSettings": settings, "attributes": {}}
    added = front.manage("POST", f"{one}/versions", more)
    second = RevisionVersion.from_dict(added)
    assert second is not None
    assert second.limits is not None
    assert (second.version, second.revision_id, second.name) == (2, made.id, "Revised twice")
    assert (second.active_ruleset_id, second.limits[0].limit) == (other, 30)
    assert (added["tags"], "description" in added) == (None, False)
    listed = front.manage("GET", f"{one}/versions?sort=-version")
    assert (listed["totalResultSize"], [each["name"] for each in listed["data"]]) == (
        2,
        ["Revised twice", "Revised"],
    )

    told = campaign_of(front, campaign)
    assert (told.current_revision_id, told.current_revision_version_id) == (made.id, second.id)
    assert (told.revision_frontend_state, told.active_revision_id) == ("revised", None)
    drafts = ("currentRevisionId", "currentRevisionVersionId", "revisionFrontendState")
    assert {name: each for name, each in front.manage("GET", campaign).items()
            if name not in drafts} == before  # fmt: skip
    many = front.manage("GET", campaign.rpartition("/")[0])["data"]
    assert [each["currentRevisionId"] for each in many if each["id"] == id_] == [made.id]
    assert discount(front, "before") == [5]

    answer = front.manage("POST", f"{one}/activate", {})
    activated = Revision.from_dict(answer)
    assert activated is not None
    assert activated.activated_at is not None
    assert activated.activated_by == 1
    told = campaign_of(front, campaign)
    assert (told.name, told.description, told.tags) == ("Revised twice", "kept", [])
    assert (told.active_ruleset_id, told.limits[0].limit) == (other, 30)
    assert told.coupon_settings is not None
    assert told.coupon_settings.coupon_pattern == "R-####"
    assert (told.version, told.active_revision_id) == (1, made.id)
    assert told.active_revision_version_id == second.id
    assert (told.current_revision_id, told.revision_frontend_state) == (None, None)
    assert discount(front, "after") == []
    front.manage("PUT", campaign, {"name": "Revised twice", "limits": []})
    assert discount(front, "unlimited") == [50]

    after = front.manage("GET", campaign)
    for reply in (
        post(front, f"{one}/activate", {}),
        post(front, f"{one}/versions", {"name": "late"}),
        post(front, one, None, "DELETE"),
    ):
        assert reply.status == 409
    assert front.manage("GET", campaign) == after
    again = front.manage("POST", revisions, {"activeRulesetId": before["activeRulesetId"]})
    front.manage("POST", f"{revisions}/{again['id']}/activate", {})
    assert (campaign_of(front, campaign).version, discount(front, "again")) == (2, [5])
    newest = front.manage("GET", f"{revisions}?sort=-id&pageSize=1")
    assert (newest["totalResultSize"], newest["data"][0]["id"]) == (2, again["id"])
    assert newest["data"][0] == front.manage("GET", f"{revisions}/{again['id']}")
    front.manage("DELETE", campaign)
    assert post(front, one, None, "GET").status == 404


def test_what_a_campaign_cannot_become_is_refused_and_changes_nothing(front: Shopfront) -> None:
    id_ = front.campaign(rule(["and", True], ["setDiscount", "off", 5]))
    campaign, revisions = paths(front, id_)
    other, stranger = ruleset(front, campaign, 50), front.campaign(name="Other")
    for body, fault in (
        ({"name": " "}, ("/name", "Missing")),
        ({"activeRulesetId": 1_000_000}, ("/activeRulesetId", "Unknown")),
        ({"attributes": {"nothing": 1}}, ("/attributes/nothing", "Unknown")),
        ({"tags": ["a", ""]}, ("/tags/1", "Invalid length")),
        ({"limits": [LIMIT, LIMIT]}, ("/limits/1", "Duplicate")),
    ):
        assert faults(post(front, revisions, body)) == [fault]
    assert front.manage("GET", revisions) == {"totalResultSize": 0, "data": []}
    made = front.manage("POST", revisions, {"activeRulesetId": other, "name": "Wanted"})
    one = f"{revisions}/{made['id']}"
    assert post(front, revisions, {"name": "Second"}).status == 409
    period = {"startTime": "2027-01-02T00:00:00Z", "endTime": "2027-01-01T00:00:00Z"}
    assert faults(post(front, f"{one}/versions", period)) == [("/endTime", "Invalid period")]
    later = {"activateAt": "2099-01-01T00:00:00Z"}
    assert faults(post(front, f"{one}/activate", later)) == [("/activateAt", "Not supported")]
    _, elsewhere = paths(front, stranger)
    for path in (f"{elsewhere}/{made['id']}/activate", f"{revisions}/1000000/activate"):
        assert post(front, path, {}).status == 404
    assert post(front, f"{elsewhere}/{made['id']}", None, "GET").status == 404
    front.manage("DELETE", f"{campaign}/rulesets/{other}")
    before = front.manage("GET", campaign)
    assert faults(post(front, f"{one}/activate", {})) == [("/activeRulesetId", "Unknown")]
    assert front.manage("GET", campaign) == before
    assert front.manage("GET", one) == made
    front.manage("DELETE", one)
    assert post(front, one, None, "GET").status == 404
    assert front.manage("GET", revisions) == {"totalResultSize": 0, "data": []}
    assert (campaign_of(front, campaign).version, discount(front, "kept")) == (0, [5])
    for each in (campaign, paths(front, stranger)[0]):
        front.manage("DELETE", each)
