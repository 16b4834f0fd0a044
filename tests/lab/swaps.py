"""Revisions of a source, published like people, kubelet, git-sync and git do; every row holds its revision."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from contextlib import suppress
from pathlib import Path

from tests import mounts

PER_FILE = {"a.yaml": 8, "b.yaml": 6, "team/c.yaml": 4, "team/d.yaml": 2, "z.yaml": 1}
"""Schedules by file. Without the last one or two files the rest is a plausible source, which no guard would block."""
ROWS = sum(PER_FILE.values())
CHECKOUT_FILES = 1_000


def text(name: str, revision: int, rows: int) -> bytes:
    """Return a spec file in which every schedule holds the revision; revisions differ in length."""
    stem = name.replace("/", "-").partition(".")[0]
    schedules = {
        f"{stem}-{number}": {"task": "shop.tasks.bill", "interval": "1h", "kwargs": {"revision": revision}}
        for number in range(rows)
    }
    return json.dumps({"x-filler": "x" * (revision % 7), "schedules": schedules}).encode()


class Marked(mounts.Mount):
    """A mount of spec files."""

    rows = ROWS
    overflows = False
    """Whether the daemon is stopped while a revision is published, so that its event queue overflows."""

    def content(self, name: str, revision: int) -> bytes:
        return text(name, revision, PER_FILE[name])

    def commit(self, revision: int) -> str | None:  # noqa: ARG002  subclasses use it
        """Return the commit that a sync of the revision must record; None without git."""
        return None

    def leave(self) -> None:
        """Remove the published files."""
        shutil.rmtree(self.root)


class ConfigMap(Marked, mounts.ConfigMap):
    pass


class GitSync(Marked, mounts.GitSync):
    def commit(self, revision: int) -> str:
        return f"{revision:040x}"


class BindMount(Marked, mounts.Renamed):
    """The directory is bind-mounted elsewhere, and the files are swapped in the original place."""

    def __init__(self, home: Path) -> None:
        super().__init__(home)
        self._mounted = home.with_name("mounted")
        self._mounted.mkdir()
        subprocess.run(["mount", "--bind", str(home), str(self._mounted)], check=True, capture_output=True)

    @property
    def seen(self) -> Path:
        return self._mounted / "schedules.d"

    def close(self) -> None:
        subprocess.run(["umount", "--lazy", str(self._mounted)], check=False)


class Editor(Marked):
    """A single file, saved in turn like vim (rename to a backup), like most editors (rename of a new file), and in place."""

    def publish(self, revision: int) -> None:
        path, data = self.home / "a.yaml", text("a.yaml", revision, ROWS)
        if revision % 3 == 0 and path.exists():
            path.rename(self.home / "a.yaml~")
            with path.open("wb") as stream:
                stream.write(data)
                os.fsync(stream.fileno())
            (self.home / "a.yaml~").unlink()
        elif revision % 3 == 1:
            (self.home / ".a.yaml.new").write_bytes(data)
            (self.home / ".a.yaml.new").replace(path)
        else:
            with path.open("wb") as stream:
                stream.write(data[:100])
                stream.flush()
                time.sleep(0.02)
                stream.write(data[100:])


class Checkout(Marked):
    """A git checkout of 1,000 files that all change with each commit."""

    rows = CHECKOUT_FILES

    def __init__(self, home: Path, revisions: int) -> None:
        super().__init__(home)
        self._git("init", "--quiet")
        stream = b"".join(self._commit(revision) for revision in range(revisions + 1))
        self._git("fast-import", "--quiet", stdin=stream)
        self._commits = self._git("rev-list", "--reverse", "lab").split()

    @property
    def root(self) -> Path:
        return self.home / "schedules.d"

    def commit(self, revision: int) -> str:
        return self._commits[revision]

    def publish(self, revision: int) -> None:
        self._git("checkout", "--quiet", "--detach", self._commits[revision])

    def _commit(self, revision: int) -> bytes:
        lines = [
            b"commit refs/heads/lab\ncommitter ann <ann@shop.example> %d +0000\ndata 0\n" % (1_700_000_000 + revision)
        ]
        for number in range(CHECKOUT_FILES):
            data = text(f"f{number}.yaml", revision, 1)
            lines.append(
                b"M 644 inline schedules.d/%d/f%d.yaml\ndata %d\n%s\n" % (number % 10, number, len(data), data)
            )
        return b"".join(lines)

    def _git(self, *words: str, stdin: bytes | None = None) -> str:
        clean = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
        command = ["git", "-c", "gc.auto=0", *words]
        done = subprocess.run(command, cwd=self.home, env=clean, input=stdin, check=True, capture_output=True)
        return done.stdout.decode().strip()


class Recreated(Marked):
    """`rm -rf`, and some time later the directory is created again, file by file."""

    @property
    def root(self) -> Path:
        return self.home / "schedules.d"

    def publish(self, revision: int) -> None:
        with suppress(FileNotFoundError):
            shutil.rmtree(self.root)
            # The quiet period ends, or the poll runs, at about the time when the files are created again.
            time.sleep(revision % 4 * 0.6 if revision % 3 == 0 else 0.4 + revision % 20 / 100)
        for name in self.names:
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(self.content(name, revision))
            time.sleep(revision % 5 / 100)


class Overflowing(ConfigMap):
    """While the daemon is stopped, its event queue is filled, so that the events of the revision are lost."""

    overflows = True

    def publish(self, revision: int) -> None:
        limit = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
        junk = self.home / "junk-0"
        junk.touch()
        for number in range(limit // 2 + 500):  # each rename is two events
            junk = junk.rename(self.home / f"junk-{number % 2 + 1}")
        super().publish(revision)
