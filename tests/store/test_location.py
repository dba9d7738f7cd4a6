"""Where the database is, by flags and environment."""

from pathlib import Path

import pytest

from habitue.store.failures import StartFailure
from habitue.store.location import Embedded, External, resolve

URL = "postgresql://me:secret@db.example/shop"


def test_flags_win_over_the_environment() -> None:
    environ = {"HABITUE_DATA_DIR": "/env", "HOME": "/home/me"}
    assert resolve(Path("/flag"), None, environ, 1000) == Embedded(Path("/flag"))
    assert resolve(None, URL, environ, 1000) == External(URL)
    other = {"HABITUE_DATABASE_URL": "postgres://other/shop", "HOME": "/home/me"}
    assert resolve(Path("/flag"), None, other, 1000) == Embedded(Path("/flag"))
    assert resolve(None, URL, other, 1000) == External(URL)


def test_environment_wins_over_the_default() -> None:
    assert resolve(None, None, {"HABITUE_DATA_DIR": "/env"}, 0) == Embedded(Path("/env"))
    assert resolve(None, None, {"HABITUE_DATABASE_URL": URL}, 0) == External(URL)


def test_default_directory_is_by_the_kind_of_user() -> None:
    home = {"HOME": "/home/me"}
    assert resolve(None, None, home, 0) == Embedded(Path("/var/lib/habitue"))
    assert resolve(None, None, home, 1000) == Embedded(Path("/home/me/.local/share/habitue"))
    shared = {**home, "XDG_DATA_HOME": "/data"}
    assert resolve(None, None, shared, 1000) == Embedded(Path("/data/habitue"))
    # A relative XDG_DATA_HOME is invalid and is to be ignored (XDG Base Directory Specification).
    relative = {**home, "XDG_DATA_HOME": "data"}
    assert resolve(None, None, relative, 1000) == Embedded(Path("/home/me/.local/share/habitue"))


def test_relative_data_directory_is_made_absolute() -> None:
    assert resolve(Path("shop"), None, {}, 1000) == Embedded(Path.cwd() / "shop")


def test_empty_variables_count_as_unset() -> None:
    environ = {"HABITUE_DATA_DIR": "", "HABITUE_DATABASE_URL": "", "HOME": "/home/me"}
    assert resolve(None, None, environ, 0) == Embedded(Path("/var/lib/habitue"))


@pytest.mark.parametrize(
    ("data_dir", "url", "environ", "words"),
    [
        (Path("/a"), URL, {}, "--data-dir and --database-url contradict each other"),
        (
            None,
            None,
            {"HABITUE_DATA_DIR": "/a", "HABITUE_DATABASE_URL": URL},
            "HABITUE_DATA_DIR and HABITUE_DATABASE_URL contradict each other",
        ),
        (None, "mysql://db/shop", {}, "--database-url must look like postgresql://"),
        (None, "postgresql://", {}, "--database-url must look like postgresql://"),
        (None, None, {"HABITUE_DATABASE_URL": "db"}, "HABITUE_DATABASE_URL must look like"),
        (None, None, {}, "HOME is not set"),
    ],
)
def test_refusals_name_the_setting(
    data_dir: Path | None, url: str | None, environ: dict[str, str], words: str
) -> None:
    with pytest.raises(StartFailure) as refusal:
        resolve(data_dir, url, environ, 1000)
    assert words in refusal.value.message
    assert "secret" not in refusal.value.message
