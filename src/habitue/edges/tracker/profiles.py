"""What a profile looks like when it is read: one shape that published snippets can rely on.

`fashion.sizes` is an object in any case, with a name for every garment, so that
`profile.fashion.sizes.shoe` never throws. Contacts and names are for servers of the shop only
(contracts/tracker/SPEC.md section 2.6).
"""

from datetime import datetime
from typing import Any

from habitue.customers.structures import Sizes
from habitue.edges.tracker.wire import Fields
from habitue.usecases.read_visitor import Visitor

_GENDERS = {"female": "f", "male": "m"}
_PUBLIC = ("bought_something",)
_SECRET = (
    *("first_name", "last_name", "middle_name", "birthday", "age", "location", "loyalty_status"),
    *("loyalty_card_location", "loyalty_bonuses", "loyalty_bonuses_to_next_level"),
)
_LINKS = {
    "softLink:loyalty_id": "loyalty_id",
    "softLink:telegram_id": "telegram_id",
    "softLink:vk_id": "vk_id",
    "fbId": "fb_id",
}


def profile_shown(visitor: Visitor | None, now: datetime, *, server: bool) -> Fields:
    """The profile as JSON."""
    visitor = visitor or Visitor({})
    shown = _public(visitor)
    if server:
        shown |= _secret(visitor)
    return shown


def _public(visitor: Visitor) -> Fields:
    gender = _GENDERS.get(str(visitor.trait("gender")))
    kids = visitor.trait("kids") or []
    vehicles = visitor.trait("vehicles") or []
    sizes = _sizes(visitor.trait("fashion"))
    return {
        "id": visitor.told.get("external_id"),
        "has_email": visitor.has_email,
        "gender": gender,
        "computed_gender": gender,
        **{name: visitor.trait(name) for name in _PUBLIC},
        "custom_properties": {
            name: value for name, value in visitor.fields().items() if "/" not in name
        },
        "fashion": {"sizes": sizes},
        "fashion_sizes": [
            {"type": name, "size": size} for name, size in sizes.items() if size is not None
        ],
        "children": [_kid(each) for each in kids],
        "child_gender": _GENDERS.get(kids[0].get("gender", "")) if kids else None,
        "vds": vehicles[0].get("vds") if vehicles else None,
        "auto": vehicles,
        **{name: [] for name in ("cosmetic_hair", "cosmetic_skin", "cosmetic_perfume")},
        **{name: [] for name in ("realty", "pets")},
        **dict.fromkeys(("allergy", "compatibility", "jewelry", "income_level")),
    }


def _sizes(fashion: Any) -> Fields:
    told = fashion.get("sizes", {}) if isinstance(fashion, dict) else {}
    return {name: told.get(name) or None for name in Sizes.__struct_fields__}


def _kid(kid: Fields) -> Fields:
    return {"gender": _GENDERS.get(kid.get("gender", "")), "birthday": kid.get("birthday")}


def _secret(visitor: Visitor) -> Fields:
    shown: Fields = {name: visitor.trait(name) for name in _SECRET}
    if isinstance(shown["age"], dict):
        shown["age"] = None
    shown |= {"email": None, "phone": None, "loyalty_id": None, "external_id": None}
    shown |= dict.fromkeys(_LINKS.values())
    emails, phones = _held(visitor, "email"), _held(visitor, "mobile")
    if visitor.golden is not None:
        contacts = visitor.golden.contacts
        shown["email"] = contacts["email"].value if "email" in contacts else None
        shown["phone"] = contacts["mobile"].value if "mobile" in contacts else None
    shown["phone"] = shown["phone"].removeprefix("+") if shown["phone"] else None
    shown["additional_emails"] = [each for each in emails if each != shown["email"]]
    shown["additional_phones"] = [
        each.removeprefix("+") for each in phones if each.removeprefix("+") != shown["phone"]
    ]
    for kind, name in _LINKS.items():
        shown[name] = next(iter(_held(visitor, kind)), None)
    shown["external_id"] = shown["id"] = next(iter(_held(visitor, "externalId")), None)
    shown["tags"] = []
    return shown


def _held(visitor: Visitor, kind: str) -> list[str]:
    if visitor.card is None:
        return []
    found = (
        each.normal_form
        for _, profile in visitor.card.profiles()
        for each in profile.identifiers
        if each.identity and each.kind == kind
    )
    return list(dict.fromkeys(found))
