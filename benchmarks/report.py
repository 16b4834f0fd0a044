"""Figures → tables: seconds, ratios to L and to today's loop, statements, memory, and how each measure grows."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from benchmarks.task import Answer


@dataclass(frozen=True)
class Line:
    """One measure at one size; `answer` is None where it took too long."""

    measure: str
    database: str
    schedules: int
    per_file: int
    answer: Answer | None

    def json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return asdict(self)


def progress(line: Line) -> str:
    """Return one line for who waits."""
    what = f"{line.schedules:>9,} {line.per_file:>4} a file  {line.database or '-':8} {line.measure:20}"
    one = line.answer
    if one is None or one.problem:
        return f"{what} {one.problem if one else 'no answer'}"
    return f"{what} {one.seconds:9.3f} s  {one.cpu:9.3f} s CPU  {one.statements:>6} statements  {one.peak:6.0f} MiB  {one.notes or ''}"


def tables(lines: Sequence[Line], clock: str) -> str:
    """Return all tables as markdown."""
    parts = []
    for schedules, per_file in dict.fromkeys((line.schedules, line.per_file) for line in lines):
        these = [line for line in lines if (line.schedules, line.per_file) == (schedules, per_file)]
        parts.append(f"### {schedules:,} schedules, {per_file} a file\n\n" + "\n".join(_table(these, clock)))
    growth = "\n".join(_growth(lines, clock))
    if growth:
        parts.append(f"### Growth\n\n{growth}")
    return "\n\n".join(parts)


def _table(lines: Sequence[Line], clock: str) -> Iterator[str]:
    base = next((_time(line, clock) for line in lines if line.measure == "yaml-load"), None)
    yield "| measure | database | seconds | CPU | × L | today ÷ it | statements | writes | peak MiB | |"
    yield "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |"
    for line in lines:
        one = line.answer
        if one is None or one.problem:
            why = one.problem if one else "no answer"
            yield f"| {line.measure} | {line.database} | {why} | | | | | | | |"
            continue
        ratio = f"{_time(line, clock) / base:.3f}" if base else ""
        notes = ", ".join(f"{name} {value:,.4g}" for name, value in one.notes.items())
        if one.counted != line.schedules:
            notes = f"scaled up from {one.counted}"
        yield (
            f"| {line.measure} | {line.database} | {one.seconds:.3f} | {one.cpu:.3f} | {ratio} | {_times(line, lines)} "
            f"| {one.statements or ''} | {one.writes or ''} | {one.peak:.0f} | {notes} |"
        )


def _times(line: Line, lines: Iterable[Line]) -> str:
    """Return how many times as long today's loop takes, on the same database and by the wall's clock."""
    loop = {"sync-first": "today-first", "sync-noop": "today-noop", "sync-changed": "today-noop"}.get(line.measure)
    for other in lines:
        if other.measure == loop and other.database == line.database and other.answer and line.answer:
            return f"{other.answer.seconds / line.answer.seconds:,.0f}"
    return ""


def _growth(lines: Sequence[Line], clock: str) -> Iterator[str]:
    """Yield the exponent between the smallest and the largest size and between the two largest; 1 is a straight line."""
    rows: list[str] = []
    for key in dict.fromkeys((line.measure, line.database, line.per_file) for line in lines):
        these = sorted(
            (line for line in lines if (line.measure, line.database, line.per_file) == key and not _is_void(line)),
            key=lambda line: line.schedules,
        )
        if len(these) > 1:
            steps = (_exponent(one, two, clock) for one, two in zip(these, these[1:]))  # noqa: B905, RUF007
            name, database, per_file = key
            rows.append(f"| {name} | {database} | {per_file} | {' | '.join(f'{step:.2f}' for step in steps)} |")
    if rows:
        sizes = sorted({line.schedules for line in lines})
        pairs = [f"{one:,} to {two:,}" for one, two in zip(sizes, sizes[1:])]  # noqa: B905, RUF007
        yield f"| measure | database | a file | {' | '.join(pairs)} |"
        yield f"| --- | --- | --- |{' --- |' * len(pairs)}"
        yield from rows


def _is_void(line: Line) -> bool:
    return line.answer is None or bool(line.answer.problem)


def _exponent(small: Line, large: Line, clock: str) -> float:
    times = max(_time(large, clock), 1e-9) / max(_time(small, clock), 1e-9)
    return math.log(times) / math.log(large.schedules / small.schedules)


def _time(line: Line, clock: str) -> float:
    if line.answer is None:
        return math.nan
    # What is scaled up, and what waits for events, has no processor time worth a ratio.
    return line.answer.cpu if clock == "cpu" and line.answer.cpu else line.answer.seconds
