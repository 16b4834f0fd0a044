"""The next runs as text for a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import islice

from beatsync.plan.upcoming import Run, Upcoming, zone_of
from beatsync.report.escape import line_start, one_line
from beatsync.report.paint import Paint, plain
from beatsync.report.runs import duration_in_words, last_run_words, schedule_in_words, time_in_zone
from beatsync.report.summary import utc_text
from beatsync.specfile.shapes import mask_text
from beatsync.values import Interval

_MAX_RUNS = 1_000
"""Runs that are shown; JSON has all of them."""


def render_next(
    runs: Iterator[Run], upcoming: Upcoming, start: datetime, end: datetime | None, zone: str, paint: Paint = plain
) -> Iterator[str]:
    """Yield one line for each run: local time, UTC, time from `start`, name, and the schedule in words.

    `zone` is that of schedules that have none. The last lines say what the runs of intervals count from, and which schedules lack runs.
    """
    until = f" until {utc_text(end)}" if end is not None else ""
    if upcoming.last is not None:
        name = paint(line_start(mask_text(upcoming.last.name)), "name")
        yield f"Last recorded run: {name}{one_line(last_run_words(upcoming.last, upcoming.due_after_last(start)))}"
    yield f"Runs from {utc_text(start)}{until}"
    yield ""
    shown = 0
    for shown, run in enumerate(islice(runs, _MAX_RUNS), 1):  # noqa: B007
        local, wait = time_in_zone(run.at, zone_of(run.schedule, zone)), f"in {duration_in_words(run.at - start)}"
        name, words = paint(line_start(run.name), "name"), paint(schedule_in_words(run.schedule), "quiet")
        yield f"{local}  {utc_text(run.at)}  {wait:<14}  {name}  {words}"
    if not shown:
        yield "No schedule runs in this time."
    if next(runs, None) is not None:
        yield f"and more; the first {_MAX_RUNS:,} are shown. A NAME, `--for` or `--count` selects fewer; `--format json` lists all"
    yield from _notes(upcoming, start, paint)


def _notes(upcoming: Upcoming, start: datetime, paint: Paint) -> Iterator[str]:
    if not upcoming.live and any(isinstance(each.timetable.schedule, Interval) for each in upcoming.schedules):
        yield ""
        yield (
            f"Intervals count from {utc_text(start)}: files do not say when a task last ran."
            " `--at` chooses another time; `--live` reads the last runs."
        )
    for name, reason in upcoming.unknown:
        yield f"{paint('unknown:', 'warning')} {one_line(name)}: {one_line(reason)}"
