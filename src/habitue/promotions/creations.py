"""What rules make at once: coupons and referral codes that come to be, reservations.

A rule makes each of its coupons once in a session, however often the session is updated: what was
made before stands at its *position* (the rule, the coupon it is tried for, and which of its effects
it is), and is told again. New codes are drawn from a seed that was read, so that the same state
always gives the same codes. What is made stays when the session is taken back
(contracts/talon_one/SEMANTICS.md section 8.4, docs/decisions/0102).
"""

from collections import Counter
from collections.abc import Iterable
from hashlib import blake2b
from typing import Literal

import msgspec

from habitue.promotions.campaign import Application, CodeSettings
from habitue.promotions.codes import code_space
from habitue.promotions.coupon import Coupon
from habitue.promotions.referral import Referral
from habitue.rules.frame import RuleFailed

#: How many coupons, and how many referral codes, one request can make.
CREATIONS_MAX = 10
DEFAULT_CODES = CodeSettings(tuple("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"), "########")

Kind = Literal["coupon", "referral", "giveaway"]


class Made(msgspec.Struct, frozen=True, omit_defaults=True):
    """Something that was made in the session; `id` is that of a giveaway."""

    kind: Kind
    position: str
    code: str
    id: int = 0


class CreationReading(msgspec.Struct, frozen=True):
    """A seed and ids that nobody else has, and what the session made before."""

    seed: str = ""
    coupon_ids: tuple[int, ...] = ()
    referral_ids: tuple[int, ...] = ()
    made: tuple[Made, ...] = ()


class CreationChanges(msgspec.Struct, frozen=True, omit_defaults=True):
    """What comes to be, and where it is noted in the session."""

    coupons: tuple[Coupon, ...] = ()
    referrals: tuple[Referral, ...] = ()
    made: tuple[Made, ...] = ()


class ReservationChange(msgspec.Struct, frozen=True):
    """A coupon that the customer of the request has reserved from now on."""

    application_id: int
    code: str
    coupon_id: int
    campaign_id: int
    profile_id: str


class Paid(msgspec.Struct, frozen=True):
    """An action that took once of the budgets of a campaign, on behalf of a coupon or of none."""

    campaign_id: int
    coupon_id: int
    action: str


class Creations:
    """What is made while rules are tried; a resource as `Tentative` has it."""

    __slots__ = ("_application", "_log", "_made", "_seen", "reading")

    def __init__(self, reading: CreationReading, application: Application) -> None:
        self.reading = reading
        self._application = application
        self._made = {(each.kind, each.position): each for each in reading.made}
        self._seen: Counter[str] = Counter()
        self._log: list[Coupon | Referral | Made | ReservationChange | Paid | str] = []

    def position(self, cause: tuple[int, int, int, str], coupon_id: int) -> str:
        """The position of what the rule makes next."""
        rule = f"{cause[1]}/{cause[2]}/{coupon_id}"
        self._log.append(rule)
        self._seen[rule] += 1
        return f"{rule}/{self._seen[rule]}"

    def made(self, kind: Kind, position: str) -> Made | None:
        """What stands at that position already."""
        return self._made.get((kind, position))

    def next_id(self, kind: Kind) -> int:
        """An id for what comes to be. Raises `RuleFailed` when one request makes too much."""
        ids = self.reading.coupon_ids if kind == "coupon" else self.reading.referral_ids
        used = sum(isinstance(each, Made) and each.kind == kind for each in self._log)
        if used >= len(ids):
            raise RuleFailed(f"a request makes at most {CREATIONS_MAX} codes of a kind")
        return ids[used]

    def code(self, id_: int, settings: CodeSettings | None) -> str:
        """A code for what comes to be under that id."""
        wanted = settings or DEFAULT_CODES
        space = code_space(wanted.coupon_pattern, wanted.valid_characters, self._application.code)
        digest = blake2b(f"{self.reading.seed}/{id_}".encode(), digest_size=64).digest()
        return space.code(int.from_bytes(digest) % space.size)

    def add(self, value: Coupon | Referral | ReservationChange, paid: Paid) -> None:
        """Notes what comes to be, and what it took of budgets."""
        self._log += (value, paid)

    def pay(self, paid: Paid) -> None:
        """Notes that something took of budgets at once."""
        self._log.append(paid)

    def note(self, made: Made) -> None:
        """Notes that something was made at a position."""
        self._log.append(made)

    def mark(self) -> int:
        return len(self._log)

    def roll_back(self, mark: int) -> None:
        for each in self._log[mark:]:
            if isinstance(each, str):
                self._seen[each] -= 1
        del self._log[mark:]

    def changes(self) -> CreationChanges | None:
        """What is to be written; None where nothing comes to be."""
        coupons = tuple(each for each in self._log if isinstance(each, Coupon))
        referrals = tuple(each for each in self._log if isinstance(each, Referral))
        made = tuple(each for each in self._log if isinstance(each, Made))
        return CreationChanges(coupons, referrals, made) if made else None

    def reservations(self) -> tuple[ReservationChange, ...]:
        """The coupons that are reserved from now on."""
        return tuple(each for each in self._log if isinstance(each, ReservationChange))

    def reserves(self, coupon_id: int) -> bool:
        """Whether this evaluation has reserved the coupon already."""
        return any(each.coupon_id == coupon_id for each in self.reservations())

    def paid(self) -> Iterable[Paid]:
        """What was taken of budgets for what comes to be."""
        return (each for each in self._log if isinstance(each, Paid))
