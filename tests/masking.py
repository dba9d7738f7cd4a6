"""Comparing answers with what is wanted of them where some values cannot be known before.

In what is wanted, `?` stands for any value that is there, and `?name` for the same value wherever
it stands. Everything else has to be as it is written, also what is not written.
"""

from typing import Any


def masked(found: Any, wanted: Any, known: dict[str, Any]) -> Any:
    """What was found, with a `?` where any value is wanted, or the same one as before; `known` are
    the values so far, by name."""
    if isinstance(wanted, dict) and isinstance(found, dict):
        return {key: masked(each, wanted.get(key), known) for key, each in found.items()}
    if isinstance(wanted, list) and isinstance(found, list):
        rest = [None] * len(found)
        pairs = zip(found, [*wanted, *rest], strict=False)
        return [masked(*each, known) for each in pairs]
    if not isinstance(wanted, str) or not wanted.startswith("?") or found is None:
        return found
    if wanted == "?" or known.setdefault(wanted, found) == found:
        return wanted
    return found
