"""Tells that something may have changed, by the file system's events: an accelerator beside a poll, never the only ear.

Events on a link, or on a file under one, go deaf after a few swaps (FACTS 18). So what is watched is each directory that holds a
link on the way, the real directory with all below it, and where something is still missing the last directory that is there.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from watchdog.events import EVENT_TYPE_CLOSED_NO_WRITE, EVENT_TYPE_OPENED, FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer

if TYPE_CHECKING:
    from watchdog.observers.api import BaseObserver

_OURS = frozenset({EVENT_TYPE_OPENED, EVENT_TYPE_CLOSED_NO_WRITE})
"""What our own reading of a file raises (FACTS 32)."""
_MAX_LINKS = 40
"""As the kernel's own limit."""
Place = tuple[Path, str | None, int, int]
"""A real directory, the one name in it that counts or None for all below it, and which directory it is: another may lie there."""


class Watcher:
    """Calls `ring` from a thread of its own whenever something may have changed at `root` or on the way to it."""

    def __init__(self, root: Path, ring: Callable[[], None]) -> None:
        self._root = root
        self._ring = ring
        self._observer: BaseObserver | None = None
        self._watched: frozenset[Place] = frozenset()
        self._lock = Lock()
        self.problem: str | None = "not armed yet"
        """Why there are no events; None while there are."""

    def arm(self) -> None:
        """Watch what has to be watched as things stand; to be called again after every event, and now and then."""
        with self._lock:
            try:
                self._arm()
            except OSError as error:
                # ENOSPC and EMFILE are the limits of inotify; the poll goes on.
                self._drop()
                self.problem = error.strerror or str(error)
            else:
                self.problem = None

    def close(self) -> None:
        """End the thread."""
        with self._lock:
            self._drop()

    def _arm(self) -> None:
        if self._observer is None or not all(one.is_alive() for one in (self._observer, *self._observer.emitters)):
            self._drop()
            self._observer = Observer()
            self._observer.daemon = True
            self._observer.start()
        wanted = places(self._root)
        if wanted == self._watched:
            return
        # Two names in one directory share a watch of watchdog's, so one cannot be given up alone. What happens in between
        # is not missed: whoever arms looks afterwards.
        self._observer.unschedule_all()
        self._watched = frozenset()
        for path, name, *_ in wanted:
            handler = _Handler(self._ring, None if name is None else str(path / name))
            self._observer.schedule(handler, str(path), recursive=name is None)
        self._watched = wanted

    def _drop(self) -> None:
        if self._observer is not None and self._observer.is_alive():
            self._observer.stop()
            self._observer.join(timeout=5)
        self._observer = None
        self._watched = frozenset()


class _Handler(FileSystemEventHandler):
    def __init__(self, ring: Callable[[], None], only: str | None) -> None:
        self._ring = ring
        self._only = only

    def on_any_event(self, event: FileSystemEvent) -> None:
        if event.event_type not in _OURS and (self._only is None or self._only in {event.src_path, event.dest_path}):
            self._ring()


def places(root: Path) -> frozenset[Place]:
    """Return the directories to watch so that no change of what `root` leads to goes unnoticed."""
    root = root.absolute()
    here = Path(root.anchor)
    pending = list(reversed(root.parts[1:]))
    wanted: set[tuple[Path, str | None]] = set()
    links = 0
    while pending:
        part = pending.pop()
        if part == os.pardir:
            here = here.parent
            continue
        try:
            mode = os.lstat(here / part).st_mode
        except OSError:
            wanted.add((here, part))
            break
        if stat.S_ISLNK(mode):
            links += 1
            wanted.add((here, part))
            if links > _MAX_LINKS:
                break
            target = (here / part).readlink()
            here = Path(target.anchor) if target.is_absolute() else here
            pending.extend(reversed(target.parts[1:] if target.is_absolute() else target.parts))
        else:
            here /= part
    else:
        wanted |= {(here.parent, here.name), (here, None)}
    return frozenset((path, name, *_identity(path)) for path, name in wanted)


def _identity(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except OSError:
        return 0, 0
    return status.st_dev, status.st_ino
