"""Builds a small shop in a database, and sends sessions to it as a till would.

Rules are written in the text notation. `Till.put` answers with the whole outcome, so that a test
can look at the effects, at what was saved, and at why.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec

from habitue.model.attributes import AttributeType, Entity
from habitue.model.idempotency import Idempotency
from habitue.pricing.cart import CartItem
from habitue.promotions.campaign import Application, Campaign
from habitue.promotions.coupon import Coupon
from habitue.promotions.decide import SessionCommand
from habitue.promotions.decide_profile import ProfileCommand
from habitue.promotions.decide_return import ReturnCommand
from habitue.promotions.effects import Effect, Outcome
from habitue.promotions.evaluate import Purpose
from habitue.promotions.returned import ReturnWish
from habitue.promotions.session import Session, SessionUpdate
from habitue.rules.notation import read_text
from habitue.rules.parse import render_expression
from habitue.store.database import Database
from habitue.usecases.configure.additional_costs import (
    AdditionalCostFields,
    create_additional_cost,
)
from habitue.usecases.configure.applications import ApplicationFields, create_application
from habitue.usecases.configure.attributes import AttributeFields, create_attribute
from habitue.usecases.configure.campaigns import (
    CampaignFields,
    create_campaign,
    delete_campaign,
    update_campaign,
)
from habitue.usecases.configure.coupon_checks import CouponFields, CouponOrder
from habitue.usecases.configure.coupons import create_coupons, delete_coupon
from habitue.usecases.configure.rulesets import create_ruleset
from habitue.usecases.read_session import read_session
from habitue.usecases.reopen_session import reopen_session
from habitue.usecases.return_items import return_items
from habitue.usecases.session_state import SessionOutcome
from habitue.usecases.shop import Shop, ShopSettings
from habitue.usecases.update_profile import update_profiles
from habitue.usecases.update_session import Render, update_session
from habitue.usecases.writing import Reply

NOW = datetime(2026, 6, 15, 12, 0, tzinfo=UTC)


def rule(when: str, *then: str, title: str = "the rule") -> dict[str, Any]:
    """A rule out of text."""
    condition = render_expression(read_text(when))
    return {
        "title": title,
        "condition": condition if isinstance(condition, list) else ["and", condition],
        "effects": [render_expression(read_text(effect)) for effect in then],
    }


def item(sku: str, price: str | int, quantity: int = 1, **more: Any) -> CartItem:
    """A line of a cart."""
    return CartItem(sku=sku, price=Decimal(price), quantity=quantity, **more)


def update(**fields: Any) -> SessionUpdate:
    """A session update; items and codes may be given as lists."""
    made: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in fields.items()
    }
    return SessionUpdate(**made)


def outcomes(effects: Sequence[Effect]) -> list[Outcome]:
    """What the effects are, without their causes."""
    return [effect.outcome for effect in effects]


class Draw:
    """Chooses 0, 1, 2, ... in turn: codes come out predictable."""

    def __init__(self) -> None:
        self._last = -1

    def __call__(self, below: int) -> int:
        self._last += 1
        return self._last % below


class Till:
    """One application of a shop, and requests to it."""

    def __init__(self, shop: Shop, application: Application) -> None:
        self.shop = shop
        self.application = application
        self.now = NOW
        self._draw = Draw()

    @classmethod
    async def opened(
        cls, database: Database, settings: ShopSettings | None = None, **fields: Any
    ) -> "Till":
        """A till of a new application."""
        shop = Shop(database, settings)
        await shop.refresh()
        named = {"name": "shop", "timezone": "Europe/Berlin", "currency": "EUR", **fields}
        application = await create_application(shop, ApplicationFields(**named), NOW)
        return cls(shop, application)

    async def campaign(self, *rules: dict[str, Any], **fields: Any) -> Campaign:
        """A running campaign with those rules."""
        bindings = fields.pop("bindings", [])
        named = {"name": "campaign", "features": ("coupons", "referrals"), **fields}
        campaign = await create_campaign(
            self.shop, self.application.id, CampaignFields(**named), self.now
        )
        document = {"rules": list(rules), "bindings": bindings}
        await create_ruleset(self.shop, self.application.id, campaign.id, document, True, self.now)
        return self.shop.configuration.campaign(self.application.id, campaign.id)

    async def coupon(
        self, campaign: Campaign, code: str = "SALE", *, recipient: str = "", **fields: Any
    ) -> Coupon:
        """A coupon with that very code."""
        order = CouponOrder(
            fields=CouponFields(**{"usage_limit": 1, **fields}),
            recipients=(recipient,),
            pattern=code,
        )
        (coupon,) = await create_coupons(
            self.shop, self.application.id, campaign.id, order, self._draw, self.now
        )
        return coupon

    async def attribute(self, entity: Entity, name: str, type_: AttributeType) -> None:
        """A new attribute."""
        fields = AttributeFields(
            entity=entity, name=name, title=name, type=type_, description="", suggestions=()
        )
        await create_attribute(self.shop, fields, self.now)

    async def cost(self, name: str, type_: str = "session") -> int:
        """A new additional cost; its id."""
        fields = AdditionalCostFields(name=name, title=name, description="", type=type_)  # type: ignore[arg-type]
        return (await create_additional_cost(self.shop, fields, self.now)).id

    async def put(
        self,
        session_id: str = "s1",
        *,
        purpose: Purpose | None = None,
        idempotency: Idempotency | None = None,
        **fields: Any,
    ) -> SessionOutcome:
        """Sends an update of a session."""
        command = SessionCommand(
            self.application.id, session_id, update(**fields), purpose or Purpose()
        )
        told: list[SessionOutcome] = []
        await update_session(self.shop, command, self.now, _teller(told), idempotency)
        return told[-1]

    async def send(
        self, session_id: str, idempotency: Idempotency, answer: bytes, **fields: Any
    ) -> Reply:
        """Sends an update of a session whose answer, if it acts, is to be `answer`."""
        command = SessionCommand(self.application.id, session_id, update(**fields))

        def render(outcome: SessionOutcome, program: object) -> Reply:
            return Reply(200, answer)

        return await update_session(self.shop, command, self.now, render, idempotency)

    async def read(self, session_id: str = "s1") -> Session:
        """The session as it is stored."""
        return await read_session(self.shop, self.application.id, session_id, self.now)

    async def change_campaign(self, campaign: Campaign, **fields: Any) -> Campaign:
        """Changes what a marketer may change of a campaign."""
        return await update_campaign(
            self.shop, self.application.id, campaign.id, CampaignFields(**fields), self.now
        )

    async def delete_campaign(self, campaign: Campaign) -> None:
        """Deletes a campaign with all it has."""
        await delete_campaign(self.shop, self.application.id, campaign.id)

    async def tell(self, profile_id: str, attributes: dict[str, Any]) -> None:
        """Tells attributes of a customer."""
        command = ProfileCommand(profile_id, attributes)
        await update_profiles(
            self.shop, self.application.id, [command], self.now, lambda *_: Reply(200, b"{}")
        )

    async def withdraw(self, coupon: Coupon) -> None:
        """Deletes the coupon."""
        application_id, campaign_id = coupon.application_id, coupon.campaign_id
        await delete_coupon(self.shop, application_id, campaign_id, coupon.id, self.now)

    async def reopen(self, session_id: str = "s1") -> SessionOutcome:
        """Reopens a session."""
        told: list[SessionOutcome] = []
        await reopen_session(self.shop, self.application.id, session_id, self.now, _teller(told))
        return told[-1]

    async def give_back(
        self,
        session_id: str = "s1",
        *wishes: ReturnWish,
        run_rules: bool = False,
        dry: bool = False,
        idempotency: Idempotency | None = None,
    ) -> SessionOutcome:
        """Returns items of a session."""
        command = ReturnCommand(self.application.id, session_id, wishes, run_rules)
        told: list[SessionOutcome] = []
        render = _teller(told)
        await return_items(self.shop, command, self.now, render, dry=dry, idempotency=idempotency)
        return told[-1]

    def wait(self, **duration: float) -> None:
        """Lets time pass."""
        self.now += timedelta(**duration)


def _teller(told: list[SessionOutcome]) -> Render:
    """A renderer that keeps the outcomes."""

    def render(outcome: SessionOutcome, program: object) -> Reply:
        told.append(outcome)
        return Reply(200, b"{}")

    return render


async def stored(database: Database) -> dict[str, list[Any]]:
    """Everything that customers own and coupons count, for "nothing changed" asserts."""
    tables = ("claim", "customer", "session", "session_event", "redemption", "coupon", "receipt")
    return {
        table: [
            msgspec.json.decode(row["document"])
            for row in await database.fetch(
                f"SELECT to_jsonb({table}) AS document FROM {table} ORDER BY to_jsonb({table})"
            )
        ]
        for table in tables
    }
