"""The codes that a pattern can yield.

Words: a *space* is the set of all codes of one pattern, numbered from 0: each `#` of the pattern is
a digit in the base of the valid characters. Randomness is an argument: `draw(n)` is a number from 0
to n - 1.
"""

from collections.abc import Callable, Iterator
from typing import TypeAlias

import msgspec

Draw: TypeAlias = Callable[[int], int]

#: Up to this size a space is walked in random order, so that it can be used up to the last code.
WALKED_SIZE_MAX = 100_000
PLACEHOLDER = "#"


class CodeSpace(msgspec.Struct, frozen=True):
    """All codes of `parts` with one of `characters` between each two of them."""

    parts: tuple[str, ...]
    characters: tuple[str, ...]

    @property
    def size(self) -> int:
        """How many codes there are."""
        return int(len(self.characters) ** (len(self.parts) - 1))

    def code(self, number: int) -> str:
        """The code of that number."""
        text = [self.parts[0]]
        for part in self.parts[1:]:
            number, digit = divmod(number, len(self.characters))
            text += (self.characters[digit], part)
        return "".join(text)


def code_space(
    pattern: str, characters: tuple[str, ...], spelled: Callable[[str], str]
) -> CodeSpace:
    """The space of a pattern, in the spelling in which its codes are stored."""
    parts = tuple(map(spelled, pattern.split(PLACEHOLDER)))
    return CodeSpace(parts, tuple(dict.fromkeys(map(spelled, characters))))


def random_codes(space: CodeSpace, draw: Draw) -> Iterator[str]:
    """Codes of the space in random order; those of a small space once each, others for ever."""
    if space.size > WALKED_SIZE_MAX:
        while True:
            yield space.code(draw(space.size))
    numbers = list(range(space.size))
    for last in range(space.size - 1, -1, -1):
        chosen = draw(last + 1)
        numbers[chosen], numbers[last] = numbers[last], numbers[chosen]
        yield space.code(numbers[last])
