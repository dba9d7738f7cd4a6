"""The rule language as text for people: `session.total >= 100 and "vip" in profile.audiences`.

The text has the grammar of Python expressions (read by `ast`, never executed) and says exactly what
Talang says in JSON: whatever is written is read back as the same tree.
"""

from habitue.rules.notation.read import read_text
from habitue.rules.notation.write import write_text

__all__ = ["read_text", "write_text"]
