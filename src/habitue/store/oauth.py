"""The secret that access tokens are signed with: one per database, whoever asks first makes it."""

from habitue.store.database import Connection

_KEEP = "INSERT INTO oauth_secret (secret) VALUES ($1) ON CONFLICT (id) DO NOTHING"
_LOAD = "SELECT secret FROM oauth_secret"


async def signing_secret(connection: Connection, candidate: bytes) -> bytes:
    """The secret of this database. If it has none yet, `candidate` is it from now on."""
    await connection.execute(_KEEP, candidate)
    secret: bytes = await connection.fetchval(_LOAD)
    return secret
