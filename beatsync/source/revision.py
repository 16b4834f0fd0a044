"""The revision of a snapshot without git: a digest of its content, and the stamp of a Kubernetes mount."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from beatsync.values import SourceFile

_MOUNT = re.compile(r"\.\.\d{4}(_\d\d){5}\.\d+")


def digest(files: Iterable[SourceFile]) -> str:
    """Return the hex SHA-256 of the files' paths and contents, in any order. Different sets of files have different digests."""
    sha256 = hashlib.sha256()
    for file in sorted(files, key=lambda file: file.path):
        path = file.path.encode()
        sha256.update(b"%d:" % len(path) + path + file.sha256)
    return sha256.hexdigest()


def mount_stamp(resolved: Path) -> str | None:
    """Return the directory that a ConfigMap's or Secret's mount shows now (kubelet names it by the time); None if it is no mount."""
    with suppress(OSError):
        return (resolved / "..data").readlink().name
    # Below the root of the mount, the link is already resolved.
    return next((part for part in reversed(resolved.parts) if _MOUNT.fullmatch(part)), None)
