"""What a plan does to the peak: the most runs of crontabs in one minute."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta

from beatsync.plan.load import add_crontabs
from beatsync.plan.model import Action, Change, PeakChange, Plan
from beatsync.plan.observed import Observed
from beatsync.values import SCHEDULE_FIELDS, Crontab, TaskSpec

PEAK_WINDOW = timedelta(days=7)


def crontab_changes(plan: Plan, observed: Observed) -> Counter[Crontab]:
    """Return for each crontab by how many its enabled rows would grow, without those that stay as many."""
    rows = {row.row_id: row.spec for row in observed.rows.values()}
    numbers: Counter[Crontab] = Counter()
    for change in plan.changes:
        before = rows.get(change.row_id) if change.row_id is not None else None
        for spec, number in ((before, -1), (_after(change, before), 1)):
            if spec is not None and spec.enabled and not spec.one_off and isinstance(spec.schedule, Crontab):
                numbers[spec.schedule] += number
    return Counter({schedule: number for schedule, number in numbers.items() if number})


def _after(change: Change, before: TaskSpec | None) -> TaskSpec | None:
    """Return what counts of a row after a change: only the fields that change are written to it; None if it does not run."""
    if change.action is Action.FORGET:
        return before
    if change.action in (Action.DELETE, Action.DISABLE) or change.target is None or before is None:
        return change.target
    changed = {field.field for field in change.field_changes}
    values = {name: getattr(change.target, name) for name in ("enabled", "one_off") if name in changed}
    schedule = change.target.schedule if changed.intersection(SCHEDULE_FIELDS) else before.schedule
    return before._replace(schedule=schedule, **values)


def peak_change(rows: Mapping[Crontab, int], changes: Mapping[Crontab, int], now: datetime) -> PeakChange | None:
    """Return the peak of a week of as many rows of each crontab as `rows` says, and after `changes`; None if it is the same.

    Crontabs that celery cannot read count as not running.
    """
    start = now.replace(second=0, microsecond=0)
    counts = add_crontabs([], rows, start, start + PEAK_WINDOW)
    after = add_crontabs(counts, changes, start, start + PEAK_WINDOW)
    change = PeakChange(max(counts), max(after))
    return change if change.before != change.after else None
