"""What beat and people do to the rows while a sync is at work, and between two: on each database."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from django.db import connections
from django_celery_beat.models import IntervalSchedule, PeriodicTask
from kombu.utils.json import loads

from beatsync.plan.model import Action, Condition
from beatsync.plan.request import PlanOptions
from beatsync.reconcile import Outcome, Result, SyncOptions, sync
from beatsync.store import Store
from tests.conftest import MakeTask
from tests.statements import each_statement

NOON = datetime(2026, 6, 1, 12, tzinfo=timezone.utc)
ONE = "schedules: {one: {task: t, interval: 1h, queue: %s}}"


def go(root: Path, store: Store, text: str | None = None, now: datetime | None = None, **options: Any) -> Result:
    if text is not None:
        (root / "a.yaml").write_text(text, encoding="utf-8")
    clock = {"clock": lambda: now} if now else {}
    return sync(root, store, SyncOptions(plan=PlanOptions(**options)), **clock)  # type: ignore[arg-type]


def rows(store: Store, **where: Any) -> Any:
    return PeriodicTask.objects.using(store.alias).filter(**where)


def test_a_name_that_is_taken_between_the_look_and_the_lock_stops_the_sync(
    store: Store, tmp_path: Path, make_task: MakeTask
) -> None:
    (tmp_path / "a.yaml").write_text(ONE % "a", encoding="utf-8")
    taken: list[Any] = []

    def clock() -> datetime:
        # It is asked for the first time when the rows have been read.
        taken.extend([] if taken else [make_task("one", task="theirs")])
        return NOON

    refused = sync(tmp_path, store, SyncOptions(), clock=clock)
    assert (refused.outcome, [blocked.code for blocked in refused.plan.blocked]) == (Outcome.BLOCKED, ["conflict"])
    assert rows(store).get().task == "theirs"
    assert store.observe("default").inventory == {}


def test_a_schedule_row_that_is_taken_up_at_the_last_moment_stays_and_so_does_the_task(
    store: Store, tmp_path: Path, make_task: MakeTask
) -> None:
    """Django would take every task along that uses the interval; what BeatSync runs takes none, whenever it came."""
    go(tmp_path, store, ONE % "a")
    hourly = IntervalSchedule.objects.using(store.alias).get()
    late: list[Any] = []

    def before(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        if sql.startswith("DELETE") and "intervalschedule" in sql and not late:
            late.append(make_task("late", interval=hourly))
        return execute(sql, params, many, context)

    with each_statement(connections[store.alias], before):
        done = go(tmp_path, store, "schedules: {two: {task: t, interval: 2h}}", max_deletes="1")
    assert (done.outcome, len(late)) == (Outcome.APPLIED, 1)
    assert set(rows(store).values_list("name", "interval__every")) == {("late", 1), ("two", 2)}


def beat_finishes(store: Store) -> None:
    rows(store, name="one").update(enabled=False, total_run_count=0, last_run_at=None)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("clocked: 2026-06-01T12:30:00Z", "clocked: 2026-06-01T18:00:00Z"),
        ("interval: 10m, one_off: true", "interval: 20m, one_off: true"),
        ("interval: 1h, expires: 2026-06-01T12:30:00Z", "interval: 1h, expires: 2026-06-01T18:00:00Z"),
    ],
    ids=["clocked", "one_off", "expires"],
)
def test_what_is_completed_rests_until_the_file_arms_it_again(
    store: Store, tmp_path: Path, before: str, after: str
) -> None:
    later = NOON + timedelta(hours=1)
    text = "schedules: {one: {task: t, %s}}"
    go(tmp_path, store, text % before, NOON)
    beat_finishes(store)
    resting = go(tmp_path, store, now=later)
    assert (resting.outcome, resting.plan.conditions) == (Outcome.UNCHANGED, (("one", Condition.COMPLETED),))
    # Neither somebody's hand nor another field of the file runs it again, not even where the file says `enabled`.
    rows(store).update(description="by hand")
    assert [f.field for c in go(tmp_path, store, now=later).plan.changes for f in c.fields] == ["description"]
    go(tmp_path, store, text % f"{before}, queue: q, enabled: true", later)
    assert rows(store).values_list("queue", "enabled").get() == ("q", False)
    armed = go(tmp_path, store, text % after, later)
    assert armed.outcome is Outcome.APPLIED
    assert rows(store).get().enabled


@pytest.mark.parametrize("broken", ["{oops", '["\\ud800"', '{"__type__": "datetime", "__value__": "never"}'])
def test_arguments_that_beat_cannot_decode_are_replaced_by_such_as_it_can(
    store: Store, tmp_path: Path, broken: str
) -> None:
    go(tmp_path, store, "schedules: {one: {task: t, interval: 1h, args: [1, ü], kwargs: {a: {b: null}}}}")
    # As beat leaves such a row.
    rows(store).update(args=broken, kwargs=broken, enabled=False)
    (change,) = go(tmp_path, store).plan.changes
    assert (change.action, change.cause.value, [f.field for f in change.fields]) == (
        Action.UPDATE,
        "drift",
        ["args", "kwargs"],
    )
    row = rows(store).get()
    decoded = [loads(text) for text in (row.args, row.kwargs)]  # type: ignore[no-untyped-call]
    assert decoded == [[1, "ü"], {"a": {"b": None}}]
    assert go(tmp_path, store).outcome is Outcome.UNCHANGED
