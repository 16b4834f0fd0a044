"""The fingerprint of a file: a digest of everything that its facts depend on."""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from zoneinfo import TZPATH

from beatsync import __version__
from beatsync.specfile.parse import ParseOptions
from beatsync.values import SourceFile


def context_of(options: ParseOptions) -> str:
    """Return everything besides path and content that a file's facts depend on: options and the versions of libraries."""
    parts = (
        __version__,
        _version("celery"),
        _version("ephem"),
        _version("holidays"),
        _version("icalendar"),
        _tzdata_version(),
        options.timezone,
        options.environment or "",
    )
    return "\0".join(parts)


def fingerprint(file: SourceFile, context: str) -> str:
    """Return the hex SHA-256 of a file's path, content and context. Facts hold positions and paths, so a renamed file is a changed file."""
    text = f"{context}\0{file.path}\0"
    return hashlib.sha256(text.encode(errors="surrogateescape") + file.sha256).hexdigest()


@cache
def _version(package: str) -> str:
    """Return the installed version of a package that decides what a schedule means; empty if it is not installed."""
    with suppress(PackageNotFoundError):
        return version(package)
    return ""


@cache
def _tzdata_version() -> str:
    """Return the version of the time zone database in use: under another one the same local time may be another time in UTC."""
    for folder in filter(os.path.isdir, TZPATH):
        with suppress(OSError), Path(folder, "tzdata.zi").open(encoding="utf-8") as file:
            return file.readline().strip()
        # A system may leave this file out; an update of its zones changes their directory.
        return f"{folder} {os.stat(folder).st_mtime_ns}"  # noqa: PTH116
    return _version("tzdata")
