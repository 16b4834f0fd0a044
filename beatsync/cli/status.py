"""`beatsync status`."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from beatsync.cli import exits, options, output, wiring
from beatsync.plan.observed import APPLICATION

if TYPE_CHECKING:
    from beatsync.report.values import SourceStatus, UnownedRow
    from beatsync.store import SourceState, Store

_POLL = 0.5
"""Seconds between two reads of the database with --wait."""


@click.command("status")
@options.option("--source", metavar="NAME", help="Only this source.  [default: all]")
@options.option(
    "--wait", metavar="DURATION", callback=options.duration,
    help="Wait until the source is synced (with --revision: to that revision); exit with 1 if that takes longer.",
)  # fmt: skip
@options.option(
    "--revision", metavar="REV", help="With --wait: the commit, mount or content digest to wait for, or its beginning."
)
@options.option(
    "--unowned", "with_unowned", is_flag=True, help="Also list the rows that no source owns, and who added them."
)
@options.database
@options.rows
@options.output_format("text", "json")
def command(
    *,
    source: str | None,
    wait: float | None,
    revision: str | None,
    with_unowned: bool,
    with_rows: bool,
    output_format: str,
    **flags: Any,
) -> int:
    """Show each source: its revision, time and outcome of its last sync, and rows that drifted or are left unchanged."""
    from beatsync.report import jsonout, text

    if revision is not None and wait is None:
        raise click.UsageError("--revision needs --wait")
    with wiring.open_store(options.CliOptions(**flags), check_tables=wait is None) as (store, _):
        if wait is not None:
            _wait_for_sync(store, source, revision, wait)
        statuses = list(_read_statuses(store, source))
        unowned = _read_unowned(store) if with_unowned else None
    if output_format == "json":
        output.print_result(jsonout.render_status(statuses, unowned))
    else:
        paint = output.painter(sys.stdout)
        output.print_result(text.render_status(statuses, paint, with_rows=with_rows, unowned=unowned))
    return exits.DONE


def _read_unowned(store: Store) -> list[UnownedRow]:
    """Return the rows that no source owns."""
    from beatsync.convert.rows import CLEANUP
    from beatsync.report.values import UnownedRow
    from beatsync.transfer import unowned_rows

    rows = unowned_rows(store)
    added = store.authors([row.row_id for row in rows], additions=True)
    recreated = store.beat_schedule_names() | {CLEANUP}
    return [
        UnownedRow(row.name, row.spec.task, row.spec.enabled, added.get(row.row_id), row.name in recreated)
        for row in rows
    ]


def _wait_for_sync(store: Store, name: str | None, revision: str | None, seconds: float) -> None:
    """Wait until the source, or every source, is synced; the database may be unavailable at first.

    Raises click.ClickException after `seconds`.
    """
    from beatsync.store import StoreError

    deadline = time.monotonic() + seconds
    while True:
        try:
            problem = _unsynced_problem(store, name, revision)
        except StoreError as error:
            problem = str(error)
            store.close()
        if problem is None:
            return
        if time.monotonic() >= deadline:
            raise click.ClickException(f"gave up after {seconds:g} s: {problem}")
        time.sleep(min(_POLL, max(0.0, deadline - time.monotonic())))


def _unsynced_problem(store: Store, name: str | None, revision: str | None) -> str | None:
    """Return which sources are not synced; None if all of them are."""
    states = [state for state in store.sources() if name in {None, state.name}]
    unsynced = [state.name for state in states if not _is_synced(state, revision)]
    if unsynced:
        return f"not synced yet: {', '.join(unsynced)}"
    if states:
        return None
    return "the database has no source" + (f" {name!r}" if name else "")


def _is_synced(state: SourceState, revision: str | None) -> bool:
    if state.kind == APPLICATION:
        return True  # nothing is synced
    if state.revision is None or state.synced_at is None:
        return False
    ids = (state.revision.digest, state.revision.git or "", state.revision.mount or "")
    return revision is None or any(id_.startswith(revision) for id_ in ids)


def _read_statuses(store: Store, name: str | None) -> Iterator[SourceStatus]:
    """Yield the status of one source, or of all. Raises click.ClickException if the source does not exist."""
    from beatsync.shown import source_status
    from beatsync.sync_types import utc_now

    now, leaders = utc_now(), store.leaders()
    for state in store.sources() if name is None else [wiring.require_source(store, name)]:
        yield source_status(store, state, store.observe(state.name), leaders.get(state.name), now)
