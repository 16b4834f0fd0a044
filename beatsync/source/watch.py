"""Notifies when something may have changed, by file system events. It only speeds up the poll and never replaces it.

Watches on a link, or on a file below one, stop reporting after a few swaps (docs/facts.md, 18). Therefore the watcher watches each
directory that contains a link of the path, the real directory and everything below it, and the last existing directory if a part
of the path is missing.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple

from watchdog.events import EVENT_TYPE_CLOSED_NO_WRITE, EVENT_TYPE_OPENED, FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer

if TYPE_CHECKING:
    from watchdog.observers.api import BaseObserver

_READ_EVENTS = frozenset({EVENT_TYPE_OPENED, EVENT_TYPE_CLOSED_NO_WRITE})
"""Events that our own reading of a file raises (docs/facts.md, 32)."""
_MAX_LINKS = 40
"""The kernel's own limit."""


class WatchedDirectory(NamedTuple):
    """A real directory to watch, with its identity: another directory may take its path."""

    path: Path
    name: str | None
    """The only entry whose events count; None is everything below the directory."""
    device: int
    inode: int


class Watcher:
    """Calls `on_change` from its own thread when something may have changed at `root` or on the path to it."""

    def __init__(self, root: Path, on_change: Callable[[], None]) -> None:
        self._root = root
        self._on_change = on_change
        self._observer: BaseObserver | None = None
        self._watched: frozenset[WatchedDirectory] = frozenset()
        self._lock = Lock()
        self.problem: str | None = "not started"
        """Why there are no events; None while there are."""

    def update_watches(self) -> None:
        """Watch the directories that `root` needs now. Call it after every event and at regular intervals."""
        with self._lock:
            try:
                self._update_watches()
            except OSError as error:
                # ENOSPC and EMFILE are the limits of inotify. The poll continues.
                self._stop_observer()
                self.problem = error.strerror or str(error)
            else:
                self.problem = None

    def close(self) -> None:
        """Stop the thread."""
        with self._lock:
            self._stop_observer()

    def _update_watches(self) -> None:
        observer = self._observer
        if observer is None or not all(thread.is_alive() for thread in (observer, *observer.emitters)):
            self._stop_observer()
            observer = self._observer = Observer()
            observer.daemon = True
            observer.start()
        directories = directories_to_watch(self._root)
        if directories == self._watched:
            return
        # watchdog shares one watch between two names of a directory, so one of them cannot be removed alone. No change
        # is missed in between, because the caller scans the directory afterwards.
        observer.unschedule_all()
        self._watched = frozenset()
        for directory in directories:
            only = None if directory.name is None else str(directory.path / directory.name)
            observer.schedule(_Handler(self._on_change, only), str(directory.path), recursive=only is None)
        self._watched = directories

    def _stop_observer(self) -> None:
        if self._observer is not None and self._observer.is_alive():
            self._observer.stop()
            self._observer.join(timeout=5)
        self._observer = None
        self._watched = frozenset()


class _Handler(FileSystemEventHandler):
    def __init__(self, on_change: Callable[[], None], only: str | None) -> None:
        self._on_change = on_change
        self._only = only

    def on_any_event(self, event: FileSystemEvent) -> None:
        if event.event_type in _READ_EVENTS:
            return
        if self._only is None or self._only in {event.src_path, event.dest_path}:
            self._on_change()


def directories_to_watch(root: Path) -> frozenset[WatchedDirectory]:
    """Return the directories whose events cover every change of what `root` resolves to."""
    root = root.absolute()
    folder = Path(root.anchor)
    pending = list(reversed(root.parts[1:]))
    directories: set[tuple[Path, str | None]] = set()
    links = 0
    while pending:
        part = pending.pop()
        if part == os.pardir:
            folder = folder.parent
            continue
        try:
            mode = os.lstat(folder / part).st_mode
        except OSError:
            directories.add((folder, part))
            break
        if not stat.S_ISLNK(mode):
            folder /= part
            continue
        links += 1
        directories.add((folder, part))
        if links > _MAX_LINKS:
            break
        target = (folder / part).readlink()
        folder = Path(target.anchor) if target.is_absolute() else folder
        pending.extend(reversed(target.parts[1:] if target.is_absolute() else target.parts))
    else:
        directories |= {(folder.parent, folder.name), (folder, None)}
    return frozenset(_identified(path, name) for path, name in directories)


def _identified(path: Path, name: str | None) -> WatchedDirectory:
    try:
        status = path.stat()
    except OSError:
        return WatchedDirectory(path, name, 0, 0)
    return WatchedDirectory(path, name, status.st_dev, status.st_ino)
