"""The page about the words of rules says what the dialect says.

After a change of the dialect write it anew: `python -m tests.promotions.test_dialect_page`.
"""

from pathlib import Path

from habitue.promotions.configuration import Configuration
from habitue.promotions.dialect import dialect_of
from habitue.promotions.dialect_words import core_words, host_words, page_of, slots_of
from habitue.promotions.host import HOST_FUNCTIONS
from tests.promotions.shop_window import Window

PAGE = Path(__file__).parents[2] / "docs" / "dialect.md"


def page() -> str:
    """The page as it shall be: of a shop without attributes and programs of its own."""
    return page_of(dialect_of(Configuration(), 1))


def test_the_page_is_true() -> None:
    assert PAGE.read_text() == page()


def test_every_word_is_described() -> None:
    words = [*host_words(HOST_FUNCTIONS), *core_words()]
    assert [each.name for each in words if not each.description] == []
    assert {each.name for each in words} >= set(HOST_FUNCTIONS)


def test_attributes_are_slots_and_some_can_be_set() -> None:
    slots = {each.name: each for each in slots_of(Window().program.dialect)}
    assert slots["Profile.Attributes.visits"].writable
    assert not slots["Item.Attributes.color"].writable
    assert (slots["Session.Total"].type, slots["Session.Total"].writable) == ("number", False)


if __name__ == "__main__":
    PAGE.write_text(page())
