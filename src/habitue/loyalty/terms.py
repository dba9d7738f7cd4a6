"""When points that are earned start and end, out of what was asked for and the program's defaults.

Words: a *wish* says a duration or a moment, for the start and for the end; what it does not say is
the program's. The validity is counted from the start. Points that await an action have no end until
then, unless a moment was named: they keep the validity and are given an end when they start.
"""

from datetime import datetime

import msgspec

from habitue.loyalty.duration import end_of, parse_duration
from habitue.loyalty.program import IMMEDIATE, ON_ACTION, UNLIMITED, LoyaltyProgram
from habitue.loyalty.refusals import WrongMoment
from habitue.model.errors import Fault, InvalidInput

#: The last year in which something may start or end.
YEAR_MAX = 9_998


class Wish(msgspec.Struct, frozen=True):
    """What is asked for; a duration and a moment for the same thing exclude each other."""

    pending: str | None = None
    pending_until: datetime | None = None
    validity: str | None = None
    valid_until: datetime | None = None


class Terms(msgspec.Struct, frozen=True):
    """When points start (None: on an action) and end (None: never, or see `validity`)."""

    start: datetime | None
    expiry: datetime | None = None
    validity: str = ""


def terms_of(program: LoyaltyProgram, wish: Wish, now: datetime) -> Terms:
    """The terms of points that are earned now. Raises `InvalidInput` or `WrongMoment`."""
    start = _start(program, wish, now)
    if wish.validity is not None and wish.valid_until is not None:
        raise InvalidInput(_both("/validUntil", "validityDuration"))
    if wish.valid_until is not None:
        if wish.valid_until <= (start or now):
            raise WrongMoment("/validUntil", "points end after they start")
        return Terms(start, _bounded(wish.valid_until, "/validUntil"))
    validity = wish.validity or program.default_validity
    if start is None:
        refuse_validity(validity)
        return Terms(None, None, "" if validity == UNLIMITED else validity)
    return Terms(start, expiry_from(program, start, validity))


def imported_terms(
    program: LoyaltyProgram,
    start: datetime | None,
    expiry: datetime | None,
    validity: str | None,
    now: datetime,
) -> Terms:
    """The terms of points that come from elsewhere: they may have started before, and what is not
    said is without end. Raises `InvalidInput` or `WrongMoment`: points that are over already are
    none."""
    if expiry is not None and validity is not None:
        raise InvalidInput(_both("/expirydate", "validityDuration"))
    if validity is not None:
        refuse_validity(validity)
        if start is None:
            return Terms(None, None, "" if validity == UNLIMITED else validity)
        expiry = expiry_from(program, start, validity)
    if start is not None:
        _bounded(start, "/startdate")
    if expiry is not None and (expiry <= now or (start is not None and expiry <= start)):
        raise WrongMoment("/expirydate", "the points are over already")
    return Terms(start, expiry if expiry is None else _bounded(expiry, "/expirydate"))


def expiry_from(program: LoyaltyProgram, start: datetime, validity: str) -> datetime | None:
    """When points that start at that moment end, by a validity. Raises `InvalidInput`."""
    if validity in ("", UNLIMITED):
        return None
    return _after(program, start, validity, "/validityDuration", UNLIMITED)


def refuse_validity(validity: str) -> None:
    """Raises `InvalidInput` unless the text says a validity."""
    if validity != UNLIMITED and parse_duration(validity) is None:
        raise InvalidInput(_no_duration(validity, "/validityDuration", UNLIMITED))


def _start(program: LoyaltyProgram, wish: Wish, now: datetime) -> datetime | None:
    if wish.pending is not None and wish.pending_until is not None:
        raise InvalidInput(_both("/pendingUntil", "pendingDuration"))
    if wish.pending_until is not None:
        if wish.pending_until <= now:
            raise WrongMoment("/pendingUntil", "points cannot start in the past")
        return _bounded(wish.pending_until, "/pendingUntil")
    pending = wish.pending or program.default_pending
    if pending == IMMEDIATE:
        return now
    if pending == ON_ACTION:
        return None
    return _after(program, now, pending, "/pendingDuration", f"{IMMEDIATE}, {ON_ACTION}")


def _after(
    program: LoyaltyProgram, start: datetime, text: str, pointer: str, words: str
) -> datetime:
    duration = parse_duration(text)
    if duration is None:
        raise InvalidInput(_no_duration(text, pointer, words))
    end = end_of(start, duration, program.zone)
    if end is None:
        raise WrongMoment(pointer, f"{text} leads beyond the calendar")
    return _bounded(end, pointer)


def _bounded(moment: datetime, pointer: str) -> datetime:
    if moment.year > YEAR_MAX:
        raise WrongMoment(pointer, f"the year {YEAR_MAX} is the last one")
    return moment


def _no_duration(text: str, pointer: str, words: str) -> Fault:
    details = f'"{text[:40]}" is not {words}, or a number with one of s, m, h, D, W, M, Y'
    return Fault(pointer, "Invalid duration", details)


def _both(pointer: str, other: str) -> Fault:
    return Fault(pointer, "Not allowed", f"{pointer[1:]} excludes {other}")
