"""`habitue migrate`, `dump` and `restore`, as a person runs them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from habitue.store import migrations
from tests.store.processes import SOURCE

ALL = [migration.label for migration in migrations.load()]


def habitue(*arguments: str | Path, **environ: str) -> "subprocess.CompletedProcess[str]":
    """Run the command line as a process of its own."""
    inherited = {name: value for name, value in os.environ.items() if "HABITUE" not in name}
    return subprocess.run(
        [sys.executable, "-m", "habitue.edges.cli", *map(str, arguments)],
        env=inherited | {"PYTHONPATH": SOURCE} | environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_help_lists_the_commands_without_importing_them() -> None:
    program = (
        "import sys; from habitue.edges.cli import app;"
        "app(['--help'], result_action='return_value');"
        "print(sorted(name for name in ('asyncpg', 'starlette', 'msgspec') if name in sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | {"PYTHONPATH": SOURCE},
        capture_output=True,
        text=True,
        check=True,
    )
    for command in ("serve", "demo", "apply", "keys", "migrate", "dump", "restore"):
        assert f" {command} " in done.stdout
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("command", ["migrate", "dump", "restore"])
def test_each_command_explains_its_flags(command: str) -> None:
    done = habitue(command, "--help")
    assert done.returncode == 0
    assert "--data-dir" in done.stdout
    assert "--database-url" in done.stdout


def test_migrate_says_what_it_did(data_dir: Path) -> None:
    pending = habitue("migrate", "--status", "--data-dir", data_dir)
    assert pending.stdout.splitlines() == [f"pending {label}" for label in ALL]
    first = habitue("migrate", HABITUE_DATA_DIR=str(data_dir))
    assert (first.returncode, first.stdout.splitlines()) == (0, [f"applied {it}" for it in ALL])
    again = habitue("migrate", "--data-dir", data_dir)
    assert (again.stdout, again.stderr) == ("up to date\n", "")
    applied = habitue("migrate", "--status", "--data-dir", data_dir)
    assert applied.stdout.splitlines() == [f"applied {label}" for label in ALL]


def test_dump_and_restore(database_url: str, data_dir: Path, tmp_path: Path) -> None:
    file = tmp_path / "shop.dump"
    dumped = habitue("dump", file, "--database-url", database_url)
    assert (dumped.returncode, dumped.stdout, dumped.stderr) == (0, "", "")
    restored = habitue("restore", file, "--data-dir", data_dir)
    assert (restored.returncode, restored.stdout) == (0, "")
    assert restored.stderr.splitlines()[-1] == f"habitue: Restoring {file}"
    refused = habitue("restore", file, "--data-dir", data_dir)
    assert refused.returncode == 1
    assert refused.stderr.startswith("habitue: This database is not empty: with --replace,")
    assert habitue("restore", file, "--replace", "--data-dir", data_dir).returncode == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--data-dir", "/a", "--database-url", "postgresql://b/c"], "contradict each other"),
        (["--database-url", "postgresql://me:secret@127.0.0.1:1/shop"], "Cannot connect"),
        (["--data-dir", "/dev/null/data"], "/dev/null/data"),
    ],
)
def test_refusal_is_one_line_in_plain_words(arguments: list[str], words: str) -> None:
    done = habitue("migrate", *arguments)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("habitue: ")
    assert done.stderr.count("\n") == 1
    assert words in done.stderr
    assert "secret" not in done.stderr
