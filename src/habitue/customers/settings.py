"""The rules of registration that a shop may set, with what holds where it sets nothing.

Names on the wire are those of contracts/capillary/SPEC.md section 2.2; they are mapped at that
edge. Settings are part of the configuration and so of one version with everything else.
"""

from datetime import datetime
from typing import Literal

import msgspec

PrimaryKind = Literal["mobile", "email", "externalId"]
Survivorship = Literal["most_recent", "most_trusted", "longest"]
#: By what a page's visitor is recognised; `softLink` stands for all of them.
TrackerKind = Literal["externalId", "softLink", "email", "mobile"]

#: Domains that nobody is reached at (what shop software invents), and local parts.
PLACEHOLDER_DOMAINS = (
    "invalid",
    "test",
    "localhost",
    "unknown.email",
    "noemail.com",
    "noemail.local",
    "nomail.com",
    "no-email.com",
)
PLACEHOLDER_LOCAL_PARTS = (
    "anonymous",
    "no-reply",
    "noreply",
    "noemail",
    "no-email",
    "nomail",
    "test",
    "unknown",
)


class RegistrationSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The rules.

    `primary_kind` is the kind of identifier that decides whom a registration is about.
    `primary_strict` refuses it where a secondary identifier is somebody's and the primary is not;
    `secondary_skipped_on_mismatch` registers the primary alone instead. `id_spaces` names the
    space of a source's identifiers where it is not the space that all share. Phones are read by
    `phone_region`, or by that of their source. Anybody may write to `public_sources`: addresses of
    documentation recognise nobody there. An identifier on more than `shared_cards_max` cards
    recognises nobody. `survivorship` says by field which source's value the golden view shows,
    `trusted_sources` which of them comes first.

    Of the tracker: `tracker_origins` are the origins that pages may send from, all where none is
    named; `tracker_order` is the order in which identifiers decide who a visitor is;
    `tracker_secret` is what proofs are made with; `tracker_stocks` are regions beside those of the
    product feed; an order becomes a closed session of `orders_application_id`, unless that is 0;
    an address may bring so many new devices in a minute; `tracker_proxies` is how many proxies in
    front of the server add the caller's address to X-Forwarded-For; with `tracker_loyalty` pages
    may join the loyalty program and ask for it.
    """

    primary_kind: PrimaryKind = "mobile"
    primary_required: bool = False
    mobile_required: bool = False
    email_required: bool = False
    external_id_required: bool = False
    mobile_updatable: bool = True
    email_updatable: bool = True
    external_id_updatable: bool = True
    external_id_prefix: str = ""
    external_id_length: int = 0
    primary_strict: bool = False
    secondary_skipped_on_mismatch: bool = False
    merges_on_several_matches: bool = True
    updates_on_add: bool = False
    registered_min: datetime | None = None
    orphans_refused: bool = False
    empty_extended_fields_refused: bool = True
    id_spaces: dict[str, str] = {}
    phone_region: str = "RU"
    phone_regions: dict[str, str] = {}
    public_sources: tuple[str, ...] = ("WEBSITE",)
    placeholder_domains: tuple[str, ...] = PLACEHOLDER_DOMAINS
    placeholder_local_parts: tuple[str, ...] = PLACEHOLDER_LOCAL_PARTS
    shared_cards_max: int = 20
    survivorship: dict[str, Survivorship] = {}
    trusted_sources: tuple[str, ...] = ("INSTORE", "ECOMMERCE", "WEBSITE", "MOBILE_APP")
    cards_per_customer_max: int = 0
    failure_status: int = 400
    rate_limit_preset: str = "none"
    rate_limits: dict[str, int] = {}
    tracker_origins: tuple[str, ...] = ()
    tracker_order: tuple[TrackerKind, ...] = ("externalId", "softLink", "email", "mobile")
    tracker_secret: str = ""
    tracker_stocks: tuple[str, ...] = ()
    tracker_new_devices_per_minute: int = 300
    tracker_proxies: int = 0
    orders_application_id: int = 0
    tracker_loyalty: bool = False

    def space_of(self, source: str) -> str:
        """The space in which identifiers of that source are unique."""
        return self.id_spaces.get(source, "live")

    def phone_region_of(self, source: str) -> str:
        """The region by whose habits phones of that source are read."""
        return self.phone_regions.get(source, self.phone_region)
