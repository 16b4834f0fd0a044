"""What revision a snapshot is: a digest of its content always, and the git commit where there is one."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from beatsync.values import SourceFile

_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_MOUNT = re.compile(r"\.\.\d{4}(_\d\d){5}\.\d+")
_URL = re.compile(
    r"[a-z][a-z0-9+.-]*://(?:[^/]*@)?(?P<host>\[[^]/]+\]|[^/:@]+)(?::\d*)?/+(?P<path>[^?#]+).*",
    re.IGNORECASE | re.DOTALL,
)
_SCP = re.compile(r"(?:[^/]*@)?(?P<host>[^/:@]+):(?!:)/*(?P<path>.+)", re.DOTALL)
_TIMEOUT = 10.0
"""Seconds that git may take before it counts as not there."""
# A repository's own configuration may name programs; none of them is to run because somebody looks at a directory.
_HARMLESS = ("-c", "core.fsmonitor=false", "-c", f"core.hooksPath={os.devnull}", "-c", "core.pager=cat")
_FILTERS = r"^filter\..*\.(clean|smudge|process|required)$"
_STATUS = ("status", "--porcelain", "--untracked-files=normal", "--ignore-submodules=dirty", "--", ".")


@dataclass(frozen=True, slots=True)
class Git:
    """What git knows about a directory."""

    commit: str | None = None
    origin: str | None = None


def digest(files: Iterable[SourceFile]) -> str:
    """Return the hex SHA-256 over the files' paths and those of their contents, which tells any two sets of files apart."""
    whole = hashlib.sha256()
    for file in sorted(files, key=lambda one: one.path):
        path = file.path.encode()
        whole.update(b"%d:" % len(path) + path + file.sha256)
    return whole.hexdigest()


def mount_stamp(resolved: Path) -> str | None:
    """Return the name of the directory that a ConfigMap's or a Secret's mount shows now; kubelet puts the time into it."""
    with suppress(OSError):
        return (resolved / "..data").readlink().name
    # Below the mount's root the link has been resolved already.
    return next((part for part in reversed(resolved.parts) if _MOUNT.fullmatch(part)), None)


def is_git_at_work(resolved: Path) -> bool:
    """Whether git is changing the checkout that holds a directory: a look at it would meet half a revision."""
    place = _git_folder(resolved)
    return place is not None and (place / "index.lock").exists()


def git_stamp(resolved: Path) -> tuple[int, ...]:
    """Return what a commit or a checkout changes, seen from outside; empty where there is no git.

    A commit of files that stay as they are is a new revision of them, and none of them tells of it.
    """
    place = _git_folder(resolved)
    return () if place is None else tuple(_modified(place / name) for name in ("HEAD", "index", "logs/HEAD"))


def _git_folder(resolved: Path) -> Path | None:
    for folder in (resolved, *resolved.parents):
        entry = folder / ".git"
        if entry.is_dir():
            return entry
        if entry.is_file():  # a worktree's or a submodule's, which says where git keeps it
            return folder / entry.read_text(errors="replace").partition("gitdir:")[2].strip()
    return None


def _modified(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def find_git(root: Path, resolved: Path) -> Git:
    """Return the commit and origin of a directory: a link of git-sync's names its commit, a checkout is asked."""
    synced = _git_sync_commit(root, resolved)
    told = _run(resolved, "rev-parse", "HEAD", "--show-prefix")
    if told is None:
        return Git(synced)
    head, prefix = [*told.split("\n"), ""][:2]
    remote = _run(resolved, "config", "--get", "remote.origin.url")
    origin = f"{origin_of(remote)}#{prefix.strip('/')}" if remote else None
    if synced is not None:
        return Git(synced, origin)
    # A commit is named only where git says that the files are those of the commit; no answer is none.
    filters = _without_filters(resolved)
    changed = None if filters is None else _run(resolved, *filters, *_STATUS)
    return Git(head if changed == "" else f"{head}-dirty", origin)


def _without_filters(folder: Path) -> list[str] | None:
    """Return options that disarm the filters which the configuration names: `git status` runs them to compare contents.

    None where a name is such that no option reaches it; then git is better not asked.
    """
    told = _run(folder, "config", "--name-only", "-z", "--get-regexp", _FILTERS)
    names = told.rstrip("\0").split("\0") if told else []
    if any("=" in name or "\ufffd" in name for name in names):
        return None
    return [word for name in names for word in ("-c", f"{name}={'false' if name.endswith('.required') else ''}")]


def origin_of(remote: str) -> str:
    """Return a remote's URL without what differs between two clones of one repository: scheme, login, port, `.git`.

    A laptop clones by ssh what a sidecar reads by https; no password is ever kept.
    """
    if remote.startswith(("/", ".", "file:")):
        return remote.rstrip("/").removesuffix(".git")
    match = (_URL if "://" in remote else _SCP).fullmatch(remote)
    # What is no remote as git knows them may still hold a password before its `@`.
    place = f"{match['host'].lower()}/{match['path']}" if match else remote.rpartition("@")[2]
    return place.rstrip("/").removesuffix(".git")


def _git_sync_commit(root: Path, resolved: Path) -> str | None:
    """Return the commit in the path that a link was resolved to: git-sync publishes `.worktrees/COMMIT` (FACTS 18)."""
    plain = Path(os.path.abspath(root))  # noqa: PTH100  `resolve` would follow the link
    if plain == resolved:
        return None
    return next((part for part in reversed(resolved.parts) if _COMMIT.fullmatch(part)), None)


def _run(folder: Path, *arguments: str) -> str | None:
    """Return what git answers, without the last line's end; None where it cannot or will not."""
    git = shutil.which("git")
    if git is None:
        return None
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    environment |= {"GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "GIT_NO_LAZY_FETCH": "1", "LC_ALL": "C"}
    try:
        done = subprocess.run(  # noqa: S603  no shell, and arguments of our own
            [git, *_HARMLESS, *arguments],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_TIMEOUT,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.decode(errors="replace").rstrip("\n") if done.returncode == 0 else None
