"""The exit codes (DESIGN, section 7), and which error means which."""

from __future__ import annotations

DONE = 0
FAILED = 1
CHANGES = 2
INVALID = 3
BLOCKED = 4
USAGE = 64
INTERRUPTED = 130


def explain(error: Exception) -> tuple[str, int] | None:
    """Return the message and the exit code of an error that people are expected to meet; None for a bug."""
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
