"""However files are swapped, the daemon commits every revision completely and prunes nothing.

`--resync` is an hour here, so that changes are noticed by events or by polling. A short form runs by default, the full one with `-m slow`.
"""

from __future__ import annotations

import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from statistics import median, quantiles

import pytest

from tests.conftest import Backend
from tests.daemon.daemons import Daemon, daemon
from tests.lab import swaps
from tests.lab.witness import CommitListener, Witness, witness
from tests.processes import until

FULL = 150
LONG = 60.0
"""Seconds after which a revision counts as missed."""
WITHOUT_EVENTS = ["unshare", "--user", "--map-root-user", "sh", "-c"]
NO_EVENTS = 'echo 0 > /proc/sys/user/max_inotify_instances && exec "$0" "$@"'

pytestmark = [
    pytest.mark.lab,
    pytest.mark.timeout(900),
    pytest.mark.parametrize("backend", ["postgresql"], indirect=True),
]


def rounds(short: int) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("rounds", [short, pytest.param(FULL, marks=pytest.mark.slow)])


def halves(short: int) -> pytest.MarkDecorator:
    """Like `rounds`, for rounds that take seconds: two processes can share the full form."""
    names = ("first half", "second half")
    return pytest.mark.parametrize(
        "rounds", [short, *(pytest.param(FULL // 2, id=name, marks=pytest.mark.slow) for name in names)]
    )


class Laboratory:
    """Publishes revisions and measures the time until each is committed."""

    def __init__(self, backend: Backend, seen: Witness, listener: CommitListener, tmp_path: Path) -> None:
        self.backend = backend
        self.tmp_path = tmp_path
        self._seen = seen
        self._listener = listener
        self.durations: list[float] = []
        self.missed: list[int] = []

    def start(self, root: Path, *flags: str, before: list[str] | None = None) -> ExitStack:
        """Start the daemon; return a stack that stops it."""
        stack = ExitStack()
        self.daemon: Daemon = stack.enter_context(
            daemon(root, self.backend.url, self.tmp_path, "--resync", "1h", *flags, before=before or ())
        )
        return stack

    def publish(self, mount: swaps.Marked, revision: int) -> None:
        """Publish a revision and wait for its commit."""
        overflows = self.daemon.log.count("overflowed")
        if mount.overflows:
            self.daemon.process.send_signal(signal.SIGSTOP)
        mount.publish(revision)
        started = time.monotonic()
        if mount.overflows:
            self.daemon.process.send_signal(signal.SIGCONT)
        committed = self._listener.until(revision, LONG)
        if committed is None:
            self.missed.append(revision)
        else:
            self.durations.append(committed - started)
        if mount.overflows:
            until(lambda: self.daemon.log.count("overflowed") > overflows, what=lambda: self.daemon.log)

    def run(self, mount: swaps.Marked, numbers: int) -> None:
        """Publish `numbers` revisions to the running daemon, with varying pauses."""
        self.daemon.until_ready()
        for revision in range(1, numbers + 1):
            time.sleep(revision % 9 / 20)
            self.publish(mount, revision)
        assert self.daemon.process.poll() is None
        assert "Traceback" not in self.daemon.log

    def run_all(self, mount: swaps.Marked, numbers: int, record: Callable[[str, object], None]) -> None:
        """Run a daemon from the first revision to the last, and check the result."""
        mount.publish(0)
        with self.start(mount.root):
            self.run(mount, numbers)
        self.judge(mount, record)

    def judge(self, mount: swaps.Marked, record: Callable[[str, object], None]) -> None:
        """Check that no revision was missed and that no committed state is mixed, partial or pruned."""
        states = list(self._seen.states())
        mixed = [tx for tx, revisions, _ in states if len(revisions) != 1]
        partial = [tx for tx, revisions, _ in states if revisions.total() != mount.rows]
        pruned = [name for _, _, names in states for name in names]
        counts = f"{len(self.durations)} committed, {len(self.missed)} missed, {len(mixed)} mixed, {len(pruned)} pruned"
        figures = f"median {median(self.durations):.2f} s, 99th percentile {quantiles(self.durations, n=100)[98]:.2f} s"
        record("measured", f"{counts}; from change to committed rows: {figures}")
        assert (self.missed, mixed, partial, pruned) == ([], [], [], [])
        for revision, sync in zip(self._seen.revisions(), self._seen.syncs(), strict=True):
            assert sync.git == mount.commit(revision)


@pytest.fixture
def lab(backend: Backend, tmp_path: Path) -> Iterator[Laboratory]:
    with witness(backend) as seen:
        listener = CommitListener(backend.url)
        yield Laboratory(backend, seen, listener, tmp_path)
        listener.close()


@rounds(10)
@pytest.mark.parametrize("kind", [swaps.ConfigMap, swaps.GitSync, swaps.Editor, swaps.Recreated])
def test_swaps(
    lab: Laboratory, kind: type[swaps.Marked], rounds: int, record_property: Callable[[str, object], None]
) -> None:
    mount = kind(lab.tmp_path / "mount")
    lab.run_all(mount, rounds, record_property)


@rounds(5)
def test_checkouts_of_a_thousand_files(
    lab: Laboratory, rounds: int, record_property: Callable[[str, object], None]
) -> None:
    mount = swaps.Checkout(lab.tmp_path / "mount", rounds)
    lab.run_all(mount, rounds, record_property)


@halves(5)
def test_an_event_queue_that_overflows(
    lab: Laboratory, rounds: int, record_property: Callable[[str, object], None]
) -> None:
    mount = swaps.Overflowing(lab.tmp_path / "mount")
    swaps.ConfigMap.publish(mount, 0)
    with lab.start(mount.root):
        lab.run(mount, rounds)
    lab.judge(mount, record_property)


@rounds(5)
@pytest.mark.parametrize("how", ["--poll", "exhausted"])
def test_without_a_watcher(
    lab: Laboratory, how: str, rounds: int, record_property: Callable[[str, object], None]
) -> None:
    mount = swaps.ConfigMap(lab.tmp_path / "mount")
    mount.publish(0)
    before = [*WITHOUT_EVENTS, NO_EVENTS] if how == "exhausted" else []
    if before and subprocess.run([*before, "true"], check=False, capture_output=True).returncode:
        pytest.skip("user namespaces are unavailable here")
    with lab.start(mount.root, *(["--poll"] if how == "--poll" else []), before=before):
        lab.run(mount, rounds)
        assert lab.daemon.status()["watcher"] == "polling"
    lab.judge(mount, record_property)


@halves(5)
def test_a_start_before_the_directory_exists(
    lab: Laboratory, rounds: int, record_property: Callable[[str, object], None]
) -> None:
    mount = swaps.GitSync(lab.tmp_path / "mount")
    for revision in range(rounds):
        with lab.start(mount.root):
            until(lambda: "there is no directory" in lab.daemon.log, what=lambda: lab.daemon.log)
            lab.publish(mount, revision)
            assert lab.daemon.end() == 0
        shutil.rmtree(mount.home / "current" / "schedules.d")
        (mount.home / "current").unlink()
    lab.judge(mount, record_property)


@rounds(5)
def test_a_bind_mount(lab: Laboratory, rounds: int, record_property: Callable[[str, object], None]) -> None:
    try:
        mount = swaps.BindMount(lab.tmp_path / "mount")
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("bind mounts are unavailable here")
    try:
        mount.publish(0)
        with lab.start(mount.seen):
            lab.run(mount, rounds)
    finally:
        mount.close()
    lab.judge(mount, record_property)
