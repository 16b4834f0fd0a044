"""Reads a directory as one revision: if it is swapped, renamed or rewritten meanwhile, the result is never a mixture.

The root is resolved; everything below it is scanned, read and scanned again. If a link, a stamp or the root itself changed in
between, the read starts again (docs/facts.md, 20). A ConfigMap's links change below a fixed root, and git-sync's link is the root,
so both are compared. A file that vanishes during a read restarts the read and is not a deletion.
"""

from __future__ import annotations

import hashlib
import os
import posixpath
import re
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from beatsync.source.files import read_file
from beatsync.source.git import describe_checkout
from beatsync.source.problems import ChangedWhileReading, SourceError, unreadable
from beatsync.source.walk import (
    DEFAULT_LIMITS,
    DirectoryScan,
    FileEntry,
    Limits,
    file_entry,
    is_calendar,
    resolve,
    scan_directory,
)
from beatsync.values import Diagnostic, Revision, Snapshot, SourceFile

_ATTEMPTS = 5
_MOUNT = re.compile(r"\.\.\d{4}(_\d\d){5}\.\d+")
"""The name that the kubelet gives to each version of a mount."""
_CALENDAR_WORD = re.compile(rb"[\"']([^\"'\r\n]{1,999}\.ics)[\"']|([^\s\"'{},\[\]]{1,999}\.ics)\b", re.IGNORECASE)
_CLOCK_TICK = 2_000_000_000
"""Nanoseconds. Two writes within one tick of a file system's clock leave the same stamp; FAT has the longest tick."""


@dataclass(frozen=True, slots=True)
class LoadedSource:
    """A snapshot, the scan that it was read from, and when the read began, in nanoseconds since 1970."""

    snapshot: Snapshot
    scan: DirectoryScan
    read_at: int

    def stable_files(self) -> dict[FileEntry, SourceFile]:
        """Return the files whose next change must show in their entry."""
        files = {file.path: file for file in (*self.snapshot.files, *self.snapshot.calendars)}
        return {
            entry: files[entry.path]
            for entry in self.scan.files
            if entry.path in files and not self._is_recent(entry)
        }  # fmt: skip

    def is_stable(self) -> bool:
        """Return whether the next change of any file must show in a scan."""
        return not any(map(self._is_recent, self.scan.files))

    def was_quiet(self, seconds: float) -> bool:
        """Return whether nothing had changed for `seconds` before the read. A half-written directory looks like a source, too."""
        changed = max((entry.stamp.changed for entry in self.scan.files), default=0)
        return self.read_at - max(changed, self.scan.folders_changed) >= seconds * 1e9

    def _is_recent(self, entry: FileEntry) -> bool:
        return max(entry.stamp.modified, entry.stamp.changed) > self.read_at - _CLOCK_TICK


def load(root: Path, limits: Limits = DEFAULT_LIMITS) -> Snapshot:
    """Return all spec files and calendars below `root` as one revision.

    Raises SourceError if the directory is missing or unreadable, or keeps changing.
    """
    return reload(root, None, limits).snapshot


def scan(root: Path, limits: Limits = DEFAULT_LIMITS) -> DirectoryScan | str | None:
    """Return a scan of `root`, or the message of the error; None if it changed meanwhile. Raises nothing."""
    try:
        return scan_directory(resolve(root), limits)
    except SourceError as error:
        return error.message
    except ChangedWhileReading:
        return None


def reload(root: Path, previous: LoadedSource | None, limits: Limits = DEFAULT_LIMITS) -> LoadedSource:
    """Load like `load`, but take the files whose entry is unchanged and stable from `previous`. Raises SourceError."""
    cached = previous.stable_files() if previous else {}
    error = SourceError("source-unstable", f"{root} changed {_ATTEMPTS} times while it was read", "try again")
    for _ in range(_ATTEMPTS):
        try:
            loaded = _load_once(root, cached, limits)
        except ChangedWhileReading:
            continue
        except SourceError as problem:
            # git-sync removes the old target of its link while the new one is already published.
            if problem.code != "source-missing":
                raise
            error = problem
        else:
            if loaded is not None:
                return loaded
    raise error


def load_file(path: Path, limits: Limits = DEFAULT_LIMITS) -> Snapshot:
    """Return a snapshot of one file alone, with the `.ics` files that it names. Raises SourceError if it cannot be read."""
    try:
        real = path.resolve(strict=True)
        file = read_file(file_entry(path.name, str(real), os.lstat(real)), limits)
    except FileNotFoundError:
        raise SourceError("source-missing", f"there is no file {path}") from None
    except (OSError, RuntimeError) as error:
        raise unreadable(path, error) from None
    except ChangedWhileReading:
        raise SourceError("source-unstable", f"{path} changed while it was read", "try again") from None
    if isinstance(file, Diagnostic):
        return Snapshot((), Revision(digest(())), None, (file,))
    beside = [_calendar_beside(real, name, limits) for name in _calendar_names(file.data)]
    calendars = tuple(each for each in beside if isinstance(each, SourceFile))
    refused = tuple(each for each in beside if isinstance(each, Diagnostic))
    return Snapshot((file,), Revision(digest((file, *calendars))), None, refused, calendars)


def _calendar_names(data: bytes) -> Iterable[str]:
    """Return the words of a file that look like the path of a calendar."""
    words = (match[1] or match[2] for match in _CALENDAR_WORD.finditer(data))
    return sorted({posixpath.normpath(word.decode(errors="replace")) for word in words})


def _calendar_beside(file: Path, name: str, limits: Limits) -> SourceFile | Diagnostic | None:
    """Return a calendar below the folder of a file; None if there is none. Raises SourceError if it cannot be read."""
    path = file.parent / name
    try:
        real = path.resolve(strict=True)
        if not real.is_relative_to(file.parent):
            return None
        return read_file(file_entry(name, str(real), os.lstat(real)), limits)
    except (OSError, RuntimeError, ValueError):
        return None  # the file itself is checked: it says that there is no such calendar
    except ChangedWhileReading:
        raise SourceError("source-unstable", f"{path} changed while it was read", "try again") from None


def _load_once(root: Path, cached: Mapping[FileEntry, SourceFile], limits: Limits) -> LoadedSource | None:
    """Return one attempt to load; None if something changed before it was complete."""
    read_at = time.time_ns()
    resolved = resolve(root)
    before = scan_directory(resolved, limits)
    files, diagnostics = _read_files(before, cached)
    checkout = describe_checkout(root, resolved)
    if before != scan_directory(resolved, limits) or resolve(root) != resolved:
        return None
    revision = Revision(digest(files), checkout.commit, mount_stamp(resolved))
    specs = tuple(file for file in files if not is_calendar(file.path))
    calendars = tuple(file for file in files if is_calendar(file.path))
    return LoadedSource(
        Snapshot(specs, revision, checkout.origin, diagnostics, calendars, checkout.people), before, read_at
    )


def _read_files(
    scan: DirectoryScan, cached: Mapping[FileEntry, SourceFile]
) -> tuple[tuple[SourceFile, ...], tuple[Diagnostic, ...]]:
    files: list[SourceFile] = []
    limits, diagnostics = scan.limits, list(scan.diagnostics)
    total = 0
    for entry in scan.files:
        file = cached.get(entry) or read_file(entry, limits)
        if isinstance(file, Diagnostic):
            diagnostics.append(file)
            continue
        total += len(file.data)
        if total > limits.total or len(files) >= limits.files:
            message = f"{scan.root} has more than {limits.files} files or {limits.total} bytes"
            raise SourceError("source-too-large", message)
        files.append(file)
    return tuple(files), tuple(diagnostics)


def digest(files: Iterable[SourceFile]) -> str:
    """Return the hex SHA-256 of the files' paths and contents, in any order. Different sets of files have different digests."""
    sha256 = hashlib.sha256()
    for file in sorted(files, key=lambda file: file.path):
        path = file.path.encode()
        sha256.update(b"%d:" % len(path) + path + file.sha256)
    return sha256.hexdigest()


def mount_stamp(resolved: Path) -> str | None:
    """Return the directory that a ConfigMap's or Secret's mount shows now (kubelet names it by the time); None if it is not a mount."""
    with suppress(OSError):
        return (resolved / "..data").readlink().name
    # Below the root of the mount, the link is already resolved.
    return next((part for part in reversed(resolved.parts) if _MOUNT.fullmatch(part)), None)
