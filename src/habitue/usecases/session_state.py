"""Between rows and values: what was read about a session, and what is to be written.

Shared by the use cases that decide about sessions.
"""

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal, localcontext
from typing import Any
from uuid import UUID

import msgspec

from habitue.customers.claims import STORE_SIDE_ID
from habitue.customers.customer import Customer
from habitue.model.attributes import Attributes
from habitue.model.documents import decoder_of, encode
from habitue.model.idempotency import Idempotency
from habitue.model.numbers import EXACT
from habitue.promotions.budgets import DISCOUNT_LIMIT, Counted, counted_after
from habitue.promotions.campaign import Application
from habitue.promotions.coupon import Coupon, Redemption
from habitue.promotions.decide import Decision, State
from habitue.promotions.naming import with_names
from habitue.promotions.program import Program
from habitue.promotions.resources import EventChange, ResourceChanges, Resources
from habitue.promotions.session import Session, SessionHead
from habitue.promotions.webhook import with_messages
from habitue.store.customers import CustomerRow
from habitue.store.sessions import SessionQuery, SessionRow, SessionWrite
from habitue.usecases.resources import changes_of, resources_of
from habitue.usecases.writing import Reply

_SESSION = decoder_of(Session)
_HEAD = decoder_of(SessionHead)
_COUPONS = decoder_of(list[Coupon])
_REDEMPTIONS = decoder_of(list[Redemption])
_ATTRIBUTES = decoder_of(dict[str, Any])


def state_of(
    row: SessionRow, program: Program, now: datetime, *, replaces_cart: bool = False
) -> State:
    """What was read, as the values that a decision is made on.

    With `replaces_cart`, for an update that brings a cart, an open session comes without its old
    cart and effects: nobody asks for them.
    """
    coupons = _COUPONS.decode(row.coupons) if row.coupons else []
    redemptions = _REDEMPTIONS.decode(row.redemptions) if row.redemptions else []
    document = row.session_document
    return State(
        session_id=row.session_id,
        owner=customer_of(row.owner, row.owner_id, now),
        stored=_stored(document, replaces_cart) if document else None,
        coupons={coupon.code: coupon for coupon in coupons},
        redemptions=tuple(redemptions),
        event_id=row.event_id,
        resources=resources_of(row.resources, program, row.budgets),
    )


def _stored(document: bytes, replaces_cart: bool) -> Session:
    if replaces_cart:
        head = _HEAD.decode(document)
        if head.state == "open":
            return Session(*msgspec.structs.astuple(head))
    return _SESSION.decode(document)


def customer_of(row: CustomerRow | None, new_id: int, now: datetime) -> Customer:
    """The customer that was read; one who comes to be under `new_id` where there is none."""
    if row is None:
        return Customer(new_id, created=now, last_activity=now)
    return Customer(
        id=row.id,
        created=row.created,
        last_activity=row.last_activity,
        version=row.version,
        anonymous=row.anonymous,
        session_count=row.session_count,
        closed_sessions=row.closed_sessions,
        total_sales=row.total_sales,
        attributes=_ATTRIBUTES.decode(row.attributes),
    )


def write_of(
    query: SessionQuery,
    row: SessionRow,
    decision: Decision,
    application: Application,
    idempotency: Idempotency | None,
    reply: Reply,
) -> SessionWrite:
    """The whole decision as the arguments of one statement."""
    session = decision.session
    previous = row.previous if row.previous and row.previous.id != session.customer_id else None
    redeemed = sorted(decision.redeemed, key=lambda coupon: coupon.code)
    named = row.owner is None and query.profile_key is not None
    changes = decision.owner_changes
    return SessionWrite(
        customer_id=session.customer_id,
        customer_version=row.owner.version if row.owner else 0,
        anonymous=not session.profile_id,
        attributes=encode(changes) if changes else None,
        profile_key=query.profile_key,
        profile_kind=STORE_SIDE_ID if named else None,
        profile_id=session.profile_id if named else None,
        session_count_change=decision.session_count_change,
        closed_sessions_change=decision.closed_sessions_change,
        total_sales_change=decision.total_sales_change,
        is_new=row.session_document is None,
        session_key=query.session_key,
        session_id=session.id,
        application_id=session.application_id,
        integration_id=session.integration_id,
        state=session.state,
        coupon_codes=stored_codes(session.coupon_codes, application),
        document=encode(session),
        now=session.updated,
        from_id=previous.id if previous else None,
        from_version=previous.version if previous else None,
        event_id=row.event_id,
        event_type=decision.event_type,
        redeemed=[coupon.code for coupon in redeemed],
        redeemed_ids=[coupon.id for coupon in redeemed],
        release=decision.release,
        receipt_key=receipt_key(idempotency),
        receipt_hash=idempotency.request_hash if idempotency else None,
        receipt_status=reply.status if idempotency else None,
        receipt_answer=reply.body if idempotency else None,
        changes=changes_of(
            with_messages(
                with_names(
                    _all_changes(decision, row.event_id), decision.effects, session.profile_id
                ),
                decision.effects,
                session.application_id,
                row.event_id,
            )
        ),
    )


_UPDATES = ("talon_session_created", "talon_session_updated", "talon_session_closed")


def _all_changes(decision: Decision, event_id: int) -> ResourceChanges:
    """What changes of resources; the effects of what was taken back are told of its event."""
    if decision.event_type in _UPDATES or not decision.effects:
        return decision.resource_changes
    event = EventChange(id=event_id, effects=decision.effects)
    return msgspec.structs.replace(decision.resource_changes, event=event)


def stored_codes(codes: tuple[str, ...], application: Application) -> tuple[str, ...]:
    """Codes as they are stored, each once, in the order in which they were sent."""
    return tuple(dict.fromkeys(application.code(code) for code in codes))


def receipt_key(idempotency: Idempotency | None) -> UUID | None:
    """Where the answer to this request is kept, if it is to be kept."""
    return UUID(bytes=idempotency.key_digest) if idempotency else None


class SessionOutcome(msgspec.Struct, frozen=True):
    """What a use case found or did, for the edge to put in its protocol's words.

    `owner` is as it was read; counters and attributes after the decision are in `owner_after`.
    """

    decision: Decision
    state: State
    owner_after: Customer
    event_id: int
    now: datetime
    dry: bool = False

    @property
    def resources(self) -> Resources:
        """What was read besides the session."""
        return self.state.resources

    @property
    def customer_before(self) -> Customer:
        """The owner as it was read."""
        return self.state.owner

    @property
    def cards(self) -> tuple[str, ...]:
        """The loyalty cards that the session names."""
        return self.decision.session.loyalty_cards

    @property
    def stores_points(self) -> bool:
        """Whether what happens to points is stored: not while the session is open."""
        changes = self.decision.resource_changes
        return bool(changes.points or changes.owners) and not self.dry

    def coupons_after(self) -> list[Coupon]:
        """The session's coupons, in the order sent, with their counters after the decision."""
        redeemed = {coupon.id for coupon in self.decision.redeemed}
        released, discounts = self._released(), self._discount_changes()
        attributes = self._attribute_changes()
        return [
            msgspec.structs.replace(
                coupon,
                usage_counter=coupon.usage_counter
                + (coupon.id in redeemed)
                - (coupon.id in released),
                discount_counter=coupon.discount_counter + discounts[coupon.id],
                attributes={**coupon.attributes, **attributes[coupon.id]},
            )
            for coupon in self.state.coupons.values()
        ]

    def budgets_after(self) -> tuple[Counted, ...]:
        """The shared budgets that were read, with what the decision takes of them."""
        return counted_after(self.state.resources.budgets, self.decision.resource_changes.budgets)

    def redemption_count(self, coupon: Coupon) -> int:
        """How many of the customer's redemptions of the coupon stand after the decision."""
        before = sum(1 for each in self.state.redemptions if each.coupon_id == coupon.id)
        redeemed = any(each.id == coupon.id for each in self.decision.redeemed)
        return before + redeemed - (coupon.id in self._released())

    def _attribute_changes(self) -> Mapping[int, Attributes]:
        changed: dict[int, Attributes] = defaultdict(dict)
        for each in self.decision.resource_changes.codes:
            if each.kind == "coupon":
                changed[each.id][each.name] = each.value
        return changed

    def _discount_changes(self) -> Mapping[int, Decimal]:
        changed: dict[int, Decimal] = defaultdict(Decimal)
        uses, changes = self.state.resources.budgets.session, self.decision.resource_changes.budgets
        if changes is not None:
            gives = uses if changes.release else changes.gives
            for sign, counted in ((1, changes.takes), (-1, gives)):
                for each in counted:
                    if each.budget.name == DISCOUNT_LIMIT:
                        changed[each.budget.coupon_id] += sign * each.amount
        return changed

    def _released(self) -> frozenset[int]:
        if not self.decision.release:
            return frozenset()
        session_id = self.decision.session.id
        return frozenset(
            each.coupon_id for each in self.state.redemptions if each.session_id == session_id
        )


def outcome_of(
    decision: Decision, state: State, row: SessionRow, now: datetime, *, dry: bool
) -> SessionOutcome:
    """The decision with what an answer may want to show of its surroundings."""
    owner = state.owner
    attributes = decision.owner_attributes
    with localcontext(EXACT):
        total_sales = owner.total_sales + decision.total_sales_change
    after = msgspec.structs.replace(
        owner,
        last_activity=owner.last_activity if dry else now,
        session_count=owner.session_count + decision.session_count_change,
        closed_sessions=owner.closed_sessions + decision.closed_sessions_change,
        total_sales=total_sales,
        attributes=owner.attributes if attributes is None else attributes,
    )
    return SessionOutcome(decision, state, after, row.event_id, now, dry)
