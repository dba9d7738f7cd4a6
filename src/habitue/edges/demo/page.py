"""The look of what the demo prints: headings, columns, wrapped lines, and colour on a terminal."""

import os
import shutil
import sys
import textwrap
from collections.abc import Iterable, Sequence

WIDTH_MAX = 100
_STYLES = {"bold": "1", "green": "32", "yellow": "33", "faint": "2"}


def say(line: str) -> None:
    """Print one line at once. Where nobody reads any more, it is dropped like all that follow."""
    try:
        print(line, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class Page:
    """Standard output, line by line; styles are dropped where it is not a terminal."""

    def __init__(self, *, colour: bool, width: int) -> None:
        self._colour = colour
        self._width = width

    def line(self, text: str = "") -> None:
        """Print one line."""
        say(text.rstrip())

    def heading(self, text: str) -> None:
        """Print a heading after an empty line."""
        self.line()
        self.line(self.styled(text, "bold"))

    def rows(self, rows: Iterable[tuple[str, str]], style: str = "") -> None:
        """Print labels in that style, and beside each its words, wrapped."""
        rows = list(rows)
        indent = max((len(label) for label, _ in rows), default=0) + 4
        wrapper = textwrap.TextWrapper(
            width=max(40, self._width - indent), subsequent_indent="  ", break_long_words=False
        )
        for label, words in rows:
            first, *others = wrapper.wrap(words) or [""]
            self.line("  " + self.styled(label.ljust(indent - 2), style) + first)
            for line in others:
                self.line(" " * indent + line)

    def table(self, rows: Sequence[Sequence[str]], right: frozenset[int]) -> None:
        """Print rows of cells in columns; the columns in `right` are flush right."""
        widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
        for row in rows:
            cells = [
                cell.rjust(width) if column in right else cell.ljust(width)
                for column, (cell, width) in enumerate(zip(row, widths, strict=True))
            ]
            self.line("  " + "  ".join(cells))

    def styled(self, text: str, style: str) -> str:
        """The text in that style, where styles are seen."""
        if not self._colour or not style:
            return text
        return f"\033[{_STYLES[style]}m{text}\033[0m"


def standard_page() -> Page:
    """The page on this process's standard output."""
    tty = sys.stdout.isatty()
    columns = shutil.get_terminal_size((WIDTH_MAX, 24)).columns
    colour = tty and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return Page(colour=colour, width=min(columns, WIDTH_MAX) if tty else WIDTH_MAX)
