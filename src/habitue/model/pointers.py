"""JSON pointers (RFC 6901): where in a document something stands."""


def escape(name: str) -> str:
    """`name` as one step of a pointer: `~` and `/` are escaped."""
    return name.replace("~", "~0").replace("/", "~1")
