"""The browser script, served: under the vendors' names, and under names that never change meaning.

Shops load `/content/javascript/tracking.js`, `/content/javascript/api.js` or `/v3.js`; those names
are kept by browsers for an hour, so that an update reaches visitors within one. The same bytes
under a name with their digest in it may be kept for ever; such a name is for pages that pin the
script with an `integrity` attribute, and `GET /v1/script` says both. The types are at
`/content/javascript/habitue-tracker.d.ts`.

The file's name decides which dialect a page gets: tracking and api are Retail Rocket's, v3 is
PersonaClick's.
"""

import base64
import gzip
import hashlib
from dataclasses import dataclass
from functools import cache

import msgspec

from habitue.edges.http.application import PLAIN
from habitue.edges.http.operation import Answer, Call, Handler, Operation
from habitue.edges.tracker import building

GROUP = "Tracker script"
#: The names that the vendors' snippets load, and what the id of each operation ends with.
NAMES = {
    "/content/javascript/tracking.js": "Tracking",
    "/content/javascript/api.js": "Api",
    "/v3.js": "V3",
}
TYPES = "habitue-tracker.d.ts"
_SHORT = "public, max-age=3600"
_LONG = "public, max-age=31536000, immutable"
_OPEN = {
    "access-control-allow-origin": "*",
    "cross-origin-resource-policy": "cross-origin",
    "x-content-type-options": "nosniff",
    "vary": "accept-encoding",
}


class Published(msgspec.Struct):
    """What a page needs to pin the script: one attribute, and names that keep these bytes."""

    integrity: str
    bytes: int
    gzip_bytes: int
    names: list[str]
    pinned: list[str]


@dataclass(frozen=True)
class Script:
    """The bytes, plain and compressed, and what is said about them."""

    content: bytes
    compressed: bytes
    digest: str
    integrity: str

    def pinned(self, name: str) -> str:
        """The name under which nothing but these bytes is ever served."""
        stem = name.removesuffix(".js").rsplit("/", 1)[1]
        return f"/content/javascript/{stem}.{self.digest}.js"


@cache
def script() -> Script:
    """The script of this installation, made once."""
    content = building.served()
    integrity = "sha384-" + base64.b64encode(hashlib.sha384(content).digest()).decode()
    digest = hashlib.sha256(content).hexdigest()[:16]
    return Script(content, gzip.compress(content, 9, mtime=0), digest, integrity)


def script_operations() -> list[Operation]:
    """The operations of this module."""
    made = script()
    types = (building.SOURCES / TYPES).read_bytes()
    described = (
        f"At the moment `{made.integrity}`: for the `integrity` attribute of a script element that "
        f"loads `{made.pinned('/v3.js')}` with `crossorigin`. A pinned name is gone after an "
        "update of the server, so a page that pins has to be updated along with it."
    )
    return [
        *(_file(f"trackerScript{end}", name, _SHORT) for name, end in NAMES.items()),
        *(_file(f"trackerPinned{end}", made.pinned(name), _LONG) for name, end in NAMES.items()),
        Operation(
            id="trackerScript",
            method="GET",
            path="/v1/script",
            handler=published,
            door=PLAIN,
            summary="The browser script's digest and names",
            description=described,
            group=GROUP,
            responses={200: Published},
        ),
        Operation(
            id="trackerTypes",
            method="GET",
            path=f"/content/javascript/{TYPES}",
            handler=_text(types),
            door=PLAIN,
            documented=False,
            quiet=True,
        ),
    ]


async def published(call: Call[None, None, None]) -> Answer:
    made = script()
    body = Published(
        made.integrity,
        len(made.content),
        len(made.compressed),
        list(NAMES),
        [made.pinned(name) for name in NAMES],
    )
    return Answer(200, body, {"access-control-allow-origin": "*", "cache-control": "no-cache"})


def _file(operation_id: str, path: str, caching: str) -> Operation:
    async def handler(call: Call[None, None, None]) -> Answer:
        return _answer(script(), call, caching)

    return Operation(
        id=operation_id, method="GET", path=path, handler=handler, door=PLAIN,
        documented=False, quiet=True,
    )  # fmt: skip


def _answer(made: Script, call: Call[None, None, None], caching: str) -> Answer:
    packed = accepts_gzip(call.headers.get("accept-encoding", ""))
    etag = f'"{made.digest}{"-gz" if packed else ""}"'
    headers = {**_OPEN, "etag": etag, "cache-control": caching}
    if _is_known(call.headers.get("if-none-match", ""), made.digest):
        return Answer(304, None, headers)
    headers["content-type"] = "text/javascript; charset=utf-8"
    if packed:
        headers["content-encoding"] = "gzip"
    return Answer(200, made.compressed if packed else made.content, headers)


def accepts_gzip(header: str) -> bool:
    """Whether an Accept-Encoding header takes gzip; a weight of zero refuses it."""
    weights = dict(_weight(each) for each in header.lower().split(","))
    weight = weights.get("gzip", weights.get("*", "0"))
    return weight.strip("0.") != ""


def _weight(part: str) -> tuple[str, str]:
    coding, _, rest = part.partition(";")
    return coding.strip(), rest.strip().removeprefix("q=").strip() or "1"


def _is_known(header: str, digest: str) -> bool:
    if header.strip() == "*":
        return True
    tags = (each.strip().removeprefix("W/").strip('"') for each in header.split(","))
    return any(tag.removesuffix("-gz") == digest for tag in tags)


def _text(content: bytes) -> Handler:
    async def handler(call: Call[None, None, None]) -> Answer:
        return Answer(200, content, {"content-type": "text/plain; charset=utf-8"})

    return handler
