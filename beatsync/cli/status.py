"""`beatsync status`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from beatsync.cli import exits, options, output, wiring

if TYPE_CHECKING:
    from beatsync.report.status import SourceStatus
    from beatsync.store import Store


@click.command("status")
@options.option("--source", metavar="NAME", help="Only this source.  [all]")
@options.database
@options.output_format("text", "json")
@click.pass_obj
def command(settings: Any, /, *, source: str | None, output_format: str, **given: Any) -> int:
    """Show each source: its revision, when and how it was last synced, and rows that drifted or are left as they are."""
    from beatsync.report import status

    with wiring.opened(wiring.Given(**given), settings) as (store, _):
        found = _sources(store, source)
    if output_format == "json":
        output.answer(status.json_report(found))
    else:
        output.answer(status.text_report(found, output.painter(sys.stdout)))
    return exits.DONE


def _sources(store: Store, only: str | None) -> list[SourceStatus]:
    from beatsync.plan.drift import states
    from beatsync.reconcile import utc_now
    from beatsync.report.status import SourceStatus

    known = store.sources()
    if only is not None and only not in {state.name for state in known}:
        names = ", ".join(state.name for state in known) or "none"
        raise click.ClickException(f"there is no source {only!r} in this database; there are: {names}")
    found = []
    for state in known:
        if only in {None, state.name}:
            rows = states(store.observe(state.name), utc_now())
            authors = store.authors([row.row_id for row in rows if row.drift or row.missing])
            found.append(
                SourceStatus(
                    state.name, state.origin, state.revision, state.environment, state.synced_at, state.outcome,
                    state.message, rows, authors,
                )
            )  # fmt: skip
    return found
