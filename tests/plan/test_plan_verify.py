from __future__ import annotations

import pytest

from beatsync.plan.diff import make_plan
from beatsync.plan.model import Plan
from beatsync.plan.observed import Row
from beatsync.plan.verify import written_as_planned, written_names
from beatsync.values import OnRemove, Policy
from tests.builders import declared, desired, observed, owned, request, row

OLD, NEW = declared("old"), declared("new", policy=Policy(renamed_from="old"))
GONE = declared("gone", policy=Policy(on_remove=OnRemove.DELETE))
OFF = declared("off", policy=Policy(on_remove=OnRemove.DISABLE))
FORGOTTEN = declared("forgotten", policy=Policy(on_remove=OnRemove.KEEP))
CREATED = declared("created")


def plan() -> Plan:
    return make_plan(
        desired(NEW, CREATED),
        observed(
            *(row(schedule, number) for number, schedule in enumerate([OLD, GONE, OFF, FORGOTTEN])),
            inventory=tuple(owned(schedule, number) for number, schedule in enumerate([OLD, GONE, OFF, FORGOTTEN])),
        ),
        request(),
    )


def written() -> dict[str, Row]:
    rows = [row(NEW, 0), row(OFF, 2, enabled=False), row(FORGOTTEN, 3), row(CREATED, 9)]
    return {row.name: row for row in rows}


def test_rows_that_hold_what_the_plan_wrote_are_as_planned() -> None:
    assert written_names(plan()) == {"new", "created", "gone", "off", "forgotten"}
    assert written_as_planned(plan(), written())


@pytest.mark.parametrize(
    "undone",
    [
        {"new": row(NEW, 7)},
        {"new": row(NEW, 0, queue="x")},
        {"created": row(CREATED, 9, task="x")},
        {"off": row(OFF, 2)},
        {"gone": row(GONE, 1)},
    ],
    ids=["another key", "an update", "a create", "a disable", "a delete"],
)
def test_a_row_that_another_process_changed_is_not_as_planned(undone: dict[str, Row]) -> None:
    assert not written_as_planned(plan(), {**written(), **undone})


@pytest.mark.parametrize("name", ["new", "created", "off"])
def test_a_row_that_is_missing_is_not_as_planned(name: str) -> None:
    rows = written()
    del rows[name]
    assert not written_as_planned(plan(), rows)


def test_a_new_row_under_a_deleted_name_is_as_planned() -> None:
    assert written_as_planned(plan(), {**written(), "gone": row(GONE, 50)})
