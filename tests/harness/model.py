"""What a small shop should do, as dictionaries and integers; nothing of the engine is used.

The shop has three campaigns, in this order:

    ten        a tenth off every cart of 100 or more
    five       5 off for each of its coupons; with a personal limit of 2 redemptions per customer
    welcome    3 off in the first session of a customer, if the customer is known by name

Amounts are integers of hundredths. A *refusal* is the name of the field that is wrong.
"""

from dataclasses import dataclass, field

PERSONAL_LIMIT = 2
Effect = tuple[str, ...]


class Refused(Exception):
    """The model's shop refuses the request; its argument says which field is wrong."""


@dataclass
class Owner:
    """A customer, or a guest, whose name is empty."""

    sessions: int = 0
    named: bool = False


@dataclass
class Coupon:
    limit: int
    recipient: str = ""


@dataclass
class Session:
    owner: str
    state: str = "open"
    cart: int = 0
    codes: tuple[str, ...] = ()
    updates: int = 0
    first: bool = True
    effects: tuple[Effect, ...] = ()
    redeemed: tuple[str, ...] = ()


@dataclass
class Shop:
    """The whole state. Every method says what the request gives, or raises `Refused`."""

    owners: dict[str, Owner] = field(default_factory=dict)
    sessions: dict[str, Session] = field(default_factory=dict)
    coupons: dict[str, Coupon] = field(default_factory=dict)

    def uses(self, code: str) -> int:
        """How many redemptions of the coupon stand."""
        return sum(code in each.redeemed for each in self.sessions.values())

    def personal_uses(self, owner: str) -> int:
        """How many redemptions of one customer stand."""
        mine = (each for each in self.sessions.values() if each.owner == owner)
        return sum(len(each.redeemed) for each in mine)

    def put(
        self,
        name: str,
        state: str,
        owner: str | None,
        cart: int | None,
        codes: tuple[str, ...] | None,
    ) -> tuple[Effect, ...]:
        old = self.sessions.get(name)
        current = old.state if old else "new"
        if state not in ALLOWED[current]:
            raise Refused("state")
        if old is not None and current == "closed":
            if owner is not None and owner != old.owner:
                raise Refused("profileId")
            return self._take_back(old, "cancelled")
        session = old or Session(owner or "")
        self.sessions[name] = session
        self._hand_over(session, session.owner if owner is None else owner, new=old is None)
        session.cart = session.cart if cart is None else cart
        session.codes = session.codes if codes is None else codes
        session.state = state
        session.updates += 1
        session.effects = () if state == "cancelled" else self.judge(session)
        if state == "closed":
            session.redeemed = tuple(each[1] for each in session.effects if each[0] == "accept")
        return session.effects

    def dry(self, name: str, owner: str, cart: int, codes: tuple[str, ...]) -> tuple[Effect, ...]:
        """What a new session with that payload would get."""
        known = self.sessions.get(name)
        first = not owner or owner not in self.owners or self.owners[owner].sessions == 0
        if known is not None and known.owner == owner:
            first = known.first
        return self.judge(Session(owner, cart=cart, codes=codes, first=first))

    def reopen(self, name: str) -> tuple[Effect, ...]:
        session = self.sessions.get(name)
        if session is None:
            raise Refused("not found")
        if session.state != "closed":
            raise Refused("state")
        return self._take_back(session, "open")

    def name_customer(self, owner: str) -> None:
        """A profile update that tells the customer's name."""
        self.owners.setdefault(owner, Owner()).named = True

    def judge(self, session: Session) -> tuple[Effect, ...]:
        """What the three campaigns give."""
        effects: list[Effect] = []
        refused: dict[str, str] = {}
        if session.cart >= 10_000:
            effects.append(("discount", "ten", str(session.cart)))
        taken = self.personal_uses(session.owner) if session.owner else 0
        for code in session.codes:
            reason = self._reason(code, session.owner, taken)
            if reason:
                refused[code] = reason
                continue
            effects += [("accept", code), ("discount", "five", "5000")]
            taken += 1
        if session.first and session.owner and self._named(session.owner):
            effects.append(("discount", "welcome", "3000"))
        effects += [("reject", code, reason) for code, reason in refused.items()]
        return tuple(effects)

    def _reason(self, code: str, owner: str, taken: int) -> str:
        coupon = self.coupons.get(code)
        if coupon is None:
            return "CouponNotFound"
        if coupon.limit and self.uses(code) >= coupon.limit:
            return "CouponLimitReached"
        if coupon.recipient and coupon.recipient != owner:
            return "CouponRecipientDoesNotMatch"
        if not owner:
            return "ProfileRequired"
        return "ProfileLimitReached" if taken >= PERSONAL_LIMIT else ""

    def _named(self, owner: str) -> bool:
        return owner in self.owners and self.owners[owner].named

    def _hand_over(self, session: Session, owner: str, *, new: bool) -> None:
        if not new and session.owner == owner:
            return
        if not new and session.owner:
            self.owners[session.owner].sessions -= 1
        session.owner, session.first = owner, True
        if owner:
            known = self.owners.setdefault(owner, Owner())
            session.first = known.sessions == 0
            known.sessions += 1

    def _take_back(self, session: Session, state: str) -> tuple[Effect, ...]:
        rollbacks: list[Effect] = []
        for effect in session.effects:
            if effect[0] == "accept":
                rollbacks.append(("rollback", effect[1]))
            elif effect[0] == "discount":
                rollbacks.append(("rollback discount", *effect[1:]))
        session.effects = tuple(each for each in session.effects if each[0] == "reject")
        session.redeemed = ()
        session.state = state
        session.updates += 1
        return tuple(rollbacks)


ALLOWED = {
    "new": ("open", "closed"),
    "open": ("open", "closed", "cancelled"),
    "closed": ("cancelled",),
    "cancelled": (),
}
