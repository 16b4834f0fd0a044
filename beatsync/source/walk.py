"""Looks a directory over without reading a file: which spec files there are, where they really lie and what they look like.

What a link leads to may not lie outside the source's directory; the links that ConfigMap mounts and git-sync make stay inside.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from beatsync.source.problems import Moved, SourceError
from beatsync.values import Diagnostic, Location, Severity

_ENDINGS = (".yaml", ".yml")


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a source may be; sizes in bytes."""

    file: int = 8 * 1024 * 1024
    total: int = 512 * 1024 * 1024
    files: int = 200_000
    depth: int = 32
    entries: int = 1_000_000
    """Names of any sort that are looked at; links to folders that hold links can multiply few to very many."""


DEFAULT_LIMITS = Limits()


class Found(NamedTuple):
    """A file on the way to being read: its path in the source, where it really lies, and what it looked like."""

    path: str
    real: str
    mode: int
    stamp: tuple[int, int, int]


@dataclass(slots=True)
class Look:
    """All that one walk over the source found; two that are equal saw the same files at the same places."""

    root: Path
    limits: Limits
    found: list[Found] = field(default_factory=list)
    diagnostics: list[Diagnostic] = field(default_factory=list)
    entries: int = 0
    changed: int = field(default=0, compare=False)
    """When a folder on the way got or lost an entry for the last time, in nanoseconds since 1970 by the file system's clock."""


def resolve(root: Path) -> Path:
    """Return the real directory that `root` leads to. Raises SourceError."""
    try:
        resolved = root.resolve(strict=True)
        is_dir = stat.S_ISDIR(resolved.stat().st_mode)
    except FileNotFoundError:
        raise SourceError(
            "source-missing", f"there is no directory {root}", f"`beatsync init {root}` makes one"
        ) from None
    except (OSError, RuntimeError) as error:
        raise SourceError("source-unreadable", f"{root} cannot be read: {reason(error)}") from None
    if not is_dir:
        raise SourceError("source-not-a-directory", f"{root} is not a directory", "name the directory that holds it")
    return resolved


def look_over(root: Path, limits: Limits) -> Look:
    """Look at everything below a real directory. Raises SourceError, and Moved where it changes meanwhile."""
    look = Look(root, limits)
    look.found.extend(_walk(look, str(root), "", limits.depth))
    look.found.sort()
    return look


def _walk(look: Look, folder: str, prefix: str, depth: int) -> Iterator[Found]:
    """Yield the spec files below `folder`; `prefix` is its path in the source, with a slash behind it."""
    try:
        look.changed = max(look.changed, os.stat(folder).st_ctime_ns)  # noqa: PTH116  a walk is made without paths
        with os.scandir(folder) as listed:
            entries = sorted(listed, key=_name)
    except (FileNotFoundError, NotADirectoryError):
        raise Moved from None
    except OSError as error:
        raise unreadable(prefix or folder, error) from None
    for entry in entries:
        name = entry.name
        if name.startswith((".", "_")):
            continue
        look.entries += 1
        if look.entries > look.limits.entries:
            raise SourceError("source-too-large", f"{look.root} holds more than {look.limits.entries} names")
        path = prefix + name
        place = _place(look, entry, path)
        if place is None:
            continue
        real, status = place
        is_dir = stat.S_ISDIR(status.st_mode)
        if not is_dir and not name.endswith(_ENDINGS):
            continue
        if not _is_text(path):
            look.diagnostics.append(diagnostic("source-name", path, "the file's name is not UTF-8"))
        elif not is_dir:
            yield found_at(path, real, status)
        elif depth == 0:
            raise SourceError("source-too-deep", f"{path} lies too deep, or a link leads round in a circle")
        else:
            yield from _walk(look, real, f"{path}/", depth - 1)


def _name(entry: os.DirEntry[str]) -> str:
    return entry.name


def _place(look: Look, entry: os.DirEntry[str], path: str) -> tuple[str, os.stat_result] | None:
    """Return where an entry really lies and what it is; None where a link leads to what may not or need not be read."""
    try:
        status = entry.stat(follow_symlinks=False)
        if not stat.S_ISLNK(status.st_mode):
            return entry.path, status
        target = _target(look, Path(entry.path), path)
        return None if target is None else (str(target), os.lstat(target))
    except FileNotFoundError:
        raise Moved from None
    except OSError as error:
        raise unreadable(path, error) from None


def _target(look: Look, link: Path, path: str) -> Path | None:
    """Return where a link leads, if that is inside the source; what ConfigMap mounts make stays inside."""
    problem = None
    try:
        target = link.resolve(strict=True)
    except PermissionError:
        raise
    except (FileNotFoundError, NotADirectoryError):
        if not link.is_symlink():
            raise Moved from None
        problem = "the link leads nowhere"
    except (OSError, RuntimeError):
        problem = "the link leads round in a circle"
    else:
        if target.is_relative_to(look.root):
            if not link.is_relative_to(target):
                return target
            problem = "the link leads round in a circle"
        elif target.is_file() and not link.name.endswith(_ENDINGS):
            return None  # a README or a licence that is kept elsewhere; it would not be read anyway
        else:
            problem = "the link leads out of the source's directory"
    look.diagnostics.append(diagnostic("source-symlink", path, problem))
    return None


def found_at(path: str, real: str, status: os.stat_result) -> Found:
    """Return a file as it looks."""
    return Found(path, real, status.st_mode, stamp_of(status))


def stamp_of(status: os.stat_result) -> tuple[int, int, int]:
    """Return what tells a file from a later one in its place; no inode number, which some network mounts make up anew."""
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns


def unreadable(path: str, error: OSError) -> SourceError:
    """Return what the operating system refused as our own error."""
    return SourceError("source-unreadable", f"{path} cannot be read: {reason(error)}")


def diagnostic(code: str, path: str, message: str) -> Diagnostic:
    """Return what is wrong with one file; its name may be no text."""
    return Diagnostic(Severity.ERROR, code, message, Location(path.encode(errors="replace").decode()))


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def reason(error: Exception) -> str:
    """Return why, in the operating system's words."""
    return error.strerror if isinstance(error, OSError) and error.strerror else str(error)
