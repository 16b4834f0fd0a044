"""Pages about time: the next 24 hours as a picture and as tables, and the load of a week as a heat map."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from beatsync.plan.load import Load, Minutes
from beatsync.plan.upcoming import Run, zone_of
from beatsync.report.board import Outlook
from beatsync.report.groups import MAX_NAMES
from beatsync.report.html.frame import Site
from beatsync.report.html.markup import Content, Html, element, join
from beatsync.report.html.tables import Cell, Part, facts, pager, region, table
from beatsync.report.loadtext import DEFAULT_QUEUE, level_of, number_text
from beatsync.report.runs import duration_in_words, hours_of, last_run_words, schedule_in_words, time_in_zone
from beatsync.report.summary import counted, utc_text

_QUARTER = 15
_QUARTERS = 96
_LABELS = 3
"""Hours between two labels of the picture."""
_WIDTH, _HEIGHT, _BOTTOM = 960, 160, 24
_BAR = _WIDTH / _QUARTERS
_LEVELS = 9
_MAX_QUEUES = 100


def upcoming_runs(outlook: Outlook, now: datetime) -> list[Run]:
    """Return the runs that have not passed since they were read, and those that were overdue then."""
    return [run for run in outlook.runs if run.at >= now or run.at == outlook.at]


def render_timeline(outlook: Outlook, part: Part[Run], site: Site) -> Html:
    """Return the next 24 hours; `part` is one page of the first runs."""
    if outlook.load is None:
        return join(_last(outlook, site), element("p", "No schedule runs."))
    quarters = _quarters(outlook.load.total)
    return join(
        _last(outlook, site),
        element("p", f"Times are those of {site.zone}, from {time_in_zone(outlook.load.total.start, site.zone)} on."),
        _picture(quarters, outlook.load.total, site),
        _hours(quarters, outlook.load.total, site),
        site.heading("Next runs"),
        _runs(outlook, part, site),
        _unknown(outlook, site),
    )


def _last(outlook: Outlook, site: Site) -> Html | None:
    if outlook.last is None:
        return None
    words = last_run_words(outlook.last, outlook.due_after_last)
    return element("p", "Last recorded run: ", site.schedule(outlook.last.name), words, ".")


def _quarters(minutes: Minutes) -> list[float]:
    """Return the runs of each quarter of an hour of the next day."""
    return [
        sum(minutes.counts[first : first + _QUARTER]) + minutes.even * _QUARTER
        for first in range(0, _QUARTERS * _QUARTER, _QUARTER)
    ]


def _picture(quarters: list[float], minutes: Minutes, site: Site) -> Html:
    most = max(quarters)
    bars = (_bar(number, runs, most, minutes, site) for number, runs in enumerate(quarters) if runs)
    title = element("title", "Runs in each quarter of the next 24 hours", id="timeline-title")
    busiest = minutes.start + quarters.index(most) * timedelta(minutes=_QUARTER)
    about = (
        f"{number_text(sum(quarters))} runs. The busiest quarter of an hour begins at"
        f" {time_in_zone(busiest, site.zone, seconds=False)}, with {number_text(most)} runs. The table below has each hour."
    )
    svg = element(
        "svg",
        title,
        element("desc", about, id="timeline-description"),
        _axis(minutes, site),
        bars,
        viewBox=f"0 0 {_WIDTH} {_HEIGHT + _BOTTOM}", role="img",
        aria_labelledby="timeline-title", aria_describedby="timeline-description",
    )  # fmt: skip
    return join(region("Picture of the next 24 hours", svg, "scroll chart"), element("p", about, class_="quiet"))


def _bar(number: int, runs: float, most: float, minutes: Minutes, site: Site) -> Html:
    height = max(1.0, runs / most * _HEIGHT)
    at = time_in_zone(minutes.start + timedelta(minutes=number * _QUARTER), site.zone, seconds=False)
    return element(
        "rect", element("title", f"{at}: {number_text(runs)} runs"),
        class_="bar", x=f"{number * _BAR + 1:.1f}", y=f"{_HEIGHT - height:.1f}", width=f"{_BAR - 2:.1f}",
        height=f"{height:.1f}",
    )  # fmt: skip


def _axis(minutes: Minutes, site: Site) -> Iterator[Html]:
    for hour in range(0, _QUARTERS // 4, _LABELS):
        x = f"{hour * 4 * _BAR:.1f}"
        yield element("line", class_="grid", x1=x, x2=x, y1=0, y2=_HEIGHT)
        # The hours and minutes of `Mon 2027-01-04 02:30 +01:00`.
        label = time_in_zone(minutes.start + timedelta(hours=hour), site.zone, seconds=False)[15:20]
        yield element("text", label, class_="label", x=x, y=_HEIGHT + 16)


def _hours(quarters: list[float], minutes: Minutes, site: Site) -> Html:
    rows = []
    for hour in range(_QUARTERS // 4):
        first = hour * 4
        own = quarters[first : first + 4]
        counts = minutes.counts[first * _QUARTER : (first + 4) * _QUARTER]
        begins = time_in_zone(minutes.start + timedelta(hours=hour), site.zone, seconds=False)
        busiest = max(counts) + minutes.even
        rows.append((begins, Cell(number_text(sum(own)), "number"), Cell(number_text(busiest), "number")))
    columns = ("Hour that begins at", Cell("Runs", "number"), Cell("Runs in its busiest minute", "number"))
    return table("Runs in each of the next 24 hours", columns, rows)


def _runs(outlook: Outlook, part: Part[Run], site: Site) -> Html:
    rows = (
        (
            Cell(time_in_zone(run.at, zone_of(run.schedule, site.zone)), "time"),
            Cell(utc_text(run.at), "time"),
            f"in {duration_in_words(max(run.at - site.now, timedelta()))}",
            site.schedule(run.name),
            schedule_in_words(run.schedule),
        )
        for run in part.items
    )
    columns = ("Local time", "UTC", "Starts", "Name", "Schedule")
    more = element("p", f"and more: the first {len(outlook.runs):,} are read.") if outlook.are_more else None
    passed = "The runs that were read have passed; the next ones are being read."
    nothing = element("p", passed if outlook.runs else "No schedule runs in the next 24 hours.")
    listing = table("The next runs in order", columns, rows) if part.total else nothing
    return join(listing, pager(part, "run", site, "timeline"), more)


def _unknown(outlook: Outlook, site: Site) -> Html | None:
    unknown = outlook.unknown
    if not unknown:
        return None
    rows = ((site.schedule(name), reason) for name, reason in unknown[:MAX_NAMES])
    more = len(unknown) - MAX_NAMES
    return join(
        site.heading("Runs that are unknown"),
        table("Schedules whose runs are unknown", ("Name", "Why"), rows),
        element("p", f"and {counted(more, 'more schedule')}") if more > 0 else None,
    )


def render_load(outlook: Outlook, site: Site) -> Html:
    """Return the load of the next seven days: a heat map of days and hours, the queues, and the busiest minutes."""
    load = outlook.load
    if load is None:
        return element("p", "No schedule runs.")
    return join(
        element(
            "p",
            f"Times are those of {site.zone}. The number in a cell is its number of runs; a stronger colour means more.",
        ),
        _sums(load),
        _heat_map(load.total, site),
        site.heading("Busiest minutes"),
        _busiest(load, site),
        site.heading("Queues"),
        _queues(load),
    )


def _sums(load: Load) -> Html:
    total = load.total
    pairs: list[tuple[str, Content]] = [
        ("Runs", number_text(total.runs)),
        ("Busiest minute", f"{number_text(total.peak)} runs"),
        ("Average", f"{number_text(total.mean)} runs in a minute"),
    ]
    if load.intervals:
        even = f"{load.intervals:,}, counted as evenly spread: {number_text(total.even)} runs in a minute"
        pairs.append(("Intervals", even))
    return facts(pairs)


def _heat_map(minutes: Minutes, site: Site) -> Html:
    hours = hours_of(minutes, site.zone)
    least, most = min(hours.values()), max(hours.values())
    rows = []
    for day in dict.fromkeys(day for day, _ in hours):
        cells: list[Content | Cell] = [f"{day:%a %Y-%m-%d}"]
        for hour in range(24):
            runs = hours.get((day, hour))
            level = level_of(runs, least, most, _LEVELS) if runs else 0
            cells.append("" if runs is None else Cell(_short(runs), f"h{level}"))
        rows.append(cells)
    columns = ["Day", *(f"{hour:02}" for hour in range(24))]
    return table("Runs in each hour of the next seven days", columns, rows, class_="heat")


def _short(runs: float) -> str:
    """Return a number of runs in at most five characters: `0.3`, `999`, `12k`, `1.5M`."""
    for size, letter in ((1_000_000, "M"), (1_000, "k")):
        if runs >= size:
            scaled = runs / size
            return f"{scaled:.0f}{letter}" if scaled >= 10 else f"{scaled:.1f}{letter}"  # noqa: PLR2004
    return number_text(runs)


def _busiest(load: Load, site: Site) -> Html:
    rows = []
    for busy in load.busiest:
        names = [
            join(", " if number else None, site.schedule(name)) for number, name in enumerate(busy.names[:MAX_NAMES])
        ]
        more = len(busy.names) - MAX_NAMES
        rows.append(
            (
                Cell(time_in_zone(busy.at, site.zone, seconds=False), "time"),
                Cell(f"{busy.runs:,}", "number"),
                Cell(f"{busy.times:,}", "number"),
                join(names, f" and {more:,} more" if more > 0 else None),
            )
        )
    columns = ("Minute", Cell("Runs", "number"), Cell("Minutes of the same schedules", "number"), "Schedules")
    return table("The busiest minutes", columns, rows) if rows else element("p", "Only intervals run.")


def _queues(load: Load) -> Html:
    largest = sorted(load.queues, key=lambda queue: -load.queues[queue].runs)
    rows = (
        (
            DEFAULT_QUEUE if queue is None else queue,
            Cell(number_text(load.queues[queue].runs), "number"),
            Cell(number_text(load.queues[queue].peak), "number"),
        )
        for queue in largest[:_MAX_QUEUES]
    )
    more = len(largest) - _MAX_QUEUES
    columns = ("Queue", Cell("Runs", "number"), Cell("Runs in its busiest minute", "number"))
    return join(
        table("Runs of each queue in the next seven days", columns, rows),
        element("p", f"and {counted(more, 'more queue')}") if more > 0 else None,
    )
