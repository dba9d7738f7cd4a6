"""Achievements: progress that sessions make, promise and give back."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

from habitue.loyalty.achievement import Achievement
from habitue.promotions.effects import (
    IncreaseAchievementProgress,
    RollbackAchievementProgress,
    StartAchievementProgress,
)
from habitue.promotions.evaluate import Purpose
from habitue.promotions.returned import ReturnWish
from habitue.usecases.configure.achievements import (
    AchievementFields,
    create_achievement,
    delete_achievement,
)
from habitue.usecases.read_achievements import read_iterations, read_standings
from habitue.usecases.session_state import SessionOutcome
from tests.building import Till, item, rule
from tests.harness.card_jobs import merge, unmerge
from tests.usecases.test_merges import id_of

TEA = item("tea", 10, 3)
FEATURES = ("coupons", "achievements", "loyalty")


async def target(till: Till, points: int, **fields: Any) -> Achievement:
    """A new achievement of the account, which the till's application is subscribed to."""
    wanted: dict[str, Any] = {
        "name": "drinker",
        "title": "Drinker",
        "description": "",
        "target": Decimal(points),
        "timezone": "Europe/Berlin",
        "subscribed_application_ids": (till.application.id,),
        **fields,
    }
    return await create_achievement(till.shop, AchievementFields(**wanted), till.now)


async def increases(till: Till, achievement: Achievement, by: str, *more: str) -> None:
    """A campaign that makes progress by that formula."""
    effect = f"increaseAchievementProgress({achievement.id}, {by})"
    await till.campaign(rule("session.total > 0", effect, *more), features=FEATURES)


def steps(outcome: SessionOutcome) -> list[Any]:
    """The progress that the answer tells: by how much, to what, and whether it is completed."""
    return [
        (it.delta, it.value, it.is_just_completed)
        for it in (each.outcome for each in outcome.decision.effects)
        if isinstance(it, IncreaseAchievementProgress)
    ]


def taken(outcome: SessionOutcome) -> list[Any]:
    return [
        (it.decreased_by, it.value)
        for it in (each.outcome for each in outcome.decision.effects)
        if isinstance(it, RollbackAchievementProgress)
    ]


async def standing(till: Till, profile: str) -> Any:
    (found,) = await read_standings(till.shop, till.application.id, profile, till.now)
    progress = found.iteration.progress if found.iteration else None
    return found.status(till.now), progress


async def test_progress_is_promised_while_open_and_made_at_closing(till: Till) -> None:
    achievement = await target(till, 50)
    await increases(till, achievement, "session.total")
    opened = await till.put("s1", profile_id="anna", cart_items=[TEA])
    start = opened.decision.effects[0].outcome
    assert isinstance(start, StartAchievementProgress)
    assert (start.started, start.ends, start.target) == (till.now, None, Decimal(50))
    assert steps(opened) == [(30, 30, False)]
    assert await standing(till, "anna") == ("not_started", None)
    closed = await till.put("s1", state="closed")
    assert closed.decision.effects[0].outcome == start
    assert await standing(till, "anna") == ("inprogress", 30)
    second = await till.put("s2", profile_id="anna", cart_items=[TEA], state="closed")
    assert steps(second) == [(20, 50, True)]
    assert await standing(till, "anna") == ("completed", 50)
    third = await till.put("s3", profile_id="anna", cart_items=[TEA], state="closed")
    assert third.decision.effects == ()


async def test_what_goes_beyond_begins_again_where_it_recurs_on_completion(till: Till) -> None:
    achievement = await target(till, 20, recurrence="on_completion")
    await increases(till, achievement, "session.total")
    closed = await till.put("s1", profile_id="anna", cart_items=[TEA, TEA], state="closed")
    assert steps(closed) == [(20, 20, True), (20, 20, True), (20, 20, True)]
    ids = {
        each.outcome.iteration_id
        for each in closed.decision.effects
        if isinstance(each.outcome, IncreaseAchievementProgress)
    }
    assert len(ids) == 3
    more = await till.put("s2", profile_id="anna", cart_items=[item("tea", 5)], state="closed")
    assert steps(more) == [(5, 5, False)]
    total, page = await read_iterations(
        till.shop,
        till.application.id,
        "anna",
        achievement.id,
        till.now,
        statuses=["completed"],
        since=None,
        until=None,
        skip=0,
        limit=2,
    )
    assert (total, [each.number for each in page]) == (3, [3, 2])


async def test_a_period_ends_and_the_next_one_begins(till: Till) -> None:
    achievement = await target(till, 100, recurrence="on_expiration", period="7D")
    await increases(till, achievement, "session.total")
    first = await till.put("s1", profile_id="anna", cart_items=[TEA], state="closed")
    start = first.decision.effects[0].outcome
    assert isinstance(start, StartAchievementProgress)
    assert start.ends == till.now + timedelta(days=7)
    till.wait(days=7)
    assert await standing(till, "anna") == ("not_started", None)
    again = await till.put("s2", profile_id="anna", cart_items=[TEA], state="closed")
    assert isinstance(again.decision.effects[0].outcome, StartAchievementProgress)
    assert steps(again) == [(30, 30, False)]


async def test_cancelling_takes_progress_back_but_not_what_is_completed(till: Till) -> None:
    achievement = await target(till, 50)
    await increases(till, achievement, "session.total")
    await till.put("s1", profile_id="anna", cart_items=[TEA], state="closed")
    assert taken(await till.put("s1", state="cancelled")) == [(30, 0)]
    assert await standing(till, "anna") == ("inprogress", 0)
    await till.put("s2", profile_id="anna", cart_items=[TEA], state="closed")
    await till.put("s3", profile_id="anna", cart_items=[TEA], state="closed")
    assert taken(await till.put("s3", state="cancelled")) == []
    assert await standing(till, "anna") == ("completed", 50)


async def test_completed_progress_goes_where_the_achievement_allows_it(till: Till) -> None:
    achievement = await target(till, 30, allow_rollback=True)
    await increases(till, achievement, "session.total")
    await till.put("s1", profile_id="anna", cart_items=[TEA], state="closed")
    assert taken(await till.reopen("s1")) == [(30, 0)]
    assert await standing(till, "anna") == ("inprogress", 0)
    again = await till.put("s1", state="closed")
    assert steps(again) == [(30, 30, True)]


async def test_rules_ask_about_progress(till: Till) -> None:
    achievement = await target(till, 50)
    id_ = achievement.id
    await increases(till, achievement, "session.total")
    asked = {
        "just": f"achievementJustCompleted({id_})",
        "started": f"achievementStarted({id_})",
        "running": f"achievementInProgress({id_})",
        "completed": f"achievementCompleted({id_})",
        "thirty": f"achievementProgress({id_}) == 30",
    }
    rules = [rule(when, f'setDiscount("{name}", 1)') for name, when in asked.items()]
    await till.campaign(*rules, features=FEATURES)

    def said(outcome: SessionOutcome) -> list[str]:
        found = [each.outcome for each in outcome.decision.effects]
        return [it.name for it in found if type(it).__name__ == "SetDiscount"]  # type: ignore[union-attr]

    assert said(await till.put("s1", profile_id="anna", cart_items=[TEA], state="closed")) == []
    second = await till.put("s2", profile_id="anna", cart_items=[TEA], state="closed")
    assert said(second) == ["just", "started", "running", "thirty"]
    third = await till.put("s3", profile_id="anna", cart_items=[TEA], state="closed")
    assert said(third) == ["started", "completed"]


async def test_a_return_that_judges_again_leaves_progress_alone(till: Till) -> None:
    achievement = await target(till, 50)
    effect = f"increaseAchievementProgress({achievement.id}, 30)"
    discount = 'setDiscountPerItem("one", 1)'
    await till.campaign(
        rule("session.total > 0", effect, discount), features=FEATURES, reevaluate_on_return=True
    )
    await till.put("s1", profile_id="anna", cart_items=[TEA], state="closed")
    back = await till.give_back("s1", ReturnWish(position=0, quantity=1), run_rules=True)
    assert [type(each.outcome).__name__ for each in back.decision.effects] == ["RollbackDiscount"]
    assert await standing(till, "anna") == ("inprogress", 30)
    assert taken(await till.put("s1", state="cancelled")) == [(30, 0)]


async def test_joined_customers_work_at_the_furthest_iteration(till: Till) -> None:
    achievement = await target(till, 100)
    await increases(till, achievement, "session.total")
    await till.put("s1", profile_id="anna", cart_items=[item("tea", 10)], state="closed")
    await till.put("s2", profile_id="berta", cart_items=[TEA], state="closed")
    anna, berta = await id_of(till, "anna"), await id_of(till, "berta")
    await merge(till, anna, berta)
    both = await till.put("s3", profile_id="anna", cart_items=[item("tea", 5)], state="closed")
    assert steps(both) == [(5, 35, False)]
    await unmerge(till, berta)
    assert await standing(till, "anna") == ("inprogress", 10)
    assert await standing(till, "berta") == ("inprogress", 35)


async def test_progress_goes_with_its_achievement(till: Till) -> None:
    achievement = await target(till, 50)
    await increases(till, achievement, "session.total")
    await till.put("s1", profile_id="anna", cart_items=[TEA], state="closed")
    await delete_achievement(till.shop, achievement.id)
    assert await till.shop.database.fetch("SELECT 1 FROM achievement_progress") == []
    cancelled = await till.put("s1", state="cancelled")
    assert taken(cancelled) == []


async def test_a_campaign_that_a_dry_run_picks_knows_the_progress_though_nothing_runs(
    till: Till,
) -> None:
    achievement = await target(till, 50)
    await increases(till, achievement, "session.total")
    await till.put("s1", profile_id="anna", cart_items=[TEA], state="closed")
    (campaign,) = till.shop.program(till.application.id).campaigns.values()
    await till.change_campaign(campaign, state="disabled")
    picked = Purpose(dry=True, campaign_ids=frozenset({campaign.id}))
    tried = await till.put("s2", purpose=picked, profile_id="anna", cart_items=[TEA])
    assert steps(tried) == [(20, 50, True)]
