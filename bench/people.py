"""The requests of the customer benchmark: registrations as a till sends them, and lookups.

An *index* numbers people. Every id has a fixed width, so that one text serves for everybody once
the index is put in. Nothing is random: the same index is always the same person.
"""

import base64

import msgspec

from habitue.model.keys import till_credentials

LOGIN, PASSWORD = "bench-till01", "the password of a till"
#: Stands in for an index until a request has one; as wide as indexes are written.
MARK = "76543210"
SOURCE = "INSTORE"

_HEAD = (
    "Host: 127.0.0.1\r\nAuthorization: Basic {}\r\nAccept: application/json\r\n"
    "X-CAP-API-ATTRIBUTION-ENTITY-TYPE: TILL\r\nX-CAP-API-ATTRIBUTION-ENTITY-CODE: bench-till01\r\n"
)


def identifiers(text: str) -> tuple[tuple[str, str], ...]:
    """The identifiers of the person of an index, which is given as text: kind and normal form."""
    return (
        ("mobile", f"+65{text}"),
        ("email", f"meera.tan.{text}@orchardmail.sg"),
        ("externalId", f"ORC{text}"),
    )


def body() -> bytes:
    """The body of a registration with the mark in place of the index; about 1 KB."""
    mobile, email, external_id = (value for _, value in identifiers(MARK))
    channel = {"verified": True, "meta": {"residence": False, "office": True}}
    profile = {
        "firstName": "Meera",
        "lastName": f"Tan {MARK}",
        "source": SOURCE,
        "identifiers": [
            {"type": "mobile", "value": mobile.removeprefix("+")},
            {"type": "email", "value": email},
            {"type": "externalId", "value": external_id},
        ],
        "commChannels": [
            {"type": "mobile", "value": mobile.removeprefix("+"), "primary": True, **channel},
            {"type": "email", "value": email, "primary": True, "verified": False},
        ],
        "fields": {"city": "Singapore", "preferred_store": "Orchard Road"},
    }
    return msgspec.json.encode(
        {
            "loyaltyInfo": {"loyaltyType": "loyalty"},
            "profiles": [profile],
            "createDate": "2026-06-15T10:00:00+08:00",
            "associatedWith": LOGIN,
        }
    )


def registration() -> bytes:
    """The whole request of a registration, with the mark."""
    sent = body()
    head = f"Content-Type: application/json\r\nContent-Length: {len(sent)}\r\n\r\n"
    return f"POST /v2/customers HTTP/1.1\r\n{_head()}{head}".encode() + sent


def lookup() -> bytes:
    """The whole request of a lookup by mobile, with the mark."""
    query = f"source={SOURCE}&identifierName=mobile&identifierValue=65{MARK}"
    return f"GET /v2/customers/lookup?{query} HTTP/1.1\r\n{_head()}\r\n".encode()


def text_of(index: int) -> str:
    """The index as requests have it."""
    return f"{index:08d}"


def _head() -> str:
    credentials = till_credentials(LOGIN, PASSWORD).encode()
    return _HEAD.format(base64.b64encode(credentials).decode())
