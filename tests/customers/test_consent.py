"""Consent moves between its states as the table says, in whatever order things are heard."""

from datetime import timedelta
from itertools import permutations
from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from habitue.customers.card import ConsentEntry
from habitue.customers.consent import (
    MARKETING,
    TRANSACTIONAL,
    Heard,
    Permission,
    Standing,
    State,
    after,
    agreed_entry,
    channel_of,
    flag_entry,
    hear,
    may_write,
    roots_beside,
    standing,
    standing_of,
    standings,
    with_entries,
)
from tests.customers.people import START, card, day, part

Said = Literal["assumed", "stated", "opted", "denied", "withdrawn"]


def said(what: Said, at: int = 0, channel: str = "email", **fields: Any) -> ConsentEntry:
    """That, on that day."""
    defaults: dict[str, Any] = {"purpose": MARKETING, "source": "WEBSITE", **fields}
    if what in ("assumed", "stated", "opted"):
        return ConsentEntry(channel, state="granted", at=day(at), basis=what, **defaults)
    state: Any = what
    basis: Any = "stated" if what == "denied" else "opted"
    return ConsentEntry(channel, state=state, at=day(at), basis=basis, **defaults)


TABLE: dict[State, dict[Said, State]] = {
    "unknown": {
        "assumed": "granted",
        "stated": "granted",
        "opted": "granted",
        "denied": "denied",
        "withdrawn": "withdrawn",
    },
    "granted": {
        "assumed": "granted",
        "stated": "granted",
        "opted": "granted",
        "denied": "granted",
        "withdrawn": "withdrawn",
    },
    "denied": {
        "assumed": "denied",
        "stated": "granted",
        "opted": "granted",
        "denied": "denied",
        "withdrawn": "withdrawn",
    },
    "withdrawn": {
        "assumed": "withdrawn",
        "stated": "withdrawn",
        "opted": "granted",
        "denied": "withdrawn",
        "withdrawn": "withdrawn",
    },
}


@pytest.mark.parametrize("state", sorted(TABLE))
def test_every_transition(state: State) -> None:
    moves = {what: after(state, said(what)) for what in TABLE[state]}
    assert moves == TABLE[state]


@pytest.mark.parametrize(
    ("raw", "what"),
    [
        (None, "assumed"),
        ("", "assumed"),
        (True, "stated"),
        ("true", "stated"),
        (1, "stated"),
        (False, "denied"),
        ("false", "denied"),
        ("False ", "denied"),
        ("0", "denied"),
    ],
)
def test_what_the_flag_of_trackers_says(raw: Any, what: Said) -> None:
    assert agreed_entry(raw, START, "WEBSITE") == said(what)


@pytest.mark.parametrize("raw", ["maybe", "null", 2, [], {}])
def test_a_flag_that_is_no_flag_says_nothing(raw: Any) -> None:
    assert agreed_entry(raw, START, "WEBSITE") is None


def test_a_flag_beside_a_channel_speaks_of_marketing_there() -> None:
    assert flag_entry("SMS", True, START, "INSTORE") == said(
        "stated", 0, "mobile", source="INSTORE"
    )
    assert flag_entry("email", False, START, "WEBSITE") == said("denied")


@pytest.mark.parametrize(
    ("name", "channel"),
    [("EMAIL", "email"), ("SMS", "mobile"), ("MOBILE", "mobile"), ("mobilePush", "mobilePush")],
)
def test_names_of_channels(name: str, channel: str) -> None:
    assert channel_of(name) == channel
    assert channel_of(channel) == channel


def test_no_on_every_page_never_ends_a_subscription() -> None:
    history = with_entries((), [said("stated", 1)])
    assert with_entries(history, [said("denied", 2), said("denied", 3)]) == history


def test_silence_on_every_page_never_lifts_a_no_or_an_opt_out() -> None:
    denied = with_entries((), [said("denied", 1)])
    assert with_entries(denied, [said("assumed", 2), said("assumed", 3)]) == denied
    withdrawn = with_entries(denied, [said("withdrawn", 4)])
    assert with_entries(withdrawn, [said("assumed", 5), said("stated", 6)]) == withdrawn
    again = with_entries(withdrawn, [said("opted", 7)])
    assert standing_of(again) == Standing("granted", said("opted", 7))


def test_an_older_entry_that_comes_later_does_not_overturn_a_newer_one() -> None:
    opted = with_entries((), [said("opted", 10)])
    assert standing_of(with_entries(opted, [said("withdrawn", 9)])).state == "granted"
    withdrawn = with_entries((), [said("withdrawn", 10)])
    assert standing_of(with_entries(withdrawn, [said("opted", 9)])).state == "withdrawn"
    denied = with_entries((), [said("denied", 10)])
    assert with_entries(denied, [said("stated", 9), said("assumed", 9)]) == denied
    granted = with_entries((), [said("assumed", 10)])
    assert with_entries(granted, [said("denied", 9)]) == granted


def test_an_opt_out_that_comes_late_holds_against_flags_that_could_not_have_lifted_it() -> None:
    history = with_entries((), [said("stated", 10), said("withdrawn", 9)])
    assert standing_of(history) == Standing("withdrawn", said("withdrawn", 9))
    assert history == (said("withdrawn", 9), said("stated", 10))


def test_of_a_run_of_the_same_act_the_first_and_the_last_are_kept() -> None:
    history = with_entries((), [said("opted", number) for number in range(6)])
    assert history == (said("opted", 0), said("opted", 5))
    assert with_entries(history, [said("opted", 5)]) == history
    assert len(with_entries(history, [said("opted", 6, wording="terms 2")])) == 3


def test_better_evidence_for_a_grant_is_an_entry() -> None:
    history = with_entries((), [said("assumed", 1), said("assumed", 2), said("stated", 3)])
    assert history == (said("assumed", 1), said("stated", 3))
    reworded = said("stated", 4, wording="terms 2")
    assert standing_of(with_entries(history, [reworded])).entry == reworded
    assert with_entries((*history, reworded), [said("stated", 5)]) == (*history, reworded)


def test_channels_and_purposes_do_not_touch_each_other() -> None:
    history = with_entries(
        (),
        [
            said("withdrawn", 1, "EMAIL", purpose="bulk"),
            said("opted", 2, "SMS", purpose="BULK"),
            said("opted", 3, "email", purpose="TRANS"),
        ],
    )
    who = card(part(1, consents=history))
    states = {key: found.state for key, found in standings(who, day(9)).items()}
    assert states == {
        ("email", "BULK"): "withdrawn",
        ("email", "TRANS"): "granted",
        ("mobile", "BULK"): "granted",
    }
    assert list(states) == sorted(states)


def test_who_may_be_written_to() -> None:
    nobody = card(part())
    assert may_write(nobody, "email", MARKETING, START) == Permission(False, "unknown")
    assert may_write(nobody, "email", TRANSACTIONAL, START) == Permission(True, "not_needed")
    for what, allowed in (("opted", True), ("denied", False), ("withdrawn", False)):
        entry = said(what)  # type: ignore[arg-type]
        who = card(part(consents=(entry,)))
        assert may_write(who, "EMAIL", "bulk", START) == Permission(allowed, entry.state, entry)
        assert may_write(who, "SMS", "BULK", START) == Permission(False, "unknown")
        assert may_write(who, "email", MARKETING, START, blocked=True) == Permission(
            False, "blocked", entry
        )
    refused = said("withdrawn", purpose=TRANSACTIONAL)
    who = card(part(consents=(refused,)))
    assert may_write(who, "email", TRANSACTIONAL, START) == Permission(False, "withdrawn", refused)


def test_nobody_writes_to_a_card_that_is_no_more() -> None:
    granted = part(consents=(said("opted"),))
    assert may_write(card(granted, merged_into=2), "email", MARKETING, START).reason == "merged"
    assert may_write(card(granted, erased=START), "email", MARKETING, START).reason == "erased"


def test_what_lies_in_the_future_does_not_count_yet() -> None:
    who = card(part(consents=(said("opted", 0), said("withdrawn", 5))))
    assert may_write(who, "email", MARKETING, day(4)).reason == "granted"
    assert may_write(who, "email", MARKETING, day(5)).reason == "withdrawn"


def test_a_clock_that_runs_ahead_is_set_back() -> None:
    who = card(part())
    heard = hear(who, who.parts[0], said("opted", 365), now=day(1))
    assert heard.part.consents == (said("opted", 1),)


def test_a_stranger_says_the_first_word_at_most() -> None:
    empty = card(part())
    first = hear(empty, empty.parts[0], said("denied", 1), day(1), trusted=False)
    assert (first.outcome, first.part.consents) == ("recorded", (said("denied", 1),))
    who = card(first.part)
    for what in ("assumed", "stated", "opted", "denied", "withdrawn"):
        entry = said(what, 2)
        assert hear(who, who.parts[0], entry, day(2), trusted=False) == Heard(
            who.parts[0], "not_trusted"
        )
    assert hear(who, who.parts[0], said("opted", 2), day(2)).outcome == "recorded"


def test_a_stranger_is_not_heard_about_another_part_either() -> None:
    who = card(part(1, consents=(said("withdrawn", 1),)), part(2))
    assert hear(who, who.parts[1], said("opted", 2), day(2), trusted=False).outcome == "not_trusted"


@pytest.mark.parametrize(
    ("survivor", "victim", "state"),
    [
        ("opted", "withdrawn", "granted"),
        ("withdrawn", "opted", "withdrawn"),
        ("denied", "opted", "denied"),
        (None, "withdrawn", "withdrawn"),
        (None, "opted", "granted"),
        ("opted", None, "granted"),
        (None, None, "unknown"),
    ],
)
def test_the_survivors_word_wins(survivor: Said | None, victim: Said | None, state: State) -> None:
    for first, second in ((1, 2), (2, 1)):
        who = card(
            part(1, consents=(said(survivor, first),) if survivor else ()),
            part(2, consents=(said(victim, second),) if victim else ()),
        )
        assert standing(who, "email", MARKETING, day(9)).state == state


def test_what_is_said_to_a_joined_card_counts_whichever_part_heard_it() -> None:
    who = card(part(1, consents=(said("opted", 1),)), part(2, consents=(said("opted", 2),)))
    heard = hear(who, who.parts[1], said("withdrawn", 3), day(3))
    assert heard.part.consents[-1] == said("withdrawn", 3, covers=(1,))
    joined = card(who.parts[0], heard.part)
    assert standing(joined, "email", MARKETING, day(3)).state == "withdrawn"
    again = hear(joined, joined.parts[0], said("opted", 4), day(4))
    joined = card(again.part, heard.part)
    assert standing(joined, "email", MARKETING, day(4)).state == "granted"
    # Taken apart, each has what was said to it.
    assert standing(card(again.part), "email", MARKETING, day(9)).state == "granted"
    assert standing(card(heard.part), "email", MARKETING, day(9)).state == "withdrawn"


def test_a_flag_to_the_survivor_does_not_lift_what_the_victim_withdrew() -> None:
    who = card(part(1), part(2, consents=(said("withdrawn", 1),)))
    heard = hear(who, who.parts[0], said("stated", 2), day(2))
    joined = card(heard.part, who.parts[1])
    assert standing(joined, "email", MARKETING, day(3)).state == "withdrawn"


def test_what_was_said_to_two_joined_victims_does_not_beat_the_survivor() -> None:
    said_jointly = said("withdrawn", 3, covers=(3,))
    who = card(
        part(1, consents=(said("opted", 1),)),
        part(2, consents=(said_jointly,)),
        part(3, consents=(said("opted", 2),)),
    )
    assert roots_beside(who, 2) == (1, 3)
    assert standing(who, "email", MARKETING, day(9)).state == "granted"
    assert standing(card(*who.parts[1:]), "email", MARKETING, day(9)).state == "withdrawn"


SAYINGS = st.tuples(
    st.sampled_from(["assumed", "stated", "opted", "denied", "withdrawn"]),
    st.integers(0, 6),
    st.sampled_from(["email", "mobile"]),
    st.sampled_from(["", "terms 1", "terms 2"]),
)


class Model:
    """Consent on one channel without a history: the last act decides, or else the first flags."""

    def __init__(self) -> None:
        self.last_act: tuple[int, str] | None = None
        self.first_no: int | None = None
        self.flagged: State = "unknown"

    def say(self, what: str, at: int) -> None:
        if what in ("opted", "withdrawn"):
            if self.last_act is None or at >= self.last_act[0]:
                self.last_act = (at, "granted" if what == "opted" else "withdrawn")
        elif self.flagged == "unknown":
            self.flagged = "denied" if what == "denied" else "granted"
            self.first_no = at if what == "denied" else None
        elif what == "stated" and self.first_no is not None and at >= self.first_no:
            self.flagged = "granted"

    @property
    def state(self) -> str:
        return self.last_act[1] if self.last_act else self.flagged


@settings(max_examples=500, deadline=None)
@given(st.lists(SAYINGS, max_size=14))
def test_any_sequence_leads_where_the_model_says(sayings: list[Any]) -> None:
    models = {"email": Model(), "mobile": Model()}
    history: tuple[ConsentEntry, ...] = ()
    for what, at, channel, wording in sayings:
        models[channel].say(what, at)
        history = with_entries(history, [said(what, at, channel, wording=wording)])
        who = card(part(1, consents=history))
        for name, model in models.items():
            found = standing(who, name, MARKETING, day(9))
            assert found.state == model.state
            assert (found.entry.state if found.entry else "unknown") == model.state
            allowed = may_write(who, name, MARKETING, day(9)).allowed
            assert allowed == (model.state == "granted")
        assert list(history) == sorted(history, key=lambda each: each.at)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(["opted", "withdrawn"]), st.integers(0, 30)),
        max_size=5,
        unique_by=lambda act: act[1],
    )
)
def test_the_order_in_which_acts_arrive_does_not_matter(acts: list[Any]) -> None:
    entries = [said(what, at) for what, at in acts]
    found = {standing_of(with_entries((), order)).state for order in permutations(entries)}
    assert len(found) == 1


@settings(max_examples=200, deadline=None)
@given(st.lists(SAYINGS, max_size=8), st.lists(SAYINGS, max_size=8), SAYINGS)
def test_whatever_was_said_before_an_opt_out_from_a_joined_card_is_the_last_word(
    survivor: list[Any], victim: list[Any], last: Any
) -> None:
    who = card(
        part(
            1,
            consents=with_entries(
                (), [said(what, at, channel) for what, at, channel, _ in survivor]
            ),
        ),
        part(
            2,
            consents=with_entries((), [said(what, at, channel) for what, at, channel, _ in victim]),
        ),
    )
    for index in (0, 1):
        before = standing(who, "email", MARKETING, day(19)).state
        flagged = hear(who, who.parts[index], said("denied", 10), day(19)).part
        parts = [flagged if each.root_id == flagged.root_id else each for each in who.parts]
        if before == "granted":
            assert standing(card(*parts), "email", MARKETING, day(19)).state == "granted"
        heard = hear(who, who.parts[index], said("withdrawn", 11), day(19)).part
        parts = [heard if each.root_id == heard.root_id else each for each in who.parts]
        joined = card(*parts)
        assert standing(joined, "email", MARKETING, day(19)).state == "withdrawn"
        assert standing(joined, "email", MARKETING, day(11) - timedelta(seconds=1)).state == before
        unlifted = hear(joined, joined.parts[1 - index], said("stated", 12), day(19)).part
        parts = [unlifted if each.root_id == unlifted.root_id else each for each in parts]
        assert standing(card(*parts), "email", MARKETING, day(19)).state == "withdrawn"
