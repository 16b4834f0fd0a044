"""Directories that one revision after the other is published into, in the ways in which that is done out there."""

from __future__ import annotations

import shutil
from pathlib import Path


class Mount:
    """A directory of which one revision after the other is published; `root` is where a person would point BeatSync."""

    names: tuple[str, ...] = ("a.yaml", "b.yaml", "team/c.yaml", "team/d.yaml", "z.yaml")

    def __init__(self, home: Path) -> None:
        self.home = home
        self.home.mkdir()

    @property
    def root(self) -> Path:
        return self.home

    def content(self, name: str, revision: int) -> bytes:  # noqa: ARG002  others ask for the name
        """Return a file's text in a revision: other revisions have other lengths, so half of one is seen."""
        return b"%d\n" % revision * (100 + revision % 7)

    def publish(self, revision: int) -> None:
        raise NotImplementedError

    def _fill(self, folder: Path, revision: int) -> None:
        for name in self.names:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(self.content(name, revision))

    def _point(self, link: str, target: str) -> None:
        """Make `link` lead to `target` by rename, and remove what it led to before."""
        before = (self.home / link).readlink() if (self.home / link).is_symlink() else None
        (self.home / f"{link}_tmp").symlink_to(target)
        (self.home / f"{link}_tmp").replace(self.home / link)
        if before is not None:
            shutil.rmtree(self.home / before)


class ConfigMap(Mount):
    """As kubelet lays one out: `..data` is swapped, and the files' own names are links that never change."""

    def publish(self, revision: int) -> None:
        self._fill(self.home / f"..rev{revision}", revision)
        self._point("..data", f"..rev{revision}")
        for name in {name.partition("/")[0] for name in self.names}:
            if not (self.home / name).is_symlink():
                (self.home / name).symlink_to(f"..data/{name}")


class GitSync(Mount):
    """As git-sync lays one out: the root itself is a link, and its target's name is the commit."""

    @property
    def root(self) -> Path:
        return self.home / "current" / "schedules.d"

    def publish(self, revision: int) -> None:
        self._fill(self.home / ".worktrees" / f"{revision:040x}" / "schedules.d", revision)
        self._point("current", f".worktrees/{revision:040x}")


class Renamed(Mount):
    """As `mv new schedules.d` does it: a plain directory takes the place of another, with a moment without any."""

    @property
    def root(self) -> Path:
        return self.home / "schedules.d"

    def publish(self, revision: int) -> None:
        self._fill(self.home / "new", revision)
        if self.root.exists():
            self.root.rename(self.home / "old")
        (self.home / "new").rename(self.root)
        shutil.rmtree(self.home / "old", ignore_errors=True)


class Rewritten(Mount):
    """As `git checkout` or an editor does it: file after file in its place, some by rename and some in place."""

    def publish(self, revision: int) -> None:
        for index, name in enumerate(self.names):
            path = self.home / name
            path.parent.mkdir(exist_ok=True)
            if index % 2:
                path.write_bytes(self.content(name, revision))
            else:
                new = path.with_name(f".{path.name}.new")
                new.write_bytes(self.content(name, revision))
                new.replace(path)
