"""A row of the tables of codes: a code with its message.

Names in braces in a text stand for what the fact knows. A `business` row is an answer about the
shop's customers, whose HTTP status the shop may choose; any other one has the status that it has on
every door.
"""

from collections.abc import Mapping
from typing import NamedTuple


class Row(NamedTuple):
    """One code and its text."""

    code: int
    text: str
    business: bool = True

    def filled(self, known: Mapping[str, object]) -> str:
        """The text with what is known put in; a subject that is not known leaves no dash behind."""
        return self.text.format_map(known).removesuffix(" - ")
