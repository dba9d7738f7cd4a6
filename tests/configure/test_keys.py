"""Keys on the command line, as a person runs it."""

import asyncio
import os
import re
import sys
from pathlib import Path

import pytest

from habitue.model.keys import digest_of, key_hash, till_credentials
from habitue.store.database import Database
from habitue.usecases.configure.keys import list_keys
from tests.configure.shops import opened, with_application

EXAMPLE = Path(__file__).parents[1] / "apply" / "shop.yaml"


async def run(database_url: str, *arguments: str) -> tuple[int, str, str]:
    """Exit status, standard output and standard error of `habitue` with these arguments."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        "from habitue.edges.cli import main; main()",
        *arguments,
        env={**os.environ, "HABITUE_DATABASE_URL": database_url},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, error = await process.communicate()
    return process.returncode or 0, out.decode(), error.decode()


@pytest.mark.parametrize("kind", ["management", "integration"])
async def test_a_new_key_stands_alone_on_standard_output(
    database: Database, database_url: str, kind: str
) -> None:
    shop = await opened(database)
    application = await with_application(shop)
    status, out, error = await run(database_url, "keys", "create", "--kind", kind, "--name", "A b")
    assert (status, error) == (0, "")
    secret = out.removesuffix("\n")
    assert secret.startswith(f"hab_{kind[0]}_")
    assert len(secret) == 49
    ((digest, key),) = (await shop.refresh()).keys.items()
    assert digest == key_hash(secret)
    assert (key.kind, key.name) == (kind, "A b")
    assert key.application_id == (application.id if kind == "integration" else None)
    assert 3649 <= (key.expires - key.created).days <= 3650
    stored = await database.fetchval("SELECT api_key::text FROM api_key")
    assert secret not in stored


async def test_a_tracker_key_is_found_by_both_of_its_forms(
    database: Database, database_url: str
) -> None:
    status, out, error = await run(database_url, "keys", "create", "--kind", "tracker")
    assert (status, error) == (0, "")
    secret = out.removesuffix("\n")
    assert re.fullmatch("[0-9a-f]{30}", secret)
    shop = await opened(database)
    ((digest, key),) = shop.configuration.keys.items()
    assert digest == digest_of("tracker", secret) == digest_of("tracker", secret[:24])
    assert (key.kind, key.suffix) == ("tracker", secret[24:])


async def test_a_tracker_key_can_be_the_one_that_pages_carry_already(
    database: Database, database_url: str
) -> None:
    own = "59a00b84c7d01189ccd0a1f3"
    given = ["keys", "create", "--kind", "tracker", "--value"]
    assert await run(database_url, *given, own) == (0, own + "\n", "")
    status, out, error = await run(database_url, *given, "no digits")
    assert (status, out) == (1, "")
    assert (
        error == "habitue: /key: a tracker key is 24 or 30 hexadecimal digits, in small letters\n"
    )
    status, out, error = await run(
        database_url, "keys", "create", "--kind", "management", "--value", own
    )
    assert (status, out) == (1, "")
    shop = await opened(database)
    assert [key.suffix for key in shop.configuration.keys.values()] == [""]


async def test_a_till_has_a_login_and_a_password(database: Database, database_url: str) -> None:
    _, out, _ = await run(database_url, "keys", "create", "--kind", "till", "--name", "Till 1!")
    login, _, password = out.strip().partition(":")
    assert login.startswith("till-1-")
    assert len(password) == 32
    shop = await opened(database)
    assert list(shop.configuration.keys) == [key_hash(till_credentials(login, password))]


async def test_keys_are_listed_and_revoked(database: Database, database_url: str) -> None:
    await run(database_url, "keys", "create", "--kind", "management", "--expires", "2099-12-31")
    assert await run(database_url, "keys", "list") == (
        0,
        "1\tmanagement\t-\t2099-12-31\tmanagement\n",
        "",
    )
    assert (await run(database_url, "keys", "revoke", "1"))[0] == 0
    assert await run(database_url, "keys", "list") == (0, "", "")
    assert await run(database_url, "keys", "revoke", "1") == (
        1,
        "",
        "habitue: Key 1 does not exist\n",
    )
    assert list_keys((await opened(database)).configuration) == []


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--kind", "integration"), "there are: none yet"),
        (("--kind", "integration", "--application", "9"), "Application 9 does not exist"),
        (("--kind", "management", "--expires", "soon"), "neither a date"),
        (("--kind", "management", "--expires", "2001-01-01"), "expires in the future"),
        (("--kind", "management", "--name", " "), "at least one visible character"),
    ],
)
async def test_a_wrong_wish_makes_no_key(
    database: Database, database_url: str, arguments: tuple[str, ...], told: str
) -> None:
    status, out, error = await run(database_url, "keys", "create", *arguments)
    assert (status, out) == (1, "")
    assert told in error
    assert len(error.splitlines()) == 1
    assert await database.fetchval("SELECT count(*) FROM api_key") == 0


async def test_apply_prints_what_it_does(database_url: str, tmp_path: Path) -> None:
    status, out, error = await run(database_url, "apply", str(EXAMPLE), "--dry-run")
    assert (status, error) == (0, "")
    assert out.splitlines()[0] == "create  attribute  CartItem.color"
    assert out.splitlines()[-1] == "would be: 9 created, 0 updated, 0 unchanged"
    status, out, error = await run(database_url, "apply", str(EXAMPLE))
    assert (status, out.splitlines()[-1]) == (0, "9 created, 0 updated, 0 unchanged")
    changed = tmp_path / "changed.yaml"
    changed.write_text(EXAMPLE.read_text().replace("limit: 1,", "limit: 3,"))
    status, out, error = await run(database_url, "apply", str(changed))
    assert out.splitlines() == [
        "update  campaign  Web shop / Welcome: limits",
        "0 created, 1 updated, 8 unchanged",
    ]


async def test_apply_refuses_without_a_trace(database_url: str, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(EXAMPLE.read_text().replace("EUR", "euro"))
    status, out, error = await run(database_url, "apply", str(wrong))
    assert (status, out) == (1, "")
    assert error.splitlines() == [
        f"{wrong}:16: /applications/0/currency: a currency is an ISO 4217 code of three capital"
        " letters, such as EUR",
        "habitue: nothing was applied",
    ]
    status, _, error = await run(database_url, "apply", str(tmp_path / "missing.yaml"))
    assert status == 1
    assert error.splitlines()[0].endswith("missing.yaml: cannot be read: No such file or directory")
