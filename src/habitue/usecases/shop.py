"""The shop as a running process sees it: its database and its configuration in memory.

Every use case is handed a `Shop`. The configuration is replaced as a whole, never changed in place,
so that a request that started with one version finishes with it.
"""

from habitue.promotions.configuration import Configuration
from habitue.store.configuration import load_configuration
from habitue.store.database import Database


class Shop:
    """One database, and the newest configuration that this process has read from it."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.configuration = Configuration()

    async def refresh(self) -> Configuration:
        """Reads what changed in the configuration; the newest one."""
        self.configuration = await load_configuration(self.database, self.configuration)
        return self.configuration
