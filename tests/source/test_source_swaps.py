"""A source that is replaced while it is read never gives a mixture of two revisions (docs/facts.md, 20).

First a swap happens before each single system call of a read; then another process swaps two hundred times at varying intervals.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from beatsync.source import SourceError, load
from beatsync.values import Snapshot
from tests.mounts import ConfigMap, GitSync, Mount, Renamed, Rewritten

NAMES = Mount.names
SWAPS = 200
STEPS = ("open", "lstat", "stat", "fstat", "readlink", "scandir")
"""The system calls of a read. A swap may happen between any two of them."""
MOUNTS: dict[str, type[Mount]] = {kind.__name__: kind for kind in (ConfigMap, GitSync, Renamed, Rewritten)}


def revision_of(snapshot: Snapshot) -> int:
    """Return the revision of all files, after a check that they are complete and of the same revision."""
    assert tuple(file.path for file in snapshot.files) == NAMES
    assert snapshot.diagnostics == ()
    (revision,) = {int(file.data.split(b"\n", 1)[0]) for file in snapshot.files}
    assert {file.data for file in snapshot.files} == {b"%d\n" % revision * (100 + revision % 7)}
    if snapshot.revision.git is not None:
        assert int(snapshot.revision.git, 16) == revision
    return revision


class Steps:
    """Counts the system calls of a read, and runs an action before one of them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        self._at = 0
        self._action: Callable[[], None] = lambda: None
        self._on = False
        for name in STEPS:
            monkeypatch.setattr(os, name, self._counting(getattr(os, name)))

    def read(self, root: Path, at: int, action: Callable[[], None]) -> Snapshot:
        self.count, self._at, self._action = 0, at, action
        self._on = True
        try:
            return load(root)
        finally:
            self._on = False

    def _counting(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*arguments: Any, **options: Any) -> Any:
            if self._on:
                self.count += 1
                if self.count == self._at:
                    self._on = False
                    self._action()
                    self._on = True
            return call(*arguments, **options)

        return counted


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Steps:
    # Without git a read is much faster, and this is about the files.
    monkeypatch.setenv("PATH", str(tmp_path / "nowhere"))
    return Steps(monkeypatch)


@pytest.mark.parametrize("kind", MOUNTS.values())
def test_a_swap_at_any_step_of_a_read_gives_the_old_or_the_new_revision(
    tmp_path: Path, steps: Steps, kind: type[Mount]
) -> None:
    mount = kind(tmp_path / "mount")
    mount.publish(1)
    assert revision_of(steps.read(mount.root, 0, lambda: None)) == 1
    total = steps.count
    assert total > 3 * len(NAMES)
    seen: Counter[bool] = Counter()
    for at in range(1, total + 1):
        published = at + 1
        revision = revision_of(steps.read(mount.root, at, lambda new=published: mount.publish(new)))  # type: ignore[misc]
        assert revision in {published - 1, published}
        seen[revision == published] += 1
    # A read before the swap is discarded. Only a swap after the last system call goes unnoticed.
    assert seen[True] > total / 2


@pytest.mark.parametrize("change", ["add", "remove"])
def test_a_file_that_appears_or_vanishes_during_a_read_is_no_error(tmp_path: Path, steps: Steps, change: str) -> None:
    mount = Rewritten(tmp_path / "mount")
    mount.publish(1)
    extra = mount.root / "team" / "cc.yaml"
    steps.read(mount.root, 0, lambda: None)
    for at in range(1, steps.count + 1):
        if change == "add":
            extra.unlink(missing_ok=True)
            snapshot = steps.read(mount.root, at, extra.touch)
        else:
            extra.touch()
            snapshot = steps.read(mount.root, at, extra.unlink)
        assert snapshot.diagnostics == ()
        assert set(NAMES) <= {file.path for file in snapshot.files} <= {*NAMES, "team/cc.yaml"}


def test_a_source_that_never_stops_changing_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mount = ConfigMap(tmp_path / "mount")
    mount.publish(1)
    revisions = iter(range(2, 100))
    real_open = os.open

    def publish_and_open(path: Any, *arguments: Any, **options: Any) -> int:
        if Path(path).name == "a.yaml":
            mount.publish(next(revisions))
        return real_open(path, *arguments, **options)

    monkeypatch.setattr(os, "open", publish_and_open)
    with pytest.raises(SourceError) as caught:
        load(mount.root)
    assert caught.value.code == "source-unstable"
    assert next(revisions) < 20


WRITER = """
import pathlib, sys, time
from tests.source.test_source_swaps import MOUNTS
mount = MOUNTS[sys.argv[1]](pathlib.Path(sys.argv[2]))
mount.publish(0)
print("0", flush=True)
for revision, order in enumerate(sys.stdin, start=1):
    begin = time.monotonic()
    while time.monotonic() - begin < float(order):
        pass
    mount.publish(revision)
    print(revision, flush=True)
"""


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[Callable[[type[Mount]], subprocess.Popen[str]]]:
    """Start a process that publishes one revision for each line of input, which is a delay in seconds."""
    started: list[subprocess.Popen[str]] = []

    def start(kind: type[Mount]) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", WRITER, kind.__name__, str(tmp_path / "mount")],
            cwd=Path(__file__).parents[2],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("kind", [ConfigMap, GitSync])
def test_two_hundred_swaps_by_another_process_give_no_mixture(
    tmp_path: Path, writer: Callable[[type[Mount]], subprocess.Popen[str]], kind: type[Mount]
) -> None:
    process = writer(kind)
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stdout.readline() == "0\n"
    mount = object.__new__(kind)
    mount.home = tmp_path / "mount"
    for published in range(1, SWAPS + 1):
        # A read takes some milliseconds; the delays cover all of it.
        process.stdin.write(f"{published % 40 / 4000}\n")
        process.stdin.flush()
        assert revision_of(load(mount.root)) in {published - 1, published}
        assert process.stdout.readline() == f"{published}\n"
        assert revision_of(load(mount.root)) == published
