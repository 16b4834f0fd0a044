"""What a child process is asked to measure, and what it answers."""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

_AT_REST = 0.97
"""The share of idle ticks from which on nobody else is at work."""


@dataclass(frozen=True)
class Task:
    """One measure of one source on one database."""

    measure: str
    folder: str
    """The source's files."""
    changed: str
    """The same source with 1 % of the schedules changed."""
    schedules: int
    url: str = ""
    rest: float = 0.0
    """Seconds for which the processors may be waited for to have nothing to do."""

    @property
    def root(self) -> Path:
        """The source's directory."""
        return Path(self.folder)

    @classmethod
    def read(cls, text: str) -> Task:
        """Read what `text` wrote."""
        return cls(**json.loads(text))

    def text(self) -> str:
        """Return it as one word of a command."""
        return json.dumps(asdict(self))


@dataclass
class Answer:
    """What was measured; times in seconds, memory in MiB."""

    seconds: float = 0.0
    cpu: float = 0.0
    """Of this process and those that it waited for; a database server's is not in it."""
    statements: int = 0
    writes: int = 0
    peak: float = 0.0
    counted: int = 0
    """Schedules that were measured, where `seconds` were scaled up from fewer."""
    notes: dict[str, float] = field(default_factory=dict)
    problem: str = ""
    """Why what others made could not do it at all."""

    def text(self) -> str:
        """Return it as one line."""
        return json.dumps(asdict(self))

    @classmethod
    def read(cls, values: Mapping[str, object]) -> Answer:
        """Read what `text` wrote."""
        return cls(**values)  # type: ignore[arg-type]


@contextmanager
def clocked(answer: Answer) -> Iterator[None]:
    """Measure the body."""
    cpu, begun = _cpu(), time.perf_counter()
    yield
    answer.seconds, answer.cpu = time.perf_counter() - begun, _cpu() - cpu


def rest(most: float) -> None:
    """Wait, at most so many seconds, until the processors have nothing to do, where the system tells.

    Database servers go on working for seconds after they were told to forget what was measured before.
    """
    deadline = time.monotonic() + most
    before = _ticks()
    while before and time.monotonic() < deadline:
        time.sleep(0.25)
        after = _ticks()
        passed, idle = (new - old for new, old in zip(after, before, strict=True))
        if idle >= _AT_REST * passed:
            return
        before = after


def _ticks() -> tuple[int, ...]:
    """Return all ticks of the processors since the system began, and the idle ones among them; nothing where it does not tell."""
    with suppress(OSError):
        ticks = [int(word) for word in Path("/proc/stat").read_text(encoding="ascii").split("\n", 1)[0].split()[1:9]]
        return sum(ticks), ticks[3] + ticks[4]
    return ()


def peak(*, of_children: bool = False) -> float:
    """Return the most memory that this process, or one that it waited for, ever had, in MiB."""
    scale = 1024 * 1024 if sys.platform == "darwin" else 1024
    who = resource.RUSAGE_CHILDREN if of_children else resource.RUSAGE_SELF
    return resource.getrusage(who).ru_maxrss / scale


def _cpu() -> float:
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in used)
