"""The script's size, how its modules are joined, and how it is served."""

import base64
import gzip
import hashlib
import zlib
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from habitue.edges.http.application import build
from habitue.edges.tracker import building
from habitue.edges.tracker.serving_script import (
    NAMES,
    accepts_gzip,
    script,
    script_operations,
)

SIZE_MAX = 8_000


def test_the_script_is_small() -> None:
    built = building.minified(building.joined())
    assert len(gzip.compress(built, 9)) <= SIZE_MAX
    assert built.startswith(b"/*! Habitue tracker ")


def test_the_script_evaluates_no_text_and_asks_nobody_else() -> None:
    text = building.joined()
    for forbidden in ("eval(", "new Function", "innerHTML", "document.write", "import("):
        assert forbidden not in text
    assert text.count("https://") == 1  # what an api host without a scheme is given


def test_what_is_served_is_what_was_built_from_these_modules(tmp_path: Path) -> None:
    fresh, stale = tmp_path / "fresh.js", tmp_path / "stale.js"
    building.build(fresh)
    assert building.served(fresh) == fresh.read_bytes()
    stale.write_bytes(b"/*! Habitue tracker 000000000000, Apache-2.0 */\nold")
    assert building.served(stale) == fresh.read_bytes()
    assert building.served(tmp_path / "none.js") == fresh.read_bytes()


def test_without_a_minifier_the_script_is_served_as_it_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "minify.py").write_text("raise ImportError\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    banner, _, rest = building.served(tmp_path / "none.js").partition(b"\n")
    assert rest.decode() == building.joined()
    assert banner == building.minified(building.joined()).partition(b"\n")[0]


@pytest.mark.parametrize(
    ("second", "complaint"),
    [
        ("const one = 2;\n", "one is declared in first and in second"),
        (
            'import { two } from "./first.js";\n',
            "second imports two, which first does not export before it",
        ),
        (
            'import { hidden } from "./first.js";\n',
            "second imports hidden, which first does not export before it",
        ),
        (
            'import { one as other } from "./first.js";\n',
            "second imports one as other, which first does not export before it",
        ),
        (
            'import first from "./first.js";\n',
            'second has a line that cannot be joined: import first from "./first.js";',
        ),
        (
            "export default 1;\n",
            "second has a line that cannot be joined: export default 1;",
        ),
    ],
)
def test_modules_that_do_not_fit(tmp_path: Path, second: str, complaint: str) -> None:
    (tmp_path / "first.js").write_text("export const one = 1;\nconst hidden = 2;\n")
    (tmp_path / "second.js").write_text(second)
    with pytest.raises(building.ScriptError) as raised:
        building.joined(tmp_path, ("first", "second"))
    assert str(raised.value) == complaint


def test_modules_are_joined_in_order(tmp_path: Path) -> None:
    (tmp_path / "first.js").write_text("export const one = 1;\n")
    (tmp_path / "second.js").write_text('import {\n  one,\n} from "./first.js";\nlet two = one;\n')
    assert building.joined(tmp_path, ("first", "second")) == (
        '(function () {\n"use strict";\nconst one = 1;\n\nlet two = one;\n})();\n'
    )


async def get(path: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    """One request to an application that serves nothing but the script."""
    application = build(script_operations(), None)
    sent: list[MutableMapping[str, Any]] = []

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    async def receive() -> MutableMapping[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    fields = [(k.replace("_", "-").encode(), v.encode()) for k, v in headers.items()]
    scope = {
        "type": "http", "method": "GET", "path": path, "raw_path": path.encode(),
        "query_string": b"", "headers": fields, "client": ("127.0.0.1", 1),
    }  # fmt: skip
    await application(scope, receive, send)
    answered = {k.decode(): v.decode() for k, v in sent[0]["headers"]}
    return sent[0]["status"], answered, b"".join(each.get("body", b"") for each in sent[1:])


@pytest.mark.parametrize("name", NAMES)
async def test_the_script_under_the_vendors_names(name: str) -> None:
    status, headers, body = await get(name)
    assert (status, body) == (200, script().content)
    assert headers["content-type"] == "text/javascript; charset=utf-8"
    assert headers["cache-control"] == "public, max-age=3600"
    assert headers["access-control-allow-origin"] == "*"
    assert headers["vary"] == "accept-encoding"
    assert "content-encoding" not in headers
    again, known, nothing = await get(name, if_none_match=f'W/{headers["etag"]}, "other"')
    assert (again, known["etag"], nothing) == (304, headers["etag"], b"")
    assert (await get(name, if_none_match='"other"'))[0] == 200


@pytest.mark.parametrize("name", NAMES)
async def test_the_script_compressed(name: str) -> None:
    status, headers, body = await get(name, accept_encoding="br, gzip;q=0.5")
    assert (status, headers["content-encoding"]) == (200, "gzip")
    assert zlib.decompress(body, 31) == script().content
    assert len(body) <= SIZE_MAX
    again, _, _ = await get(name, accept_encoding="gzip", if_none_match=headers["etag"])
    assert again == 304


async def test_the_pinned_script() -> None:
    status, _, body = await get("/v1/script")
    published = msgspec.json.decode(body)
    digest = base64.b64encode(hashlib.sha384(script().content).digest()).decode()
    assert (status, published["integrity"]) == (200, f"sha384-{digest}")
    assert published["names"] == list(NAMES)
    assert published["bytes"] == len(script().content)
    assert published["gzip_bytes"] == len(script().compressed)
    assert len(published["pinned"]) == 3
    for path in published["pinned"]:
        status, headers, content = await get(path)
        assert (status, content) == (200, script().content)
        assert headers["cache-control"] == "public, max-age=31536000, immutable"
    gone = published["pinned"][0].replace(script().digest, "0" * 16)
    assert (await get(gone))[0] == 404


async def test_the_documentation_says_the_digest() -> None:
    described = [each.description for each in script_operations() if each.documented]
    assert len(described) == 1
    assert script().integrity in described[0]


async def test_the_types_are_served() -> None:
    status, _, body = await get("/content/javascript/habitue-tracker.d.ts")
    assert status == 200
    assert b"interface HabitueOptions" in body


@pytest.mark.parametrize(
    ("header", "taken"),
    [
        ("", False),
        ("gzip", True),
        ("deflate, GZIP", True),
        ("gzip;q=0", False),
        ("gzip; q=0.000", False),
        ("gzip;q=0.1", True),
        ("*", True),
        ("*;q=0", False),
        ("*, gzip;q=0", False),
        ("br", False),
    ],
)
def test_who_takes_gzip(header: str, taken: bool) -> None:
    assert accepts_gzip(header) is taken
