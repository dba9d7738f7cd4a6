"""Names in the text notation: which are spelled plainly, and how.

Words: a rule's variables and fields are spelled in Pascal case (`CartItems`), the text spells them
in snake case (`cart_items`). An *exact* identifier has a capital letter and stands for itself
(`orderTotal`). What is neither is quoted: `item.attributes["c_productType"]`, `var("discount")`.

Invariant: `written_root(name)` and `written_part(name)` are read back as `name`, or are None.
"""

import re
from collections.abc import Mapping
from keyword import iskeyword
from types import MappingProxyType

_SNAKE = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")

#: Words that are values, never variables.
VALUES: Mapping[str, bool | None] = MappingProxyType(
    {"true": True, "false": False, "none": None, "null": None}
)
#: Calls that spell a function whose own name is no identifier.
SPELLED: Mapping[str, str] = MappingProxyType(
    {
        "add": "+",
        "subtract": "-",
        "multiply": "*",
        "divide": "/",
        "equal": "=",
        "not_equal": "!=",
        "less": "<",
        "less_or_equal": "<=",
        "greater": ">",
        "greater_or_equal": ">=",
        "all_of": "and",
        "any_of": "or",
        "matches": "~",
        "fallback": ".|",
        "template": "!",
        "hole": "#",
    }
)
#: Forms of the notation itself: any function by name, any variable by name, any block.
GENERIC_CALL = "call"
GENERIC_VARIABLE = "var"
GENERIC_BLOCK = "block"
RESERVED = frozenset({*SPELLED, GENERIC_CALL, GENERIC_VARIABLE, GENERIC_BLOCK})
_SPELLING = {function: word for word, function in SPELLED.items()}


def read_name(identifier: str) -> str | None:
    """The name that `identifier` spells, or None for one that spells none."""
    if _SNAKE.fullmatch(identifier):
        return "".join(part[0].upper() + part[1:] for part in identifier.split("_"))
    if _WORD.fullmatch(identifier) and identifier.lower() != identifier:
        return identifier
    return None


def written_part(name: str) -> str | None:
    """The identifier that spells the field `name` in snake case, or None where it is quoted."""
    snake = _HUMP.sub("_", name).lower() if name.isascii() else ""
    return snake if read_name(snake) == name and not iskeyword(snake) else None


def written_root(name: str) -> str | None:
    """The identifier that spells the variable `name`, or None where it needs `var`."""
    snake = written_part(name)
    if snake is not None:
        return None if snake in VALUES else snake
    return name if read_name(name) == name and not iskeyword(name) else None


def written_function(name: str) -> str | None:
    """The identifier that calls the function `name`, or None where it needs `call`."""
    if name in _SPELLING:
        return _SPELLING[name]
    plain = _WORD.fullmatch(name) and not iskeyword(name) and name not in RESERVED
    return name if plain else None
