"""Reads a directory as one revision: whatever is swapped, renamed or rewritten meanwhile, the result is never a mixture.

The root is resolved, read below its resolved path and resolved again; where it moved, the read is begun anew (FACTS 20). So a
ConfigMap's or git-sync's swap of links is safe, and a file that vanishes on the way is no deletion.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class _Found:
    """A file on the way to being read: its path in the source, and where it really lies."""

    path: str
    real: Path


def load(root: Path, limits: Limits = Limits()) -> Snapshot:
    """Return all spec files below `root`, as they were at one moment.

    Raises SourceError where the directory is missing or unreadable, or does not stay the same long enough to be read.
    """
    for _ in range(_ATTEMPTS):
        resolved = _resolve(root)
        try:
            files, diagnostics = _read(resolved, limits)
        except Moved:
            continue
        if _resolve(root) == resolved:
            git = find_git(root, resolved)
            revision = Revision(digest(files), git.commit)
            return Snapshot(files, revision, git.origin, diagnostics)
    raise SourceError("source-unstable", f"{root} changed {_ATTEMPTS} times while it was read", "try again in a moment")


def load_file(path: Path, limits: Limits = Limits()) -> Snapshot:
    """Return one file as if it were all of a directory, to look at it alone. Raises SourceError where it cannot be read."""
    diagnostics: list[Diagnostic] = []
    try:
        data = _read_file(_Found(path.name, path.resolve()), limits, diagnostics)
    except Moved:
        raise SourceError("source-unstable", f"{path} changed while it was read", "try again in a moment") from None
    files = () if data is None else (SourceFile(path.name, data),)
    return Snapshot(files, Revision(digest(files)), None, tuple(diagnostics))


def _resolve(root: Path) -> Path:
    try:
        resolved = root.resolve(strict=True)
    except FileNotFoundError:
        raise SourceError("source-missing", f"there is no directory {root}", "`beatsync init` makes one") from None
    except (OSError, RuntimeError) as error:
        raise SourceError("source-unreadable", f"{root} cannot be read: {_reason(error)}") from None
    if not resolved.is_dir():
        raise SourceError("source-not-a-directory", f"{root} is not a directory", "name the directory that holds it")
    return resolved


def _read(root: Path, limits: Limits) -> tuple[tuple[SourceFile, ...], tuple[Diagnostic, ...]]:
    files: list[SourceFile] = []
    diagnostics: list[Diagnostic] = []
    total = 0
    for found in sorted(_walk(root, root, "", limits.depth, diagnostics), key=lambda one: one.path):
        data = _read_file(found, limits, diagnostics)
        if data is None:
            continue
        total += len(data)
        if total > limits.total or len(files) >= limits.files:
            raise SourceError(
                "source-too-large", f"{root} holds more than {limits.files} files or {limits.total} bytes"
            )
        files.append(SourceFile(found.path, data))
    return tuple(files), tuple(diagnostics)


def _walk(root: Path, folder: Path, prefix: str, depth: int, diagnostics: list[Diagnostic]) -> Iterator[_Found]:
    """Yield the spec files below `folder`; `prefix` is its path in the source, with a slash behind it."""
    try:
        with os.scandir(folder) as entries:
            names = sorted(entry.name for entry in entries)
    except (FileNotFoundError, NotADirectoryError):
        raise Moved from None
    except OSError as error:
        raise SourceError("source-unreadable", f"{folder} cannot be read: {_reason(error)}") from None
    for name in names:
        if name.startswith((".", "_")):
            continue
        path = prefix + name
        if not _is_text(path):
            diagnostics.append(_diagnostic("source-name", path, "the file's name is not UTF-8"))
            continue
        real = folder / name
        if real.is_symlink():
            target = _target(root, real, path, diagnostics)
            if target is None:
                continue
            real = target
        if real.is_dir():
            if depth == 0:
                raise SourceError("source-too-deep", f"{path} lies too deep, or a link leads round in a circle")
            yield from _walk(root, real, f"{path}/", depth - 1, diagnostics)
        elif name.endswith(_ENDINGS):
            yield _Found(path, real)


def _target(root: Path, link: Path, path: str, diagnostics: list[Diagnostic]) -> Path | None:
    """Return where a link leads, if that is inside the source; what ConfigMap mounts make stays inside."""
    try:
        target = link.resolve(strict=True)
    except FileNotFoundError:
        if not link.is_symlink():
            raise Moved from None
        diagnostics.append(_diagnostic("source-symlink", path, "the link leads nowhere"))
        return None
    except (OSError, RuntimeError):
        diagnostics.append(_diagnostic("source-symlink", path, "the link leads round in a circle"))
        return None
    if not target.is_relative_to(root):
        diagnostics.append(_diagnostic("source-symlink", path, "the link leads out of the source's directory"))
        return None
    if target.is_dir() and link.is_relative_to(target):
        diagnostics.append(_diagnostic("source-symlink", path, "the link leads round in a circle"))
        return None
    return target


def _read_file(found: _Found, limits: Limits, diagnostics: list[Diagnostic]) -> bytes | None:
    # Not to follow a link that was put there since, and not to wait for a pipe that nobody writes to.
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
    try:
        if not stat.S_ISREG(os.lstat(found.real).st_mode):
            diagnostics.append(_diagnostic("source-not-a-file", found.path, "this is not a plain file"))
            return None
        with os.fdopen(os.open(found.real, flags), "rb") as stream:
            before = os.fstat(stream.fileno())
            if not stat.S_ISREG(before.st_mode):
                diagnostics.append(_diagnostic("source-not-a-file", found.path, "this is not a plain file"))
                return None
            data = stream.read(limits.file + 1)
            after = os.fstat(stream.fileno())
    except FileNotFoundError:
        raise Moved from None
    except OSError as error:
        raise SourceError("source-unreadable", f"{found.path} cannot be read: {_reason(error)}") from None
    if len(data) > limits.file:
        diagnostics.append(_diagnostic("source-too-large", found.path, f"the file is larger than {limits.file} bytes"))
        return None
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns) or len(data) != after.st_size:
        raise Moved
    return data


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
