"""The sources that customers come from, and the channels each can reach them by.

The list is that of contracts/capillary/SPEC.md section 2.1. A source of several accounts needs an
account id with every profile.
"""

from typing import NamedTuple


class Source(NamedTuple):
    """A source: its id on the wire, its channels, whether it has several accounts."""

    id: int
    name: str
    channels: tuple[str, ...]
    has_accounts: bool = False


#: What the doors of this product tell under, beside the sources of tills and marketplaces.
TRACKER = "WEBSITE"
SESSIONS = "ECOMMERCE"
INSTORE = "INSTORE"
#: Stands for every source, in reads only.
ALL = "ALL"

SOURCES: dict[str, Source] = {
    each.name: each
    for each in (
        Source(1, "FACEBOOK", ("email", "mobile"), has_accounts=True),
        Source(2, "WEB_ENGAGE", ("android", "email", "ios", "mobile"), has_accounts=True),
        Source(3, "WECHAT", ("email", "mobile", "wechat"), has_accounts=True),
        Source(5, INSTORE, ("email", "mobile", "postmail", "whatsapp")),
        Source(6, "MARTJACK", ("email", "whatsapp")),
        Source(7, "TMALL", ("mobile",)),
        Source(8, "TAOBAO", ("email",)),
        Source(9, "JD", ("email",)),
        Source(10, SESSIONS, ("email", "mobile", "whatsapp")),
        Source(11, TRACKER, ("android", "email", "ios", "mobile", "wechat", "whatsapp")),
        Source(12, "LINE", ("email", "line"), has_accounts=True),
        Source(18, "MOBILE_APP", ("android", "ios", "whatsapp"), has_accounts=True),
    )
}

#: What a channel may be called. Which of them a source reaches people by is what it says of itself;
#: a registration may name any, as tills do.
CHANNEL_TYPES = frozenset(
    {
        "android",
        "email",
        "ios",
        "line",
        "mobile",
        "mobilePush",
        "postmail",
        "viber",
        "wechat",
        "whatsapp",
    }
)
