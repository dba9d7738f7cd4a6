"""What the build does beyond pyproject.toml: the browser script is joined and minified.

A wheel has to contain the built script. An installation that points at the sources gets it beside
them where the minifier can be had; without it the server makes the script on its own.
"""

import sys
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

SOURCE = Path(__file__).parent / "src"
sys.path.insert(0, str(SOURCE))

from habitue.edges.tracker import building  # noqa: E402


class BuildWithScript(build_py):
    """Builds the package, and the script into it."""

    def run(self) -> None:
        super().run()
        within = building.BUILT.relative_to(SOURCE)
        if not self.editable_mode:
            building.build(Path(self.build_lib) / within)
            return
        try:
            building.build(building.BUILT)
        except ImportError:
            self.announce("no minifier here: the server will serve the script as it is written")


setup(cmdclass={"build_py": BuildWithScript})
