"""The few ways in which a database can fail, in words for people; never a password."""

from __future__ import annotations

from datetime import datetime


class StoreError(Exception):
    """The database failed, and trying again at once would not help."""


class SchemaMissing(StoreError):  # noqa: N818  it says what is the matter, as `LockHeld` does
    """A table is missing or older than BeatSync can write; the message says how to migrate."""


class RetryableError(StoreError):
    """The database gave way to somebody else's transaction: planned again, the same sync may well pass."""


class LeaseLost(StoreError):  # noqa: N818
    """Another daemon leads the source by now, and what this one read may be old."""

    def __init__(self, source: str, leader: str | None) -> None:
        by = f": {leader} leads it" if leader else ""
        super().__init__(f"this process leads source {source!r} no longer{by}")


class LockHeld(StoreError):  # noqa: N818
    """Another BeatSync is at work on the same source."""

    def __init__(self, source: str, holder: str | None, since: datetime | None) -> None:
        self.source = source
        self.holder = holder
        self.since = since
        who = holder or "another BeatSync"
        when = f" since {since:%Y-%m-%d %H:%M:%S} UTC" if holder and since else ""
        super().__init__(f"{who} holds the lock of source {source!r}{when}")
