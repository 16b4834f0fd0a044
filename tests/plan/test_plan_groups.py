"""Schedules with several rows: their rows change together, and everything counts schedules."""

from __future__ import annotations

from dataclasses import replace

import pytest

from beatsync.plan.drift import states
from beatsync.plan.groups import count_actions, schedule_changes, schedule_conditions
from beatsync.plan.jsonform import summary_json
from beatsync.plan.model import Action, Condition, Plan
from beatsync.plan.observed import LateRuns, Observed
from beatsync.plan.release import release_plan
from beatsync.values import Declared, Desired, Diagnostic, Location, OnRemove, Policy, Severity
from tests.builders import NOW, REVISION, declared, desired, every, guarded, observed, owning, request, row

OFFICE, NIGHT, WEEKEND = "* 8-17 * * 1-5", "*/15 0-7,18-23 * * 1-5", "*/15 * * * 0,6"
THREE = every("refresh", OFFICE, NIGHT, WEEKEND)
ERROR = Diagnostic(Severity.ERROR, "yaml", "broken", Location("broken.yaml"))


def rows(plan: Plan) -> list[tuple[Action, str, str | None]]:
    return [(change.action, change.name, change.group) for change in plan.changes]


def schedules(plan: Plan) -> list[tuple[Action, str, int]]:
    return [(schedule.action, schedule.name, schedule.rows) for schedule in schedule_changes(plan)]


def codes(plan: Plan) -> list[str]:
    return [blocked.code for blocked in plan.blocked]


def renamed(schedules: list[Declared], to: str) -> list[Declared]:
    """Return the rows under the name of a schedule that says `renamed_from` the old one."""
    names = [f"{to}{schedule.spec.name.removeprefix(schedule.schedule)}" for schedule in schedules]
    return [
        each._replace(
            spec=each.spec._replace(name=name), group=to, policy=replace(each.policy, renamed_from=each.spec.name)
        )
        for each, name in zip(schedules, names, strict=True)
    ]


def test_a_new_schedule_is_one_creation_of_its_rows() -> None:
    plan = guarded(desired(*THREE, declared("plain")), observed())
    assert schedules(plan) == [(Action.CREATE, "plain", 1), (Action.CREATE, "refresh", 3)]
    assert {record.name: record.group for record in plan.records} == {
        "plain": None, "refresh": "refresh", "refresh#2": "refresh", "refresh#3": "refresh",
    }  # fmt: skip
    assert (summary_json(plan)["create"], plan.unchanged) == (2, 0)


def test_rows_that_are_as_declared_are_one_unchanged_schedule() -> None:
    plan = guarded(desired(*THREE, declared("plain")), owning(*THREE, declared("plain")))
    assert (plan.does_something, plan.unchanged, plan.blocked) == (False, 2, ())


def test_unchanged_files_count_schedules() -> None:
    names = frozenset(each.spec.name for each in THREE)
    files = desired(declared("plain"), unchanged=names, unchanged_groups=dict.fromkeys(names, "refresh"))
    assert guarded(files, owning(declared("plain"))).unchanged == 2


def test_a_moved_window_changes_one_schedule_and_a_row_that_it_loses_is_no_deletion() -> None:
    after = every("refresh", "* 9-17 * * 1-5", "*/15 0-8,18-23 * * 1-5")
    plan = guarded(desired(*after), owning(*THREE), request(max_deletes="0"))
    assert rows(plan) == [
        (Action.UPDATE, "refresh", "refresh"), (Action.UPDATE, "refresh#2", "refresh"),
        (Action.DELETE, "refresh#3", "refresh"),
    ]  # fmt: skip
    assert (schedules(plan), plan.blocked, plan.unchanged) == ([(Action.UPDATE, "refresh", 2)], (), 0)


@pytest.mark.parametrize(
    "policy", [Policy(on_remove=OnRemove.KEEP), Policy(on_remove=OnRemove.DISABLE), Policy(protect=True)]
)
def test_a_row_that_its_schedule_loses_is_deleted_whatever_the_policy(policy: Policy) -> None:
    """It would run beside the rows that replace it."""
    before = every("refresh", OFFICE, NIGHT, policy=policy)
    plan = guarded(desired(before[0]), owning(*before))
    assert rows(plan) == [(Action.DELETE, "refresh#2", "refresh")]
    assert schedules(plan) == [(Action.UPDATE, "refresh", 1)]
    isolated = guarded(desired(before[0], diagnostics=(ERROR,)), owning(*before), request(isolate=True))
    assert rows(isolated) == rows(plan)


def test_a_crontab_becomes_every_and_back_with_the_same_first_row() -> None:
    plain = declared("refresh", schedule=THREE[0].spec.schedule)
    there = guarded(desired(*THREE), owning(plain))
    assert schedules(there) == [(Action.UPDATE, "refresh", 3)]
    assert [record.row_id for record in there.records] == [1, None, None]
    back = guarded(desired(plain), owning(*THREE), request(max_deletes="0"))
    assert rows(back) == [(Action.DELETE, "refresh#2", "refresh"), (Action.DELETE, "refresh#3", "refresh")]
    assert (schedules(back), back.blocked, back.unchanged) == ([(Action.UPDATE, "refresh", 1)], (), 0)
    moved = guarded(desired(declared("refresh")), owning(*THREE), request(max_deletes="0"))
    assert (schedules(moved), moved.unchanged) == ([(Action.UPDATE, "refresh", 1)], 0)


def test_a_rename_keeps_each_row_and_loses_none_to_the_guard() -> None:
    plan = guarded(desired(*renamed(THREE[:2], "prices")), owning(*THREE), request(max_deletes="0"))
    assert rows(plan) == [
        (Action.UPDATE, "prices", "prices"), (Action.UPDATE, "prices#2", "prices"),
        (Action.DELETE, "refresh#3", "prices"),
    ]  # fmt: skip
    assert [change.row_id for change in plan.changes] == [1, 2, 3]
    assert (schedules(plan), plan.blocked) == ([(Action.UPDATE, "prices", 2)], ())
    plain = declared("prices", policy=Policy(renamed_from="refresh"))
    assert schedules(guarded(desired(plain), owning(*THREE))) == [(Action.UPDATE, "prices", 1)]


def test_removing_a_schedule_counts_once() -> None:
    many = [each for number in range(4) for each in every(f"refresh-{number}", OFFICE, NIGHT, WEEKEND)]
    keep = declared("keep")
    plan = guarded(desired(keep), owning(*many, keep))
    (blocked,) = plan.blocked
    assert (blocked.code, blocked.names) == ("max-deletes", tuple(f"refresh-{number}" for number in range(4)))
    assert "4 of the 5 schedules" in blocked.message
    assert guarded(desired(keep, *many[:3]), owning(*many, keep)).blocked == ()
    assert guarded(desired(), owning(*THREE)).blocked[0].names == ("refresh",)


def test_a_removed_schedule_is_disabled_or_kept_as_a_whole() -> None:
    for on_remove, action in ((OnRemove.DISABLE, Action.DISABLE), (OnRemove.KEEP, Action.FORGET)):
        before = every("refresh", OFFICE, NIGHT, policy=Policy(on_remove=on_remove))
        plan = guarded(desired(declared("other")), owning(*before, declared("other")))
        assert [schedule.action for schedule in schedule_changes(plan)] == [action]
        assert count_actions(plan)[action] == 1


def test_lost_rows_count_schedules() -> None:
    many = [each for number in range(2) for each in every(f"refresh-{number}", OFFICE, NIGHT, WEEKEND)]
    more = [declared(f"plain-{number}") for number in range(8)]
    lost = replace(owning(*many, *more), rows={each.spec.name: row(each, 7 + n) for n, each in enumerate(more)})
    assert guarded(desired(*many, *more), lost).diagnostics == ()  # two of ten, with six rows
    gone = replace(owning(*many), rows={})
    (warning,) = guarded(desired(*many), gone).diagnostics
    assert "the rows of 2 of the 2 schedules" in warning.message


def paused(*names: str) -> Observed:
    current = owning(*THREE)
    return replace(
        current,
        rows={
            name: each._replace(spec=each.spec._replace(enabled=name not in names))
            for name, each in current.rows.items()
        },
    )


def test_new_rows_of_a_paused_schedule_are_paused() -> None:
    files = desired(*THREE, *[every("refresh", OFFICE, NIGHT, WEEKEND, "0 0 1 1 *")[3]])
    plan = guarded(files, paused("refresh", "refresh#2", "refresh#3"))
    (new,) = plan.changes
    assert (new.name, new.target and new.target.enabled) == ("refresh#4", False)
    assert '"enabled"' not in plan.records[0].applied
    assert schedule_conditions(plan) == [("refresh", Condition.PAUSED)]
    assert plan.conditions[-1] == ("refresh#4", Condition.PAUSED)  # and so its row is read every time
    running = guarded(files, paused("refresh", "refresh#2"))
    assert running.changes[0].target
    assert running.changes[0].target.enabled


def test_a_single_paused_row_is_left_and_shown() -> None:
    plan = guarded(desired(*THREE), paused("refresh#2"))
    assert (plan.changes, plan.unchanged) == ((), 1)
    assert plan.conditions == (("refresh#2", Condition.PARTLY_PAUSED),)
    assert schedule_conditions(plan) == [("refresh", Condition.PARTLY_PAUSED)]
    assert schedule_conditions(guarded(desired(*THREE), paused(*(each.spec.name for each in THREE)))) == [
        ("refresh", Condition.PAUSED)
    ]
    shown = {state.name: state.conditions for state in states(paused("refresh#2"), NOW)}
    assert shown == {"refresh": (), "refresh#2": (Condition.PARTLY_PAUSED,), "refresh#3": ()}


def test_an_unowned_row_with_a_generated_name_is_a_conflict() -> None:
    plan = guarded(desired(*THREE), observed(row(declared("refresh#2"))))
    assert (codes(plan), plan.blocked[0].names) == (["conflict"], ("refresh#2",))


def test_the_rows_of_a_schedule_that_an_invalid_file_declared_are_frozen_together() -> None:
    before = every("refresh", OFFICE, NIGHT, path="broken.yaml")
    after = every("refresh", "* 9-17 * * *", "*/15 0-8 * * *", "*/15 18-23 * * *", path="moved.yaml")
    plan = guarded(desired(*after, diagnostics=(ERROR,)), owning(*before), request(isolate=True))
    assert (plan.changes, plan.unchanged) == ((), 1)
    assert schedule_conditions(plan) == [("refresh", Condition.FROZEN)]


def test_an_entry_of_an_earlier_release_gets_its_schedule() -> None:
    current = owning(*THREE)
    forgotten = replace(
        current, inventory={name: each._replace(group=None) for name, each in current.inventory.items()}
    )
    plan = guarded(desired(*THREE), forgotten)
    assert (plan.changes, [record.group for record in plan.records]) == ((), ["refresh"] * 3)
    assert plan.checksum != guarded(desired(*THREE), current).checksum


def test_a_release_of_a_schedule_releases_all_its_rows() -> None:
    current = replace(owning(*THREE, declared("plain")), revision=REVISION)
    plan = release_plan("default", ["refresh"], current)
    assert (len(plan.changes), schedules(plan), plan.unchanged) == (3, [(Action.FORGET, "refresh", 0)], 1)
    single = release_plan("default", ["refresh#2"], current)
    assert (schedules(single), single.unchanged) == ([(Action.FORGET, "refresh#2", 0)], 2)


def test_rows_are_in_the_order_of_their_numbers() -> None:
    eleven = every("refresh", *(f"{minute} 0 * * *" for minute in range(11)))
    (schedule,) = schedule_changes(guarded(desired(*eleven), observed()))
    assert [change.name for change in schedule.changes][-2:] == ["refresh#10", "refresh#11"]


@pytest.mark.parametrize("files", [desired(*THREE), desired(unchanged=frozenset({"x"}), unchanged_groups={"x": "x"})])
def test_windows_warn_if_beat_may_run_them_late(files: Desired) -> None:
    late = LateRuns("it does not set the deadline", "write it")
    (warning,) = guarded(files, observed(late_runs=late)).diagnostics
    assert (warning.code, warning.hint) == ("window-deadline", "write it")
    assert guarded(files, observed()).diagnostics == ()
    assert guarded(desired(declared("plain")), observed(late_runs=late)).diagnostics == ()
