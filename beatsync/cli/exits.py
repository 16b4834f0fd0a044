"""The exit codes, and the code of each expected error."""

from __future__ import annotations

DONE = 0
FAILED = 1
CHANGES = 2
INCOMPLETE = 2
INVALID = 3
BLOCKED = 4
USAGE = 64
INTERRUPTED = 130


def describe_error(error: Exception) -> tuple[str, int] | None:
    """Return the message and the exit code of an expected error; None for a bug."""
    from beatsync.source import SourceError
    from beatsync.store.errors import LockHeld, StoreError

    if isinstance(error, LockHeld):
        return str(error), BLOCKED
    if isinstance(error, StoreError):
        return str(error), FAILED
    if isinstance(error, SourceError):
        hint = f"\nhint: {error.hint}" if error.hint else ""
        return f"{error.message} [{error.code}]{hint}", FAILED
    return None
