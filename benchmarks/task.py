"""What a child process is to measure, what it returns, and how time and memory are measured."""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

_IDLE = 0.97
"""The share of idle processor time from which on the machine counts as idle."""


@dataclass(frozen=True)
class Task:
    """One measure of one source on one database."""

    measure: str
    directory: str
    """The source's files."""
    changed_directory: str
    """The same source with all schedules changed in 1 % of the files."""
    schedules: int
    url: str = ""
    """The database; empty for a measure that needs none."""
    idle_timeout: float = 0.0
    """Seconds to wait at most until the machine is idle."""
    quick: bool = False
    """Whether a measure repeats itself as seldom as possible, because only that it runs is of interest."""

    @property
    def root(self) -> Path:
        """Return the source's directory."""
        return Path(self.directory)

    @classmethod
    def from_json(cls, text: str) -> Task:
        """Return the task that `to_json` wrote."""
        return cls(**json.loads(text))

    def to_json(self) -> str:
        """Return the task as one command-line argument."""
        return json.dumps(asdict(self))


@dataclass
class Measurement:
    """The result of one measure."""

    seconds: float = 0.0
    cpu: float = 0.0
    """Processor seconds of this process and its children, without those of a database server."""
    statements: int = 0
    writes: int = 0
    peak_mib: float = 0.0
    sampled: int = 0
    """How many schedules were measured, if the figures are extrapolated from a sample."""
    notes: dict[str, float] = field(default_factory=dict)
    """Further figures by name."""
    problem: str = ""
    """Why the measured software failed."""

    @classmethod
    def from_values(cls, values: Mapping[str, object]) -> Measurement:
        """Return the measurement that `to_json` wrote, parsed."""
        return cls(**values)  # type: ignore[arg-type]

    def to_json(self) -> str:
        """Return the measurement as one line."""
        return json.dumps(asdict(self))


@contextmanager
def timed(measurement: Measurement) -> Iterator[None]:
    """Store the wall-clock and processor seconds of the body."""
    cpu, start = _cpu_seconds(), time.perf_counter()
    yield
    measurement.seconds, measurement.cpu = time.perf_counter() - start, _cpu_seconds() - cpu


def wait_until_idle(timeout: float) -> None:
    """Wait until the processors are idle, at most `timeout` seconds; return at once if the system has no `/proc/stat`.

    A database server works for seconds after a measure, for example to clean up deleted rows.
    """
    deadline = time.monotonic() + timeout
    before = _ticks()
    while before and time.monotonic() < deadline:
        time.sleep(0.25)
        after = _ticks()
        total, idle = (new - old for new, old in zip(after, before, strict=True))
        if idle >= _IDLE * total:
            return
        before = after


def _ticks() -> tuple[int, ...]:
    """Return all and the idle ticks of the processors since the system started; empty if unavailable."""
    with suppress(OSError):
        first_line = Path("/proc/stat").read_text(encoding="ascii").split("\n", 1)[0]
        ticks = [int(word) for word in first_line.split()[1:9]]
        return sum(ticks), ticks[3] + ticks[4]
    return ()


def peak_mib(*, of_children: bool = False) -> float:
    """Return the peak memory of this process, or of the largest child that has ended, in MiB."""
    per_mib = 1024 * 1024 if sys.platform == "darwin" else 1024
    who = resource.RUSAGE_CHILDREN if of_children else resource.RUSAGE_SELF
    return resource.getrusage(who).ru_maxrss / per_mib


def _cpu_seconds() -> float:
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)
