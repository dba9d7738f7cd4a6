"""What users of the staff sign in with: hashes of passwords, and digests of invitations."""

from datetime import datetime

from habitue.store.database import Connection

_INVITE = """
INSERT INTO staff_secret (user_id, invitation, invited_until) VALUES ($1, $2, $3)
ON CONFLICT (user_id) DO UPDATE
    SET invitation = excluded.invitation, invited_until = excluded.invited_until
"""
_INVITED = "SELECT user_id FROM staff_secret WHERE invitation = $1 AND invited_until > $2"
_ACCEPT = """
UPDATE staff_secret SET password = $3, invitation = NULL, invited_until = NULL
WHERE invitation = $1 AND invited_until > $2
RETURNING user_id
"""
_PASSWORD = "SELECT password FROM staff_secret WHERE user_id = $1"
_DELETE = "DELETE FROM staff_secret WHERE user_id = $1"


async def write_invitation(
    connection: Connection, user_id: int, digest: bytes, until: datetime
) -> None:
    """The user's invitation, in the place of an earlier one."""
    await connection.execute(_INVITE, user_id, digest, until)


async def invited_user(connection: Connection, digest: bytes, now: datetime) -> int | None:
    """Whose invitation it is; None where it has ended, or there is none."""
    user_id: int | None = await connection.fetchval(_INVITED, digest, now)
    return user_id


async def accept_invitation(
    connection: Connection, digest: bytes, now: datetime, password: str
) -> int | None:
    """Takes the invitation, once, and keeps the hash of the password; whose it was, if it holds."""
    user_id: int | None = await connection.fetchval(_ACCEPT, digest, now, password)
    return user_id


async def read_password(connection: Connection, user_id: int) -> str | None:
    """The hash of the user's password; None where there is none."""
    password: str | None = await connection.fetchval(_PASSWORD, user_id)
    return password


async def delete_secret(connection: Connection, user_id: int) -> None:
    """Forgets what the user signs in with."""
    await connection.execute(_DELETE, user_id)
