"""`beatsync status`."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

import click

from beatsync.cli import exits, options, output, wiring

if TYPE_CHECKING:
    from beatsync.report.values import SourceStatus
    from beatsync.store import SourceState, Store

_LOOK = 0.5
"""Seconds between two looks of --wait."""


@click.command("status")
@options.option("--source", metavar="NAME", help="Only this source.  [all]")
@options.option(
    "--wait",
    metavar="DURATION",
    callback=options.duration,
    help="Wait so long for the source's first success (or that of --revision); exit 1 where it does not come.",
)
@options.option(
    "--revision", metavar="REV", help="With --wait: for the success of this commit, mount or digest, or its beginning."
)
@options.database
@options.output_format("text", "json")
@click.pass_obj
def command(
    settings: Any,
    /,
    *,
    source: str | None,
    wait: float | None,
    revision: str | None,
    output_format: str,
    **given: Any,
) -> int:  # fmt: skip
    """Show each source: its revision, when and how it was last synced, and rows that drifted or are left as they are."""
    from beatsync.report import jsonout, text

    if revision is not None and wait is None:
        raise click.UsageError("--revision is what --wait waits for")
    with wiring.opened(wiring.Given(**given), settings, check=wait is None) as (store, _):
        if wait is not None:
            _wait(store, source, revision, wait)
        found = _sources(store, source)
    if output_format == "json":
        output.answer(jsonout.render_status(found))
    else:
        output.answer(text.render_status(found, output.painter(sys.stdout)))
    return exits.DONE


def _wait(store: Store, only: str | None, revision: str | None, seconds: float) -> None:
    """Wait until what was asked for is synced, also for a database that is not there yet. Raises click.ClickException."""
    from beatsync.store import StoreError

    deadline = time.monotonic() + seconds
    while True:
        try:
            wanted = [state for state in store.sources() if only in {None, state.name}]
            waiting = [state.name for state in wanted if not _is_synced(state, revision)]
            problem = f"not synced yet: {', '.join(waiting)}" if waiting else f"no source {only or ''}".rstrip()
            if wanted and not waiting:
                return
        except StoreError as error:
            problem = str(error)
            store.close()
        if time.monotonic() >= deadline:
            raise click.ClickException(f"{problem}, after {seconds:g} s")
        time.sleep(min(_LOOK, max(0.0, deadline - time.monotonic())))


def _is_synced(state: SourceState, revision: str | None) -> bool:
    if state.revision is None or state.synced_at is None:
        return False
    known = (state.revision.digest, state.revision.git or "", state.revision.mount or "")
    return revision is None or any(one.startswith(revision) for one in known)


def _sources(store: Store, only: str | None) -> list[SourceStatus]:
    from beatsync.plan.drift import states
    from beatsync.reconcile import utc_now
    from beatsync.report.values import SourceStatus

    if only is not None:
        wiring.require_source(store, only)
    found = []
    for state in store.sources():
        if only in {None, state.name}:
            now = utc_now()
            rows = states(store.observe(state.name), now)
            led, suspension = store.leader(state.name), state.suspension
            authors = store.authors([row.row_id for row in rows if row.drift or row.missing])
            found.append(
                SourceStatus(
                    state.name, state.origin, state.revision, state.environment, state.synced_at, state.outcome,
                    state.message, rows, suspension if suspension and suspension.holds(now) else None,
                    led.holder if led else None, authors,
                )
            )  # fmt: skip
    return found
