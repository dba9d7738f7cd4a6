"""From the names on the wire to what is said of a visitor.

Both dialects and all encodings end here: `customerId`, `id` and `external_id` are one thing; links
come as pairs with keys in any case, as one pair, or as a dictionary; kids and vehicles as lists or
as their JSON text; custom values as an object or as pairs
(contracts/tracker/SPEC.md sections 1.3, 1.4, 1.6 and 2.5).
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from habitue.customers.card import Actor, ConsentEntry
from habitue.customers.consent import MARKETING, TRANSACTIONAL, channel_of
from habitue.customers.identifier import EMAIL, EXTERNAL_ID, FACEBOOK_ID, MOBILE, soft_link
from habitue.customers.proof import Claimed, proven
from habitue.customers.readings import Failed, read_flag
from habitue.customers.sources import TRACKER
from habitue.customers.visitor import Offer, OfferedId, Trust, Warned, says_nothing
from habitue.edges.tracker.wire import Fields, opened, text_of

_EXTERNAL = ("external_id", "customerId", "contactExternalId", "id")
_LINKED = (
    "loyalty_id",
    "telegram_id",
    "vk_id",
    "google_advertising_id",
    "apple_advertising_id",
    "yandex_id",
)
_TRAITS = {
    **{
        name: name
        for name in (
            *("first_name", "last_name", "middle_name", "name", "gender", "birthday", "age"),
            *("language", "location", "country", "city", "postal_code", "timezone", "kids"),
            *("fashion", "bought_something", "loyalty_status", "loyalty_card_location"),
            *("loyalty_bonuses", "loyalty_bonuses_to_next_level"),
        )
    },
    "defaultStockId": "location",
    "stockId": "location",
    "auto": "vehicles",
    "vehicles": "vehicles",
    "children": "kids",
    "sizes": "fashion",
}
_CONSENTS = ("consent_email", "isAgreedToReceiveMarketingMail")
_CUSTOM = ("custom", "customData", "custom_properties")
#: What a request carries beside what it says of the visitor.
_ENVELOPE = frozenset(
    {
        *("shop_id", "shop_secret", "apiKey", "apikey", "partnerId", "did", "sid", "seance"),
        *("segment", "stream", "session", "pvid", "referrer", "referer", "pageUrl", "keywords"),
        *("signature", "valid_till", "validTill", "timestamp", "sessionExternalId", "softLinks"),
        *("links", "link", "email", "phone", "fb_id", "v", "_nocache", "_no_cache_", "tz"),
        *("partnerTestSegment", "basket", "viewed", "contactExternalId", "data"),
    }
)
_PURPOSES = {
    "bulk": MARKETING,
    "marketing": MARKETING,
    "chain": MARKETING,
    "trigger": MARKETING,
    "transactional": TRANSACTIONAL,
    "trans": TRANSACTIONAL,
}
_CHANNEL_NAMES = ("email", "sms", "web_push", "mobile_push", "viber", "whatsapp", "telegram")
_SEGMENT = "segment/"


def offer_of(
    fields: Mapping[str, Any],
    actor: Actor,
    *,
    assumes_consent: bool,
    free_names: bool = False,
    trust: Trust = "none",
) -> Offer:
    """What is said of the visitor.

    With `assumes_consent` a flag that is absent means yes; with `free_names` whatever has no
    meaning of its own is a custom value.
    """
    consent = next((fields[name] for name in _CONSENTS if name in fields), None)
    speaks = assumes_consent or any(not says_nothing(fields.get(name)) for name in _CONSENTS)
    return Offer(
        identifiers=tuple(_identifiers(fields)),
        traits={trait: opened(fields[name]) for name, trait in _TRAITS.items() if name in fields},
        custom=dict(_custom(fields, free_names)),
        speaks_of_consent=speaks,
        agrees=None if says_nothing(consent) else consent,
        trust=trust,
        actor=actor,
    )


def subscribing_offer(
    fields: Mapping[str, Any], actor: Actor, at: datetime, trust: Trust
) -> tuple[Offer, tuple[Warned, ...]]:
    """What `{email?, phone?, <channel>_<type>: bool}` says: each pair is an act of the person."""
    consents: list[ConsentEntry] = []
    warnings: list[Warned] = []
    for name, value in fields.items():
        channel, _, purpose = name.rpartition("_")
        if channel not in _CHANNEL_NAMES or purpose not in _PURPOSES:
            continue
        try:
            wanted = read_flag(value)
        except Failed as failed:
            warnings.append(Warned(name, failed.reason))
            continue
        consents.append(
            ConsentEntry(
                channel=channel_of(channel),
                purpose=_PURPOSES[purpose],
                state="granted" if wanted else "withdrawn",
                at=at,
                source=TRACKER,
                by=actor,
            )
        )
    offer = Offer(
        identifiers=tuple(_identifiers({**fields, "id": None})),
        consents=tuple(consents),
        trust=trust,
        actor=actor,
    )
    return offer, tuple(warnings)


def segment_offer(
    name: str, fields: Mapping[str, Any], actor: Actor, trust: Trust
) -> tuple[Offer, tuple[Warned, ...]]:
    """Being added to a segment, or taken out of it."""
    segment = text_of(fields, "segment_id")
    if not segment or len(segment) > 80:
        return Offer(actor=actor), (Warned("segment_id", "empty" if not segment else "too_long"),)
    custom = {_SEGMENT + segment: name == "add"}
    identifiers = tuple(_identifiers({**fields, "id": None}))
    return Offer(identifiers=identifiers, custom=custom, trust=trust, actor=actor), ()


def trust_of(
    fields: Mapping[str, Any], secret: str, now: datetime
) -> tuple[Trust, tuple[Warned, ...]]:
    """What the shop's signature proves of these fields, if there is one."""
    signature = text_of(fields, "signature")
    if not signature:
        return "none", ()
    claimed = Claimed(
        external_id=text_of(fields, *_EXTERNAL),
        email=text_of(fields, "email"),
        phone=text_of(fields, "phone"),
        valid_till=text_of(fields, "valid_till", "validTill"),
        signature=signature,
    )
    found = proven(claimed, secret, now)
    if found == "id" or found == "full":
        return found, ()
    return "none", (Warned("signature", found),)


def segments_in(told: Mapping[str, Any]) -> list[str]:
    """The segments that a device put itself into."""
    start = f"fields/{_SEGMENT}"
    return sorted(
        name.removeprefix(start) for name in told if name.startswith(start) and told[name]
    )


def _identifiers(fields: Mapping[str, Any]) -> Iterator[OfferedId]:
    for name in _EXTERNAL:
        if not says_nothing(fields.get(name)):
            yield OfferedId("external_id", EXTERNAL_ID, fields[name])
            break
    for name, kind in (("email", EMAIL), ("phone", MOBILE), ("fb_id", FACEBOOK_ID)):
        if name in fields:
            yield OfferedId(name, kind, fields[name])
    for name in _LINKED:
        if name in fields:
            yield OfferedId(name, soft_link(name), fields[name])
    for name in ("links", "softLinks", "link"):
        for link, value in pairs_of(fields.get(name)):
            yield OfferedId(f"links/{link[:80]}", soft_link(link), value)


def pairs_of(raw: Any) -> Iterator[tuple[str, Any]]:
    """Names with values: of pairs with keys in any case, of one pair, of a dictionary, or of
    `name,value`. What lacks either is left out."""
    raw = opened(raw)
    if isinstance(raw, str) and "," in raw:
        name, _, value = raw.partition(",")
        raw = {"name": name, "value": value}
    for name, value in _pairs(raw):
        if isinstance(name, str | int) and not says_nothing(name) and not says_nothing(value):
            yield str(name).strip(), value


def _pairs(raw: Any) -> Iterator[tuple[Any, Any]]:
    if isinstance(raw, dict):
        folded = {name.lower(): value for name, value in raw.items()}
        if folded.keys() == {"name", "value"}:
            yield folded["name"], folded["value"]
        else:
            yield from raw.items()
    elif isinstance(raw, list):
        for each in raw:
            each = opened(each)
            if isinstance(each, dict):
                folded = {name.lower(): value for name, value in each.items()}
                yield folded.get("name"), folded.get("value")


def _custom(fields: Mapping[str, Any], free_names: bool) -> Iterable[tuple[str, Any]]:
    found: Fields = {}
    if free_names:
        known = {*_ENVELOPE, *_TRAITS, *_CONSENTS, *_CUSTOM, *_EXTERNAL, *_LINKED}
        found |= {name: opened(value) for name, value in fields.items() if name not in known}
    for name in _CUSTOM:
        found |= dict(pairs_of(fields.get(name)))
    return found.items()
