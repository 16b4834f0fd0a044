"""Three-way comparison, field by field: the declared value, the row's value, and the value last applied.

All three are normalised (`TaskSpec.fields()`), so this compares flat maps. A schedule is one value in up to two fields (a
crontab and its timezone), so its fields are changed or ignored together.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime

from beatsync.plan.inventory import Fields
from beatsync.plan.model import Cause, FieldChange
from beatsync.plan.observed import Row
from beatsync.specfile.fields import FIELD_TABLE
from beatsync.values import FIELDS, SCHEDULE_FIELDS

_GROUPS = (
    ("name",),
    ("task",),
    SCHEDULE_FIELDS,
    *((name,) for name in FIELDS if name not in {"name", "task", "enabled", *SCHEDULE_FIELDS}),
)
"""Fields that are compared as one value, in the order of `FIELDS`."""
_REARMING = (*SCHEDULE_FIELDS, *(field.name for field in FIELD_TABLE if field.rearms))


def compare(want: Fields, have: Fields, last: Fields | None, ignore: Collection[str]) -> Iterator[FieldChange]:
    """Yield each field that has to change, in the order of `FIELDS`, except for `enabled`.

    `last` is None for a row that nothing was applied to yet. A field in `ignore` is written only if the file changed it.
    """
    for group in _GROUPS:
        differing = [name for name in group if want.get(name) != have.get(name)]
        if not differing:
            continue
        file_changed = last is None or any(want.get(name) != last.get(name) for name in group)
        if file_changed or not any(name in ignore for name in group):
            cause = Cause.SPEC if file_changed else Cause.DRIFT
            for name in differing:
                yield FieldChange(name, have.get(name), want.get(name), cause)


def completed(row: Row, now: datetime, *, one_off: bool) -> bool:
    """Return whether beat itself disabled the row: a one-off that ran, or a row past its `expires`.

    `one_off` is the declared value, or the one last applied.
    """
    if row.spec.enabled:
        return False
    return (one_off and row.spec.one_off) or (row.spec.expires is not None and row.spec.expires <= now)


def rearmed(want: Fields, last: Fields) -> bool:
    """Return whether the file has changed, since the last apply, in a way that enables a completed row again."""
    return any(want.get(name) != last.get(name) for name in _REARMING)
