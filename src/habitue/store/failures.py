"""What can go wrong between a use case and the database, as facts that a use case can act on.

`GuardFailed` asks for another load and decide. `LockTimeout` and `AlreadyExists` are ordinary
conflicts, so that a use case which does not treat them itself still answers with a conflict.
`OutcomeUnknown` is the one failure after which something may have been stored: the connection was
lost while the server held the statement. Whoever meets it repeats the request under the same id.

    Refusal
    ├── StartFailure          the database cannot be opened at all; says what to do
    ├── Conflict
    │   ├── GuardFailed       the row moved between load and save, or a deadlock was lost
    │   ├── LockTimeout       waited too long for a row
    │   └── AlreadyExists     a unique constraint holds this value already
    └── StoreUnavailable      nothing was sent; try again
        └── OutcomeUnknown    it was sent, and the answer was lost
"""

from habitue.model.errors import Conflict, Refusal, StoreUnavailable


class StartFailure(Refusal):
    """The database cannot be opened; the message says why and what to do, in plain words."""


class GuardFailed(Conflict):
    """A guarded save found another state than the one decided upon; nothing was written.

    `detail` is what the SQL function said about the guard that failed.
    """

    def __init__(self, detail: str) -> None:
        super().__init__(f"The stored state has changed meanwhile: {detail}")
        self.detail = detail


class LockTimeout(Conflict):
    """Another transaction held a row for too long; nothing was written."""

    def __init__(self) -> None:
        super().__init__("Other requests hold this record for too long")


class AlreadyExists(Conflict):
    """The unique constraint named `constraint` holds this value already; nothing was written."""

    def __init__(self, constraint: str) -> None:
        super().__init__(f"This value is already stored ({constraint})")
        self.constraint = constraint


class OutcomeUnknown(StoreUnavailable):
    """The connection was lost while the server worked: it may or may not have been stored."""
