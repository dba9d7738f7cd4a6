"""The shop as a running process sees it: its database and its configuration in memory.

Every use case is handed a `Shop`. The configuration is replaced as a whole, never changed in place,
so that a request that started with one version finishes with it.
"""

import msgspec

from habitue.model.errors import Unauthorized
from habitue.promotions.configuration import Configuration
from habitue.promotions.program import Program, build_program
from habitue.store.database import Database, Transaction
from habitue.store.enclosed import EnclosedDatabase
from habitue.usecases.access_log import AccessLog, Noted
from habitue.usecases.configuration import load_configuration
from habitue.usecases.joint_turns import JointTurns
from habitue.usecases.queue import TurnQueue


class ShopSettings(msgspec.Struct, frozen=True):
    """`lock_wait_seconds`: how long a request waits for others that write the same customer;
    `allow_private_destinations`: whether messages may leave for addresses that are not public;
    `jobs`: whether the process does what is to be done beside requests; `connections_max`: how many
    connections to the database it may hold, and `lanes_max` how many groups of statements that
    travel together it may have under way; `management_requests_per_second`: how many requests a
    management key may send to each endpoint, 0 for any number; `access_log`: which requests of an
    application's systems are noted."""

    lock_wait_seconds: float = 5.0
    allow_private_destinations: bool = False
    jobs: bool = True
    connections_max: int = 16
    lanes_max: int = 2
    management_requests_per_second: int = 0
    access_log: Noted = "errors"


class Shop:
    """One database, and the newest configuration that this process has read from it."""

    def __init__(self, database: Database, settings: ShopSettings | None = None) -> None:
        self.database = database
        self.settings = settings or ShopSettings()
        self.configuration = Configuration()
        self.queue = TurnQueue(self.settings.lock_wait_seconds)
        self.access_log = AccessLog(self.settings.access_log)
        self.joint_turns = JointTurns(self.queue)
        self._programs: dict[int, Program] = {}

    def within(self, transaction: Transaction) -> "Shop":
        """The shop for what shall be stored with that transaction or not at all.

        What is changed in its configuration is seen by others when the transaction is committed.
        """
        enclosed = Shop(EnclosedDatabase(transaction), self.settings)
        enclosed.configuration, enclosed.queue = self.configuration, self.queue
        enclosed.joint_turns = JointTurns(self.queue)
        return enclosed

    async def refresh(self) -> Configuration:
        """Reads what changed in the configuration; the newest one."""
        read = await load_configuration(self.database, self.configuration)
        # Another request may have read a newer one meanwhile.
        if read.version > self.configuration.version:
            self.configuration = read
        return self.configuration

    def program(self, application_id: int) -> Program:
        """The compiled campaigns of an application, at the configuration in memory.

        Raises `Unauthorized` when the application is gone: so are its keys.
        """
        program = self._programs.get(application_id)
        if program is not None and program.version == self.configuration.version:
            return program
        if application_id not in self.configuration.applications:
            raise Unauthorized("The application of this key does not exist any more")
        program = build_program(self.configuration, application_id, program)
        self._programs[application_id] = program
        return program
