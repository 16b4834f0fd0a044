"""The lease by which one of several daemons leads a source. Its time is the database's, so the hosts' clocks may differ.

It has its own table: the source's row is locked while a sync writes, and its leader must be able to renew the lease meanwhile.
"""

# ruff: noqa: S608  names are constants of `beatsync.store.tables`, values are parameters

from __future__ import annotations

from dataclasses import dataclass

from django.db import IntegrityError, transaction

from beatsync.store.dialects import Dialect
from beatsync.store.errors import LeaseLost
from beatsync.store.tables import LEASE

IDLE_SECONDS = 20
"""How long a transaction may run no statement; less than any lease, and more than any pause between two statements."""


@dataclass(frozen=True, slots=True)
class Leadership:
    """Who leads a source, and for how many more seconds."""

    holder: str
    token: str
    seconds: float


def acquire(db: Dialect, source: str, holder: str, token: str, seconds: int) -> bool:
    """Take the lease, or renew that of `token`; return whether the lease of `token` is in force now."""
    updated = db.execute(
        f"UPDATE {LEASE.name} SET holder = %s, token = %s, expires_at = {db.now_sql} + %s"
        f" WHERE source = %s AND (token = %s OR expires_at <= {db.now_sql})",
        [holder[:200], token, seconds, source, token],
    )
    if updated or db.fetch(f"SELECT id FROM {LEASE.name} WHERE source = %s", [source]):
        return bool(updated)
    sql = f"INSERT INTO {LEASE.name} (source, holder, token, expires_at) VALUES (%s, %s, %s, {db.now_sql} + %s)"
    try:
        with transaction.atomic(using=db.connection.alias):
            db.execute(sql, [source, holder[:200], token, seconds])
    except IntegrityError:
        return False  # another daemon was faster
    return True


def release(db: Dialect, source: str, token: str) -> None:
    """Give the lease of `token` back, so that another daemon need not wait for its end."""
    db.execute(f"UPDATE {LEASE.name} SET expires_at = 0 WHERE source = %s AND token = %s", [source, token])


def rename(db: Dialect, old: str, new: str) -> None:
    """Give a lease its source's new name, unless a daemon asked for that name already."""
    if not db.fetch(f"SELECT id FROM {LEASE.name} WHERE source = %s", [new]):
        db.execute(f"UPDATE {LEASE.name} SET source = %s WHERE source = %s", [new, old])


def leader(db: Dialect, source: str) -> Leadership | None:
    """Return who leads a source; None if no lease is in force."""
    rows = db.fetch(
        f"SELECT holder, token, expires_at - {db.now_sql} FROM {LEASE.name} WHERE source = %s AND expires_at > {db.now_sql}",
        [source],
    )
    for holder, token, seconds in rows:
        return Leadership(str(holder), str(token), float(seconds))
    return None


def check(db: Dialect, source: str, token: str | None) -> None:
    """Raise LeaseLost if the lease of `token` has ended, inside the transaction that writes. None needs no lease."""
    if token is None:
        return
    current = leader(db, source)
    if current is None or current.token != token:
        raise LeaseLost(source, current.holder if current else None)
    # A frozen process must not keep its successor waiting for the source's lock.
    db.limit_idle_transaction(IDLE_SECONDS)


def leaders(db: Dialect) -> dict[str, str]:
    """Return the holder of each lease that is in force, by source."""
    return dict(db.fetch(f"SELECT source, holder FROM {LEASE.name} WHERE expires_at > {db.now_sql}"))
