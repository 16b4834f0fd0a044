"""`beatsync next`."""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import timedelta
from typing import Any

import click

from beatsync.cli import exits, options, output, timing

_DEFAULT = timedelta(hours=24)
_FAR = timedelta(days=10 * 366)
"""How far `--count` alone looks: the longest time between two days that a crontab names is eight years."""


@click.command("next")
@click.argument("words", metavar="[DIR] [NAME]...", nargs=-1)
@timing.flags
@options.option(
    "--count",
    type=click.IntRange(1, options.MAX_COUNT),
    metavar="N",
    help="At most N runs; without an end, the next N.",
)
@options.output_format("text", "json")
def command(
    *,
    words: tuple[str, ...],
    count: int | None,
    output_format: str,
    **flags: Any,
) -> int:
    """Show the next runs in order, of all schedules or of those that are named, as the installed celery has them.

    Without --for, --between and --count, those of the next 24 hours. Needs neither a database nor Django, except for --live.
    """
    from beatsync.plan.upcoming import merged
    from beatsync.report import jsonout, nexttext

    request = timing.request(words, **flags)
    window, zone = request.window, request.zone
    try:
        upcoming = timing.read(request, window.start)
    except timing.InvalidFilesError:
        return exits.INVALID
    shown_end = window.end
    if window.end is None:
        window = replace(window, end=window.start + (_FAR if count else _DEFAULT))
        shown_end = None if count else window.end
    runs = merged(upcoming, window.start, window.end, count)
    if output_format == "json":
        output.print_lines(jsonout.render_next(runs, zone))
        for name, reason in upcoming.unknown:
            output.print_warning(f"the runs of {name!r} are unknown: {reason}")
    else:
        paint = output.painter(sys.stdout)
        output.print_lines(nexttext.render_next(runs, upcoming, window.start, shown_end, zone, paint))
    return exits.DONE
