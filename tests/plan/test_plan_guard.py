from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from beatsync.plan.guard import removal_limit
from beatsync.plan.model import Cause, Plan
from beatsync.plan.observed import Observed, Suspension, Tombstone
from beatsync.values import Desired, OnRemove, Policy
from tests.builders import NOW, REVISION, declared, desired, guarded, observed, owned, request, row


def owning(count: int, policy: Policy | None = None) -> Observed:
    schedules = [declared(f"task-{number:03}", policy=policy) for number in range(count)]
    return observed(
        *(row(schedule, number) for number, schedule in enumerate(schedules)),
        inventory=tuple(owned(schedule, number) for number, schedule in enumerate(schedules)),
    )


def keeping(count: int) -> Desired:
    return desired(*(declared(f"task-{number:03}") for number in range(count)))


def codes(plan: Plan) -> list[str]:
    return [blocked.code for blocked in plan.blocked]


@pytest.mark.parametrize(
    ("have", "declared_now", "expected"),
    [
        (4, 1, []),
        (5, 1, ["max-deletes"]),
        (10, 7, []),
        (10, 6, ["max-deletes"]),
        (100, 70, []),
        (100, 69, ["max-deletes"]),
        (3, 0, ["empty"]),
        (9, 0, ["empty", "max-deletes"]),
        (10, 0, ["empty", "max-deletes"]),
    ],
)
def test_the_larger_of_three_rows_and_thirty_percent(have: int, declared_now: int, expected: list[str]) -> None:
    plan = guarded(keeping(declared_now), owning(have), request())
    assert codes(plan) == expected


@pytest.mark.parametrize("on_remove", [OnRemove.DELETE, OnRemove.DISABLE])
@pytest.mark.parametrize("have", [1, 3, 5])
def test_every_schedule_of_a_source_is_never_removed_unasked(have: int, on_remove: OnRemove) -> None:
    files, current = desired(declared("new")), owning(have, Policy(on_remove=on_remove))
    (blocked,) = guarded(files, current, request()).blocked
    assert (blocked.code, len(blocked.names)) == ("max-deletes", have)
    subject = "not even the one schedule" if have == 1 else f"none of the {have} schedules"
    looks_like = f"{subject} that this source owns is in these files: another directory or --source?"
    assert (blocked.hint or "").startswith(f"{looks_like} If it is intended, --max-deletes {have} allows it; ")
    assert guarded(files, current, request(max_deletes=str(have))).blocked == ()
    approved = guarded(files, current, request()).checksum
    assert guarded(files, current, request(approved=approved)).blocked == ()
    assert codes(guarded(files, current, request(allow_empty=True))) == ["max-deletes"]


def test_a_schedule_that_stays_or_that_the_files_disable_is_not_every_schedule() -> None:
    assert guarded(desired(declared("task-000"), declared("new")), owning(2), request()).blocked == ()
    assert guarded(desired(declared("task-000", enabled=False)), owning(1), request()).blocked == ()


def test_a_directory_without_schedules_needs_its_own_flag_only() -> None:
    assert codes(guarded(desired(), owning(2), request(max_deletes="2"))) == ["empty"]
    assert guarded(desired(), owning(2), request(allow_empty=True)).blocked == ()


def test_disabling_counts_as_deleting() -> None:
    plan = guarded(desired(declared("new")), owning(5, Policy(on_remove=OnRemove.DISABLE)), request())
    assert codes(plan) == ["max-deletes"]


def test_disabling_in_the_files_counts_and_correcting_drift_does_not() -> None:
    off = desired(*(declared(f"task-{number:03}", enabled=False) for number in range(5)))
    (blocked,) = guarded(off, owning(5), request()).blocked
    assert (blocked.code, blocked.names) == ("max-deletes", tuple(f"task-{number:03}" for number in range(5)))
    enabled_again = observed(
        *(row(schedule, number, enabled=True) for number, schedule in enumerate(off.schedules)),
        inventory=tuple(owned(schedule, number) for number, schedule in enumerate(off.schedules)),
    )
    corrected = guarded(off, enabled_again, request())
    assert (len(corrected.changes), corrected.blocked) == (5, ())


def test_correcting_drift_does_not_count_in_an_update_that_the_files_cause() -> None:
    off = [declared(f"task-{number:03}", enabled=False) for number in range(5)]
    moved = desired(*(declared(schedule.spec.name, enabled=False, queue="fast") for schedule in off))
    enabled_again = observed(
        *(row(schedule, number, enabled=True) for number, schedule in enumerate(off)),
        inventory=tuple(owned(schedule, number) for number, schedule in enumerate(off)),
    )
    plan = guarded(moved, enabled_again, request(max_deletes="0"))
    assert [(change.cause, len(change.fields)) for change in plan.changes] == [(Cause.BOTH, 2)] * 5
    assert plan.blocked == ()


def test_a_retired_row_that_an_operator_enabled_does_not_count() -> None:
    retired = declared("retired", policy=Policy(on_remove=OnRemove.DISABLE))
    current = observed(row(retired), inventory=(owned(retired, retired=True),))
    plan = guarded(desired(declared("new")), current, request(max_deletes="0"))
    assert ([change.name for change in plan.changes], plan.blocked) == (["new"], ())


def test_keeping_does_not_count() -> None:
    plan = guarded(desired(declared("new")), owning(5, Policy(on_remove=OnRemove.KEEP)), request())
    assert plan.blocked == ()


def test_the_schedules_and_the_flag_are_named() -> None:
    (blocked,) = guarded(desired(declared("new")), owning(5), request()).blocked
    assert blocked.names == tuple(f"task-{number:03}" for number in range(5))
    assert "--max-deletes 5" in (blocked.hint or "")


def test_allow_empty_does_not_turn_the_limit_off() -> None:
    plan = guarded(desired(), owning(9), request(allow_empty=True))
    assert codes(plan) == ["max-deletes"]


def test_an_empty_source_that_owns_nothing_is_not_blocked() -> None:
    assert guarded(desired(), observed(), request()).blocked == ()


def test_only_exactly_the_reviewed_plan_passes_the_limit() -> None:
    first = guarded(desired(declared("new")), owning(5), request())
    assert guarded(desired(declared("new")), owning(5), request(approved=first.checksum)).blocked == ()
    other = guarded(desired(declared("new")), owning(6), request(approved=first.checksum))
    assert codes(other) == ["plan-stale", "max-deletes"]


@pytest.mark.parametrize(("text", "owned_rows", "limit"), [("7", 2, 7), ("0", 9, 0), ("50%", 9, 4), ("100%", 9, 9)])
def test_limits(text: str, owned_rows: int, limit: int) -> None:
    assert removal_limit(text, owned_rows) == limit


@pytest.mark.parametrize("text", ["", "-1", "many", "101%", "5 %x", "1.5"])
def test_texts_that_are_no_limit(text: str) -> None:
    with pytest.raises(ValueError, match="neither"):
        removal_limit(text, 9)


def test_the_same_source_from_elsewhere_is_blocked() -> None:
    schedule = declared()
    current = observed(row(schedule), inventory=(owned(schedule),), origin="git@host:a.git#schedules")
    plan = guarded(desired(schedule), current, request(origin="git@host:b.git#schedules"))
    assert codes(plan) == ["origin"]
    assert guarded(desired(schedule), current, request(origin="git@host:a.git#schedules")).blocked == ()
    assert guarded(desired(schedule), current, request(origin=None)).blocked == ()
    assert guarded(desired(schedule), current, request(origin="x", accept_origin=True)).blocked == ()


@pytest.mark.parametrize(
    ("before", "now", "warns"), [("production", None, True), (None, "staging", True), ("a", "a", False)]
)
def test_an_environment_other_than_the_last_one_is_a_warning(before: str | None, now: str | None, warns: bool) -> None:
    files = desired(declared("one"), environment=now)
    last = owning(0)
    assert guarded(files, replace(last, environment=before), request()).diagnostics == ()  # never synced
    plan = guarded(files, replace(last, environment=before, revision=REVISION), request())
    assert ([diagnostic.code for diagnostic in plan.diagnostics], plan.blocked) == (["environment-changed"] * warns, ())


def test_a_plan_other_than_the_reviewed_one_is_stale() -> None:
    files, current = desired(declared()), observed()
    reviewed = guarded(files, current, request())
    assert codes(guarded(files, current, request(approved=reviewed.checksum))) == []
    changed = desired(declared(queue="fast"))
    assert codes(guarded(changed, current, request(approved=reviewed.checksum))) == ["plan-stale"]


def test_a_suspended_source_is_blocked_until_the_suspension_ends() -> None:
    current = observed(suspension=Suspension("ann", "the move", until=NOW + timedelta(hours=1)))
    plan = guarded(desired(), current, request())
    assert codes(plan) == ["suspended"]
    assert plan.suspension == current.suspension
    later = guarded(desired(), current, request(now=NOW + timedelta(hours=2)))
    assert (codes(later), later.suspension) == ([], None)


def test_deleting_again_what_beat_restored_does_not_count() -> None:
    restored = [declared(f"restored-{number}") for number in range(5)]
    current = observed(
        *(row(schedule, number) for number, schedule in enumerate(restored)),
        tombstones=tuple(Tombstone(schedule.spec.name, number) for number, schedule in enumerate(restored)),
    )
    plan = guarded(desired(), current, request(max_deletes="0"))
    assert (len(plan.changes), codes(plan)) == (5, [])


def test_the_blockers_of_the_matching_stay() -> None:
    files, current = desired(declared()), observed(row(declared()), suspension=Suspension("ann", "the move"))
    assert codes(guarded(files, current, request())) == ["conflict", "suspended"]


def test_a_saved_plan_that_was_applied_is_not_stale_until_there_is_something_to_do() -> None:
    schedule = declared()
    current = observed(row(schedule), inventory=(owned(schedule),), checksum="ab" * 32)
    assert codes(guarded(desired(schedule), current, request(approved="ab" * 32))) == []
    assert codes(guarded(desired(schedule), current, request(approved="cd" * 32))) == ["plan-stale"]
    assert codes(guarded(desired(declared(queue="fast")), current, request(approved="ab" * 32))) == ["plan-stale"]


@pytest.mark.parametrize(
    ("limit", "expected"), [("5", []), ("4", ["max-deletes"]), ("100%", []), ("80%", ["max-deletes"])]
)
def test_an_explicit_limit_replaces_the_default(limit: str, expected: list[str]) -> None:
    assert codes(guarded(desired(declared("new")), owning(5), request(max_deletes=limit))) == expected
