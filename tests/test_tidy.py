"""The house rules, checked on the code itself: arrows, sizes, names, and what is out of bounds.

A rule that a person would otherwise have to remember is a test here. The arrows are those of
ARCHITECTURE.md: edges, jobs -> usecases -> pure rooms -> model, and usecases -> store -> model.
"""

import ast
import gc
import re
import statistics
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src" / "habitue"

ARROWS: dict[str, set[str]] = {
    "model": set(),
    "rules": {"model"},
    "pricing": {"model"},
    "customers": {"model"},
    "loyalty": {"model"},
    "promotions": {"model", "rules", "pricing", "customers", "loyalty"},
    "store": {"model"},
    "usecases": {"model", "rules", "pricing", "customers", "promotions", "loyalty", "store"},
    "jobs": {"model", "usecases", "store"},
    "edges": {
        *("model", "rules", "pricing", "customers", "promotions", "loyalty", "store"),
        *("usecases", "jobs"),
    },
}
PURE = ("model", "rules", "pricing", "customers", "promotions", "loyalty")
BANNED_WORDS = {"utils", "util", "helpers", "helper", "manager", "data", "common", "misc"}
#: Names that hold a banned word because that is the field's term.
ALLOWED_NAMES = {"delete_customer_data", "data_received"}
#: The place that PostgreSQL calls so.
DATA_DIRECTORY = re.compile(r"data_dir(ectory)?")
IMPURE_MODULES = {"time", "random", "secrets", "socket", "asyncio", "asyncpg", "os", "pathlib"}
CLOCKS = {"now", "utcnow", "today", "time", "monotonic", "perf_counter"}
SQL = re.compile(r"^\s*(SELECT|INSERT INTO|UPDATE|DELETE FROM|WITH|CREATE|ALTER|DROP)\s", re.S)
FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 60
FUNCTION_LINES_MEDIAN = 10


def python_files(*folders: str) -> list[Path]:
    """The files of the product, or of some folders of the repository."""
    roots = [ROOT / folder for folder in folders] if folders else [SOURCE]
    return sorted(path for root in roots for path in root.rglob("*.py"))


@cache
def tree_of(path: Path) -> ast.Module:
    """The syntax tree. Python 3.11 loses count of its depth when garbage is collected meanwhile."""
    gc.disable()
    try:
        return ast.parse(path.read_text())
    finally:
        gc.enable()


def room_of(path: Path) -> str:
    relative = path.relative_to(SOURCE)
    return relative.parts[0] if len(relative.parts) > 1 else ""


def imports_of(path: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno} imports relatively"
            yield node.module or "", node.lineno


def functions_of(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def lines_of(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of the body, without the signature and the docstring."""
    body = function.body
    if ast.get_docstring(function) is not None:
        body = body[1:]
    if not body:
        return 1
    end = function.end_lineno
    assert end is not None
    return end - body[0].lineno + 1


def where(path: Path, line: int = 0) -> str:
    return f"{path.relative_to(ROOT)}:{line}"


def test_imports_follow_the_arrows() -> None:
    wrong = []
    for path in python_files():
        room = room_of(path)
        if not room:
            continue
        for name, line in imports_of(path):
            parts = name.split(".")
            if parts[0] != "habitue" or len(parts) < 2 or parts[1] == room:
                continue
            if parts[1] not in ARROWS[room]:
                wrong.append(f"{where(path, line)} {room} imports {name}")
    assert wrong == []


def test_every_room_is_known() -> None:
    rooms = {room_of(path) for path in python_files()} - {""}
    assert rooms <= set(ARROWS)


def test_pure_rooms_do_nothing_but_compute() -> None:
    wrong = []
    for path in python_files():
        if room_of(path) not in PURE:
            continue
        wrong += [
            f"{where(path, line)} imports {name}"
            for name, line in imports_of(path)
            if name.split(".")[0] in IMPURE_MODULES
        ]
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.Constant) and isinstance(node.value, float):
                wrong.append(f"{where(path, node.lineno)} uses a binary fraction")
            if isinstance(node, ast.Call) and _reads_a_clock(node.func):
                wrong.append(f"{where(path, node.lineno)} reads a clock")
            if isinstance(node, ast.Name) and node.id in {"open", "print", "input"}:
                wrong.append(f"{where(path, node.lineno)} does input or output")
    assert wrong == []


def _reads_a_clock(function: ast.expr) -> bool:
    return (
        isinstance(function, ast.Attribute)
        and function.attr in CLOCKS
        and isinstance(function.value, ast.Name)
        and function.value.id in {"datetime", "date", "time"}
    )


def test_clocks_are_read_at_the_edge_only() -> None:
    wrong = []
    for path in python_files():
        if room_of(path) in ("edges", "jobs", "store"):
            continue
        wrong += [
            where(path, node.lineno)
            for node in ast.walk(tree_of(path))
            if isinstance(node, ast.Call) and _reads_a_clock(node.func)
        ]
    assert wrong == []


#: Where everything is put together, and what is about the database itself.
COMPOSITION = ("edges/services.py", "edges/http/server.py", "edges/cli/")


def test_edges_name_types_of_the_store_and_nothing_that_runs() -> None:
    wrong = []
    for path in python_files():
        place = path.relative_to(SOURCE).as_posix()
        if room_of(path) != "edges" or place.startswith(COMPOSITION):
            continue
        wrong += [
            f"{where(path, node.lineno)} {name.name}"
            for node in ast.walk(tree_of(path))
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("habitue.store")
            for name in node.names
            if not name.name[0].isupper() or name.name.isupper()
        ]
    assert wrong == []


def test_sql_lives_in_the_store_only() -> None:
    wrong = []
    for path in python_files():
        if room_of(path) == "store":
            continue
        wrong += [
            f"{where(path, node.lineno)} {node.value[:40]!r}"
            for node in ast.walk(tree_of(path))
            if isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and SQL.match(node.value)
        ]
    assert wrong == []


def test_wire_names_live_at_the_edge_only() -> None:
    wrong = []
    for path in python_files():
        if room_of(path) == "edges":
            continue
        wrong += [
            where(path, node.value.lineno)
            for node in ast.walk(tree_of(path))
            if isinstance(node, ast.keyword) and node.arg == "rename"
        ]
    assert wrong == []


@pytest.mark.parametrize("folder", ["src", "tests", "bench"])
def test_files_are_short(folder: str) -> None:
    lengths = {path: len(path.read_text().splitlines()) for path in python_files(folder)}
    long = {where(path): lines for path, lines in lengths.items() if lines > FILE_LINES_MAX}
    assert long == {}


def test_functions_are_short() -> None:
    lengths = {
        f"{where(path, function.lineno)} {function.name}": lines_of(function)
        for path in python_files()
        for function in functions_of(path)
    }
    long = {name: lines for name, lines in lengths.items() if lines > FUNCTION_LINES_MAX}
    assert long == {}
    assert statistics.median(lengths.values()) < FUNCTION_LINES_MEDIAN


def test_names_say_what_things_are() -> None:
    wrong = []
    for path in python_files("src", "tests", "bench"):
        for name, line in [(path.stem, 0), *_defined(path)]:
            plain = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
            words = set(DATA_DIRECTORY.sub("", plain).split("_"))
            if words & BANNED_WORDS and name.strip("_") not in ALLOWED_NAMES:
                wrong.append(f"{where(path, line)} {name}")
    assert wrong == []


def _defined(path: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name, node.lineno


def test_every_module_opens_with_its_purpose() -> None:
    silent = [
        where(path)
        for path in python_files("src", "tests", "bench")
        if path.read_text().strip() and ast.get_docstring(tree_of(path)) is None
    ]
    assert silent == []


def test_public_names_promise_something() -> None:
    """Outside the edges every public class and function has a docstring.

    Methods whose class says it all, overrides and effects named like their outcome are short enough
    to be their own promise: at most three lines.
    """
    silent = []
    for path in python_files():
        if room_of(path) in ("edges", ""):
            continue
        for node in tree_of(path).body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                silent += _silent(path, node)
    assert silent == []


def _silent(path: Path, node: ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
    if node.name.startswith("_") or ast.get_docstring(node) or lines_of(node) <= 3:
        return []
    return [f"{where(path, node.lineno)} {node.name}"]


def test_nothing_is_left_open() -> None:
    marks = re.compile("TO" + r"DO|FIX" + r"ME|XX" + r"X|NotImplemented" + r"Error")
    skips = re.compile(r"pytest\.mark\.(skip|xfail)|pytest\." + r"skip\(")
    wrong = [
        f"{where(path, number)} {line.strip()}"
        for path in python_files("src", "tests", "bench")
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if marks.search(line) or skips.search(line)
    ]
    assert wrong == []


def test_no_file_is_large() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    files = [ROOT / name for name in listed.stdout.split("\0") if name]
    large = [where(path) for path in files if path.is_file() and path.stat().st_size > 300_000]
    assert large == []
