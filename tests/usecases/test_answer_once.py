"""A key's answer is given once, by whomever it is asked for at once."""

import asyncio
from typing import Any

import pytest

from habitue.model.errors import Conflict, KeyReused
from habitue.model.idempotency import Idempotency
from habitue.store import receipts
from habitue.store.database import Database, open_database
from habitue.store.location import External
from habitue.usecases.answer_once import KeyBusy, answer_once
from habitue.usecases.configure.card_series import CardSeriesFields, create_card_series
from habitue.usecases.shop import Shop
from habitue.usecases.writing import Reply
from tests.configure.shops import NOW, opened

PROMISE = Idempotency(bytes(16), b"the request")
SERIES = CardSeriesFields(code="GOLD", type="DIGITAL")
RUNS = 12


async def make(shop: Shop) -> Reply:
    """Makes a card series."""
    series = await create_card_series(shop, SERIES, NOW)
    return Reply(200, str(series.id).encode())


async def counted(database: Database, table: str = "receipt") -> int:
    count: int = await database.fetchval(f"SELECT count(*) FROM {table}")
    return count


async def series_of(database: Database) -> list[str]:
    """The codes of the series that a process would find that begins now."""
    shop = await opened(database)
    return [each.code for each in shop.configuration.organisation.card_series.values()]


async def race(database: Database, database_url: str) -> list[Any]:
    """What requests with one key get that come at once to two processes."""
    async with open_database(External(database_url)) as other:
        shops = [await opened(each) for each in (database, other)]
        asked = [answer_once(shops[run % 2], PROMISE, NOW, make) for run in range(RUNS)]
        return await asyncio.gather(*asked, return_exceptions=True)


async def test_one_of_many_acts_and_all_are_answered(database: Database, database_url: str) -> None:
    answers = await race(database, database_url)
    assert len(set(map(repr, answers))) == 1
    assert [type(each) for each in answers] == [Reply] * RUNS
    assert await series_of(database) == ["GOLD"]
    assert await counted(database) == 1


async def test_without_the_claim_the_others_are_refused(
    database: Database, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def no_claim(*arguments: object) -> None:
        """Takes nothing."""

    monkeypatch.setattr(receipts, "claim", no_claim)
    answers = await race(database, database_url)
    assert [type(each) for each in answers].count(Reply) < RUNS
    assert any(isinstance(each, Exception) for each in answers)


async def test_another_request_is_refused(database: Database) -> None:
    shop = await opened(database)
    assert (await answer_once(shop, PROMISE, NOW, make)).status == 200
    other = Idempotency(PROMISE.key_digest, b"another request")
    with pytest.raises(KeyReused):
        await answer_once(shop, other, NOW, make)
    assert await series_of(database) == ["GOLD"]


async def test_what_fails_after_its_writes_has_written_nothing(database: Database) -> None:
    shop = await opened(database)

    async def break_down(enclosed: Shop) -> Reply:
        await make(enclosed)
        assert len(enclosed.configuration.organisation.card_series) == 1
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await answer_once(shop, PROMISE, NOW, break_down)
    assert shop.configuration.organisation.card_series == {}
    assert (await series_of(database), await counted(database)) == ([], 0)
    assert (await answer_once(shop, PROMISE, NOW, make)).status == 200


async def test_a_part_that_is_refused_undoes_only_itself(database: Database) -> None:
    shop = await opened(database)

    async def make_twice(enclosed: Shop) -> Reply:
        reply = await make(enclosed)
        with pytest.raises(Exception, match="GOLD"):
            await make(enclosed)
        async with enclosed.database.transaction() as part:
            await part.execute("DELETE FROM receipt")
            with pytest.raises(Conflict):
                await enclosed.database.fetch("SELECT guard_failed('moved')")
        return reply

    await answer_once(shop, PROMISE, NOW, make_twice)
    assert await series_of(database) == ["GOLD"]


async def test_who_waits_too_long_for_an_answer_is_told_so(
    database: Database, database_url: str
) -> None:
    shop, begun, go_on = await opened(database), asyncio.Event(), asyncio.Event()

    async def dawdle(enclosed: Shop) -> Reply:
        begun.set()
        await go_on.wait()
        return await make(enclosed)

    async with open_database(External(database_url), lock_wait_seconds=0.05) as impatient:
        first = asyncio.create_task(answer_once(shop, PROMISE, NOW, dawdle))
        await begun.wait()
        with pytest.raises(KeyBusy):
            await answer_once(await opened(impatient), PROMISE, NOW, make)
        go_on.set()
        await first
    assert await series_of(database) == ["GOLD"]
