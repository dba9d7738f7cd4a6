"""Measures every side in turn, and fails where one finds other promotions than the plain loop.

Times are medians in microseconds: of several calls for each cart, and then over carts. Habitue and
the loop run in this process; the peers of Node run in one of their own, one after the other, with
everything compiled and each cart evaluated once before.
"""

import gc
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path

import msgspec

from bench.peers.sides import (
    amounts,
    discounts,
    habitue,
    plain_loop,
    program_of,
    rules_alone,
)
from bench.peers.workload import Cart, Facts, Promotion, carts, facts, promotions

#: Calls for one cart: at least, at most, and for how long if they are between.
CALLS_MIN = 3
CALLS_MAX = 50
MILLISECONDS = 200
HABITUE = "Habitue"
RULES = "Habitue, rules alone"
LOOP = "plain loop"

_HERE = Path(__file__).parent
_CEL = "common-expression-language==0.10.0"
_KINDS = ("rules", "commerce")
_INSTALLED = Path(__file__).parents[2] / "build" / "bench-peers"


class Row(msgspec.Struct):
    """What was measured of one engine for one number of promotions."""

    promotions: int
    matching: float
    engine: str
    version: str
    microseconds: float
    times_habitue: float
    load_average: float


class Workload(msgspec.Struct):
    """What the script in Node reads."""

    promotions: list[Promotion]
    carts: list[Facts]
    calls_min: int = CALLS_MIN
    calls_max: int = CALLS_MAX
    milliseconds: int = MILLISECONDS


class Peer(msgspec.Struct):
    """A line that the script in Node prints; `found` has the ids for each cart."""

    engine: str
    version: str
    microseconds: float
    found: list[list[int]]


def installed() -> list[list[str]]:
    """The commands that run the peers, whose packages are installed where they are not."""
    return [[_python(), str(_HERE / "cel_peer.py")], *(["node", _node(kind)] for kind in _KINDS)]


def _python() -> str:
    home = _INSTALLED / "python"
    if not (home / _CEL).exists():
        venv.create(home, with_pip=True)
        command = [str(home / "bin" / "python"), "-m", "pip", "install", "--quiet", _CEL]
        subprocess.run(command, check=True, stdout=sys.stderr)
        (home / _CEL).touch()
    return str(home / "bin" / "python")


def _node(kind: str) -> str:
    home, source = _INSTALLED / kind, _HERE / kind
    home.mkdir(parents=True, exist_ok=True)
    wanted, there = source / "package.json", home / "package.json"
    if not there.exists() or there.read_bytes() != wanted.read_bytes():
        shutil.copy(wanted, there)
        options = ["--ignore-scripts", "--legacy-peer-deps", "--no-audit", "--no-fund"]
        try:
            subprocess.run(["npm", "install", *options], cwd=home, check=True, stdout=sys.stderr)
        except subprocess.CalledProcessError:
            there.unlink()
            raise
    shutil.copy(_HERE / "timing.mjs", home)
    return shutil.copy(source / "peers.mjs", str(home))


def measure(size: int, peers: Sequence[list[str]] = ()) -> list[Row]:
    """Every side for that many promotions; without peers only those that need no installation.

    Raises `AssertionError` where two sides disagree.
    """
    offered, visits = promotions(size), carts(size)
    load = os.getloadavg()[0]
    found, (by_habitue, by_rules, by_loop) = _ours(offered, visits)
    sides = [
        (HABITUE, version("habitue"), by_habitue),
        (RULES, version("habitue"), by_rules),
        (LOOP, f"Python {platform.python_version()}", by_loop),
    ]
    for peer in _peers(offered, visits, peers):
        if peer.found != found:
            raise AssertionError(f"{peer.engine} finds other promotions than the plain loop")
        sides.append((peer.engine, peer.version, peer.microseconds))
    matching = statistics.mean(map(len, found))
    return [
        Row(size, matching, name, release, time_, time_ / by_habitue, load)
        for name, release, time_ in sides
    ]


def table(rows: list[Row]) -> str:
    """The rows as people read them."""
    lines = ["| promotions | matching | engine | version | us | times Habitue |"]
    lines.append("|---|---|---|---|---|---|")
    lines += [
        f"| {row.promotions:,} | {row.matching:.1f} | {row.engine} | {row.version} "
        f"| {row.microseconds:,.0f} | {row.times_habitue:,.1f} |"
        for row in rows
    ]
    loads = [row.load_average for row in rows]
    lines.append(f"load average {min(loads):.1f} to {max(loads):.1f}")
    return "\n".join(lines)


def _ours(offered: list[Promotion], visits: list[Cart]) -> tuple[list[list[int]], list[float]]:
    """The ids for each cart, and the times of a decision, of its rules and of the loop."""
    program = program_of(offered)
    gc.collect()
    gc.freeze()
    found, times = [], []
    for cart in visits:
        decide, rules = habitue(program, cart), rules_alone(program, cart)
        loop = plain_loop(offered, cart)
        ids = loop()
        expected = amounts(offered, ids, cart)
        for given in (discounts(decide()), discounts(rules())):
            if given != expected:
                raise AssertionError(f"Habitue gives {given}, the plain loop {expected}")
        found.append(ids)
        times.append([_microseconds(work) for work in (decide, rules, loop)])
    gc.unfreeze()
    return found, [statistics.median(each) for each in zip(*times, strict=True)]


def _microseconds(work: Callable[[], object]) -> float:
    calls: list[int] = []
    enough = time.perf_counter_ns() + MILLISECONDS * 1_000_000
    while len(calls) < CALLS_MAX and (len(calls) < CALLS_MIN or time.perf_counter_ns() < enough):
        started = time.perf_counter_ns()
        work()
        calls.append(time.perf_counter_ns() - started)
    return statistics.median(calls) / 1_000


def _peers(
    offered: list[Promotion], visits: list[Cart], commands: Sequence[list[str]]
) -> list[Peer]:
    workload = Workload(offered, [facts(cart) for cart in visits])
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "workload.json"
        file.write_bytes(msgspec.json.encode(workload))
        return [peer for command in commands for peer in _printed([*command, str(file)])]


def _printed(command: list[str]) -> list[Peer]:
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    return [msgspec.json.decode(line, type=Peer) for line in done.stdout.splitlines()]
