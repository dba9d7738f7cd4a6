"""What the commands say to a person: progress on standard error, results on standard output."""

import os
import sys
from pathlib import Path

from habitue.model.errors import InvalidInput, Refusal
from habitue.store.location import Location, resolve


def report(message: str) -> None:
    """Say on standard error what is going on."""
    print(f"habitue: {message}", file=sys.stderr, flush=True)


def location_of(data_dir: Path | None, database_url: str | None) -> Location:
    """The database that a command is about: flags, then the environment, then the default."""
    return resolve(data_dir, database_url, os.environ, os.geteuid())


def refused(refusal: Refusal) -> str:
    """A refusal in words: one line, and one more for each thing that is wrong with the input."""
    lines = [f"habitue: {refusal.message}"]
    if isinstance(refusal, InvalidInput):
        lines += [f"  {fault.pointer or '/'}: {fault.details}" for fault in refusal.faults]
    return "\n".join(lines)
