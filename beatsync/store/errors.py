"""How a database can fail, in messages for people that never hold a password."""

from __future__ import annotations

from datetime import datetime

from beatsync.specfile.shapes import mask_text


class StoreError(Exception):
    """The database failed, and trying again at once would not help. Its message is masked: it may quote a driver's."""

    def __init__(self, message: str) -> None:
        super().__init__(mask_text(message))


class SchemaMissing(StoreError):  # noqa: N818  it names the condition, as `LockHeld` does
    """A table is missing or older than BeatSync can write; the message says how to migrate."""


class RetryableError(StoreError):
    """The database gave way to another transaction: planned again, the same sync may pass."""


class RowsLocked(RetryableError):  # noqa: N818
    """Another transaction holds rows that a sync writes, or SQLite's file."""

    def __init__(self, problem: str, blockers: str = "") -> None:
        self._problem = problem
        super().__init__(f"{problem}: {blockers}. End that session, or try again later" if blockers else problem)

    def held_by(self, blockers: str) -> RowsLocked:
        """Return this error with the sessions that may hold the rows; the same if the server tells none."""
        return RowsLocked(self._problem, blockers) if blockers else self


class ConnectionUnusable(StoreError):  # noqa: N818
    """There is no connection, or its session can no longer be used or cannot write; a new connection may work."""


class LeaseLost(StoreError):  # noqa: N818
    """Another daemon leads the source now, and what this process read may be old."""

    def __init__(self, source: str, leader: str | None) -> None:
        by = f": {leader} leads it" if leader else ""
        super().__init__(f"this process leads source {source!r} no longer{by}")


class LockHeld(StoreError):  # noqa: N818
    """Another BeatSync is at work on the same source, or another program holds SQLite's file."""

    def __init__(self, source: str, holder: str | None, since: datetime | None, message: str = "") -> None:
        """`holder` is the BeatSync on record; `message` says who else may hold the lock, if none is."""
        self.source = source
        self.holder = holder
        self.since = since
        who = holder or "another BeatSync"
        when = f" since {since:%Y-%m-%d %H:%M:%S} UTC" if holder and since else ""
        super().__init__(message or f"{who} holds the lock of source {source!r}{when}")


class SyncedMeanwhile(RetryableError):  # noqa: N818
    """Another process synced the source while this sync was made ready."""

    def __init__(self, source: str) -> None:
        super().__init__(f"another process synced the source {source!r} at the same time; try again")
