"""`habitue demo`, as a newcomer runs it: what it prints, that it can be repeated, that it stops."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from habitue.edges.cli import demo as demo_command
from habitue.edges.demo.page import Page
from habitue.edges.demo.seeding import wanted_shop
from habitue.edges.demo.serving import listen
from habitue.model.errors import Refusal
from habitue.rules.tree import Call
from habitue.store.database import open_database
from habitue.store.location import Embedded, External
from tests.building import Till

COMMAND = [sys.executable, "-m", "habitue.edges.cli", "demo"]
PATIENCE_SECONDS = 90
LINES_MAX = 62

GAINS = """\
    -7.57  10 % off (on the cart)                                    Ten percent from 75
   coupon  WELCOME5 is accepted                                      Newsletter
    -5.00  5 EUR off (on the cart)                                   Newsletter
    -2.28  20 % off chocolate (on 3 units, 0.76 each)                Coffee lovers: chocolate
     gift  Paper filters, 100 (FIL-100)                              Coffee lovers: filters
    -4.90  Free shipping (on shipping)                               Free shipping from 60
    -3.00  3 EUR off our own brand (on 3 units, 0.77 + 0.77 + 1.46)  Web shop
  message  Gold: Your order is packed first.                         Gold customers
   coupon  SUMMER5 is refused: coupon expired                        Newsletter
   -22.75  in all, 57.85 EUR left to pay
"""
REASON = "Ten percent from 75       session.cart_total >= 75 held: session.cart_total is 75.7\n"
REFUSALS = """\
Why not the others
  Twenty off from 200  session.cart_total >= 200 did not hold: session.cart_total is 75.7
  First visit          session.first_session did not hold: session.first_session is false
  Tea time             exists(session.cart_items, lambda item: item.category == "tea") did not hold:
                         session.cart_items is 7 items, 0 match
  Tenth birthday       the campaign starts at 2031-05-01 00:00 UTC
"""


def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """The demo, run to its end."""
    return subprocess.run(
        [*COMMAND, *arguments],
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )


@contextmanager
def serving(*arguments: str) -> Iterator[tuple["subprocess.Popen[str]", str]]:
    """The demo while it serves, and what it has printed."""
    process = subprocess.Popen(
        [*COMMAND, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        printed = []
        for line in process.stdout:
            printed.append(line)
            if line == "Serving. Ctrl-C stops.\n":
                break
        yield process, "".join(printed)
    finally:
        process.kill()
        process.communicate()


def test_it_shows_the_cart_its_effects_and_why_and_does_so_again(tmp_path: Path) -> None:
    place = ("--data-dir", str(tmp_path / "demo"))
    first = run("--once", *place)
    assert (first.returncode, first.stderr) == (0, "")
    lines = first.stdout.splitlines()
    assert lines[:2] == [
        "Preparing the database (once)...",
        'Shop "Larder" is ready: 10 campaigns, 4 coupons, 3 customers.',
    ]
    assert GAINS in first.stdout
    assert REASON in first.stdout
    assert REFUSALS in first.stdout
    assert len(lines) <= LINES_MAX
    assert "\033" not in first.stdout
    again = run("--once", *place)
    assert (again.returncode, again.stderr) == (0, "")
    assert again.stdout.startswith('Shop "Larder" is here already; nothing was changed.\n')
    assert _shown(again.stdout) == _shown(first.stdout)


def _shown(output: str) -> str:
    """The part that is about the cart."""
    return output[output.index("The cart of") : output.index("Try it")]


def test_it_serves_what_it_prints_until_ctrl_c(tmp_path: Path) -> None:
    with serving("--data-dir", str(tmp_path / "demo")) as (process, printed):
        command = printed[printed.index("curl ") :].partition("\n\n")[0]
        answer = subprocess.run(
            ["sh", "-c", command.replace("curl", "curl -s", 1)],
            capture_output=True,
            timeout=PATIENCE_SECONDS,
            check=True,
        )
        effects = [each["effectType"] for each in json.loads(answer.stdout)["effects"]]
        assert effects == ["setDiscount", "addFreeItem", "showNotification"]
        assert _status(printed, "management key", "ManagementKey-v1", "/v1/applications") == 200
        process.send_signal(signal.SIGINT)
        out, errors = process.communicate(timeout=PATIENCE_SECONDS)
        assert (process.returncode, out, errors) == (0, "", "")


def _status(printed: str, label: str, scheme: str, path: str) -> int:
    keys = dict(re.findall(r"^  (\S.*?)  +(\S+)$", printed[printed.index("Try it") :], re.M))
    request = urllib.request.Request(keys["server"] + path)
    request.add_header("Authorization", f"{scheme} {keys[label]}")
    with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS) as response:
        return int(response.status)


def test_a_reader_who_has_seen_enough_is_no_failure(database_url: str) -> None:
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [*COMMAND, "--once", "--database-url", database_url],
        stdout=write,
        stderr=subprocess.PIPE,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    os.close(write)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_taken_port_is_told_in_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        place = ("--data-dir", str(tmp_path / "demo"))
        done = run("--once", "--port", str(port), *place)
    assert done.returncode == 1
    assert done.stdout == ""
    words = f"Port {port} is taken by another program: name another one with --port"
    assert done.stderr == f"habitue: {words}\n"
    assert not (tmp_path / "demo").exists()


def test_without_a_port_it_takes_the_next_free_one(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        monkeypatch.setattr("habitue.edges.demo.serving.PORT_FIRST", taken.getsockname()[1])
        with listen(None) as listener:
            assert listener.getsockname()[1] > taken.getsockname()[1]


def test_a_database_that_is_not_there_is_told_in_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    done = run("--once", "--database-url", f"postgresql://nobody@127.0.0.1:{port}/nothing")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("habitue: Cannot connect to the database 127.0.0.1/nothing: ")
    assert done.stderr.count("\n") == 1


async def test_it_refuses_the_database_of_another_shop(database_url: str) -> None:
    await _another_shop(database_url)
    done = run("--once", "--database-url", database_url)
    assert done.returncode == 1
    assert done.stderr.startswith("habitue: There is a shop in this database already (shop)")
    assert done.stderr.count("\n") == 1


async def _another_shop(database_url: str) -> None:
    async with open_database(External(database_url)) as database:
        await Till.opened(database)


def test_it_works_on_an_external_database(database_url: str) -> None:
    done = run("--once", "--database-url", database_url)
    assert (done.returncode, done.stderr) == (0, "")
    assert GAINS in done.stdout
    assert "data directory" not in done.stdout


def test_it_lives_beside_the_shop(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("HABITUE_DATA_DIR", "HABITUE_DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    seen: list[object] = []
    monkeypatch.setattr(
        "habitue.edges.demo.serving.run", lambda location, port, once: seen.append(location)
    )
    demo_command.demo()
    demo_command.demo(data_dir=tmp_path / "here")
    assert seen == [Embedded(tmp_path / "habitue-demo"), Embedded(tmp_path / "here")]


def test_no_port_is_asked_for_twice() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(Refusal) as refusal:
        listen(taken.getsockname()[1])
    assert "is taken" in refusal.value.message


def test_the_shop_file_has_campaigns_of_every_kind() -> None:
    (application,) = wanted_shop().applications
    kinds = {
        effect.name
        for campaign in application.campaigns
        if campaign.rules is not None
        for rule in campaign.rules.rules
        for effect in rule.effects
        if isinstance(effect, Call)
    }
    assert kinds == {
        "addFreeItem",
        "setDiscount",
        "setDiscountPerAdditionalCost",
        "setDiscountPerItem",
        "setDiscountPerItemProRata",
        "showNotification",
    }


def test_long_words_are_wrapped_beside_their_label(capsys: pytest.CaptureFixture[str]) -> None:
    page = Page(colour=False, width=60)
    page.rows([("label", "one two three four five six seven eight nine ten"), ("", "eleven")])
    assert capsys.readouterr().out == (
        "  label  one two three four five six seven eight nine ten\n         eleven\n"
    )


def test_colour_is_for_terminals(capsys: pytest.CaptureFixture[str]) -> None:
    Page(colour=True, width=80).heading("Why")
    Page(colour=False, width=80).heading("Why")
    assert capsys.readouterr().out == "\n\033[1mWhy\033[0m\n\nWhy\n"
