"""Reads the files of a source; a file whose stamp is unchanged since the last read is not read again."""

from __future__ import annotations

import time
from pathlib import Path

from beatsync.daemon.debounce import QuietPeriod
from beatsync.source import LoadedSource, SourceError, reload, scan
from beatsync.source.git import checkout_stamp, is_git_busy
from beatsync.values import Snapshot

_GIT_LOCK_TIMEOUT = 30.0
"""Seconds after which git's lock is ignored. A crash may leave one behind."""


class SourceReader:
    """The files of a source at the last read."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._loaded: LoadedSource | None = None
        self._problem: str | None = None
        self._git_busy_since: float | None = None
        self._changing_since: float | None = None
        self._checkout: tuple[int, ...] = ()

    def has_changed(self) -> bool:
        """Return whether a scan shows that the files may have changed since the last read."""
        current = scan(self.root)
        if self._problem is not None or self._loaded is None:
            return current != self._problem
        if current != self._loaded.scan or not self._loaded.is_stable():
            return True
        return checkout_stamp(self.root) != self._checkout

    def is_git_busy(self) -> bool:
        """Return whether git is changing the checkout, for at most 30 seconds."""
        if not is_git_busy(self.root):
            self._git_busy_since = None
            return False
        now = time.monotonic()
        self._git_busy_since = self._git_busy_since or now
        return now - self._git_busy_since < _GIT_LOCK_TIMEOUT

    def is_changing(self, quiet_period: QuietPeriod) -> bool:
        """Return whether the last read may have seen an incomplete change, for at most `quiet_period.max_delay`.

        A directory that is removed, copied or checked out file by file looks like a smaller source in between.
        """
        if self.is_git_busy():
            return True
        if self._loaded is not None and self._loaded.was_quiet(quiet_period.seconds):
            self._changing_since = None
            return False
        now = time.monotonic()
        self._changing_since = self._changing_since or now
        return now - self._changing_since < quiet_period.max_delay

    def read(self, *, by_content: bool) -> Snapshot:
        """Return the files. Raises SourceError. With `by_content` every file is read, even if its stamp is unchanged."""
        checkout = checkout_stamp(self.root)
        try:
            self._loaded = reload(self.root, None if by_content else self._loaded)
        except SourceError as error:
            self._problem = error.message
            raise
        self._problem, self._checkout = None, checkout
        return self._loaded.snapshot
