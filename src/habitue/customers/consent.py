"""Consent: may we write to this person, on this channel, for this purpose.

Words: per channel and *purpose* (`MARKETING`, `TRANSACTIONAL`) a consent is in one state: unknown,
granted, denied (a no before there was any yes) or withdrawn (an opt-out). A *flag* is what a form
or a page says in passing, an *act* is what the person did about it: opting in, opting out. A grant
has a *basis*: `assumed` where nothing was said and the protocol takes that for a yes, `stated`
where a flag said yes, `opted` where the person opted in. What is said of a joined card *covers* the
other roots that are joined in it at that moment.

Invariants:

- the state is that of all entries in order of their time, whatever order they arrived in; a flag
  that arrives late, with something newer known, is not an entry;
- a flag of no ends nothing but the unknown: only an act withdraws;
- a flag of yes never lifts a withdrawal, an assumed one not even a denial: only an act lifts;
- somebody who is not trusted says the first word at most
  (contracts/tracker/SPEC.md sections 1.4, 3 and 5; contracts/capillary/SPEC.md 7.2 and 7.4).
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, Literal

import msgspec

from habitue.customers.card import Actor, Card, ConsentEntry, Part
from habitue.customers.readings import Failed, read_flag

State = Literal["unknown", "granted", "denied", "withdrawn"]
Outcome = Literal["recorded", "unchanged", "not_trusted"]
PermissionReason = Literal[
    "granted",
    "not_needed",  # a transactional message to somebody who never refused them
    "unknown",
    "denied",
    "withdrawn",
    "erased",
    "merged",  # the card was joined into another one, which is asked instead
    "blocked",  # by the customer's status
]

#: News and offers; the registration door's priority BULK.
MARKETING = "BULK"
#: What belongs to an order or an account; the registration door's priority TRANS.
TRANSACTIONAL = "TRANS"
EMAIL = "email"
_CHANNELS = {"sms": "mobile", "mobilepush": "mobilePush", "mobile_push": "mobilePush"}


class Standing(msgspec.Struct, frozen=True):
    """A state, and the entry that is the reason for it; None where nothing was ever said."""

    state: State = "unknown"
    entry: ConsentEntry | None = None


class Permission(msgspec.Struct, frozen=True):
    """Whether we may write, why, and the entry that says so, if one does."""

    allowed: bool
    reason: PermissionReason
    entry: ConsentEntry | None = None


class Heard(msgspec.Struct, frozen=True):
    """The part after something was said, the same one where that changes nothing."""

    part: Part
    outcome: Outcome


def channel_of(name: str) -> str:
    """The channel that is meant: in lower case, `mobilePush` as such, SMS being `mobile`."""
    lower = name.strip().lower()
    return _CHANNELS.get(lower, lower)


def purpose_of(name: str) -> str:
    """The purpose that is meant, in capitals."""
    return name.strip().upper()


def agreed_entry(
    raw: Any,
    at: datetime,
    source: str,
    account_id: str = "",
    wording: str = "",
    by: Actor | None = None,
) -> ConsentEntry | None:
    """What a tracker's flag of agreement to marketing mail says.

    Absent (None, an empty text) means yes, by assumption; no is a denial, never an opt-out. What is
    neither a yes nor a no says nothing: the answer is None.
    """
    absent = raw is None or (isinstance(raw, str) and not raw.strip())
    try:
        agreed = True if absent else read_flag(raw)
    except Failed:
        return None
    entry = flag_entry(EMAIL, agreed, at, source, account_id, wording, by)
    return msgspec.structs.replace(entry, basis="assumed") if absent else entry


def flag_entry(
    channel: str,
    agreed: bool,
    at: datetime,
    source: str,
    account_id: str = "",
    wording: str = "",
    by: Actor | None = None,
) -> ConsentEntry:
    """What a flag beside a channel says about marketing on it, such as `subscribed`."""
    return ConsentEntry(
        channel=channel_of(channel),
        purpose=MARKETING,
        state="granted" if agreed else "denied",
        at=at,
        source=source,
        account_id=account_id,
        wording=wording,
        by=by or Actor(),
        basis="stated",
    )


def after(state: State, entry: ConsentEntry) -> State:
    """The state that follows when that is said in that state."""
    if entry.state == "withdrawn":
        return "withdrawn"
    if entry.state == "denied":
        return "denied" if state == "unknown" else state
    lifts = {
        "unknown": True,
        "granted": True,
        "denied": entry.basis != "assumed",
        "withdrawn": entry.basis == "opted",
    }
    return "granted" if lifts[state] else state


def standing_of(entries: Iterable[ConsentEntry]) -> Standing:
    """Where the entries lead, all of one channel and purpose, in order of their time."""
    standing = Standing()
    for entry in sorted(entries, key=_time):
        state = after(standing.state, entry)
        if state != standing.state or entry.state == state:
            standing = Standing(state, entry)
    return standing


def with_entries(
    history: Sequence[ConsentEntry],
    said: Iterable[ConsentEntry],
    covers: tuple[int, ...] = (),
    trusted: bool = True,
) -> tuple[ConsentEntry, ...]:
    """The history of one part, oldest first, after all that was said.

    `covers` are the other roots of the card (`roots_beside`). What changes nothing is left out.
    """
    entries = tuple(sorted(history, key=_time))
    for each in said:
        entries, _ = _with_entry(entries, _normal(each, covers), trusted)
    return entries


def hear(card: Card, part: Part, said: ConsentEntry, now: datetime, trusted: bool = True) -> Heard:
    """The part of the card after that was said to it.

    A time that has not come yet is taken for `now`. Whoever is not `trusted` to speak for the
    person is heard only where nothing was said to any part of the card.
    """
    entry = _normal(said, roots_beside(card, part.root_id))
    entry = msgspec.structs.replace(entry, at=min(entry.at, now))
    known = any(_about(each.consents, entry.channel, entry.purpose) for each in card.parts)
    if known and not trusted:
        return Heard(part, "not_trusted")
    consents, outcome = _with_entry(tuple(sorted(part.consents, key=_time)), entry, trusted)
    if outcome != "recorded":
        return Heard(part, outcome)
    return Heard(msgspec.structs.replace(part, consents=consents), outcome)


def roots_beside(card: Card, root_id: int) -> tuple[int, ...]:
    """The other roots that are joined in the card."""
    return tuple(each.root_id for each in card.parts if each.root_id != root_id)


def standing(card: Card, channel: str, purpose: str, now: datetime) -> Standing:
    """The consent of the card as of `now`; where cards were joined, the survivor's word and all
    that was said since."""
    return standing_of(_counted(card, channel_of(channel), purpose_of(purpose), now))


def standings(card: Card, now: datetime) -> dict[tuple[str, str], Standing]:
    """By channel and purpose, every consent about which something was said, in stable order."""
    keys = {_key(entry) for part in card.parts for entry in part.consents}
    return {key: standing(card, *key, now) for key in sorted(keys)}


def may_write(
    card: Card, channel: str, purpose: str, now: datetime, blocked: bool = False
) -> Permission:
    """Whether the person may be written to on that channel for that purpose.

    Marketing needs a grant. Transactional messages need none, and stop where they were refused.
    `blocked` says that the customer's status stops communication.
    """
    if card.erased is not None:
        return Permission(False, "erased")
    if card.merged_into is not None:
        return Permission(False, "merged")
    found = standing(card, channel, purpose, now)
    if blocked:
        return Permission(False, "blocked", found.entry)
    if found.state == "unknown" and purpose_of(purpose) == TRANSACTIONAL:
        return Permission(True, "not_needed")
    return Permission(found.state == "granted", found.state, found.entry)


def _counted(card: Card, channel: str, purpose: str, now: datetime) -> Iterator[ConsentEntry]:
    """The entries that count: those of the part that speaks, and what was said while joined to it.

    The part that speaks is the survivor's, or the first one to which something was said before it
    was joined with any other.
    """
    roots = {part.root_id for part in card.parts}
    about = {part.root_id: _about(part.consents, channel, purpose) for part in card.parts}
    alone = (
        root_id
        for root_id, entries in about.items()
        if any(roots.isdisjoint(entry.covers) for entry in entries)
    )
    speaker = next(alone, None)
    for root_id, entries in about.items():
        for entry in entries:
            if entry.at <= now and (speaker in (None, root_id) or speaker in entry.covers):
                yield entry


def _with_entry(
    history: tuple[ConsentEntry, ...], entry: ConsentEntry, trusted: bool
) -> tuple[tuple[ConsentEntry, ...], Outcome]:
    known = _about(history, entry.channel, entry.purpose)
    if known and not trusted:
        return history, "not_trusted"
    if _is_again(known, entry) or not (_is_act(entry) or _tells_something(known, entry)):
        return history, "unchanged"
    kept = tuple(each for each in history if each is not _repeated(known, entry))
    return tuple(sorted((*kept, entry), key=_time)), "recorded"


def _is_again(known: Sequence[ConsentEntry], entry: ConsentEntry) -> bool:
    """Whether this is an entry already, and nothing was said at the same moment after it."""
    return [each for each in known if each.at == entry.at][-1:] == [entry]


def _tells_something(known: Sequence[ConsentEntry], flag: ConsentEntry) -> bool:
    """Whether a flag changes the state, or is better evidence for it than there was."""
    if not known:
        return True
    if flag.at < known[-1].at:
        return False
    found = standing_of(known)
    if after(found.state, flag) != found.state:
        return True
    entry = found.entry
    return (
        entry is not None
        and flag.state == found.state == "granted"
        and ((entry.basis, flag.basis) == ("assumed", "stated") or _is_reworded(entry, flag))
    )


def _is_reworded(entry: ConsentEntry, flag: ConsentEntry) -> bool:
    return flag.wording not in ("", entry.wording)


def _repeated(known: Sequence[ConsentEntry], act: ConsentEntry) -> ConsentEntry | None:
    """The last entry, where it is the second of a run of the same act that `act` prolongs.

    Of such a run the first and the last stay: the history of somebody whose program opts in with
    every request does not grow, and no other moment could matter.
    """
    if len(known) < 2 or act.at < known[-1].at:
        return None
    same = all(msgspec.structs.replace(each, at=act.at) == act for each in known[-2:])
    return known[-1] if same and _is_act(act) else None


def _is_act(entry: ConsentEntry) -> bool:
    return entry.state == "withdrawn" or (entry.state == "granted" and entry.basis == "opted")


def _normal(entry: ConsentEntry, covers: tuple[int, ...]) -> ConsentEntry:
    return msgspec.structs.replace(
        entry,
        channel=channel_of(entry.channel),
        purpose=purpose_of(entry.purpose),
        covers=covers or entry.covers,
    )


def _about(entries: Sequence[ConsentEntry], channel: str, purpose: str) -> list[ConsentEntry]:
    return [each for each in entries if _key(each) == (channel, purpose)]


def _key(entry: ConsentEntry) -> tuple[str, str]:
    return channel_of(entry.channel), purpose_of(entry.purpose)


def _time(entry: ConsentEntry) -> datetime:
    return entry.at
