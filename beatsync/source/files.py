"""Reads one spec file, if it is still the regular file that was scanned."""

from __future__ import annotations

import os
import stat

from beatsync.source.problems import ChangedWhileReading, file_error, unreadable
from beatsync.source.walk import FileEntry, FileStamp, Limits, file_stamp
from beatsync.values import Diagnostic, SourceFile

# Never follow a link that replaced the file since the scan, and never block on a pipe without a writer.
_FLAGS = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)


def read_file(entry: FileEntry, limits: Limits) -> SourceFile | Diagnostic:
    """Return the file, or a diagnostic if it is not a regular file or is too large.

    Raises SourceError if it is unreadable, and ChangedWhileReading.
    """
    if not stat.S_ISREG(entry.mode):
        return file_error("source-not-a-file", entry.path, "this is not a regular file")
    try:
        data, stamp = _read(entry, limits)
    except (FileNotFoundError, NotADirectoryError):
        raise ChangedWhileReading from None
    except OSError as error:
        raise unreadable(entry.path, error) from None
    if len(data) > limits.file:
        return file_error("source-too-large", entry.path, f"the file is larger than {limits.file} bytes")
    if stamp != entry.stamp or len(data) != stamp.size:
        raise ChangedWhileReading
    return SourceFile(entry.path, data)


def _read(entry: FileEntry, limits: Limits) -> tuple[bytes, FileStamp]:
    """Return at most one byte more than the limit, and the stamp after the read."""
    if not stat.S_ISREG(os.lstat(entry.real).st_mode):
        raise ChangedWhileReading
    descriptor = os.open(entry.real, _FLAGS)
    try:
        before = os.fstat(descriptor)
        if not stat.S_ISREG(before.st_mode) or file_stamp(before) != entry.stamp:
            raise ChangedWhileReading
        data = _read_up_to(descriptor, min(before.st_size, limits.file) + 1)
        after = os.fstat(descriptor)
    finally:
        os.close(descriptor)
    return data, file_stamp(after)


def _read_up_to(descriptor: int, size: int) -> bytes:
    """Return at most `size` bytes. A buffered stream takes longer than a small file itself."""
    data = os.read(descriptor, size)
    while len(data) < size - 1 and (chunk := os.read(descriptor, size - len(data))):
        data += chunk
    return data
