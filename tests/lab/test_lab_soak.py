"""A soak test: two changes per second, including invalid files and drift; memory, threads and file descriptors do not grow."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import pytest
from django_celery_beat.models import PeriodicTask

from beatsync.store import Store
from tests.daemon.daemons import Daemon, daemon
from tests.processes import until

PAUSE = 0.5
SCHEDULES = 200
MEGABYTE = 1024 * 1024


@dataclass(frozen=True)
class Sample:
    """The resources of a process at one time."""

    memory: int
    threads: int
    files: int

    @classmethod
    def of(cls, running: Daemon) -> Sample:
        proc = Path(f"/proc/{running.process.pid}")
        status = dict(line.split(":", 1) for line in (proc / "status").read_text().splitlines())
        memory = int(status["VmRSS"].split()[0]) * 1024
        return cls(memory, int(status["Threads"]), len(list((proc / "fd").iterdir())))


def publish(folder: Path, change: int) -> None:
    """Write a revision: every tenth has an additional schedule, every twentieth is invalid."""
    schedules = {
        f"task-{number}": {"task": "shop.tasks.bill", "interval": "1h", "kwargs": {"change": change}}
        for number in range(SCHEDULES + (change % 10 == 0))
    }
    text = json.dumps({"schedules": schedules}) if change % 20 != 19 else "schedules: nonsense"
    (folder / ".new").write_text(text)
    (folder / ".new").replace(folder / "a.yaml")


@pytest.mark.lab
@pytest.mark.parametrize("backend", ["postgresql"], indirect=True)
@pytest.mark.parametrize(
    "seconds",
    [
        pytest.param(120, marks=pytest.mark.timeout(300)),
        pytest.param(1800, marks=[pytest.mark.slow, pytest.mark.timeout(2400)]),
    ],
)
def test_resources_do_not_grow(
    store: Store, database_url: str, tmp_path: Path, seconds: int, record_property: Callable[[str, object], None]
) -> None:
    folder = tmp_path / "specs"
    folder.mkdir()
    publish(folder, 0)
    samples: list[Sample] = []
    with daemon(folder, database_url, tmp_path, "--resync", "5s") as running:
        running.until_ready()
        started, change = time.monotonic(), 0
        while time.monotonic() - started < seconds:
            change += 1
            publish(folder, change)
            if change % 15 == 0:
                PeriodicTask.objects.using(store.alias).filter(name="task-1").update(queue="elsewhere")
                assert running.get("/metrics")[0] == 200
            time.sleep(max(0.0, started + change * PAUSE - time.monotonic()))
            samples.append(Sample.of(running))
        publish(folder, change := 20 * change)
        until(lambda: store.sources()[0].outcome == "applied" and _changes(store) == {change}, what=lambda: running.log)
        syncs = running.log.count('"outcome": "applied"')
        assert running.end() == 0
        assert "Traceback" not in running.log
    # The first third is the warm-up of interpreter, caches and drivers.
    third = len(samples) // 3
    middle, last = samples[third : 2 * third], samples[2 * third :]
    figures = [
        f"{name} {median(getattr(s, name) for s in middle) / unit:.1f} → {median(getattr(s, name) for s in last) / unit:.1f}"
        for name, unit in (("memory", MEGABYTE), ("threads", 1), ("files", 1))
    ]
    record_property(
        "measured", f"{change // 20} changes, {syncs} syncs in {seconds} s; {', '.join(figures)} (memory in MB)"
    )
    grown = median(s.memory for s in last) - median(s.memory for s in middle)
    assert grown < 4 * MEGABYTE
    assert median(s.threads for s in last) <= median(s.threads for s in middle)
    assert median(s.files for s in last) <= median(s.files for s in middle)
    # A concurrent request or git process uses a few more.
    assert max(s.threads for s in last) <= median(s.threads for s in middle) + 3
    assert max(s.files for s in last) <= median(s.files for s in middle) + 8


def _changes(store: Store) -> set[int]:
    rows = PeriodicTask.objects.using(store.alias).values_list("kwargs", flat=True)
    return {json.loads(kwargs)["change"] for kwargs in rows}
