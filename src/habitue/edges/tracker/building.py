"""The browser script, made out of its modules: joined into one function and minified.

The modules are plain ECMAScript modules, so that an editor understands them; browsers get one file
without imports. A module may import, by name and from files before it, what those export; no two
have a top-level name in common. What is wrong with them is a `ScriptError` when the package is
built.

Words: the *mark* of a script is the beginning of a digest of the modules it was made from; it
stands in the script's first line, so that a built file that is older than its modules is noticed.
Imports nothing of ours, for it runs while the package is being built.
"""

import hashlib
import re
import subprocess
import sys
from pathlib import Path

MODULES = (
    "environment",
    "visitor",
    "outbox",
    "sending",
    "reading",
    "retail_rocket",
    "personaclick",
    "start",
)
SOURCES = Path(__file__).parent / "script"
#: What the build of the package leaves beside the modules.
BUILT = SOURCES / "built" / "tracker.min.js"

_IMPORT = re.compile(r'^import \{([^}]*)\} from "\./(\w+)\.js";\n', re.M)
_DECLARED = re.compile(r"^(?:export )?(?:function|const|let) (\w+)", re.M)
_EXPORTED = re.compile(r"^export (?:function|const|let) (\w+)", re.M)
_LEFT_OVER = re.compile(r"^(?:import|export)\b.*", re.M)
_MINIFY_SECONDS = 60


class ScriptError(Exception):
    """The modules do not fit together."""


def joined(sources: Path = SOURCES, modules: tuple[str, ...] = MODULES) -> str:
    """The modules as one strict function that runs at once. Raises ScriptError."""
    exported: dict[str, set[str]] = {}
    declared: dict[str, str] = {}
    parts = []
    for module in modules:
        text = (sources / f"{module}.js").read_text(encoding="utf-8")
        for names, origin in _IMPORT.findall(text):
            _check_import(module, names, origin, exported)
        for name in _DECLARED.findall(text):
            if name in declared:
                raise ScriptError(f"{name} is declared in {declared[name]} and in {module}")
            declared[name] = module
        exported[module] = set(_EXPORTED.findall(text))
        parts.append(_without_modules(module, text))
    return '(function () {\n"use strict";\n' + "\n".join(parts) + "})();\n"


def minified(script: str) -> bytes:
    """The script as it is served. Raises ImportError where the minifier is not installed."""
    # It is needed when a package is built or the modules are changed, and otherwise not there.
    import minify

    return _banner(script) + str(minify.string("application/javascript", script)).encode() + b"\n"


def served(built: Path = BUILT, sources: Path = SOURCES) -> bytes:
    """The built file, if it was built from these modules; else the modules, made into a script now.

    Where no minifier is installed, that is the same script with its comments and spaces.
    """
    script = joined(sources)
    content = built.read_bytes() if built.is_file() else b""
    if content.startswith(_banner(script)):
        return content
    return _minified_elsewhere(script) or _banner(script) + script.encode()


def build(destination: Path) -> None:
    """Writes the built file. Raises ScriptError, and ImportError without a minifier."""
    content = minified(joined())
    destination.parent.mkdir(parents=True, exist_ok=True)
    destination.write_bytes(content)


def _minified_elsewhere(script: str) -> bytes:
    """Minified by a process of its own: the minifier's runtime has no business in a server."""
    command = [sys.executable, "-m", "habitue.edges.tracker.building"]
    done = subprocess.run(
        command, input=script.encode(), capture_output=True, timeout=_MINIFY_SECONDS, check=False
    )
    return done.stdout if done.returncode == 0 else b""


def _banner(script: str) -> bytes:
    mark = hashlib.sha256(script.encode()).hexdigest()[:12]
    return f"/*! Habitue tracker {mark}, Apache-2.0 */\n".encode()


def _check_import(module: str, names: str, origin: str, exported: dict[str, set[str]]) -> None:
    wanted = {name.strip() for name in names.split(",")} - {""}
    missing = wanted - exported.get(origin, set())
    if missing:
        listed = ", ".join(sorted(missing))
        raise ScriptError(f"{module} imports {listed}, which {origin} does not export before it")


def _without_modules(module: str, text: str) -> str:
    text = re.sub(r"^export (?=function|const|let)", "", _IMPORT.sub("", text), flags=re.M)
    left = _LEFT_OVER.search(text)
    if left is not None:
        raise ScriptError(f"{module} has a line that cannot be joined: {left[0]}")
    return text


if __name__ == "__main__":
    sys.stdout.buffer.write(minified(sys.stdin.read()))
