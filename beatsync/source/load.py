"""Reads a directory as one revision: whatever is swapped, renamed or rewritten meanwhile, the result is never a mixture.

The root is resolved, everything below it is looked over, read and looked over again; where a link leads elsewhere, a file has
another stamp or the root itself has moved, the read is begun anew (FACTS 20). A ConfigMap's links change below a root that stays
and git-sync's is the root, so both ends are looked at, and a file that vanishes on the way is no deletion.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from beatsync.source.problems import Moved, SourceError
from beatsync.source.revision import digest, find_git
from beatsync.values import Diagnostic, Location, Revision, Severity, Snapshot, SourceFile

_ENDINGS = (".yaml", ".yml")
_ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a source may be; sizes in bytes."""

    file: int = 8 * 1024 * 1024
    total: int = 512 * 1024 * 1024
    files: int = 200_000
    depth: int = 32
    entries: int = 1_000_000
    """Names of any sort that are looked at; links to folders that hold links can multiply few to very many."""


@dataclass(frozen=True, slots=True)
class _Found:
    """A file on the way to being read: its path in the source, where it really lies, and what it looked like."""

    path: str
    real: Path
    mode: int
    stamp: tuple[int, int, int]


@dataclass(slots=True)
class _Look:
    """All that one walk over the source found; two that are equal saw the same files at the same places."""

    root: Path
    limits: Limits
    found: list[_Found] = field(default_factory=list)
    diagnostics: list[Diagnostic] = field(default_factory=list)
    entries: int = 0


def load(root: Path, limits: Limits = Limits()) -> Snapshot:
    """Return all spec files below `root`, as they were at one moment.

    Raises SourceError where the directory is missing or unreadable, or does not stay the same long enough to be read.
    """
    for _ in range(_ATTEMPTS):
        resolved = _resolve(root)
        try:
            look = _look_over(resolved, limits)
            files, diagnostics = _read(look)
            git = find_git(root, resolved)
            same = look == _look_over(resolved, limits)
        except Moved:
            continue
        if same and _resolve(root) == resolved:
            return Snapshot(files, Revision(digest(files), git.commit), git.origin, diagnostics)
    raise SourceError("source-unstable", f"{root} changed {_ATTEMPTS} times while it was read", "try again in a moment")


def load_file(path: Path, limits: Limits = Limits()) -> Snapshot:
    """Return one file as if it were all of a directory, to look at it alone. Raises SourceError where it cannot be read."""
    diagnostics: list[Diagnostic] = []
    try:
        real = path.resolve(strict=True)
        found = _found(path.name, real, os.lstat(real))
        data = _read_file(found, limits, diagnostics)
    except FileNotFoundError:
        raise SourceError("source-missing", f"there is no file {path}") from None
    except (OSError, RuntimeError) as error:
        raise SourceError("source-unreadable", f"{path} cannot be read: {_reason(error)}") from None
    except Moved:
        raise SourceError("source-unstable", f"{path} changed while it was read", "try again in a moment") from None
    files = () if data is None else (SourceFile(path.name, data),)
    return Snapshot(files, Revision(digest(files)), None, tuple(diagnostics))


def _resolve(root: Path) -> Path:
    try:
        resolved = root.resolve(strict=True)
        is_dir = stat.S_ISDIR(resolved.stat().st_mode)
    except FileNotFoundError:
        raise SourceError("source-missing", f"there is no directory {root}", "`beatsync init` makes one") from None
    except (OSError, RuntimeError) as error:
        raise SourceError("source-unreadable", f"{root} cannot be read: {_reason(error)}") from None
    if not is_dir:
        raise SourceError("source-not-a-directory", f"{root} is not a directory", "name the directory that holds it")
    return resolved


def _look_over(root: Path, limits: Limits) -> _Look:
    look = _Look(root, limits)
    look.found.extend(_walk(look, root, "", limits.depth))
    look.found.sort(key=lambda one: one.path)
    return look


def _read(look: _Look) -> tuple[tuple[SourceFile, ...], tuple[Diagnostic, ...]]:
    files: list[SourceFile] = []
    limits, diagnostics = look.limits, list(look.diagnostics)
    total = 0
    for found in look.found:
        data = _read_file(found, limits, diagnostics)
        if data is None:
            continue
        total += len(data)
        if total > limits.total or len(files) >= limits.files:
            raise SourceError(
                "source-too-large", f"{look.root} holds more than {limits.files} files or {limits.total} bytes"
            )
        files.append(SourceFile(found.path, data))
    return tuple(files), tuple(diagnostics)


def _walk(look: _Look, folder: Path, prefix: str, depth: int) -> Iterator[_Found]:
    """Yield the spec files below `folder`; `prefix` is its path in the source, with a slash behind it."""
    try:
        with os.scandir(folder) as entries:
            names = sorted(entry.name for entry in entries)
    except (FileNotFoundError, NotADirectoryError):
        raise Moved from None
    except OSError as error:
        raise _unreadable(prefix or str(folder), error) from None
    for name in names:
        if name.startswith((".", "_")):
            continue
        look.entries += 1
        if look.entries > look.limits.entries:
            raise SourceError("source-too-large", f"{look.root} holds more than {look.limits.entries} names")
        path = prefix + name
        place = _place(look, folder / name, path)
        if place is None:
            continue
        real, status = place
        is_dir = stat.S_ISDIR(status.st_mode)
        if not is_dir and not name.endswith(_ENDINGS):
            continue
        if not _is_text(path):
            look.diagnostics.append(_diagnostic("source-name", path, "the file's name is not UTF-8"))
        elif not is_dir:
            yield _found(path, real, status)
        elif depth == 0:
            raise SourceError("source-too-deep", f"{path} lies too deep, or a link leads round in a circle")
        else:
            yield from _walk(look, real, f"{path}/", depth - 1)


def _place(look: _Look, real: Path, path: str) -> tuple[Path, os.stat_result] | None:
    """Return where an entry really lies and what it is; None where a link leads to what may not or need not be read."""
    try:
        status = os.lstat(real)
        if not stat.S_ISLNK(status.st_mode):
            return real, status
        target = _target(look, real, path)
        return None if target is None else (target, os.lstat(target))
    except FileNotFoundError:
        raise Moved from None
    except OSError as error:
        raise _unreadable(path, error) from None


def _target(look: _Look, link: Path, path: str) -> Path | None:
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
    look.diagnostics.append(_diagnostic("source-symlink", path, problem))
    return None


def _found(path: str, real: Path, status: os.stat_result) -> _Found:
    return _Found(path, real, status.st_mode, _stamp(status))


def _stamp(status: os.stat_result) -> tuple[int, int, int]:
    """Return what tells a file from a later one in its place; no inode number, which some network mounts make up anew."""
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _read_file(found: _Found, limits: Limits, diagnostics: list[Diagnostic]) -> bytes | None:
    # Not to follow a link that was put there since, and not to wait for a pipe that nobody writes to.
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
    if not stat.S_ISREG(found.mode):
        diagnostics.append(_diagnostic("source-not-a-file", found.path, "this is not a plain file"))
        return None
    try:
        if not stat.S_ISREG(os.lstat(found.real).st_mode):
            raise Moved
        with os.fdopen(os.open(found.real, flags), "rb") as stream:
            before = os.fstat(stream.fileno())
            if not stat.S_ISREG(before.st_mode) or _stamp(before) != found.stamp:
                raise Moved
            data = stream.read(limits.file + 1)
            after = os.fstat(stream.fileno())
    except (FileNotFoundError, NotADirectoryError):
        raise Moved from None
    except OSError as error:
        raise _unreadable(found.path, error) from None
    if len(data) > limits.file:
        diagnostics.append(_diagnostic("source-too-large", found.path, f"the file is larger than {limits.file} bytes"))
        return None
    if _stamp(after) != found.stamp or len(data) != after.st_size:
        raise Moved
    return data


def _unreadable(path: str, error: OSError) -> SourceError:
    return SourceError("source-unreadable", f"{path} cannot be read: {_reason(error)}")


def _diagnostic(code: str, path: str, message: str) -> Diagnostic:
    return Diagnostic(Severity.ERROR, code, message, Location(path.encode(errors="replace").decode()))


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _reason(error: Exception) -> str:
    return error.strerror if isinstance(error, OSError) and error.strerror else str(error)
