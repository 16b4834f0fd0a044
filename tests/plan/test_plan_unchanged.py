"""Names in `Desired.unchanged` are declared and owned, and nothing of them is read: the plan is that of everything in scope."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from beatsync.plan.collation import collation_key
from beatsync.plan.inventory import record_if_changed
from beatsync.plan.model import Action
from beatsync.plan.observed import Claim, NameRule, Observed, Owned, Row, Tombstone
from beatsync.values import Clocked, Crontab, Declared, Desired, Interval, OnRemove, Policy
from tests.builders import NOW, declared, desired, guarded, observed, owned, request, row


def outside(*names: str, **fields: Any) -> Desired:
    return desired(unchanged=frozenset(names), **fields)


def test_they_count_as_unchanged_and_nothing_is_done() -> None:
    plan = guarded(outside("a", "b"), observed())
    assert (plan.changes, plan.records, plan.blocked, plan.unchanged) == ((), (), (), 2)


def test_they_are_never_pruned_even_if_their_entry_was_read() -> None:
    schedule = declared("a")
    plan = guarded(outside("a"), observed(row(schedule, queue="x"), inventory=(owned(schedule),)))
    assert (plan.changes, plan.unchanged) == ((), 1)


def test_they_count_as_owned_once_each() -> None:
    schedules = [declared(f"gone-{number}") for number in range(4)]
    current = observed(
        *(row(schedule, number) for number, schedule in enumerate(schedules)),
        inventory=tuple(owned(schedule, number) for number, schedule in enumerate(schedules)),
    )
    (blocked,) = guarded(outside("a", "b"), current).blocked
    assert "4 of the 6 schedules" in blocked.message
    assert guarded(outside(*(f"n{number}" for number in range(10))), current).blocked == ()


def test_an_entry_that_was_read_is_not_counted_twice() -> None:
    schedules = [declared(f"gone-{number}") for number in range(4)]
    kept = declared("a")
    current = observed(
        row(kept, 9),
        *(row(schedule, number) for number, schedule in enumerate(schedules)),
        inventory=(owned(kept, 9), *(owned(schedule, number) for number, schedule in enumerate(schedules))),
    )
    (blocked,) = guarded(outside("a"), current).blocked
    assert "4 of the 5 schedules" in blocked.message


def test_a_source_that_declares_only_unchanged_names_is_not_empty() -> None:
    gone = declared("gone")
    plan = guarded(outside("a"), observed(row(gone), inventory=(owned(gone),)))
    assert ([change.action for change in plan.changes], plan.blocked) == ([Action.DELETE], ())


def test_a_rename_from_one_of_them_is_not_a_rename() -> None:
    new = declared("new", policy=Policy(renamed_from="a"))
    (change,) = guarded(desired(new, unchanged=frozenset({"a"})), observed(row(declared("a"), 7))).changes
    assert (change.action, change.note) == (Action.CREATE, None)


@pytest.mark.parametrize("entry_is_read", [True, False])
def test_an_entry_that_claims_the_row_of_one_of_them_does_not_get_it(entry_is_read: bool) -> None:
    schedule, stray = declared("a"), declared("stray")
    entries = (owned(stray, 5), *([owned(schedule, 5)] if entry_is_read else []))
    (change,) = guarded(outside("a"), observed(row(schedule, 5), inventory=entries)).changes
    assert (change.action, change.name, change.row_id) == (Action.FORGET, "stray", None)
    assert change.note == "the row was deleted"


@pytest.mark.parametrize("entries_are_read", [True, False])
def test_the_rows_of_many_of_them_did_not_replace_the_rows_of_others(entries_are_read: bool) -> None:
    schedules = [declared(f"kept-{number}") for number in range(4)]
    strays = [owned(declared(f"stray-{number}"), number) for number in range(4)]
    entries = [owned(schedule, number) for number, schedule in enumerate(schedules)] if entries_are_read else []
    current = observed(
        *(row(schedule, number) for number, schedule in enumerate(schedules)), inventory=(*strays, *entries)
    )
    plan = guarded(outside(*(schedule.spec.name for schedule in schedules)), current)
    assert ([diagnostic.code for diagnostic in plan.diagnostics], plan.blocked) == (["rows-missing"], ())


def test_a_tombstone_of_one_of_them_deletes_nothing() -> None:
    current = observed(row(declared("a"), 5), tombstones=(Tombstone("a", 5),))
    assert guarded(outside("a"), current).changes == ()


NAMES = ["a", "b", "B", "é", "e", "z"]
policies = st.builds(
    Policy,
    on_remove=st.sampled_from(OnRemove),
    ignore=st.sampled_from([(), ("queue",), ("enabled",)]),
    protect=st.sampled_from([None, True, False]),
    renamed_from=st.sampled_from([None, None, "z", "a"]),
)
values: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {
        "schedule": st.sampled_from(
            [
                Interval(1, "hours"),
                Crontab("0", "12", "*", "*", "*", "Europe/Berlin"),
                Clocked(NOW + timedelta(days=1)),
                Clocked(NOW - timedelta(days=1)),
            ]
        )
    },
    optional={
        "queue": st.sampled_from(["q", None]),
        "expires": st.sampled_from([NOW - timedelta(hours=1), NOW + timedelta(hours=1)]),
        "one_off": st.booleans(),
        "enabled": st.booleans(),
    },
)
drifts: st.SearchStrategy[dict[str, Any]] = st.sampled_from(
    [{}] * 6 + [{"enabled": False}, {"queue": "other"}, {"name": "renamed"}]
)


@st.composite
def worlds(draw: st.DrawFn) -> tuple[Desired, Observed]:
    names = draw(st.permutations(NAMES))
    schedules = [declared(name, policy=draw(policies), **draw(values)) for name in names[: draw(st.integers(1, 5))]]
    others = [declared(name, policy=draw(policies), **draw(values)) for name in names[5:]]
    rows: dict[str, Row] = {}
    entries: dict[str, Owned] = {}
    for number, schedule in enumerate([*schedules, *others], 1):
        applied = draw(st.sampled_from([schedule, schedule, schedule, declared(schedule.spec.name)]))
        current = row(applied, number, **draw(drifts), total_run_count=draw(st.sampled_from([0, 2])))
        if draw(st.integers(0, 9)):
            rows.setdefault(current.name, current)
        if draw(st.integers(0, 9)):
            row_id = draw(st.sampled_from([number] * 5 + [1]))
            entries.setdefault(schedule.spec.name, owned(applied, row_id))
    claims = draw(st.dictionaries(st.sampled_from([*NAMES, "theirs"]), st.integers(1, 9), max_size=1))
    current_rows = observed(
        *rows.values(),
        inventory=tuple(entries.values()),
        owners={name: Claim("other", row_id, "o.yaml") for name, row_id in claims.items()},
        beat_schedule=frozenset(draw(st.lists(st.sampled_from(NAMES), max_size=1))),
        name_rule=draw(st.sampled_from(NameRule)),
        tombstones=tuple(Tombstone("a", 1) for _ in range(draw(st.integers(0, 1)))),
    )
    return desired(*schedules), current_rows


def is_unchanged(schedule: Declared, files: Desired, current: Observed) -> bool:
    """Return whether a sync would not need to read the schedule: its row and entry are as the last sync left them."""
    name = schedule.spec.name
    entry, present = current.inventory.get(name), current.rows.get(name)
    if entry is None or present is None or present.spec != schedule.spec:
        return False
    spellings = {*current.rows, *current.inventory, *current.owners, *(other.spec.name for other in files.schedules)}
    keys = [collation_key(spelling, current.name_rule) for spelling in spellings]
    return (
        record_if_changed(schedule, entry, present) is None
        and all(claim.row_id != present.row_id for claim in current.owners.values())
        and keys.count(collation_key(name, current.name_rule)) == 1
        and name not in current.owners
        and name not in current.beat_schedule
    )


@given(world=worlds(), adopt=st.booleans(), data=st.data())
def test_the_plan_is_the_same_for_a_narrower_scope(
    world: tuple[Desired, Observed], adopt: bool, data: st.DataObject
) -> None:
    files, current = world
    eligible = [schedule.spec.name for schedule in files.schedules if is_unchanged(schedule, files, current)]
    unchanged = frozenset(name for name in eligible if data.draw(st.booleans()))
    event(f"{len(unchanged)} unchanged")
    narrow_files = replace(
        files,
        schedules=tuple(schedule for schedule in files.schedules if schedule.spec.name not in unchanged),
        unchanged=unchanged,
    )
    # A renamed row or a `renamed_from` leads to the row of an unchanged name, to its entry, or to both.
    names = st.frozensets(st.sampled_from(sorted(unchanged))) if unchanged else st.just(frozenset[str]())
    read_rows, read_entries = data.draw(names), data.draw(names)
    narrow = replace(
        current,
        rows={name: row for name, row in current.rows.items() if name not in unchanged - read_rows},
        inventory={name: entry for name, entry in current.inventory.items() if name not in unchanged - read_entries},
    )
    options = request(adopt=adopt)
    assert guarded(narrow_files, narrow, options) == guarded(files, current, options)
