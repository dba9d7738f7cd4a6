"""An independent model of a ledger: whole numbers, and a clock that ticks hour by hour.

It looks at every hour one after the other and at every lot in it, and keeps nothing that it could
work out, so that it is wrong in other ways than the ledger is. Words: hours are counted from the
beginning; a lot is a plain record whose points are in hundredths.
"""

from dataclasses import dataclass, field
from uuid import UUID, uuid5


@dataclass
class ModelLot:
    """Points that were earned at once; `start` None awaits an action."""

    name: str
    amount: int
    left: int
    born: int
    start: int | None
    end: int | None = None
    lasts: int | None = None
    taken: int = 0
    ended: int = 0
    gone: bool = False

    def can_be_spent(self, hour: int) -> bool:
        return self.start is not None and self.start <= hour and not self.is_over(hour)

    def is_over(self, hour: int) -> bool:
        return self.end is not None and self.end <= hour


@dataclass
class ModelTier:
    """A rung of the ladder that somebody stands on."""

    floor: int
    since: int
    until: int | None


@dataclass
class PointsModel:
    """One owner's points. `floors` are what tiers need, lowest first; `lasts` how long one is."""

    policy: str
    floors: tuple[int, ...] = ()
    tier_lasts: int | None = None
    one_down: bool = False
    hour: int = 0
    lots: dict[str, ModelLot] = field(default_factory=dict)
    holds: dict[str, tuple[int | None, dict[str, int]]] = field(default_factory=dict)
    spends: dict[str, dict[str, int]] = field(default_factory=dict)
    issued: int = 0
    spent: int = 0
    expired: int = 0
    voided: int = 0
    moved_out: int = 0
    debt: int = 0
    tier: ModelTier | None = None

    @property
    def active(self) -> int:
        return sum(lot.left for lot in self.lots.values() if lot.can_be_spent(self.hour))

    @property
    def open(self) -> int:
        return sum(lot.left for lot in self.lots.values())

    @property
    def held(self) -> int:
        return sum(sum(parts.values()) for _, parts in self.holds.values())

    def books_close(self) -> bool:
        """Whether everything that was issued is somewhere."""
        gone = self.spent + self.expired + self.voided + self.moved_out
        return self.issued == gone + self.held + self.open - self.debt

    def wait(self, hours: int) -> None:
        for _ in range(hours):
            self.hour += 1
            self._tick()

    def earn(self, name: str, amount: int, delay: int | None, lasts: int | None) -> None:
        start = None if delay is None else self.hour + delay
        end = None if start is None or lasts is None else start + lasts
        kept = lasts if delay is None else None
        self.issued += amount
        self.put(ModelLot(name, amount, amount, self.hour, start, end, kept))

    def put(self, lot: ModelLot) -> None:
        self.lots[lot.name] = lot
        self._look()

    def spend(self, name: str, amount: int) -> bool:
        if amount > self.active:
            return False
        self.spends[name] = self._draw(amount)
        self.spent += amount
        return True

    def hold(self, name: str, amount: int, lasts: int | None) -> bool:
        if amount > self.active:
            return False
        until = None if lasts is None else self.hour + lasts
        self.holds[name] = (until, self._draw(amount))
        return True

    def post(self, name: str, amount: int) -> bool:
        if name not in self.holds:
            return False
        parts = self.holds[name][1]
        if amount > sum(parts.values()):
            return False
        del self.holds[name]
        self.spent += amount
        for lot in sorted((self.lots[each] for each in parts), key=_order):
            part = min(amount, parts[lot.name])
            amount -= part
            self._give_back(lot, parts[lot.name] - part)
        self._look()
        return True

    def void(self, name: str) -> bool:
        if name not in self.holds:
            return False
        for lot_name, part in self.holds.pop(name)[1].items():
            self._give_back(self.lots[lot_name], part)
        self._look()
        return True

    def activate(self, name: str) -> bool:
        lot = self.lots.get(name)
        if lot is None or lot.start is not None or not lot.left:
            return False
        lot.start = self.hour
        if lot.lasts is not None:
            lot.end = self.hour + lot.lasts
        self._look()
        return True

    def take_back(self, name: str, amount: int) -> int:
        lot = self.lots[name]
        wanted = 0 if lot.gone else min(amount, lot.amount - lot.taken - lot.ended)
        if self.policy == "only_pending":
            pending = lot.start is None or lot.start > self.hour
            wanted = min(wanted, lot.left) if pending else 0
        own = min(wanted, 0 if lot.is_over(self.hour) else lot.left)
        lot.left -= own
        others = min(wanted - own, 0 if self.policy == "only_pending" else self.active)
        self._draw(others)
        taken = own + others
        if self.policy == "unlimited":
            self.debt += wanted - taken
            taken = wanted
        lot.taken += taken
        self.voided += taken
        return taken

    def reimburse(self, name: str) -> bool:
        parts = self.spends.pop(name, None)
        if parts is None:
            return False
        for lot_name, part in parts.items():
            lot = self.lots[lot_name]
            if not lot.gone:
                self.spent -= part
                self._give_back(lot, part)
        self._look()
        return True

    def send(self, other: "PointsModel", name: str, amount: int) -> bool:
        if amount > self.active:
            return False
        for lot_name, part in self._draw(amount).items():
            lot = self.lots[lot_name]
            self.moved_out += part
            other.moved_out -= part
            arrived = str(uuid5(UUID(name), lot_name))
            other.put(ModelLot(arrived, part, part, lot.born, lot.start, lot.end))
        return True

    def delete(self) -> None:
        self.issued = self.spent = self.expired = self.voided = self.moved_out = self.debt = 0
        self.holds.clear()
        for lot in self.lots.values():
            lot.left, lot.gone = 0, True

    def _tick(self) -> None:
        for lot in self.lots.values():
            if lot.end == self.hour:
                self.expired += lot.left
                lot.ended += lot.left
                lot.left = 0
        for name, (until, _) in sorted(self.holds.items()):
            if until == self.hour:
                self.void(name)
        self._look()
        tier = self.tier
        if tier is not None and tier.until == self.hour:
            assert self.tier_lasts is not None
            tier.until = self.hour + self.tier_lasts
            if self.active < tier.floor:
                self._fall(tier.floor)

    def _fall(self, floor: int) -> None:
        lower = [each for each in self.floors if each < floor]
        if not self.one_down:
            lower = [each for each in lower if each <= self.active]
        self.tier = None
        if lower:
            self._enter(lower[-1])

    def _enter(self, floor: int) -> None:
        until = None if self.tier_lasts is None else self.hour + self.tier_lasts
        self.tier = ModelTier(floor, self.hour, until)

    def _look(self) -> None:
        """What is owed takes what is active, and whoever has enough rises."""
        paid = min(self.debt, self.active)
        self._draw(paid)
        self.debt -= paid
        reached = [floor for floor in self.floors if floor <= self.active]
        if reached and (self.tier is None or self.tier.floor < reached[-1]):
            self._enter(reached[-1])

    def _draw(self, amount: int) -> dict[str, int]:
        drawn = {}
        spendable = [lot for lot in self.lots.values() if lot.can_be_spent(self.hour)]
        for lot in sorted(spendable, key=_order):
            part = min(amount, lot.left)
            if part:
                drawn[lot.name] = part
                lot.left -= part
                amount -= part
        assert amount == 0
        return drawn

    def _give_back(self, lot: ModelLot, part: int) -> None:
        if lot.is_over(self.hour):
            self.expired += part
            lot.ended += part
        else:
            lot.left += part


def _order(lot: ModelLot) -> tuple[float, int, str]:
    return (float("inf") if lot.end is None else lot.end, lot.born, lot.name)
