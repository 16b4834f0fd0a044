"""What a column does not keep as it is written: found before a sync writes, and again in its transaction, by reading the rows back."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from beatsync.plan.model import Action, Blocked, Change, Plan
from beatsync.specfile import jsontext
from beatsync.specfile.fields import FIELD_TABLE, ColumnType, Field
from beatsync.store import rows, tasks, times
from beatsync.store.dialects import ColumnLimits, Dialect
from beatsync.store.errors import StoreError
from beatsync.store.tables import PERIODIC_TASK, SCHEDULES
from beatsync.values import TaskSpec

_SHOWN = 5
"""How many places a message names."""
_LONGEST = 80
"""How many characters of a value a message shows."""
_TEXTS = tuple(field for field in FIELD_TABLE if field.column_type is ColumnType.TEXT)
_CLOCKED = SCHEDULES["clocked"].name
_WIDEST = 2**31


def written_changes(plan: Plan) -> dict[str, Change]:
    """Return the changes that write values to a task row, by the name of the row after the plan."""
    return {c.target.name: c for c in plan.changes if c.target is not None and tasks.writes_row(c)}


def _is_written(change: Change, field: str) -> bool:
    return change.action is Action.CREATE or field in tasks.written_fields(change)


# Before the sync.


def blockers(db: Dialect, limits: Iterable[ColumnLimits], changes: Sequence[Change]) -> Iterator[Blocked]:
    """Yield a blocker for each column that would not keep values of `changes`."""
    by_place = {(limit.table, limit.name): limit for limit in limits}
    for field in FIELD_TABLE:
        limit = by_place.get((PERIODIC_TASK.name, field.name))
        if field.column_type is ColumnType.DATETIME:
            yield from _lost_times(db, limit, field.name, changes)
        elif limit is not None and (limit.max_length or _WIDEST) < (field.rule.max_length or _WIDEST):
            yield from _lost_ends(field.name, limit.max_length or 0, changes)
    yield from _lost_times(db, by_place.get((_CLOCKED, "clocked_time")), "clocked", changes)
    yield from _charset_blockers(db, list(by_place.values()), changes)


def _charset_blockers(db: Dialect, limits: Sequence[ColumnLimits], changes: Sequence[Change]) -> Iterator[Blocked]:
    by_charset: dict[str, list[ColumnLimits]] = {}
    for limit in limits:
        if limit.charset is not None:
            by_charset.setdefault(limit.charset, []).append(limit)
    for charset, limited in sorted(by_charset.items()):
        yield from _lost_characters(db, charset, limited, changes)


def _lost_times(db: Dialect, limit: ColumnLimits | None, field: str, changes: Iterable[Change]) -> Iterator[Blocked]:
    digits = limit.second_digits if limit is not None else None
    for change in changes:
        value = _time(change, field)
        if value is not None and (lost := _lost_time(db, value, digits)):
            message, hint = lost
            yield Blocked("value-not-kept", f"{field} of {change.name!r}: {message}", (change.name,), hint)


def _time(change: Change, field: str) -> datetime | None:
    """Return a datetime that `change` writes."""
    target = tasks.target(change)
    value = getattr(target.schedule, "clocked_time", None) if field == "clocked" else getattr(target, field)
    is_written = change.action is Action.CREATE or (
        tasks.changes_schedule(change) if field == "clocked" else _is_written(change, field)
    )
    return value if is_written else None


def _lost_time(db: Dialect, value: datetime, digits: int | None) -> tuple[str, str] | None:
    """Return why a column does not keep `value` and what to do; None if it does."""
    kept = times.read(times.write(value, db.zone), db.zone)
    if kept != value:
        reason = f"it holds the local time of {db.zone}, where this hour occurs twice, and is read as {kept}"
        hint = "choose a time outside of that hour; or have the database store UTC (USE_TZ = True)"
        return f"the column does not keep {value}: {reason}", hint
    if digits is not None and value.microsecond % 10 ** (6 - digits):
        places = f"only {digits} digits" if digits else "no fraction"
        return f"the column does not keep {value}: it has {places} of a second", "write whole seconds"
    return None


def _lost_ends(field: str, longest: int, changes: Iterable[Change]) -> Iterator[Blocked]:
    for change in changes:
        value = getattr(tasks.target(change), field)
        if _is_written(change, field) and isinstance(value, str) and len(value) > longest:
            message = f"{field} of {change.name!r} has {len(value)} characters, and the column keeps {longest}"
            yield Blocked("value-not-kept", message, (change.name,), "write a shorter value, or widen the column")


def _lost_characters(
    db: Dialect, charset: str, limits: Sequence[ColumnLimits], changes: Sequence[Change]
) -> Iterator[Blocked]:
    columns = {limit.name for limit in limits if limit.table == PERIODIC_TASK.name}
    texts = list(_written_texts(changes, _text_fields(limits, columns)))
    lacking = _lacking(db, charset, "".join(text for *_, text in texts))
    places = [(change.name, field.name) for change, field, text in texts if not lacking.isdisjoint(text)]
    if places:
        table = PERIODIC_TASK.name if columns else limits[0].table
        yield Blocked(
            "character-set",
            f"the table {table} has the character set {charset}, which lacks {_listed(lacking)}: {_located(places)}",
            tuple(dict.fromkeys(name for name, _ in places)),
            hint="write other characters, or convert the tables of django-celery-beat and BeatSync to UTF-8",
        )


def _text_fields(limits: Sequence[ColumnLimits], columns: Collection[str]) -> tuple[Field, ...]:
    """Return the fields whose texts are written to columns with `limits`: BeatSync's own tables hold every text of a schedule."""
    has_own = any(limit.table.startswith("beatsync_") for limit in limits)
    return _TEXTS if has_own else tuple(field for field in _TEXTS if field.name in columns)


def _lacking(db: Dialect, charset: str, text: str) -> set[str]:
    """Return the characters of a text that a character set lacks."""
    characters = "".join(sorted({char for char in text if not char.isascii()}))
    return set(db.lacking(charset, characters)) if characters else set()


def _listed(characters: Iterable[str]) -> str:
    return ", ".join(f"{char!r} (U+{ord(char):04X})" for char in sorted(characters)[:_SHOWN])


def _located(places: Sequence[tuple[str, str]]) -> str:
    more = f" and {len(places) - _SHOWN} more" if len(places) > _SHOWN else ""
    return ", ".join(f"{field} of {name!r}" for name, field in places[:_SHOWN]) + more


def _written_texts(changes: Iterable[Change], fields: Sequence[Field]) -> Iterator[tuple[Change, Field, str]]:
    for change in changes:
        target = tasks.target(change)
        for field in fields:
            value = getattr(target, field.name)
            if value and not value.isascii() and _is_written(change, field.name):
                yield change, field, value


# In the transaction.


def check(db: Dialect, change: Change, kept: TaskSpec) -> None:
    """Raise StoreError if a row that was read back does not have a value that `change` wrote to it.

    No other session can have changed it: its row is locked until the commit. Of a schedule row, `schedules.ensure` checks it.
    """
    target = tasks.target(change)
    for field in FIELD_TABLE:
        written, read = getattr(target, field.name), getattr(kept, field.name)
        if field.is_json:
            written = jsontext.normalise(written, str(field.default))
        if written != read and _is_written(change, field.name):
            raise _not_kept(db, change, field, written, read)


def check_unread(db: Dialect, changes: Mapping[str, Change]) -> None:
    """Check the rows of `changes`, by name, that have no inventory entry under this name. Raises StoreError."""
    if not changes:
        return
    written = rows.read_some(db, changes, [c.row_id for c in changes.values() if c.row_id is not None])
    by_name, by_id = {row.name: row for row in written}, {row.row_id: row for row in written}
    for name, change in changes.items():
        row = by_name.get(name) if change.row_id is None else by_id.get(change.row_id)
        if row is not None:
            check(db, change, row.spec)


def _not_kept(db: Dialect, change: Change, field: Field, written: Any, kept: Any) -> StoreError:
    lost = _lost_time(db, written, None) if isinstance(written, datetime) else None
    reason = lost[1] if lost else "the column's type, its character set or a trigger changes it"
    values = "" if field.is_json else f": {_short(written)} was written, and {_short(kept)} is kept"
    return StoreError(
        f"the database does not keep {field.name} of {change.name!r}{values}; {reason}. Nothing was changed"
    )


def _short(value: object) -> str:
    text = str(value) if isinstance(value, datetime) else repr(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
