"""Messages leave once their decision is saved, in order, signed, and again until they are taken."""

import asyncio
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from habitue.promotions.evaluate import Purpose
from habitue.promotions.signing import signature_headers
from habitue.promotions.webhook import OutgoingRequest, Parameter, Webhook
from habitue.store import outbox
from habitue.store.database import Database
from habitue.store.outbox import MessageFilter, MessageRow
from habitue.usecases.configure.webhooks import WebhookFields, create_webhook, delete_webhook
from habitue.usecases.deliver_messages import (
    RETRY_SECONDS,
    Courier,
    HttpAnswer,
    deliver_due,
)
from habitue.usecases.erase_customer import erase_customer
from habitue.usecases.outgoing import Undeliverable
from habitue.usecases.read_messages import replay_message
from tests.building import Till, item, rule

CART = [item("tea", 10)]


class Post:
    """A destination that answers as it is told, and remembers what came."""

    def __init__(self, till: Till) -> None:
        self.till = till
        self.answers: list[int | str] = []
        self.came: list[OutgoingRequest] = []

    async def send(self, request: OutgoingRequest) -> HttpAnswer:
        self.came.append(request)
        answer = self.answers.pop(0) if self.answers else 204
        if isinstance(answer, str):
            raise Undeliverable(answer)
        return HttpAnswer(answer, "told")

    async def deliver(self) -> int:
        return await deliver_due(
            self.till.shop, Courier(self.send, lambda: self.till.now, lambda: 0)
        )

    @property
    def bodies(self) -> list[Any]:
        return [msgspec.json.decode(each.body) for each in self.came]


async def hook(till: Till, **fields: Any) -> Webhook:
    named: dict[str, Any] = {
        "title": "Tell",
        "verb": "POST",
        "url": "https://shop.example/hook",
        "payload": '{"session": "${session}"}',
        "parameters": (Parameter("session", "Session", "string"),),
        **fields,
    }
    return await create_webhook(till.shop, WebhookFields(**named), bytes(24), till.now)


async def asking(till: Till, webhook: Webhook) -> None:
    effect = f'triggerWebhook({webhook.id}, {{"session": session.integration_id}})'
    await till.campaign(rule("session.total > 0", effect))


async def messages(till: Till) -> list[MessageRow]:
    return (await outbox.listed(till.shop.database, MessageFilter(), 100))[::-1]


@pytest.fixture
async def till(database: Database) -> Till:
    return await Till.opened(database)


async def test_a_message_leaves_signed_once_the_session_is_saved(till: Till) -> None:
    webhook = await hook(till)
    await asking(till, webhook)
    await till.put("s1", profile_id="anna", cart_items=CART)
    (waiting,) = await messages(till)
    assert (waiting.state, waiting.attempts, waiting.due) == ("waiting", 0, till.now)
    post = Post(till)
    assert await post.deliver() == 1
    (request,) = post.came
    signed = signature_headers(webhook.secret, waiting.message_id, till.now, request.body)
    assert request == OutgoingRequest(
        "POST",
        "https://shop.example/hook",
        (("Content-Type", "application/json"), *signed),
        b'{"session": "s1"}',
    )
    (delivered,) = await messages(till)
    assert (delivered.state, delivered.status, delivered.response) == ("delivered", 204, "told")
    assert (delivered.request, delivered.url) == ('{"session": "s1"}', request.url)
    assert await post.deliver() == 0


async def test_a_dry_run_and_a_refused_request_ask_for_nothing(till: Till) -> None:
    await asking(till, await hook(till))
    await till.put("s1", cart_items=CART, purpose=Purpose(dry=True))
    assert await messages(till) == []


async def test_messages_about_a_customer_wait_for_the_earlier_one(till: Till) -> None:
    await asking(till, await hook(till))
    for session in ("s1", "s2"):
        await till.put(session, profile_id="anna", cart_items=CART)
    await till.put("s3", profile_id="berta", cart_items=CART)
    post = Post(till)
    post.answers = [503, 204]
    assert await post.deliver() == 2
    assert sorted(each["session"] for each in post.bodies) == ["s1", "s3"]
    assert await post.deliver() == 0
    till.wait(seconds=RETRY_SECONDS[0])
    assert await post.deliver() == 2
    assert [each["session"] for each in post.bodies[2:]] == ["s1", "s2"]
    assert [each.attempts for each in await messages(till)] == [2, 1, 1]


async def test_destinations_do_not_wait_for_each_other(till: Till) -> None:
    await asking(till, await hook(till))
    await asking(till, await hook(till, title="Other", url="https://other.example/"))
    await till.put("s1", profile_id="anna", cart_items=CART)
    post = Post(till)
    post.answers = ["no route", "no route"]
    assert await post.deliver() == 2
    assert {each.url for each in post.came} == {
        "https://shop.example/hook",
        "https://other.example/",
    }


async def test_a_message_that_nobody_takes_dies_and_can_be_replayed(till: Till) -> None:
    await asking(till, await hook(till))
    await till.put("s1", profile_id="anna", cart_items=CART)
    post = Post(till)
    post.answers = ["no answer"] * (len(RETRY_SECONDS) + 1)
    began = till.now
    for seconds in (*RETRY_SECONDS, 0):
        assert await post.deliver() == 1
        till.wait(seconds=seconds)
    (dead,) = await messages(till)
    assert (dead.state, dead.attempts, dead.response) == ("dead", 11, "no answer")
    assert timedelta(days=3) < till.now - began < timedelta(days=3, hours=12)
    await till.put("s2", profile_id="anna", cart_items=CART)
    assert await post.deliver() == 1
    assert post.bodies[-1] == {"session": "s2"}
    await replay_message(till.shop, dead.id, till.now)
    assert await post.deliver() == 1
    assert [each.state for each in await messages(till)] == ["delivered", "delivered"]


async def test_a_destination_that_is_gone_is_not_asked_again(till: Till) -> None:
    await asking(till, await hook(till))
    await till.put("s1", cart_items=CART)
    post = Post(till)
    post.answers = [410]
    assert await post.deliver() == 1
    (dead,) = await messages(till)
    assert (dead.state, dead.attempts, dead.status) == ("dead", 1, 410)


async def test_a_webhook_that_was_deleted_sends_nothing(till: Till) -> None:
    webhook = await hook(till)
    await asking(till, webhook)
    await till.put("s1", cart_items=CART)
    await delete_webhook(till.shop, webhook.id)
    post = Post(till)
    assert await post.deliver() == 1
    assert post.came == []
    (waiting,) = await messages(till)
    assert (waiting.state, waiting.response) == ("waiting", "the webhook was deleted")
    outcome = await till.put("s2", cart_items=CART)
    assert outcome.decision.effects == ()


async def test_a_message_in_the_hands_of_a_dead_process_is_sent_by_another(till: Till) -> None:
    await asking(till, await hook(till))
    await till.put("s1", cart_items=CART)
    post = Post(till)
    started = asyncio.Event()

    async def hang(request: OutgoingRequest) -> HttpAnswer:
        started.set()
        await asyncio.Event().wait()
        raise AssertionError

    task = asyncio.create_task(deliver_due(till.shop, Courier(hang, lambda: till.now, lambda: 0)))
    await started.wait()
    assert await post.deliver() == 0
    task.cancel()
    till.wait(seconds=121)
    assert await post.deliver() == 1
    assert post.bodies == [{"session": "s1"}]


async def test_many_couriers_send_each_message_once(till: Till) -> None:
    await asking(till, await hook(till))
    for number in range(120):
        await till.put(f"s{number}", cart_items=CART)
    post = Post(till)
    counts = await asyncio.gather(*(post.deliver() for _ in range(8)))
    assert sum(counts) == 120
    assert sorted(each["session"] for each in post.bodies) == sorted(f"s{n}" for n in range(120))


async def test_erasing_a_person_takes_back_what_has_not_left(till: Till) -> None:
    await asking(till, await hook(till))
    await till.put("s1", profile_id="anna", cart_items=CART)
    await erase_customer(till.shop, till.application.id, "anna", till.now)
    assert await messages(till) == []
    assert (await till.read("s1")).effects == ()


@pytest.mark.parametrize(
    ("call", "reason"),
    [
        ("triggerWebhook(7)", "there is no webhook 7 for this application"),
        ("triggerWebhook({id})", "the webhook 'Tell' wants 'session'"),
        (
            'triggerWebhook({id}, {{"session": 5}})',
            "'session' of the webhook 'Tell' has another type",
        ),
    ],
)
async def test_a_rule_that_asks_wrongly_fails(till: Till, call: str, reason: str) -> None:
    webhook = await hook(till)
    await till.campaign(rule("session.total > 0", call.format(id=webhook.id)))
    outcome = await till.put("s1", cart_items=CART, purpose=Purpose(failures=True))
    (failure,) = outcome.decision.failures
    assert (failure.effect_index, failure.details) == (0, reason)
    assert await messages(till) == []
