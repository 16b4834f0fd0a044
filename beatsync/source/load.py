"""Reads a directory as one revision: whatever is swapped, renamed or rewritten meanwhile, the result is never a mixture.

The root is resolved, everything below it is looked over, read and looked over again; where a link leads elsewhere, a file has
another stamp or the root itself has moved, the read is begun anew (FACTS 20). A ConfigMap's links change below a root that stays
and git-sync's is the root, so both ends are looked at, and a file that vanishes on the way is no deletion.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from beatsync.source.problems import Moved, SourceError
from beatsync.source.revision import digest, find_git, mount_stamp
from beatsync.source.walk import (
    DEFAULT_LIMITS,
    Found,
    Limits,
    Look,
    diagnostic,
    found_at,
    look_over,
    reason,
    resolve,
    stamp_of,
    unreadable,
)
from beatsync.values import Diagnostic, Revision, Snapshot, SourceFile

_ATTEMPTS = 5
# Not to follow a link that was put there since, and not to wait for a pipe that nobody writes to.
_FLAGS = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
_YOUNG = 2_000_000_000
"""Nanoseconds. A file may change again within one tick of its file system's clock and look the same; FAT's tick is the longest."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A snapshot, what its files looked like, and when they were read, in nanoseconds since 1970."""

    snapshot: Snapshot
    look: Look
    read_at: int

    def settled(self) -> dict[Found, SourceFile]:
        """Return the files that can be told from a later one in their place by a look."""
        files = {file.path: file for file in self.snapshot.files}
        return {found: files[found.path] for found in self.look.found if found.path in files and not self._young(found)}

    def is_settled(self) -> bool:
        """Whether that holds of all files."""
        return not any(map(self._young, self.look.found))

    def is_quiet(self, seconds: float) -> bool:
        """Whether nothing had changed for so long when the files were read: what is half removed or half written is a source too."""
        changed = max((found.stamp[2] for found in self.look.found), default=0)
        return self.read_at - max(changed, self.look.changed) >= seconds * 1e9

    def _young(self, found: Found) -> bool:
        return max(found.stamp[1:]) > self.read_at - _YOUNG


def load(root: Path, limits: Limits = DEFAULT_LIMITS) -> Snapshot:
    """Return all spec files below `root`, as they were at one moment.

    Raises SourceError where the directory is missing or unreadable, or does not stay the same long enough to be read.
    """
    return load_again(root, None, limits).snapshot


def glance(root: Path, limits: Limits = DEFAULT_LIMITS) -> Look | str | None:
    """Return what the files look like from outside, or why they cannot be looked at; None while they change. Raises nothing."""
    try:
        return look_over(resolve(root), limits)
    except SourceError as error:
        return error.message
    except Moved:
        return None


def load_again(root: Path, before: Loaded | None, limits: Limits = DEFAULT_LIMITS) -> Loaded:
    """Load as `load` does; a file that looks as it did `before` and has settled is not read once more."""
    known = before.settled() if before else {}
    error = SourceError(
        "source-unstable", f"{root} changed {_ATTEMPTS} times while it was read", "try again in a moment"
    )
    for _ in range(_ATTEMPTS):
        try:
            read_at = time.time_ns()
            resolved = resolve(root)
            look = look_over(resolved, limits)
            files, diagnostics = _read(look, known)
            git = find_git(root, resolved)
            if look == look_over(resolved, limits) and resolve(root) == resolved:
                revision = Revision(digest(files), git.commit, mount_stamp(resolved))
                snapshot = Snapshot(files, revision, git.origin, diagnostics)
                return Loaded(snapshot, look, read_at)
        except Moved:
            continue
        except SourceError as problem:
            # git-sync removes what its link led to a moment ago while we are on the way there.
            if problem.code != "source-missing":
                raise
            error = problem
    raise error


def load_file(path: Path, limits: Limits = DEFAULT_LIMITS) -> Snapshot:
    """Return one file as if it were all of a directory, to look at it alone. Raises SourceError where it cannot be read."""
    diagnostics: list[Diagnostic] = []
    try:
        real = path.resolve(strict=True)
        found = found_at(path.name, str(real), os.lstat(real))
        file = _read_file(found, limits, diagnostics)
    except FileNotFoundError:
        raise SourceError("source-missing", f"there is no file {path}") from None
    except (OSError, RuntimeError) as error:
        raise SourceError("source-unreadable", f"{path} cannot be read: {reason(error)}") from None
    except Moved:
        raise SourceError("source-unstable", f"{path} changed while it was read", "try again in a moment") from None
    files = () if file is None else (file,)
    return Snapshot(files, Revision(digest(files)), None, tuple(diagnostics))


def _read(look: Look, known: Mapping[Found, SourceFile]) -> tuple[tuple[SourceFile, ...], tuple[Diagnostic, ...]]:
    files: list[SourceFile] = []
    limits, diagnostics = look.limits, list(look.diagnostics)
    total = 0
    for found in look.found:
        file = (known.get(found) if known else None) or _read_file(found, limits, diagnostics)
        if file is None:
            continue
        total += len(file.data)
        if total > limits.total or len(files) >= limits.files:
            raise SourceError(
                "source-too-large", f"{look.root} holds more than {limits.files} files or {limits.total} bytes"
            )
        files.append(file)
    return tuple(files), tuple(diagnostics)


def _read_file(found: Found, limits: Limits, diagnostics: list[Diagnostic]) -> SourceFile | None:
    if not stat.S_ISREG(found.mode):
        diagnostics.append(diagnostic("source-not-a-file", found.path, "this is not a plain file"))
        return None
    try:
        if not stat.S_ISREG(os.lstat(found.real).st_mode):
            raise Moved
        descriptor = os.open(found.real, _FLAGS)
        try:
            before = os.fstat(descriptor)
            if not stat.S_ISREG(before.st_mode) or stamp_of(before) != found.stamp:
                raise Moved
            data = _read_up_to(descriptor, min(before.st_size, limits.file) + 1)
            after = os.fstat(descriptor)
        finally:
            os.close(descriptor)
    except (FileNotFoundError, NotADirectoryError):
        raise Moved from None
    except OSError as error:
        raise unreadable(found.path, error) from None
    if len(data) > limits.file:
        diagnostics.append(diagnostic("source-too-large", found.path, f"the file is larger than {limits.file} bytes"))
        return None
    if stamp_of(after) != found.stamp or len(data) != after.st_size:
        raise Moved
    return SourceFile(found.path, data)


def _read_up_to(descriptor: int, size: int) -> bytes:
    """Read to the end, or one byte beyond what the file is thought to hold. A buffered stream costs more than a small file."""
    data = os.read(descriptor, size)
    while len(data) < size - 1 and (more := os.read(descriptor, size - len(data))):
        data += more
    return data
