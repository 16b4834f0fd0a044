"""The git commit and the origin of a directory. No program that a repository's configuration names is ever run."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_URL = re.compile(
    r"[a-z][a-z0-9+.-]*://(?:[^/]*@)?(?P<host>\[[^]/]+\]|[^/:@]+)(?::\d*)?/+(?P<path>[^?#]+).*",
    re.IGNORECASE | re.DOTALL,
)
_SCP = re.compile(r"(?:[^/]*@)?(?P<host>[^/:@]+):(?!:)/*(?P<path>.+)", re.DOTALL)
_TIMEOUT = 10.0
"""Seconds after which git counts as unavailable."""
# A repository's configuration may name programs. Reading a directory must not run them.
_SAFE_OPTIONS = ("-c", "core.fsmonitor=false", "-c", f"core.hooksPath={os.devnull}", "-c", "core.pager=cat")
_FILTERS = r"^filter\..*\.(clean|smudge|process|required)$"
_STATUS = ("status", "--porcelain", "--untracked-files=normal", "--ignore-submodules=dirty", "--", ".")


@dataclass(frozen=True, slots=True)
class Checkout:
    """The commit and the origin of a directory; None for each that is unknown."""

    commit: str | None = None
    origin: str | None = None
    people: str = ""
    """Who wrote the commit, and who committed it if that is another; empty if unknown, or if the files differ from it."""


def describe_checkout(root: Path, resolved: Path) -> Checkout:
    """Return the commit and the origin of a directory, from the name of git-sync's link and from git itself."""
    synced = _git_sync_commit(root, resolved)
    output = _run(resolved, "rev-parse", "HEAD", "--show-prefix")
    if output is None:
        return Checkout(synced)
    head, prefix = [*output.split("\n"), ""][:2]
    remote = _run(resolved, "config", "--get", "remote.origin.url")
    origin = f"{normalize_remote(remote)}#{prefix.strip('/')}" if remote else None
    if synced is not None:
        return Checkout(synced, origin, _people(resolved))
    # The commit alone is returned only if git confirms that the files are unchanged; a failure of git counts as dirty.
    filters = _disabled_filters(resolved)
    changes = None if filters is None else _run(resolved, *filters, *_STATUS)
    return Checkout(head, origin, _people(resolved)) if changes == "" else Checkout(f"{head}-dirty", origin)


def _people(folder: Path) -> str:
    """Return the names in the header of the commit. `git log` would run the program that verifies signatures."""
    commit = _run(folder, "cat-file", "commit", "HEAD") or ""
    header = [line.partition(" ") for line in commit.partition("\n\n")[0].split("\n")]
    names = {key: person.rpartition(" <")[0] for key, _, person in header if key in {"author", "committer"}}
    author, committer = names.get("author", ""), names.get("committer", "")
    return author if author == committer else f"{author}, committed by {committer}"


def is_git_busy(root: Path) -> bool:
    """Return whether git is changing the checkout of a directory. A read would see half a revision."""
    folder = _git_folder(root)
    return folder is not None and (folder / "index.lock").exists()


def checkout_stamp(root: Path) -> tuple[int, ...]:
    """Return times that every commit and checkout changes, in nanoseconds; empty without git.

    A commit of the files as they are is a new revision, and no file's stamp shows it.
    """
    folder = _git_folder(root)
    return () if folder is None else tuple(_modified(folder / name) for name in ("HEAD", "index", "logs/HEAD"))


def normalize_remote(remote: str) -> str:
    """Return the URL of a remote without scheme, login, port and `.git`, which differ between clones of one repository.

    A developer clones by ssh what a sidecar reads by https. The result never contains a password.
    """
    if remote.startswith(("/", ".", "file:")):
        return remote.rstrip("/").removesuffix(".git")
    match = (_URL if "://" in remote else _SCP).fullmatch(remote)
    # A malformed remote may still have a password before its `@`.
    location = f"{match['host'].lower()}/{match['path']}" if match else remote.rpartition("@")[2]
    return location.rstrip("/").removesuffix(".git")


def path_in_repository(directory: Path) -> Path:
    """Return the path of a directory from the root of its repository; unchanged if it is in none, or reached by a link."""
    with suppress(OSError, RuntimeError):
        resolved = directory.resolve()
        for folder in (resolved, *resolved.parents):
            if (folder / ".git").exists():
                return resolved.relative_to(folder)
    return directory


def _git_folder(root: Path) -> Path | None:
    """Return git's directory of the checkout that contains `root`; None if there is none or it is unreadable."""
    with suppress(OSError, RuntimeError):
        resolved = root.resolve()
        for folder in (resolved, *resolved.parents):
            entry = folder / ".git"
            if entry.is_dir():
                return entry
            if entry.is_file():  # a worktree or a submodule: the file names git's directory
                return folder / entry.read_text(errors="replace").partition("gitdir:")[2].strip()
    return None


def _modified(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def _git_sync_commit(root: Path, resolved: Path) -> str | None:
    """Return the commit in the target of git-sync's link, which is `.worktrees/COMMIT` (docs/facts.md, 18); otherwise None."""
    unresolved = Path(os.path.abspath(root))  # noqa: PTH100  `resolve` would follow the link
    if unresolved == resolved:
        return None
    return next((part for part in reversed(resolved.parts) if _COMMIT.fullmatch(part)), None)


def _disabled_filters(folder: Path) -> list[str] | None:
    """Return options that disable every configured filter, because `git status` runs filters to compare contents.

    None if a filter's name cannot be passed as an option; then `git status` must not run.
    """
    output = _run(folder, "config", "--name-only", "-z", "--get-regexp", _FILTERS)
    names = output.rstrip("\0").split("\0") if output else []
    if any("=" in name or "\ufffd" in name for name in names):
        return None
    return [word for name in names for word in ("-c", f"{name}={'false' if name.endswith('.required') else ''}")]


def _run(folder: Path, *arguments: str) -> str | None:
    """Return git's output without the last newline; None if git is missing, fails or takes too long."""
    git = shutil.which("git")
    if git is None:
        return None
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    environment |= {"GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "GIT_NO_LAZY_FETCH": "1", "LC_ALL": "C"}
    try:
        process = subprocess.run(  # noqa: S603  no shell, and fixed arguments
            [git, *_SAFE_OPTIONS, *arguments],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_TIMEOUT,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return process.stdout.decode(errors="replace").rstrip("\n") if process.returncode == 0 else None
