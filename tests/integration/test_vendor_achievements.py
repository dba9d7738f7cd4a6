"""Achievements through the vendor's own client and the Management API."""

from functools import partial
from typing import Any

import msgspec
import pytest
from talon_one.exceptions import NotFoundException
from talon_one.models import CreateAchievement

from habitue.model.documents import encode
from tests.building import rule
from tests.integration.test_vendor_loyalty import client, customer, staff
from tests.integration.test_vendor_session_points import put
from tests.serving import MANAGEMENT_KEY, Shopfront

BODY = {
    "name": "explorer",
    "title": "Explorer",
    "description": "Buys a lot",
    "target": 30,
    "period": "1M",
    "periodEndOverride": {"dayOfMonth": 1, "hour": 0, "minute": 0, "second": 0},
    "recurrencePolicy": "on_expiration",
}


@pytest.fixture(scope="module")
def campaign(front: Shopfront) -> int:
    return front.campaign()


@pytest.fixture(scope="module")
def achievement(front: Shopfront, campaign: int) -> int:
    """An achievement of the campaign; its id."""
    made = staff(front).create_achievement(
        front.application_id, campaign, CreateAchievement.from_dict(BODY)
    )
    assert (made.name, made.target, made.campaign_id) == ("explorer", 30, campaign)
    assert made.period_end_override.day_of_month == 1
    rules: list[Any] = [rule("true", f"increaseAchievementProgress({made.id}, session.total)")]
    front.campaign(*msgspec.json.decode(encode(rules)), features=["achievements"])
    return int(made.id)


def test_progress_is_told_everywhere(front: Shopfront, achievement: int) -> None:
    kim = customer(front, "kim")
    (blank,) = client(front).get_customer_achievements(kim).data
    assert (blank.id, blank.current_progress.status) == (achievement, "not_started")
    state = put(front, "k1", "closed", kim)
    start, increase = (each.props for each in state.effects)
    assert start["achievementName"] == "explorer"
    assert start["startDate"] < start["endDate"]
    assert increase["progressTrackerId"] == start["progressTrackerId"] < 2**53
    assert (increase["delta"], increase["value"], increase["isJustCompleted"]) == (20, 20, False)
    (found,) = client(front).get_customer_achievements(kim).data
    assert (found.current_progress.status, found.current_progress.progress) == ("inprogress", 20)
    put(front, "k2", "closed", kim)
    history = client(front).get_customer_achievement_history(kim, achievement)
    assert history.total_result_size == 1
    assert (history.data[0].status, history.data[0].progress) == ("completed", 30)
    body = front.call("GET", f"/v1/customer_profiles/{kim}/inventory?achievements=true").json
    assert [(each["achievementId"], each["status"]) for each in body["achievements"]] == [
        (achievement, "completed")
    ]
    listed = partial(
        staff(front).get_customer_profile_achievement_progress, front.application_id, kim
    )
    (same,) = listed(achievement_id=achievement, title="explor").data
    assert (same.achievement_id, same.status, same.progress) == (achievement, "completed", 30)
    assert (listed(title="else").data, listed(achievement_id=achievement + 1).data) == ([], [])
    with pytest.raises(NotFoundException):
        client(front).get_customer_achievement_history(kim, achievement + 1_000)


def test_definitions_of_the_account(front: Shopfront) -> None:
    body = {
        **{name: BODY[name] for name in ("title", "description", "target")},
        "name": "everywhere",
        "timezone": "Europe/Berlin",
        "sandbox": False,
        "subscribedApplications": [front.application_id],
    }
    made = front.manage("POST", "/v2/achievements", body)
    assert (made["status"], made["recurrencePolicy"], made["sandbox"]) == (
        "active",
        "no_recurrence",
        False,
    )
    changed = front.manage("PUT", f"/v2/achievements/{made['id']}", {"target": 40})
    assert (changed["target"], changed["title"]) == (40, "Explorer")
    listed = front.manage("GET", "/v2/achievements?title=expl")
    assert [each["id"] for each in listed["data"]] == [made["id"]]
    front.manage("DELETE", f"/v2/achievements/{made['id']}")
    assert front.manage("GET", "/v2/achievements")["data"] == []


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
        ({"name": "1st"}, "/name"),
        ({"target": 0}, "/target"),
        ({"period": "soon"}, "/period"),
        ({"period": None, "periodEndOverride": None}, "/period"),
        ({"recurrencePolicy": "on_completion"}, "/period"),
        ({"activationPolicy": "fixed_schedule"}, "/fixedStartDate"),
        ({"period": "1D"}, "/periodEndOverride/dayOfMonth"),
        ({"period": "2M"}, "/periodEndOverride"),
    ],
)
def test_wrong_definitions_are_refused(
    front: Shopfront, campaign: int, wrong: dict[str, Any], pointer: str
) -> None:
    path = f"/v1/applications/{front.application_id}/campaigns/{campaign}/achievements"
    before = front.manage("GET", path)
    headers = {"authorization": f"ManagementKey-v1 {MANAGEMENT_KEY}"}
    reply = front.send("POST", path, {**BODY, "name": "other", **wrong}, headers)
    assert reply.status == 400
    pointers = [each["source"]["pointer"] for each in reply.json["errors"]]
    assert pointer in pointers
    assert front.manage("GET", path) == before
