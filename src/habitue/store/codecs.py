"""How values travel between Python and the database, beyond what the driver does by itself.

JSON passes as `bytes` of JSON text in both directions and is never parsed here. Arrays of built-in
types are made known to the driver, which would otherwise ask the server for them on every new
connection: tens of milliseconds on PostgreSQL, more than a second on Citus. Neither needs a round
trip.
"""

from collections.abc import Sequence

from habitue.store.pool import DriverConnection

# Object ids of PostgreSQL's built-in types never change (src/include/catalog/pg_type.dat there):
# the element's name, its id, and the id of the array of it.
_ELEMENTS = (
    ("bool", 16, 1000),
    ("bytea", 17, 1001),
    ("int8", 20, 1016),
    ("int2", 21, 1005),
    ("int4", 23, 1007),
    ("json", 114, 199),
    ("varchar", 1043, 1015),
    ("date", 1082, 1182),
    ("timestamptz", 1184, 1185),
    ("numeric", 1700, 1231),
    ("uuid", 2950, 2951),
    ("jsonb", 3802, 3807),
)
_ARRAYS = [
    {
        "oid": array,
        "name": f"_{name}",
        "ns": "pg_catalog",
        "kind": b"b",
        "elemtype": element,
        "elemtype_name": name,
        "elemdelim": ",",
        "basetype": None,
        "range_subtype": None,
        "attrtypoids": None,
    }
    for name, element, array in _ELEMENTS
]


async def install(connection: DriverConnection) -> None:
    """Teach a new connection about JSON and arrays."""
    await connection.set_type_codec(
        "jsonb",
        schema="pg_catalog",
        encoder=_encode_jsonb,
        decoder=_decode_jsonb,
        format="binary",
    )
    await connection.set_type_codec(
        "json", schema="pg_catalog", encoder=bytes, decoder=bytes, format="binary"
    )
    # Not a promised interface of the driver, hence the pin of its minor version. It comes after the
    # codecs above, which the arrays of JSON are built of.
    connection._protocol.get_settings().register_data_types(_ARRAYS)  # type: ignore[attr-defined]


def _encode_jsonb(text: bytes) -> bytes:
    """The binary format is a byte for its version, 1, and the text."""
    return b"\x01" + text


def _decode_jsonb(value: bytes) -> bytes:
    return bytes(value[1:])


def array_literal(texts: Sequence[str]) -> str:
    """Those texts as PostgreSQL writes an array of them, for arrays of arrays of any lengths."""
    quoted = (text.replace("\\", "\\\\").replace('"', '\\"') for text in texts)
    return "{" + ",".join(f'"{text}"' for text in quoted) + "}"
