"""Which operations export rows of what, and what is noted of each request for a file.

What a request chose by is noted by the names that it has on the wire. What names a person or a card
is not: a list of exports is no place where a customer who was erased lives on
(docs/decisions/0164).
"""

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from habitue.edges.http.call import Call
from habitue.store.past_exports import PastExport
from habitue.usecases.past_exports import note_export

ExportedEntity = Literal[
    "Coupon",
    "Referral",
    "Effect",
    "CustomerSession",
    "LoyaltyLedger",
    "LoyaltyLedgerLog",
    "Collection",
    "AudienceMembership",
]
_EXPORTS: Mapping[str, ExportedEntity] = {
    "exportCoupons": "Coupon",
    "exportReferrals": "Referral",
    "exportEffects": "Effect",
    "exportCustomerSessions": "CustomerSession",
    "exportLoyaltyBalance": "LoyaltyLedger",
    "exportLoyaltyBalances": "LoyaltyLedger",
    "exportLoyaltyCardBalances": "LoyaltyLedger",
    "exportLoyaltyLedger": "LoyaltyLedgerLog",
    "exportLoyaltyCardLedger": "LoyaltyLedgerLog",
    "exportAccountCollectionItems": "Collection",
    "exportCollectionItems": "Collection",
    "exportAudiencesMemberships": "AudienceMembership",
}
_PERSONAL = frozenset(
    {
        *("integrationId", "profileIntegrationId", "recipientIntegrationId", "loyaltyCardId"),
        # Of coupons: a code can be somebody's own.
        "value",
    }
)


async def note_if_export(call: Call[Any, Any, Any]) -> None:
    """Notes the request, if it is one for a file that the list of exports knows."""
    entity = _EXPORTS.get(call.operation_id)
    if entity is None:
        return
    chosen = {**_of_path(call.path), **_of_query(call.query)}
    noted = PastExport(
        at=call.now,
        entity=entity,
        application_id=chosen.get("applicationId"),
        campaign_id=chosen.get("campaignId"),
        filter={name: value for name, value in chosen.items() if name not in _PERSONAL},
    )
    await note_export(call.services.shop, noted)


def _of_path(path: Mapping[str, str]) -> dict[str, Any]:
    return {name: int(value) for name, value in path.items() if name not in _PERSONAL}


def _of_query(query: msgspec.Struct | None) -> dict[str, Any]:
    """What was asked for beside what is usual."""
    if query is None:
        return {}
    told = {
        field.encode_name: (getattr(query, field.name), field.default)
        for field in msgspec.structs.fields(query)
    }
    return {name: value for name, (value, usual) in told.items() if value not in (None, usual)}
