"""`beatsync load`."""

from __future__ import annotations

import sys
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import click

from beatsync.cli import exits, options, output, timing

_DEFAULT = timedelta(days=7)
_LONGEST = timedelta(days=35)


@click.command("load")
@click.argument("words", metavar="[DIR] [NAME]...", nargs=-1)
@timing.flags
@options.option("--spread", "with_spread", is_flag=True, help="Propose other minutes, or H, and show the new peak.")
@options.output_format("text", "json")
def command(
    *,
    words: tuple[str, ...],
    with_spread: bool,
    output_format: str,
    **flags: Any,
) -> int:
    """Show how the runs lie over hours and days, by queue: a heat map, the busiest minutes, and peak to average.

    Without --for and --between, seven days from the last midnight, or from --at. Needs neither a database nor Django, except for --live.
    """
    from beatsync.collector import garbage_collector_paused
    from beatsync.plan.leveling import level
    from beatsync.plan.load import count_load
    from beatsync.report import jsonout, loadtext

    request = timing.request(words, **flags)
    start, end = _minutes(request)
    try:
        with garbage_collector_paused():
            upcoming = timing.read(request, start)
            load = count_load(upcoming.schedules, start, end)
            leveling = level(upcoming.schedules, load) if with_spread else None
    except timing.InvalidFilesError:
        return exits.INVALID
    if output_format == "json":
        output.print_result(jsonout.render_load(load, leveling))
    else:
        levels = loadtext.BLOCKS if output.can_print(loadtext.BLOCKS, sys.stdout) else loadtext.ASCII
        output.print_lines(
            loadtext.render_load(load, request.zone, leveling, levels=levels, paint=output.painter(sys.stdout))
        )
    for name, reason in upcoming.unknown:
        output.print_warning(f"the runs of {name!r} are unknown: {reason}")
    return exits.DONE


def _minutes(request: timing.Request) -> tuple[datetime, datetime]:
    """Return the ends of the window, on whole minutes. Raises click.UsageError if it is too long."""
    window = request.window
    start = window.start.replace(second=0, microsecond=0)
    length = _DEFAULT if window.end is None else max(window.end - window.start, timedelta(minutes=1))
    if length > _LONGEST:
        raise click.UsageError(f"the load of at most {_LONGEST.days} days can be shown")
    if request.starts_now:
        local = start.astimezone(ZoneInfo(request.zone)).replace(hour=0, minute=0, fold=0)
        start = local.astimezone(start.tzinfo)
    return start, start + timedelta(minutes=-(-length // timedelta(minutes=1)))
