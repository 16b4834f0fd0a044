"""`beatsync history`."""

from __future__ import annotations

import sys
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import click

from beatsync.cli import exits, options, output, wiring
from beatsync.plan.history import HistoryEntry, past_names

if TYPE_CHECKING:
    from beatsync.store import Store


def _since(text: str) -> datetime | timedelta:
    """Return a time, or how long ago. Raises click.BadParameter."""
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        try:
            return timedelta(seconds=options.parse_duration(text))
        except click.BadParameter as error:
            raise click.BadParameter(f"{error.message}; or write an ISO 8601 time") from None
    try:
        return (time if time.tzinfo is not None else time.replace(tzinfo=timezone.utc)).astimezone(timezone.utc)
    except OverflowError:
        raise click.BadParameter(f"{text!r} is outside the years 1 to 9999 in UTC") from None


@click.command("history")
@click.argument("name", metavar="[NAME]", required=False)
@options.option("--source", metavar="NAME", help="Only this source.  [default: all]")
@options.option(
    "--since", metavar="TIME", callback=options.callback(_since),
    help="Only what ended since then: an ISO 8601 time, in UTC if it has no offset, or a duration such as 2d.",
)  # fmt: skip
@options.option(
    "--limit", type=click.IntRange(1, options.MAX_COUNT), default=20, show_default=True, help="Number of entries."
)
@options.option(
    "--show", "entry_id", metavar="ID", type=int, help="Show one entry with everything that is stored about it."
)
@options.rows
@options.database
@options.output_format("text", "json", "markdown")
def command(
    *,
    name: str | None,
    source: str | None,
    since: datetime | timedelta | None,
    limit: int,
    entry_id: int | None,
    with_rows: bool,
    output_format: str,
    **flags: Any,
) -> int:
    """Show past syncs and what they changed, and what operators did, newest first; with NAME, only those of one schedule."""
    from beatsync.reconcile import utc_now
    from beatsync.report import jsonout, markdown, text
    from beatsync.report.history import HistoryView

    if entry_id is not None and name is not None:
        raise click.UsageError("--show takes no NAME: it shows one entry with all of its changes")
    with wiring.open_store(options.CliOptions(**flags)) as (store, _):
        if source is not None:
            wiring.require_source(store, source)
        if entry_id is not None:
            entries: tuple[HistoryEntry, ...] = (_entry(store, entry_id),)
        else:
            name = None if name is None else store.schedule_of(name)
            start = utc_now() - since if isinstance(since, timedelta) else since
            entries = store.history(source, limit, name, start)
            if name is not None and not entries:
                _report_missing(store, name)
    view = HistoryView(
        past_names(entries, name) if name is not None else None, is_whole=entry_id is not None, with_rows=with_rows
    )
    if output_format == "json":
        output.print_result(jsonout.render_history(entries))
    elif output_format == "markdown":
        output.print_result(output.with_program(markdown.render_history(entries, view)))
    else:
        output.print_result(output.with_program(text.render_history(entries, view, output.painter(sys.stdout))))
    return exits.DONE


def _entry(store: Store, entry_id: int) -> HistoryEntry:
    """Return an entry of the history. Raises click.ClickException if there is none of this number."""
    entry = store.history_entry(entry_id)
    if entry is None:
        raise click.ClickException(f"the history has no entry {entry_id}; to see the newest: `beatsync history`")
    return entry


def _report_missing(store: Store, name: str) -> None:
    """Print a hint if neither a schedule nor a row has this name."""
    names = wiring.names_of(store)
    if name not in names:
        output.print_hint(wiring.missing_name(name, names))
