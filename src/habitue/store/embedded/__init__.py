"""PostgreSQL as a part of Habitue: nothing to install or set up, stopped with its last user.

`attach` gives a process the use of the server of a data directory, starting it where none runs. A
*user* is any process that uses the server; the *keeper* is the one process that starts and stops
it. Users and keeper agree by file locks alone (see `layout`), so a killed process leaves nothing
behind that has to be cleaned up.
"""

from habitue.store.embedded.attach import Attachment, Endpoint, Report, attach

__all__ = ["Attachment", "Endpoint", "Report", "attach"]
