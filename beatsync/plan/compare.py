"""Three-way comparison, field by field: the declared value, the row's value, and the value last applied.

All three are normalised (`TaskSpec.fields()`), so this compares flat maps. A schedule is one value in up to two fields (a
crontab and its timezone), so its fields are changed or ignored together. The field `enabled` belongs to the operator unless
the file sets it, and beat itself clears it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime

from beatsync.plan.inventory import Fields, applied_fields
from beatsync.plan.model import Cause, Condition, FieldChange
from beatsync.plan.observed import Owned, Row
from beatsync.specfile.fields import FIELD_TABLE
from beatsync.values import FIELDS, SCHEDULE_FIELDS, Declared

Groups = tuple[tuple[str, ...], ...]
_GROUPS: Groups = (
    ("name",),
    ("task",),
    SCHEDULE_FIELDS,
    *((name,) for name in FIELDS if name not in {"name", "task", "enabled", *SCHEDULE_FIELDS}),
)
"""Fields that are compared as one value, in the order of `FIELDS`."""
_REARMING = (*SCHEDULE_FIELDS, *(field.name for field in FIELD_TABLE if field.rearms))


def compare_row(
    declared: Declared, entry: Owned | None, row: Row, now: datetime
) -> tuple[tuple[FieldChange, ...], Condition | None]:
    """Return the fields of `row` that have to change, and why a disabled row stays disabled."""
    if entry is not None and entry.pause is not None and not row.spec.enabled:
        last = applied_fields(entry.applied)
        fields = compare(declared.spec.fields(), row.spec.fields(), last, _free_fields(declared, entry))
        return tuple(fields), Condition.HELD
    return _compare_unpaused(declared, entry, row, now)


def _compare_unpaused(
    declared: Declared, entry: Owned | None, row: Row, now: datetime
) -> tuple[tuple[FieldChange, ...], Condition | None]:
    want, have = declared.spec.fields(), row.spec.fields()
    last = applied_fields(entry.applied) if entry is not None else None
    free = _free_fields(declared, entry)
    fields = tuple(compare(want, have, last, free))
    enabled = _wanted_enabled(declared, entry, last)
    # A finished one-off that becomes a crontab has completed as what it was.
    if completed(row, now, one_off=declared.spec.one_off or bool(last and last["one_off"])):
        if last is not None and _is_rearmed(declared, want, last):
            enabled = declared.spec.enabled
        elif _stays_completed(declared, fields, row, now):
            return fields, None if enabled is False else Condition.COMPLETED
    if enabled is None:
        return fields, None if row.spec.enabled else Condition.PAUSED
    changes = compare({"enabled": enabled}, have, last, free, (("enabled",),))
    return (*fields, *changes), None


def _free_fields(declared: Declared, entry: Owned | None) -> tuple[str, ...]:
    """Return the fields that are written only if the file changed them."""
    return declared.policy.ignore if entry is None else (*declared.policy.ignore, *entry.operator_fields)


def compare(
    want: Fields, have: Fields, last: Fields | None, ignore: Collection[str], groups: Groups = _GROUPS
) -> Iterator[FieldChange]:
    """Yield each field of `groups` that has to change; by default, all but `enabled` in the order of `FIELDS`.

    `last` is None for a row that nothing was applied to yet. A group with a field in `ignore` is written only if the file
    changed it.
    """
    for group in groups:
        changed = [name for name in group if want.get(name) != have.get(name)]
        if not changed:
            continue
        file_changed = last is None or any(want.get(name) != last.get(name) for name in group)
        if file_changed or not any(name in ignore for name in group):
            cause = _cause(group, have, last) if file_changed else Cause.DRIFT
            yield from (FieldChange(name, have.get(name), want.get(name), cause) for name in changed)


def _cause(group: Sequence[str], have: Fields, last: Fields | None) -> Cause:
    """Return why the fields of `group` change, which the file changed: `both` if the row does not have the applied values either."""
    if last is None or ("enabled" in group and last.get("enabled") is None):
        return Cause.SPEC
    return Cause.BOTH if any(have.get(name) != last.get(name) for name in group) else Cause.SPEC


def completed(row: Row, now: datetime, *, one_off: bool) -> bool:
    """Return whether beat itself disabled the row: a one-off that ran, or a row past its `expires`.

    `one_off` is the declared value, or the one last applied.
    """
    if row.spec.enabled:
        return False
    return (one_off and row.spec.one_off) or (row.spec.expires is not None and row.spec.expires <= now)


def _wanted_enabled(declared: Declared, entry: Owned | None, last: Fields | None) -> bool | None:
    """Return the value of `enabled` that the row shall have; None if it belongs to the operator."""
    if declared.enabled_declared:
        return declared.spec.enabled
    if entry is None or last is None:
        return None
    # A value that the file set and no longer sets falls back to the default, as with `kubectl apply`.
    return True if entry.retired or last.get("enabled") is False else None


def _is_rearmed(declared: Declared, want: Fields, last: Fields) -> bool:
    """Return whether the file has changed, since the last apply, in a way that enables a completed row again."""
    return any(want.get(name) != last.get(name) for name in _REARMING) or (
        declared.enabled_declared and last.get("enabled") is False
    )


def _stays_completed(declared: Declared, fields: tuple[FieldChange, ...], row: Row, now: datetime) -> bool:
    """Return whether a completed row still is one after `fields` are written, which may restore a drifted `expires`."""
    if not any(field.field == "expires" for field in fields):
        return True
    after = row._replace(spec=row.spec._replace(expires=declared.spec.expires))
    return completed(after, now, one_off=declared.spec.one_off)
