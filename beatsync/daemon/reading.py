"""A source's files as they are now, parsed; what did not change since the last look is neither read nor parsed again."""

from __future__ import annotations

import time
from pathlib import Path

from beatsync.daemon.changes import changes, spliced
from beatsync.plan.digest import parse_with_digests
from beatsync.source import Loaded, SourceError, glance, load_again
from beatsync.source.revision import git_stamp, is_git_at_work
from beatsync.specfile import ParsedFile, ParseOptions, combine
from beatsync.values import Desired, Snapshot, SourceFile

_GIT_WAIT = 30.0
"""Seconds that a lock of git's is believed in; one that a crash left behind must not stop us for ever."""


class Reading:
    """What a source's directory said at the last look."""

    def __init__(self, root: Path, options: ParseOptions) -> None:
        self.root = root
        self._options = options
        self._loaded: Loaded | None = None
        self._problem: str | None = None
        self._parsed: dict[str, tuple[SourceFile, ParsedFile]] = {}
        self._desired: Desired | None = None
        self._unsynced: frozenset[str] | None = None
        self._git_since: float | None = None
        self._git: tuple[int, ...] = ()
        self.parsed_files = 0
        """How many files were parsed in all."""

    def has_moved(self) -> bool:
        """Whether a look from outside tells that the files may be others than at the last read."""
        seen = glance(self.root)
        if self._problem is not None or self._loaded is None:
            return seen != self._problem
        return seen != self._loaded.look or not self._loaded.is_settled() or _git_stamp(self.root) != self._git

    def is_unsettled(self) -> bool:
        """Whether git is at work on the checkout, and has not been for too long."""
        if not _git_is_at_work(self.root):
            self._git_since = None
            return False
        now = time.monotonic()
        self._git_since = self._git_since or now
        return now - self._git_since < _GIT_WAIT

    def is_quiet(self, seconds: float) -> bool:
        """Whether nothing had changed for so long when the files were read for the last time."""
        return self._loaded is not None and self._loaded.is_quiet(seconds)

    def read(self, *, by_content: bool) -> tuple[Snapshot, Desired]:
        """Return what the files say. Raises SourceError.

        With `by_content` each file is read, even one that looks as it did; none whose content is the same is parsed.
        """
        before, git = self._loaded, _git_stamp(self.root)
        try:
            self._loaded = load_again(self.root, None if by_content else before)
        except SourceError as error:
            self._problem = error.message
            raise
        self._problem, self._git = None, git
        snapshot = self._loaded.snapshot
        if before is not None and self._desired is not None and _same(before.snapshot, snapshot):
            return snapshot, self._desired
        known = self._parsed
        self._parsed = {file.path: (file, self._parse(file)) for file in snapshot.files}
        now = {path: parsed for path, (_, parsed) in self._parsed.items()}
        changed = changes({path: parsed for path, (_, parsed) in known.items()}, now)
        self._desired = None if changed is None or self._desired is None else spliced(self._desired, changed)
        if self._desired is None:
            self._desired = combine(now.values(), self._options, snapshot.diagnostics)
        names = None if changed is None or snapshot.diagnostics else frozenset(one.spec.name for one in changed)
        self._unsynced = None if names is None or self._unsynced is None else self._unsynced | names
        return snapshot, self._desired

    @property
    def unsynced(self) -> frozenset[str] | None:
        """The names in the files that changed since `synced` was said; None where only a look at everything will do."""
        return self._unsynced

    def synced(self) -> None:
        """Say that the database is as the last read said."""
        self._unsynced = frozenset()

    def _parse(self, file: SourceFile) -> ParsedFile:
        known = self._parsed.get(file.path)
        if known is not None and known[0] == file:
            return known[1]
        self.parsed_files += 1
        return parse_with_digests(file, self._options)


def _same(before: Snapshot, now: Snapshot) -> bool:
    return before.files == now.files and before.diagnostics == now.diagnostics


def _git_is_at_work(root: Path) -> bool:
    try:
        return is_git_at_work(root.resolve())
    except (OSError, RuntimeError):
        return False


def _git_stamp(root: Path) -> tuple[int, ...]:
    try:
        return git_stamp(root.resolve())
    except (OSError, RuntimeError):
        return ()
