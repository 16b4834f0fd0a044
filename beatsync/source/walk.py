"""Lists the files of a source without reading them: their paths, where links lead, and their stamps.

The suffixes are `.yaml` and `.yml`, and `.ics` for calendars, in any case. A file whose name suggests a spec file and that has another suffix is reported.

A link may not lead out of the source's directory. The links of ConfigMap mounts and of git-sync stay inside.
"""

from __future__ import annotations

import os
import re
import shlex
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from beatsync.source.problems import ChangedWhileReading, SourceError, file_error, file_not_read, unreadable
from beatsync.values import Diagnostic

_READ_NAME = re.compile(r".*\.(?:ya?ml|ics)", re.IGNORECASE | re.DOTALL)
_CALENDAR_SUFFIX = ".ics"
_SIMILAR_NAME = re.compile(r".*\.(?:ya?ml(?![a-z0-9]).*|json5?|jsonc|yal?m|yl?am|ymal)", re.IGNORECASE | re.DOTALL)
"""Backups (`a.yaml~`), templates (`a.yaml.j2`), files that were disabled (`a.yaml.off`), JSON, and misspelt suffixes."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The largest source that is read. Sizes are in bytes."""

    file: int = 8 * 1024 * 1024
    total: int = 512 * 1024 * 1024
    files: int = 200_000
    depth: int = 32
    entries: int = 1_000_000
    """Directory entries of any kind. Links between directories can multiply a few files into very many paths."""


DEFAULT_LIMITS = Limits()


class FileStamp(NamedTuple):
    """What distinguishes a file from a later version of it. There is no inode: some network mounts renumber them at every mount."""

    size: int
    modified: int
    """Nanoseconds since 1970, as is `changed`."""
    changed: int


class FileEntry(NamedTuple):
    """A file that was listed: its path in the source, its real path, its mode and its stamp."""

    path: str
    real: str
    mode: int
    stamp: FileStamp


@dataclass(slots=True)
class DirectoryScan:
    """The result of one scan. Two scans are equal if they saw the same files in the same places."""

    root: Path
    limits: Limits
    files: list[FileEntry] = field(default_factory=list)
    """Sorted by path."""
    diagnostics: list[Diagnostic] = field(default_factory=list)
    entries: int = 0
    folders_changed: int = field(default=0, compare=False)
    """When an entry was last added to or removed from any directory, in nanoseconds since 1970 by the file system's clock."""


def resolve(root: Path) -> Path:
    """Return the real directory of `root`. Raises SourceError."""
    try:
        resolved = root.resolve(strict=True)
        is_dir = stat.S_ISDIR(resolved.stat().st_mode)
    except FileNotFoundError:
        hint = f"create it with `{shlex.join(['beatsync', 'init', str(root)])}`"
        raise SourceError("source-missing", f"there is no directory {root}", hint) from None
    except (OSError, RuntimeError) as error:
        raise unreadable(root, error) from None
    if not is_dir:
        raise SourceError("source-not-a-directory", f"{root} is not a directory", "name the directory that contains it")
    return resolved


def scan_directory(root: Path, limits: Limits) -> DirectoryScan:
    """Scan everything below a real directory. Raises SourceError, and ChangedWhileReading if an entry vanishes."""
    scan = DirectoryScan(root, limits)
    scan.files.extend(_walk(scan, str(root), "", limits.depth))
    scan.files.sort()
    return scan


def is_read_name(name: str) -> bool:
    """Return whether a file of this name is read, if the name does not start with a dot or an underscore."""
    return _READ_NAME.fullmatch(name) is not None


def is_calendar(path: str) -> bool:
    """Return whether a file that is read is a calendar and not a spec file."""
    return path.lower().endswith(_CALENDAR_SUFFIX)


def file_entry(path: str, real: str, status: os.stat_result) -> FileEntry:
    """Return the entry of a file."""
    return FileEntry(path, real, status.st_mode, file_stamp(status))


def file_stamp(status: os.stat_result) -> FileStamp:
    """Return the stamp of a file."""
    return FileStamp(status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def _walk(scan: DirectoryScan, folder: str, prefix: str, depth: int) -> Iterator[FileEntry]:
    """Yield the files to read below `folder`; `prefix` is its path in the source, with a trailing slash."""
    for entry in _list(scan, folder, prefix):
        name = entry.name
        if name.startswith((".", "_")):
            continue
        scan.entries += 1
        if scan.entries > scan.limits.entries:
            raise SourceError("source-too-large", f"{scan.root} has more than {scan.limits.entries} directory entries")
        path = prefix + name
        target = _follow(scan, entry, path)
        if target is None:
            continue
        real, status = target
        is_dir = stat.S_ISDIR(status.st_mode)
        if not is_dir and not is_read_name(name):
            if _SIMILAR_NAME.fullmatch(name):
                scan.diagnostics.append(file_not_read(path))
            continue
        if not _is_utf8(path):
            scan.diagnostics.append(file_error("source-name", path, "the file's name is not UTF-8"))
        elif not is_dir:
            yield file_entry(path, real, status)
        elif depth == 0:
            raise SourceError("source-too-deep", f"{path} is nested too deeply, or links form a loop")
        else:
            yield from _walk(scan, real, f"{path}/", depth - 1)


def _list(scan: DirectoryScan, folder: str, prefix: str) -> list[os.DirEntry[str]]:
    try:
        # `os.stat` instead of a Path: this runs for every directory of every poll.
        scan.folders_changed = max(scan.folders_changed, os.stat(folder).st_ctime_ns)  # noqa: PTH116
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except (FileNotFoundError, NotADirectoryError):
        raise ChangedWhileReading from None
    except OSError as error:
        raise unreadable(prefix or folder, error) from None


def _follow(scan: DirectoryScan, entry: os.DirEntry[str], path: str) -> tuple[str, os.stat_result] | None:
    """Return the real path and the status of an entry; None for a link that is refused or ignored."""
    try:
        status = entry.stat(follow_symlinks=False)
        if not stat.S_ISLNK(status.st_mode):
            return entry.path, status
        target = _link_target(scan, Path(entry.path), path)
        return None if target is None else (str(target), os.lstat(target))
    except FileNotFoundError:
        raise ChangedWhileReading from None
    except OSError as error:
        raise unreadable(path, error) from None


def _link_target(scan: DirectoryScan, link: Path, path: str) -> Path | None:
    """Return the target of a link if it is inside the source; otherwise add a diagnostic and return None."""
    try:
        target = link.resolve(strict=True)
    except PermissionError:
        raise
    except (FileNotFoundError, NotADirectoryError):
        if not link.is_symlink():
            raise ChangedWhileReading from None
        problem = "the link is broken: its target does not exist"
    except (OSError, RuntimeError):
        problem = "the link is part of a loop"
    else:
        if not target.is_relative_to(scan.root):
            if target.is_file() and not is_read_name(link.name):
                return None  # such as a shared README or licence, which would be skipped anyway
            problem = "the link leads out of the source's directory"
        elif link.is_relative_to(target):
            problem = "the link is part of a loop"
        else:
            return target
    scan.diagnostics.append(file_error("source-symlink", path, problem))
    return None


def _is_utf8(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
