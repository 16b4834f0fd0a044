"""The lease by which one of many daemons leads a source; its time is the database's, so hosts' clocks may disagree.

It stands in a table of its own: the source's row is locked while a sync writes, and a leader that is long at it must be able to renew.
"""

# ruff: noqa: S608  names come from our own constants, values are parameters

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import IntegrityError, transaction

from beatsync.store.bulk import execute, fetch
from beatsync.store.errors import LeaseLost
from beatsync.store.tables import LEASE

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

IDLE_SECONDS = 20
"""How long the server lets a transaction stand still; less than any lease, and more than what lies between two statements."""
_NOW = {
    "postgresql": "CAST(extract(epoch FROM clock_timestamp()) AS double precision)",
    "mysql": "CAST(UNIX_TIMESTAMP(SYSDATE(6)) AS DOUBLE)",
    "sqlite": "((julianday('now') - 2440587.5) * 86400.0)",
}
"""The server's clock at this instant, in seconds since 1970; a transaction's own time stands still."""


@dataclass(frozen=True, slots=True)
class Held:
    """Who leads a source, and for how long still, in seconds."""

    holder: str
    token: str
    left: float


def acquire(connection: BaseDatabaseWrapper, source: str, holder: str, token: str, seconds: int) -> bool:
    """Take the lease, or renew the one of that `token`; return whether we have it now."""
    now = _NOW[connection.vendor]
    taken = execute(
        connection,
        f"UPDATE {LEASE.name} SET holder = %s, token = %s, expires_at = {now} + %s"
        f" WHERE source = %s AND (token = %s OR expires_at <= {now})",
        [holder[:200], token, seconds, source, token],
    )
    if taken or fetch(connection, f"SELECT id FROM {LEASE.name} WHERE source = %s", [source]):
        return bool(taken)
    new = f"INSERT INTO {LEASE.name} (source, holder, token, expires_at) VALUES (%s, %s, %s, {now} + %s)"
    try:
        with transaction.atomic(using=connection.alias):
            execute(connection, new, [source, holder[:200], token, seconds])
    except IntegrityError:
        return False  # another daemon was a moment faster
    return True


def release(connection: BaseDatabaseWrapper, source: str, token: str) -> None:
    """Give the lease back, so that another daemon need not wait for its end."""
    execute(connection, f"UPDATE {LEASE.name} SET expires_at = 0 WHERE source = %s AND token = %s", [source, token])


def held(connection: BaseDatabaseWrapper, source: str) -> Held | None:
    """Return who leads a source; None where nobody does."""
    now = _NOW[connection.vendor]
    found = fetch(
        connection,
        f"SELECT holder, token, expires_at - {now} FROM {LEASE.name} WHERE source = %s AND expires_at > {now}",
        [source],
    )
    return Held(str(found[0][0]), str(found[0][1]), float(str(found[0][2]))) if found else None


def fence(connection: BaseDatabaseWrapper, source: str, token: str | None) -> None:
    """Raise LeaseLost where the lease of `token` is over; None leads by no lease. For the inside of the transaction that writes."""
    if token is None:
        return
    found = held(connection, source)
    if found is None or found.token != token:
        raise LeaseLost(source, found.holder if found else None)
    # A process that is frozen in the middle shall not keep its successor waiting for the source's lock.
    if connection.vendor == "postgresql":
        execute(connection, f"SET LOCAL idle_in_transaction_session_timeout = '{IDLE_SECONDS}s'")
    elif connection.vendor == "mysql" and connection.mysql_is_mariadb:  # type: ignore[attr-defined]
        execute(connection, f"SET SESSION idle_transaction_timeout = {IDLE_SECONDS}")
