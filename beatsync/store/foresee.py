"""What would stop a sync and only the database knows: looked up before anything is written, and only for what the plan does."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from django.db import DatabaseError

from beatsync.plan.model import Action, Blocked, Change, Plan
from beatsync.store import kept, references, tasks
from beatsync.store.dialects import ColumnLimits, Dialect
from beatsync.store.tables import (
    BEAT_TABLES,
    FILE_RECORD,
    HISTORY,
    INVENTORY,
    NOTICE,
    OWN_TABLES,
    PERIODIC_TASK,
    SCHEDULES,
    SOURCE,
    TOMBSTONE,
    Table,
)
from beatsync.values import Diagnostic, Location, Severity

Right = tuple[str, str]
"""A table's name, and INSERT, UPDATE or DELETE."""
_TABLES = {table.name: table for table in (*BEAT_TABLES, *OWN_TABLES)}
_EVERY_SYNC: tuple[Right, ...] = (
    (SOURCE.name, "UPDATE"),
    (HISTORY.name, "INSERT"),
    *((table.name, right) for table in (INVENTORY, FILE_RECORD, TOMBSTONE) for right in ("INSERT", "DELETE")),
)
_GRANTS = "grant the rights in deploy/sql, which are all that a sync needs"


def foresee(db: Dialect, plan: Plan, *, is_dry_run: bool) -> Plan:
    """Return the plan with what would stop its sync as blockers.

    Rights and read-only databases are only looked up for a dry run: a sync finds them at its first statement.
    """
    blocked, warnings = [*_references(db, plan), *_columns(db, plan)], []
    if is_dry_run:
        rights = [(_TABLES[name], right) for name, right in (*_EVERY_SYNC, *sorted(_rights(plan.changes)))]
        missing = db.missing_rights(rights)
        if missing == rights:
            warnings.append(_reads_only())
        else:
            blocked += _missing_rights(missing)
            if reason := db.read_only_reason():
                hint = "use the address of the primary, or a session that can write"
                blocked.append(Blocked("read-only", f"a sync cannot write to {db.describe()}: {reason}", hint=hint))
    return replace(plan, blocked=(*plan.blocked, *blocked), diagnostics=(*plan.diagnostics, *warnings))


def _references(db: Dialect, plan: Plan) -> Iterator[Blocked]:
    """Yield which rows of other applications refer to rows that the plan deletes."""
    names = {c.row_id: c.name for c in plan.changes if c.action is Action.DELETE and c.row_id is not None}
    if not names:
        return
    for reference in references.read(db).get(PERIODIC_TASK.name, ()):
        try:
            yield from references.blockers(db, names, [reference])
        except DatabaseError as error:
            if not db.is_permission_error(error):
                raise
            message = f"a sync deletes rows that the table {reference.table} may refer to, and this user cannot read it"
            yield Blocked("missing-right", message, hint=f"GRANT SELECT ({reference.column}) ON {reference.table}")


def _columns(db: Dialect, plan: Plan) -> Iterator[Blocked]:
    """Yield which columns are unknown to BeatSync and need a value, and which do not keep what the plan writes."""
    changes = list(kept.written_changes(plan).values())
    if changes:
        limits = db.column_limits()
        yield from _unknown_columns(limits, changes)
        yield from kept.blockers(db, limits, changes)


def _unknown_columns(limits: Iterable[ColumnLimits], changes: Iterable[Change]) -> Iterator[Blocked]:
    inserting = {name for name, right in _rights(changes) if right == "INSERT"}
    for limit in limits:
        if limit.table in inserting and limit.is_required and not _TABLES[limit.table].has(limit.name):
            place = f"{limit.table}.{limit.name}"
            yield Blocked(
                "unknown-column",
                f"the column {place} needs a value and has no default in the database, and this BeatSync does not know it",
                hint=f"give {place} a default in the database (ALTER TABLE, SET DEFAULT), or use a BeatSync that knows it",
            )


def _rights(changes: Iterable[Change]) -> set[Right]:
    """Return the rights on django-celery-beat's tables that `changes` need."""
    rights: set[Right] = set()
    for change in filter(tasks.writes_row, changes):
        is_new, is_deleted = change.action is Action.CREATE, change.action is Action.DELETE
        rights.add((PERIODIC_TASK.name, "INSERT" if is_new else "DELETE" if is_deleted else "UPDATE"))
        rights.add((NOTICE.name, "UPDATE"))
        if is_new or is_deleted or tasks.changes_schedule(change):
            if change.target is not None and change.target.schedule is not None:
                rights.add((SCHEDULES[change.target.schedule.kind].name, "INSERT"))
            if change.schedule_kind is not None:
                rights.add((SCHEDULES[change.schedule_kind].name, "DELETE"))
    return rights


def _missing_rights(missing: Iterable[tuple[Table, str]]) -> Iterator[Blocked]:
    by_table: dict[str, list[str]] = {}
    for table, right in missing:
        by_table.setdefault(table.name, []).append(right)
    for name, rights in by_table.items():
        yield Blocked("missing-right", f"the database user may not {' and '.join(rights)} in {name}", hint=_GRANTS)


def _reads_only() -> Diagnostic:
    message = "this database user can only read; a sync needs one that can write"
    return Diagnostic(Severity.WARNING, "missing-right", message, Location("."), hint=_GRANTS)
