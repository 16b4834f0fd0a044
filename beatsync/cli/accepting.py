"""`beatsync export --accept` and `--drifted`: what an operator changed in a row, into the file that declares its schedule."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from beatsync.cli import exits, options, output, rewriting, wiring

if TYPE_CHECKING:
    from beatsync.plan.model import Change, Plan
    from beatsync.specfile.accept import Parsing
    from beatsync.store import Store
    from beatsync.values import Snapshot, SourceFile, TaskSpec


def accept_drift(flags: options.CliOptions, names: Collection[str], *, with_secrets: bool) -> int:
    """Write the drift of these schedules, or of all if there are none, into their files; return the exit code.

    Raises click.ClickException if a file cannot be written.
    """
    from beatsync import reconcile
    from beatsync.fingerprint.scope import shared_inputs
    from beatsync.source import load
    from beatsync.values import Severity

    with wiring.open_store(flags, with_application=True) as (store, cli_options):
        directory = wiring.source_directory(cli_options)
        sync_options = wiring.sync_options(cli_options, store)
        snapshot = load(directory)
        plan = reconcile.reconcile(reconcile.Run(lambda: snapshot, store, sync_options), dry_run=True).plan
        changes = _drift(plan)
        rows = _rows(store, changes.values())
    if any(each.severity is Severity.ERROR for each in plan.diagnostics):
        output.print_error("a file is invalid, and nothing was written: `beatsync validate` shows the errors")
        return exits.INVALID
    chosen = [changes[name] for name in dict.fromkeys(names or changes) if name in changes]
    parse = replace(sync_options.parse, timezone=plan.timezone or sync_options.parse.timezone, is_zone_assumed=False)
    parsing = (parse, shared_inputs(snapshot, {}, reconcile.utc_now().date()))
    files, refused = _edited(snapshot, chosen, rows, parsing, with_secrets=with_secrets)
    _write(directory, snapshot, files)
    _report(directory, chosen, refused)
    unchanged = [name for name in names if name not in changes]
    if unchanged:
        output.print_error(f"no drift that a sync would undo: {', '.join(map(repr, unchanged))}")
    return exits.INCOMPLETE if unchanged or refused else exits.DONE


def _write(directory: Path, snapshot: Snapshot, files: Mapping[str, SourceFile]) -> None:
    """Write the files that were edited. Raises click.ClickException."""
    for before in snapshot.files:
        after = files[before.path]
        if after.data != before.data:
            rewriting.rewrite(directory / before.path, before.data, after.data)


def _drift(plan: Plan) -> dict[str, Change]:
    """Return the changes that would undo what an operator changed, by name."""
    from beatsync.plan.model import Action

    return {change.name: change for change in plan.changes if change.action is Action.UPDATE and _fields(change)}


def _rows(store: Store, changes: Collection[Change]) -> Mapping[int | None, TaskSpec]:
    """Return the values of the rows of these changes, by their key."""
    from beatsync.fingerprint import Scope

    row_ids = frozenset(change.row_id for change in changes if change.row_id is not None)
    observed = store.observe("", Scope(frozenset(change.name for change in changes), row_ids))
    return {row.row_id: row.spec for row in observed.rows.values()}


def _edited(
    snapshot: Snapshot,
    changes: Collection[Change],
    rows: Mapping[int | None, TaskSpec],
    parsing: Parsing,
    *,
    with_secrets: bool,
) -> tuple[dict[str, SourceFile], dict[str, str]]:
    """Return the files by path, edited, and the reason for each schedule whose values could not be written."""
    from beatsync.specfile.accept import EditError, accept

    files = {file.path: file for file in snapshot.files}
    refused = {}
    for change in changes:
        path, row, fields = change.location.path if change.location else "", rows.get(change.row_id), _fields(change)
        if row is None or "name" in fields:
            refused[change.name] = "the row was renamed or deleted"
            continue
        try:
            after = accept(files[path], change.name, row, fields, parsing)
        except EditError as error:
            refused[change.name] = str(error)
            continue
        if with_secrets or not _adds_secret(files[path], after):
            files[path] = after
        else:
            refused[change.name] = "a line that may hold a secret would change. Secrets are written with --with-secrets"
    return files, refused


def _fields(change: Change) -> list[str]:
    """Return the fields that an operator changed."""
    from beatsync.plan.model import Cause

    return [field.field for field in change.field_changes if field.cause is not Cause.SPEC]


def _adds_secret(before: SourceFile, after: SourceFile) -> bool:
    """Return whether a line that may hold a secret is new."""
    from beatsync.specfile.parse import secret_lines

    previous = set(before.data.decode("utf-8-sig").splitlines())
    lines = after.data.decode("utf-8-sig").splitlines()
    return any(lines[number - 1] not in previous for number in secret_lines(after))


def _report(directory: Path, changes: Collection[Change], refused: Mapping[str, str]) -> None:
    from beatsync.report.escape import line_start

    for change in changes:
        if change.name in refused:
            output.print_error(f"{change.name!r} is not written: {refused[change.name]}")
            continue
        fields = ", ".join(_fields(change))
        output.print_result(line_start(f"{directory / str(change.location)}: {change.name}: {fields}"))
    accepted = len(changes) - len(refused)
    if accepted:
        output.print_hint("read the difference of the files, and commit it; `beatsync plan` no longer shows this drift")
    elif not refused:
        output.print_hint("nothing to accept")
