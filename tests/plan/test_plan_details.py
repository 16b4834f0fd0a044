"""One schedule in detail: its next runs, and its rows against what was applied."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from beatsync.plan.details import ScheduleDetails, schedule_details
from beatsync.plan.model import Condition
from beatsync.plan.observed import Pause
from beatsync.values import Clocked, Crontab, Interval, Policy
from tests.builders import NOW, declared, every, observed, owned, owning, row

NOON = Crontab("0", "12", "*", "*", "*", "Europe/Berlin")
HOUR = timedelta(hours=1)


def details(name: str, *args: Any, **fields: Any) -> ScheduleDetails:
    shown = schedule_details(name, observed(*args, **fields), NOW)
    assert shown is not None
    return shown


@pytest.mark.parametrize(
    ("fields", "attributes", "expected"),
    [
        ({"schedule": Interval(6, "hours")}, {"last_run_at": NOW - HOUR}, [5, 11, 17, 23, 29]),
        ({"schedule": Interval(6, "hours")}, {"last_run_at": NOW - 7 * HOUR}, [0, 6, 12, 18, 24]),
        ({"schedule": NOON}, {"last_run_at": NOW - HOUR}, [22, 46, 70, 94, 118]),
        ({"schedule": NOON, "expires": NOW + 50 * HOUR}, {"last_run_at": NOW - HOUR}, [22, 46]),
        ({"schedule": Interval(6, "hours"), "one_off": True}, {"last_run_at": NOW - HOUR}, [5]),
        ({"schedule": Clocked(NOW + HOUR), "one_off": True}, {}, [1]),
        ({"schedule": NOON, "enabled": False}, {}, []),
        ({"schedule": Crontab("99", "*", "*", "*", "*", "UTC")}, {}, []),
        ({"schedule": NOON._replace(timezone="Not/AZone")}, {}, []),
        ({"schedule": Interval(6, "hours"), "start_time": NOW + 10 * HOUR}, {}, [10, 16, 22, 28, 34]),
        ({"schedule": NOON, "start_time": NOW + 2 * HOUR}, {"last_run_at": NOW - 48 * HOUR}, [2, 22, 46, 70, 94]),
    ],
)
def test_the_next_five_runs(fields: dict[str, Any], attributes: dict[str, Any], expected: list[int]) -> None:
    """In hours from now; an overdue run comes at once, or at `start_time`."""
    shown = details("x", row(declared("x", **fields), **attributes))
    assert [(run - NOW) / HOUR for run in shown.runs] == expected


def test_the_runs_of_all_rows_of_a_schedule_in_order() -> None:
    rows = every("peaks", "0 8-17 * * *", "30 18-23 * * *")
    shown = schedule_details("peaks#2", owning(*rows), NOW)
    assert shown is not None
    assert (shown.name, [each.name for each in shown.rows]) == ("peaks", ["peaks", "peaks#2"])
    first = datetime(2026, 6, 1, 13, tzinfo=timezone.utc)
    assert shown.runs[0] == NOW, "both rows are overdue"
    assert shown.runs[1:4] == (first, first + HOUR, first + 2 * HOUR)


def test_rows_are_compared_with_what_was_applied_and_secrets_are_masked() -> None:
    schedule = declared("x", kwargs='{"token": "a"}', queue="fast", policy=Policy(ignore=("priority",)))
    have = row(schedule, queue="slow", kwargs='{"token": "b"}', priority=3, enabled=False)
    (each,) = details("x", have, inventory=(owned(schedule),)).rows
    fields = {field.field: (field.before, field.after) for field in each.fields}
    assert fields["queue"] == ("slow", "fast")
    assert fields["kwargs"] == ('{"token": "*** (before)"}', '{"token": "*** (after)"}')
    assert (fields["priority"], fields["enabled"]) == ((3, None), (False, False))
    assert each.state is not None
    assert {field.field for field in each.state.drift} == {"queue", "kwargs"}


def test_a_pause_a_deleted_row_and_an_unowned_one() -> None:
    schedule = declared("x")
    held = owned(schedule)._replace(pause=Pause("ann", "why", NOW))
    (paused,) = details("x", row(schedule, enabled=False), inventory=(held,)).rows
    assert paused.state is not None
    assert (paused.state.conditions, paused.state.pause) == ((Condition.HELD,), held.pause)
    (gone,) = details("x", inventory=(owned(schedule),)).rows
    assert gone.row is None
    (unowned,) = details("x", row(schedule)).rows
    assert unowned.state is None
    assert schedule_details("x", replace(owning(schedule), rows={}, inventory={}), NOW) is None
