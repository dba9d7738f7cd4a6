"""The function library of the rule language: what every dialect has.

`CORE` holds every function whose arguments are all evaluated before the call, under its lower-case
name; the forms that treat their arguments otherwise are in `habitue.rules.special`. What each does
follows contracts/talon_one/TALANG.md section 5 and its notes.

Invariants: functions are pure but for charging the frame's budget; no result depends on the decimal
context, the locale or the zone of the process; bad arguments are `RuleFailed`, never another error.
"""

from collections.abc import Mapping
from types import MappingProxyType

from habitue.rules.functions import lists, logic, numbers, strings, times
from habitue.rules.signature import CoreFunction

#: Every core function under its lower-case name.
CORE: Mapping[str, CoreFunction] = MappingProxyType(
    {
        declared.name.lower(): declared
        for module in (logic, numbers, strings, times, lists)
        for declared in module.FUNCTIONS
    }
)


def core_function(name: str) -> CoreFunction | None:
    """The core function called `name` in any spelling, or None."""
    return CORE.get(name.lower())
