"""Customers, put into the tables as registrations would leave them.

The rows are those of a real decision about the person of `people.MARK`, with other indexes and ids
in place of its own. Of every fill the first half is for the server; the second half is for pgbench,
whose claims stand under keys that SQL can compute: the md5 of a letter and the index.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import NamedTuple
from uuid import UUID

import msgspec

from bench import people
from habitue.customers.card import Actor
from habitue.customers.claims import claim_key
from habitue.customers.identifier import claim_kind
from habitue.customers.organisation import CustomField, Till
from habitue.customers.register import Found, decide_registration
from habitue.customers.registration import Registration
from habitue.customers.understand import understand
from habitue.edges.capillary.requests import CustomerIn
from habitue.edges.http.decoding import BodyDecoder
from habitue.model.keys import till_credentials
from habitue.store.cards import CardWrite
from habitue.store.database import Connection, Database
from habitue.usecases.card_state import write_of
from habitue.usecases.configuration import Change, save_configuration
from habitue.usecases.configure.keys import create_key
from habitue.usecases.shop import Shop

NOW = datetime.now(UTC)
#: Ids of filled rows are their index and this, so that they have a fixed width too.
FIRST_ID = 20_000_000
#: The tables that have rows when the benchmark begins.
TABLES = (
    "claim",
    "customer",
    "customer_identifier",
    "card_part",
    "customer_name",
    "customer_change",
)
#: The letters of the keys that pgbench's customers are claimed under, in the order of identifiers.
LETTERS = "mex"
_ID_MARK = 77_777_777
_CHUNK = 10_000


class Share(NamedTuple):
    """People: `size` indexes from `first`."""

    first: int
    size: int


async def build_shop(database: Database) -> Shop:
    """A shop with a till that may register, and the fields that it tells of."""
    shop = Shop(database)
    await shop.refresh()
    entries = [
        Change(CustomField(901, "city", "City", NOW)),
        Change(CustomField(902, "preferred_store", "Store", NOW)),
        Change(Till(903, people.LOGIN, "Till 1", NOW, store_code="bench")),
    ]
    await save_configuration(database, shop.configuration.version, entries)
    await shop.refresh()
    credentials = till_credentials(people.LOGIN, people.PASSWORD)
    expires = NOW.replace(year=NOW.year + 1, day=1)
    await create_key(shop, credentials, "till", people.LOGIN, None, expires, NOW)
    return shop


def write_of_mark(shop: Shop) -> CardWrite:
    """What the registration of the marked person would save."""
    organisation = shop.configuration.organisation
    understood = understand(registration_of(shop, people.MARK), organisation, NOW)
    decision = decide_registration(understood, Found({}, {}, _ID_MARK), organisation, NOW)
    if decision.notices:
        raise RuntimeError(f"the registration is not a clean one: {decision.notices}")
    return write_of(decision.change, NOW)


def registration_of(shop: Shop, text: str) -> Registration:
    """What the person of that index, which is given as text, asks for."""
    body = people.body().replace(people.MARK.encode(), text.encode())
    request = BodyDecoder[CustomerIn](CustomerIn).decode(body)
    till = shop.configuration.organisation.till_of[people.LOGIN]
    return request.registration(None, None, Actor("TILL", till.id, till.code), NOW)


def keys_of(index: int) -> list[UUID]:
    """The claims of the server's person of that index."""
    told = people.identifiers(people.text_of(index))
    return [claim_key("live", claim_kind(kind), value) for kind, value in told]


async def fill(database: Database, write: CardWrite, share: Share, *, served: bool) -> None:
    """Adds the people of `share` to the tables, for the server or for pgbench."""
    for first in range(share.first, share.first + share.size, _CHUNK):
        indexes = range(first, min(first + _CHUNK, share.first + share.size))
        async with database.transaction() as connection:
            await _fill(connection, write, indexes, served)


async def _fill(connection: Connection, write: CardWrite, indexes: range, served: bool) -> None:
    await connection.execute(_FILLING)
    records: Iterator[tuple[object, ...]]
    columns = ["index"]
    if served:
        records = ((index, *keys_of(index)) for index in indexes)
        columns += LETTERS
    else:
        records = ((index,) for index in indexes)
    await connection.copy_records_to_table("filling", records=records, columns=columns)
    if not served:
        await connection.execute(_PEER_KEYS)
    for statement, arguments in _statements(write):
        await connection.execute(statement, *arguments)
    await connection.execute("DROP TABLE filling")


_FILLING = "CREATE TEMPORARY TABLE filling (index bigint, m uuid, e uuid, x uuid)"
_PEER_KEYS = """
UPDATE filling SET m = md5('m' || index)::uuid, e = md5('e' || index)::uuid,
    x = md5('x' || index)::uuid
"""
#: A document of the marked person as the one of another.
_DOCUMENT = f"""
replace(replace(convert_from($2::bytea, 'UTF8'), '{people.MARK}', lpad(index::text, 8, '0')),
    '{_ID_MARK}', (index + {FIRST_ID})::text)::jsonb
"""


def _statements(write: CardWrite) -> Iterator[tuple[str, tuple[object, ...]]]:
    """Statements with their arguments; $1 is always the moment."""
    id_ = f"index + {FIRST_ID}"
    yield (
        "INSERT INTO customer (id, anonymous, created, last_activity, attributes)"
        f" SELECT {id_}, false, $1, $1, {_DOCUMENT} FROM filling",
        (NOW, write.attributes or b"{}"),
    )
    claims = msgspec.json.decode(write.claims or b"[]")
    keys = [str(key) for key in keys_of(int(people.MARK))]
    for letter, key in zip(LETTERS, keys, strict=True):
        (claim,) = (each for each in claims if each["key"] == key)
        yield f"INSERT INTO claim (claim_key, customer_id) SELECT {letter}, {id_} FROM filling", ()
        yield (
            "INSERT INTO customer_identifier (customer_id, claim_key, kind, value, created, source)"
            f" SELECT {id_}, {letter}, $2, replace($3, '{people.MARK}', lpad(index::text, 8, '0')),"
            " $1, $4 FROM filling",
            (NOW, claim["kind"], claim["value"], claim["source"]),
        )
    (part,) = msgspec.json.decode(write.parts)
    yield (
        "INSERT INTO card_part (customer_id, root_id, document)"
        f" SELECT {id_}, {id_}, {_DOCUMENT} FROM filling WHERE $1::timestamptz IS NOT NULL",
        (NOW, msgspec.json.encode(part["document"])),
    )
    for each in msgspec.json.decode(write.names or b"[]"):
        yield (
            "INSERT INTO customer_name (customer_id, root_id, name)"
            f" SELECT {id_}, {id_}, replace($1, '{people.MARK}', lpad(index::text, 8, '0'))"
            " FROM filling",
            (each["name"],),
        )
    yield (
        "INSERT INTO customer_change (customer_id, id, root_id, kind, at, actor, changes)"
        f" SELECT {id_}, nextval('customer_change_id'), {id_}, $3, $1, $4, {_DOCUMENT}"
        " FROM filling",
        (NOW, write.changes or b"[]", write.change_kind, write.change_actor),
    )
