"""Measurements → tables: seconds, ratios to L and to today's loop, statements, memory, and growth with the number of schedules."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

from benchmarks.task import Measurement

_COLUMNS = ("measure", "database", "seconds", "CPU", "× L", "today's loop ÷ it", "statements", "writes", "peak MiB", "")
_TODAY = {
    "sync-first": "today-first", "sync-noop": "today-noop", "sync-changed": "today-noop",
    "dynamic-first": "today-first", "dynamic-noop": "today-noop",
}  # fmt: skip
"""The measure of today's loop that a measure is compared with."""


@dataclass(frozen=True)
class Line:
    """One measure at one size; `measurement` is None after a timeout."""

    measure: str
    database: str
    schedules: int
    per_file: int
    measurement: Measurement | None

    @property
    def problem(self) -> str:
        """Return why there are no figures; empty if there are."""
        return "timeout" if self.measurement is None else self.measurement.problem

    def seconds(self, clock: str) -> float:
        """Return the time of the ratios; NaN after a timeout."""
        if self.measurement is None:
            return math.nan
        # A measure that waits for events has no processor time worth a ratio.
        return self.measurement.cpu if clock == "cpu" and self.measurement.cpu else self.measurement.seconds

    def json(self) -> dict[str, Any]:
        """Return the line as JSON values."""
        return asdict(self)


def progress(line: Line) -> str:
    """Return one line for a person who waits."""
    head = f"{line.schedules:>9,} {line.per_file:>4} a file  {line.database or '-':8} {line.measure:20}"
    result = line.measurement
    if result is None or line.problem:
        return f"{head} {line.problem}"
    return (
        f"{head} {result.seconds:9.3f} s  {result.cpu:9.3f} s CPU  {result.statements:>6} statements"
        f"  {result.peak_mib:6.0f} MiB  {result.notes or ''}"
    )


def tables(lines: Sequence[Line], clock: str) -> str:
    """Return all tables as Markdown."""
    parts = []
    for schedules, per_file in dict.fromkeys((line.schedules, line.per_file) for line in lines):
        group = [line for line in lines if (line.schedules, line.per_file) == (schedules, per_file)]
        parts.append(f"### {schedules:,} schedules, {per_file} a file\n\n" + "\n".join(_table(group, clock)))
    growth = "\n".join(_growth(lines, clock))
    if growth:
        parts.append(f"### Growth\n\n{growth}")
    return "\n\n".join(parts)


def _table(lines: Sequence[Line], clock: str) -> Iterator[str]:
    unit = next((line.seconds(clock) for line in lines if line.measure == "yaml-load"), math.nan)
    yield _row(_COLUMNS)
    yield _row(["---"] * len(_COLUMNS))
    for line in lines:
        result = line.measurement
        if result is None or line.problem:
            yield _row([line.measure, line.database, line.problem, *[""] * (len(_COLUMNS) - 3)])
            continue
        notes = ", ".join(f"{name} {value:,.4g}" for name, value in result.notes.items())
        if result.sampled != line.schedules:
            notes = f"extrapolated from {result.sampled}"
        yield _row(
            [
                line.measure,
                line.database,
                f"{result.seconds:.3f}",
                f"{result.cpu:.3f}",
                f"{line.seconds(clock) / unit:.3f}",
                _today_ratio(line, lines),
                str(result.statements or ""),
                str(result.writes or ""),
                f"{result.peak_mib:.0f}",
                notes,
            ]
        )


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _today_ratio(line: Line, lines: Iterable[Line]) -> str:
    """Return how many times as long today's loop takes on the same database, by the wall clock; empty if it was not measured."""
    for other in lines:
        is_today = other.measure == _TODAY.get(line.measure) and other.database == line.database
        if is_today and other.measurement and line.measurement:
            return f"{other.measurement.seconds / line.measurement.seconds:,.0f}"
    return ""


def _growth(lines: Sequence[Line], clock: str) -> Iterator[str]:
    """Yield a table of the exponents between neighbouring sizes; 1 is linear growth."""
    sizes = list(pairwise(sorted({line.schedules for line in lines})))
    rows: list[str] = []
    for measure, database, per_file in dict.fromkeys((line.measure, line.database, line.per_file) for line in lines):
        by_size = {
            line.schedules: line
            for line in lines
            if (line.measure, line.database, line.per_file) == (measure, database, per_file) and not line.problem
        }
        exponents = [
            f"{_exponent(by_size[small], by_size[large], clock):.2f}" if {small, large} <= by_size.keys() else ""
            for small, large in sizes
        ]
        if any(exponents):
            rows.append(_row([measure, database, str(per_file), *exponents]))
    if rows:
        steps = [f"{small:,} to {large:,}" for small, large in sizes]
        yield _row(["measure", "database", "a file", *steps])
        yield _row(["---"] * (3 + len(steps)))
        yield from rows


def _exponent(small: Line, large: Line, clock: str) -> float:
    ratio = max(large.seconds(clock), 1e-9) / max(small.seconds(clock), 1e-9)
    return math.log(ratio) / math.log(large.schedules / small.schedules)
