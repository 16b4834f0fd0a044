"""The load of a window as text for a terminal: a heat map of hours and days, the queues, and the busiest minutes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial

from beatsync.plan.leveling import Leveling
from beatsync.plan.load import Load, Minutes
from beatsync.report.escape import line_start, one_line
from beatsync.report.groups import MAX_NAMES, first_names
from beatsync.report.paint import Paint, plain
from beatsync.report.runs import hours_of, time_in_zone
from beatsync.report.summary import counted

BLOCKS = "▁▂▃▄▅▆▇█"
ASCII = ".:-=+*%@"
"""The levels of a heat map, from few runs to many, with and without a terminal that has blocks."""
_HOURS = range(24)
_MAX_QUEUES = 30
DEFAULT_QUEUE = "(default)"


def render_load(
    load: Load, zone: str, leveling: Leveling | None = None, *, levels: str = BLOCKS, paint: Paint = plain
) -> Iterator[str]:
    """Yield the load in the clocks of `zone`, and how to spread it."""
    total, shown = load.total, partial(time_in_zone, zone=zone, seconds=False)
    yield f"Load from {shown(total.start)} until {shown(load.end)} ({zone})"
    peak, mean = f"{number_text(total.peak)} in the busiest minute", f"{number_text(total.mean)} in a minute on average"
    ratio = f": {number_text(total.peak / total.mean)} times the average" if total.runs else ""
    yield f"{number_text(total.runs)} runs, {mean}, {peak}{ratio}"
    if load.intervals:
        yield (
            f"{counted(load.intervals, 'interval')} of these without fixed minutes: counted as evenly spread,"
            f" {number_text(total.even)} in a minute"
        )
    yield ""
    yield from _heat_map(total, zone, levels)
    yield ""
    yield from _queues(load.queues, zone, levels)
    for number, busy in enumerate(load.busiest):
        yield from ["", "Busiest minutes"] if not number else []
        more = f", and {counted(busy.times - 1, 'more minute')} of the same schedules" if busy.times > 1 else ""
        yield f"  {paint(shown(busy.at), 'name')}  {counted(busy.runs, 'run')}{more}"
        yield f"    {first_names([line_start(name) for name in busy.names])}"
    if leveling is not None:
        yield ""
        yield from _leveling(leveling, total, paint)


def _heat_map(minutes: Minutes, zone: str, levels: str) -> Iterator[str]:
    """Yield a line for each day, two characters for each hour."""
    hours = hours_of(minutes, zone)
    least, most = min(hours.values()), max(hours.values())
    yield f"{'':14} {' '.join(f'{hour:02}' for hour in _HOURS)}   runs"
    for day in dict.fromkeys(day for day, _ in hours):
        cells = [hours.get((day, hour)) for hour in _HOURS]
        runs = sum(filter(None, cells))
        yield f"{day:%a %Y-%m-%d} {' '.join(2 * _level(cell, least, most, levels) for cell in cells)} {number_text(runs):>6}"
    yield f"{'':14} {levels} from {number_text(least)} to {number_text(most)} runs an hour"


def _queues(queues: Mapping[str | None, Minutes], zone: str, levels: str) -> Iterator[str]:
    """Yield a line for each queue: its runs, its peak, and its hours of the day."""
    largest = sorted(queues, key=lambda queue: -queues[queue].runs)
    names = {queue: one_line(queue) if queue is not None else DEFAULT_QUEUE for queue in largest[:_MAX_QUEUES]}
    width = max([5, *map(len, names.values())])
    yield f"{'queue':<{width}}  {'runs':>10}  {'busiest minute':>14}  hours 00 to 23"
    for queue, name in names.items():
        minutes, day = queues[queue], dict.fromkeys(_HOURS, 0.0)
        for (_, hour), runs in hours_of(minutes, zone).items():
            day[hour] += runs
        line = "".join(_level(day[hour], 0.0, max(day.values()), levels) for hour in _HOURS)
        yield f"{line_start(name):<{width}}  {number_text(minutes.runs):>10}  {number_text(minutes.peak):>14}  {line}"
    if len(queues) > _MAX_QUEUES:
        yield f"and {counted(len(queues) - _MAX_QUEUES, 'more queue')}"


def _level(runs: float | None, least: float, most: float, levels: str) -> str:
    """Return the character of an hour between those with the least and the most runs; a blank for one without runs."""
    return levels[level_of(runs, least, most, len(levels)) - 1] if runs else " "


def level_of(runs: float, least: float, most: float, levels: int) -> int:
    """Return the level, from 1 to `levels`, of an hour between those with the least and the most runs."""
    share = (runs - least) / (most - least) if most > least else 1.0
    return min(int(share * levels), levels - 1) + 1


def _leveling(leveling: Leveling, total: Minutes, paint: Paint) -> Iterator[str]:
    if not leveling.proposals:
        yield "Spread: no other minutes within the hours of these schedules lower the peak."
        return
    moves: Sequence[str] = [
        f"  {paint(line_start(name), 'name')}  {before.expression} → {after.expression}"
        for name, before, after in leveling.proposals
    ]
    peak = number_text(total.peak)
    yield (
        f"Spread: {number_text(leveling.peak)} instead of {peak} in the busiest minute,"
        f" if {counted(len(moves), 'schedule')} had another minute"
    )
    yield from moves[:MAX_NAMES]
    if len(moves) > MAX_NAMES:
        yield f"  and {len(moves) - MAX_NAMES:,} more; `--format json` lists all of them"
    names = first_names([line_start(name) for name in leveling.crowded])
    crowded = counted(len(leveling.crowded), "schedule")
    yield f"With `H` as the minute of {crowded}: {number_text(leveling.hashed_peak)} instead of {peak}"
    yield f"  {names}"


def number_text(value: float) -> str:
    """Return a number: a whole one without decimal places, another one with two significant digits at least."""
    if float(round(value, 6)).is_integer() or value >= 100:  # noqa: PLR2004
        return f"{value:,.0f}"
    return f"{value:.2g}" if value < 1 else f"{value:.1f}"
