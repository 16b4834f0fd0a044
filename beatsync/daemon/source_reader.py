"""Reads and parses the files of a source; a file that is unchanged since the last read is neither read nor parsed again."""

from __future__ import annotations

import time
from pathlib import Path

from beatsync.daemon.changes import changes, spliced
from beatsync.daemon.debounce import QuietPeriod
from beatsync.plan.digest import parse_with_digests
from beatsync.source import LoadedSource, SourceError, reload, scan
from beatsync.source.git import checkout_stamp, is_git_busy
from beatsync.specfile import ParsedFile, ParseOptions, combine
from beatsync.values import Desired, Snapshot, SourceFile

_GIT_LOCK_TIMEOUT = 30.0
"""Seconds after which git's lock is ignored. A crash may leave one behind."""


class SourceReader:
    """The files of a source at the last read."""

    def __init__(self, root: Path, options: ParseOptions) -> None:
        self.root = root
        self._options = options
        self._loaded: LoadedSource | None = None
        self._problem: str | None = None
        self._parsed: dict[str, tuple[SourceFile, ParsedFile]] = {}
        self._desired: Desired | None = None
        self._changed_names: frozenset[str] | None = None
        self._git_busy_since: float | None = None
        self._changing_since: float | None = None
        self._checkout: tuple[int, ...] = ()
        self.parsed_files = 0
        """The total number of files that were parsed."""

    def has_changed(self) -> bool:
        """Return whether a scan shows that the files may have changed since the last read."""
        current = scan(self.root)
        if self._problem is not None or self._loaded is None:
            return current != self._problem
        if current != self._loaded.scan or not self._loaded.is_stable():
            return True
        return _checkout_stamp(self.root) != self._checkout

    def is_git_busy(self) -> bool:
        """Return whether git is changing the checkout, for at most 30 seconds."""
        if not _is_git_busy(self.root):
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

    def read(self, *, by_content: bool) -> tuple[Snapshot, Desired]:
        """Return the files and what they declare. Raises SourceError.

        With `by_content` every file is read, even if its stamp is unchanged. A file with the same content is never parsed again.
        """
        previous, checkout = self._loaded, _checkout_stamp(self.root)
        try:
            self._loaded = reload(self.root, None if by_content else previous)
        except SourceError as error:
            self._problem = error.message
            raise
        self._problem, self._checkout = None, checkout
        snapshot = self._loaded.snapshot
        if previous is not None and self._desired is not None and _is_same(previous.snapshot, snapshot):
            return snapshot, self._desired
        cached = self._parsed
        self._parsed = {file.path: (file, self._parse(file)) for file in snapshot.files}
        parsed_files = {path: parsed for path, (_, parsed) in self._parsed.items()}
        changed = changes({path: parsed for path, (_, parsed) in cached.items()}, parsed_files)
        self._desired = None if changed is None or self._desired is None else spliced(self._desired, changed)
        if self._desired is None:
            self._desired = combine(parsed_files.values(), self._options, snapshot.diagnostics)
        names = None if changed is None or snapshot.diagnostics else frozenset(entry.spec.name for entry in changed)
        self._changed_names = None if names is None or self._changed_names is None else self._changed_names | names
        return snapshot, self._desired

    @property
    def changed_names(self) -> frozenset[str] | None:
        """The names in the files that changed since `mark_synced`; None if everything has to be compared."""
        return self._changed_names

    def mark_synced(self) -> None:
        """Record that the database matches the last read."""
        self._changed_names = frozenset()

    def _parse(self, file: SourceFile) -> ParsedFile:
        cached = self._parsed.get(file.path)
        if cached is not None:
            previous, parsed = cached
            if previous == file:
                return parsed
        self.parsed_files += 1
        return parse_with_digests(file, self._options)


def _is_same(before: Snapshot, after: Snapshot) -> bool:
    return before.files == after.files and before.diagnostics == after.diagnostics


def _is_git_busy(root: Path) -> bool:
    try:
        return is_git_busy(root.resolve())
    except (OSError, RuntimeError):
        return False


def _checkout_stamp(root: Path) -> tuple[int, ...]:
    try:
        return checkout_stamp(root.resolve())
    except (OSError, RuntimeError):
        return ()
