"""The command line: `habitue COMMAND`.

A command is a function, or an `App` with commands of its own, in a module that is imported only
when the command runs, so that `habitue --help` answers at once. To add one, add a line to
`_COMMANDS`; its flags and their help come out of the function's signature and docstring.

A refusal of the domain or of the database ends a command with one line in plain words on standard
error and exit status 1.
"""

import importlib.metadata
import sys

from cyclopts import App

from habitue.model.errors import Refusal

_COMMANDS = {
    "serve": ("serve:serve", "Serve all doors over HTTP until SIGTERM."),
    "demo": ("demo:demo", "Show a small shop: a cart, what its customer gets, and why."),
    "apply": ("apply:apply", "Make the shop what a file says it is."),
    "keys": ("keys:app", "Create, list and revoke the keys that open the doors."),
    "feed": ("feed:feed", "Take the regions of a product feed."),
    "migrate": ("migrate:migrate", "Bring the schema of the database up to date."),
    "worker": ("worker:worker", "Do the jobs alone: points that end, tiers, closings, messages."),
    "closing": ("closing:closing", "Tell what the books of the points came to, day by day."),
    "verify": ("verify:verify", "Check that the books of all points add up."),
    "dump": ("dump:dump", "Write the whole database to a file."),
    "restore": ("dump:restore", "Put what a dump holds into an empty database."),
}

app = App(
    name="habitue",
    help="The engine behind a shop's regular customers.",
    version=lambda: importlib.metadata.version("habitue"),
)
for _name, (_place, _help) in _COMMANDS.items():
    app.command(f"habitue.edges.cli.{_place}", name=_name, help=_help)


def main() -> None:
    """Run the command that the arguments name, and exit."""
    try:
        app()
    except Refusal as refusal:
        from habitue.edges.cli.terminal import refused

        sys.exit(refused(refusal))
    except KeyboardInterrupt:
        sys.exit(130)
