"""README.md, run from top to bottom as a reader would: every code block of it.

The word after a block's language says what to do with it:

    sh              typed into a shell; it must succeed
    sh serves       typed into another terminal, after the server before it was stopped
    python          run with the test's interpreter
    yaml NAME       written to the file NAME
    text output     what the block before has printed
    json answer     what the block before has printed, as JSON
    json excerpt    parts of it: of an object some fields, of a list some elements in their order

What differs from what the page says is in `_as_here`, and nothing else: the port, where `make` is
run, and that the key is taken from what the demo prints. Data is kept in a temporary directory.
"""

import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from time import monotonic, sleep
from typing import Any, NamedTuple

import pytest

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
PATIENCE_SECONDS = 90
KINDS = {"sh", "sh serves", "python", "text output", "json answer", "json excerpt"}


class Block(NamedTuple):
    """One fenced block: its line in the page, the words after the fence, and what is in it."""

    line: int
    info: str
    text: str


def blocks() -> list[Block]:
    """All blocks, in order."""
    page = README.read_text()
    fences = re.finditer(r"^```([^\n]*)\n(.*?)^```$", page, re.M | re.S)
    return [Block(page.count("\n", 0, each.start()) + 1, each[1], each[2]) for each in fences]


class Reader:
    """Somebody who reads the page, with a shell and another terminal for servers."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._port = _free_port()
        self._server: subprocess.Popen[bytes] | None = None
        self._log = directory / "server.log"
        programs = str(Path(sys.executable).parent)
        self._environ = {
            **os.environ,
            "PATH": os.pathsep.join([programs, os.environ.get("PATH", os.defpath)]),
            "HABITUE_DATA_DIR": str(directory / "demo"),
        }
        for name in ("HABITUE_DATABASE_URL", "KEY"):
            self._environ.pop(name, None)
        self.printed = ""

    def do(self, block: Block) -> None:
        """What the block asks for."""
        kind, _, name = block.info.partition(" ")
        match kind, name:
            case "sh", "serves":
                self._serve(block.text.strip())
            case "sh", "":
                self.printed = self._type(block.text)
            case "python", "":
                self.printed = self._run([sys.executable, "-c", self._as_here(block.text)])
            case "yaml", _:
                (self._directory / name).write_text(block.text)
            case "text", "output":
                assert self.printed == block.text
            case "json", "answer":
                assert _read(self.printed) == _read(block.text)
            case "json", "excerpt":
                _assert_part(_read(block.text), _read(self.printed), "")

    def stop(self) -> None:
        """Stops the server, if there is one."""
        if self._server is None:
            return
        server, self._server = self._server, None
        # Ctrl-C reaches every process of the terminal; `make` then ends by the signal itself.
        os.killpg(server.pid, signal.SIGINT)
        try:
            code = server.wait(PATIENCE_SECONDS)
        finally:
            if server.poll() is None:
                os.killpg(server.pid, signal.SIGKILL)
                server.wait()
        assert code in (0, -signal.SIGINT), self._log.read_text()

    def _type(self, commands: str) -> str:
        """What the commands print; what they export is kept for the next ones."""
        kept = self._directory / "exported"
        script = f"set -eu\n{self._as_here(commands)}\nenv -0 > {shlex.quote(str(kept))}\n"
        printed = self._run(["bash", "-c", script])
        pairs = kept.read_text().rstrip("\0").split("\0")
        self._environ = dict(pair.split("=", 1) for pair in pairs)
        return printed

    def _run(self, command: list[str]) -> str:
        done = subprocess.run(
            command,
            cwd=self._directory,
            env=self._environ,
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def _serve(self, command: str) -> None:
        self.stop()
        with self._log.open("wb") as log:
            self._server = subprocess.Popen(
                ["bash", "-c", f"exec {self._as_here(command)}"],
                cwd=self._directory,
                env=self._environ,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._wait_until_served()
        key = re.search(r"integration key +(\S+)", self._log.read_text())
        if key is not None:
            self._environ["KEY"] = key[1]

    def _wait_until_served(self) -> None:
        deadline = monotonic() + PATIENCE_SECONDS
        while not re.search("^(Serving|Habitue serves)", self._log.read_text(), re.M):
            assert self._server is not None
            assert self._server.poll() is None, self._log.read_text()
            assert monotonic() < deadline, self._log.read_text()
            sleep(0.05)
        with urllib.request.urlopen(f"http://127.0.0.1:{self._port}/ready", timeout=30) as answer:
            assert answer.status == 200

    def _as_here(self, text: str) -> str:
        here = text.replace("127.0.0.1:8080", f"127.0.0.1:{self._port}")
        # What `make` would install first is what runs this test.
        make = f"make -s -C {shlex.quote(str(ROOT))} -o .venv/.installed PORT={self._port}"
        here = here.replace("make demo", f"{make} BIN={Path(sys.executable).parent} demo")
        return here.replace("habitue serve", f"habitue serve --port {self._port}")


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def _read(text: str) -> Any:
    return json.loads(text, parse_float=Decimal)


def _assert_part(part: Any, whole: Any, at: str) -> None:
    """Every field of `part` is in `whole`; elements of lists come in their order."""
    if isinstance(part, dict):
        assert isinstance(whole, dict), at
        for name, value in part.items():
            assert name in whole, f"{at}/{name}"
            _assert_part(value, whole[name], f"{at}/{name}")
    elif isinstance(part, list):
        rest = iter(whole)
        for index, element in enumerate(part):
            found = any(_is_part(element, each) for each in rest)
            assert found, f"{at}/{index} is not there: {whole}"
    else:
        assert part == whole, at


def _is_part(part: Any, whole: Any) -> bool:
    try:
        _assert_part(part, whole, "")
    except AssertionError:
        return False
    return True


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    """A reader who has just cloned the repository."""
    reading = Reader(tmp_path)
    try:
        yield reading
    finally:
        reading.stop()


def test_every_block_is_of_a_known_kind() -> None:
    unknown = [block for block in blocks() if block.info not in KINDS]
    assert [block.info.split(" ")[0] for block in unknown] == ["yaml"] * len(unknown)
    assert len(blocks()) > 10


def test_the_page_is_true(reader: Reader) -> None:
    for block in blocks():
        try:
            reader.do(block)
        except AssertionError as failure:
            raise AssertionError(f"README.md:{block.line} {block.info}: {failure}") from failure


def test_links_lead_somewhere() -> None:
    page = README.read_text()
    headings = {
        re.sub(r"[^a-z0-9 -]", "", line.lstrip("# ").lower()).replace(" ", "-")
        for line in page.splitlines()
        if line.startswith("#")
    }
    links = re.findall(r"\]\(([^)]+)\)", page)
    assert links
    for link in links:
        if link.startswith("#"):
            assert link[1:] in headings, link
        else:
            assert (ROOT / link).exists(), link


def test_the_map_names_every_folder_and_no_other_file() -> None:
    architecture = (ROOT / "ARCHITECTURE.md").read_text()
    source = ROOT / "src" / "habitue"
    folders = {path.parent.relative_to(source) for path in source.rglob("__init__.py")}
    rooms = {folder.parts[0] for folder in folders if folder.parts}
    assert [room for room in sorted(rooms) if f"  {room}/" not in architecture] == []
    named = re.findall(r"`([a-z_]+(?:/[a-z_0-9]+)*(?:\.py|\.md|/))`", architecture)
    assert named
    missing = [each for each in named if not any((at / each).exists() for at in (source, ROOT))]
    # A file alone stands beside the one that was named before it.
    assert [each for each in missing if not any(source.rglob(each))] == []


def test_decisions_that_the_code_refers_to_are_recorded() -> None:
    recorded = [path.name[:4] for path in (ROOT / "docs" / "decisions").glob("*.md")]
    assert len(recorded) == len(set(recorded))
    places = [path for folder in ("src", "tests") for path in (ROOT / folder).rglob("*.py")]
    numbers = {
        number
        for path in places
        for number in re.findall(r"docs/decisions/(\d{4})", path.read_text())
    }
    assert numbers <= set(recorded)


@pytest.mark.parametrize(
    ("part", "whole", "expected"),
    [
        ({"a": 1}, {"a": 1, "b": 2}, True),
        ({"a": 1}, {"a": 2}, False),
        ({"a": 1}, {"b": 1}, False),
        ([2], [1, 2, 3], True),
        ([3, 1], [1, 2, 3], False),
        ([{"a": [1]}], [{"a": [2]}, {"a": [0, 1]}], True),
        ([1, 1], [1], False),
    ],
)
def test_excerpts_are_compared_in_earnest(part: Any, whole: Any, expected: bool) -> None:
    assert _is_part(part, whole) is expected
