"""What a small shop should do, as dictionaries and integers; nothing of the engine is used.

The shop has four campaigns, in this order:

    ten        a tenth off every cart of 100 or more; judged again when something is returned
    five       5 off for each of its coupons; with a personal limit of 2 redemptions per customer
    welcome    3 off in the first session of a customer, if the customer is known by name
    unit       1 off each unit

Amounts are integers of hundredths. A cart is one line: the price of a unit, and how many units. A
*refusal* is the name of the field that is wrong, or a pointer to it.
"""

from dataclasses import dataclass, field, replace

PERSONAL_LIMIT = 2
UNITS_GIVE = "1000"
Effect = tuple[str, ...]
Cart = tuple[int, int]


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
    cart: Cart = (0, 0)
    back: int = 0
    codes: tuple[str, ...] = ()
    updates: int = 0
    first: bool = True
    effects: tuple[Effect, ...] = ()
    redeemed: tuple[str, ...] = ()

    @property
    def left(self) -> int:
        """How many units have not come back."""
        return self.cart[1] - self.back

    @property
    def sold(self) -> int:
        """What they cost."""
        return self.cart[0] * self.left


@dataclass
class Shop:
    """The whole state. Every method says what the request gives, or raises `Refused`.

    `tens` are the names of the sessions that got the tenth when they were closed.
    """

    owners: dict[str, Owner] = field(default_factory=dict)
    sessions: dict[str, Session] = field(default_factory=dict)
    coupons: dict[str, Coupon] = field(default_factory=dict)
    tens: set[str] = field(default_factory=set)

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
        cart: Cart | None,
        codes: tuple[str, ...] | None,
    ) -> tuple[Effect, ...]:
        old = self.sessions.get(name)
        current = old.state if old else "new"
        if state not in ALLOWED[current]:
            raise Refused("state")
        if old is not None and current in SOLD:
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
            (self.tens.add if _ten(session) else self.tens.discard)(name)
        return session.effects

    def dry(self, name: str, owner: str, cart: Cart, codes: tuple[str, ...]) -> tuple[Effect, ...]:
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

    def give_back(
        self, name: str, count: int | None, *, run_rules: bool, dry: bool
    ) -> tuple[Effect, ...]:
        """Units of the session's line come back; all that are left where `count` is None."""
        session = self.sessions.get(name)
        if session is None:
            raise Refused("not found")
        if session.state not in SOLD:
            raise Refused("state")
        if not session.cart[1]:
            raise Refused("/return/returnedCartItems/0/position")
        count = session.left if count is None else count
        if not 0 < count <= session.left:
            raise Refused("/return/returnedCartItems/0/quantity")
        after = replace(session, back=session.back + count, state="partially_returned")
        gone = [str(unit) for unit in range(session.back, after.back)]
        after.updates += 1
        after.effects = tuple(
            each for each in session.effects if each[0] != "unit" or each[3] not in gone
        )
        rollbacks = [("rollback unit", "unit#0", UNITS_GIVE, unit) for unit in gone]
        changes = _tenth_again(after) if run_rules and name in self.tens else ()
        if not dry:
            self.sessions[name] = after
        return (*rollbacks, *changes)

    def name_customer(self, owner: str) -> None:
        """A profile update that tells the customer's name."""
        self.owners.setdefault(owner, Owner()).named = True

    def judge(self, session: Session) -> tuple[Effect, ...]:
        """What the four campaigns give."""
        effects: list[Effect] = []
        refused: dict[str, str] = {}
        if session.sold >= 10_000:
            effects.append(("discount", "ten", str(session.sold)))
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
        units = range(session.back, session.cart[1])
        effects += [("unit", "unit#0", UNITS_GIVE, str(unit)) for unit in units]
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
            elif effect[0] == "unit":
                rollbacks.append(("rollback unit", *effect[1:]))
        session.effects = tuple(each for each in session.effects if each[0] == "reject")
        session.redeemed = ()
        session.state = state
        session.updates += 1
        return tuple(rollbacks)


def _ten(session: Session) -> list[Effect]:
    return [each for each in session.effects if each[:2] == ("discount", "ten")]


def _tenth_again(session: Session) -> tuple[Effect, ...]:
    """The tenth of what is left, in place of the one before it."""
    old = _ten(session)
    new = [("discount", "ten", str(session.sold))] if session.sold >= 10_000 else []
    if old == new:
        return ()
    session.effects = (*(each for each in session.effects if each not in old), *new)
    return (*(("rollback discount", *each[1:]) for each in old), *new)


SOLD = ("closed", "partially_returned")
ALLOWED = {
    "new": ("open", "closed"),
    "open": ("open", "closed", "cancelled"),
    "closed": ("cancelled",),
    "partially_returned": ("cancelled",),
    "cancelled": (),
}
