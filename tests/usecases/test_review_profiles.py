"""Many profiles in one request: rows and claims are taken in an order that all requests share."""

from collections.abc import Sequence
from typing import Any

from habitue.customers.claims import profile_key
from habitue.promotions.decide_profile import ProfileCommand
from habitue.usecases.update_profile import ProfileOutcome, update_profiles
from habitue.usecases.writing import Reply
from tests.building import Till

IDS = [f"customer {number}" for number in range(30)]


async def _update(till: Till, ids: Sequence[str], name: str) -> None:
    commands = [ProfileCommand(each, {"Name": name}) for each in ids]
    await update_profiles(till.shop, till.application.id, commands, till.now, _no_content)


def _no_content(outcomes: Sequence[ProfileOutcome], program: Any) -> Reply:
    return Reply(204, b"")


async def test_new_profiles_are_claimed_in_the_order_of_their_claims(till: Till) -> None:
    await _update(till, IDS, "first")
    # the order in which rows came into the table
    claimed = await till.shop.database.fetch("SELECT claim_key FROM claim ORDER BY ctid")
    keys = sorted(profile_key(each, sandbox=till.application.sandbox) for each in IDS)
    assert [row["claim_key"] for row in claimed] == keys


async def test_known_profiles_are_written_in_the_order_in_which_they_are_locked(
    till: Till,
) -> None:
    for each in reversed(IDS):
        await _update(till, [each], "first")
    await till.shop.database.execute("VACUUM FULL customer")
    await _update(till, IDS, "second")
    database = till.shop.database
    written = await database.fetch("SELECT id, attributes FROM customer ORDER BY ctid")
    assert {bytes(row["attributes"]) for row in written} == {b'{"Name": "second"}'}
    ids = [row["id"] for row in written]
    assert len(ids) == len(IDS)
    assert ids == sorted(ids)
