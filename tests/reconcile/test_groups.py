"""A sync that moves runs between the rows of a schedule, on each database: it writes only when no minute can begin in between."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from functools import partial
from pathlib import Path

import pytest
from django_celery_beat.models import PeriodicTask

from beatsync.plan.diff import make_plan
from beatsync.plan.groups import schedule_changes, schedule_conditions
from beatsync.plan.jsonform import summary_json
from beatsync.plan.model import Action, Condition
from beatsync.plan.request import PlanOptions
from beatsync.reconcile import Outcome, Result, Run, SyncOptions, reconcile
from beatsync.report.text import render_plan
from beatsync.source import load
from beatsync.store import Store
from tests.builders import desired, every, request
from tests.store.storing import apply

THREE = every("one", "* 8-17 * * 1-5", "*/15 0-7,18-23 * * 1-5", "*/15 * * * 0,6")
HOURLY = 'schedules:\n  one: {task: shop.tasks.bill, crontab: "0 * * * *"}\n'
START = datetime(2026, 6, 1, 12, tzinfo=timezone.utc)


class Times:
    """A clock that stands still until something waits."""

    def __init__(self, second: float) -> None:
        self.now = START + timedelta(seconds=second)
        self.waits: list[float] = []

    def wait(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += timedelta(seconds=seconds)


def own_three(store: Store) -> None:
    """Create the rows of a schedule that the source `shop` owns."""
    options = replace(request(), source="shop")
    apply(store, lambda observed: make_plan(desired(*THREE), observed, options))


def sync(store: Store, root: Path, times: Times, text: str = HOURLY) -> Result:
    (root / "a.yaml").write_text(text, encoding="utf-8")
    options = SyncOptions(source="shop", plan=PlanOptions(max_deletes="1"))
    return reconcile(Run(partial(load, root), store, options, lambda: times.now, wait=times.wait))


@pytest.mark.parametrize(
    ("second", "waits"), [(0.25, [0.75]), (1, []), (30, []), (52.5, []), (53, [8.0]), (59.5, [1.5])]
)
def test_it_waits_for_the_next_minute_at_the_end_of_one(
    store: Store, tmp_path: Path, second: float, waits: list[float]
) -> None:
    own_three(store)
    times = Times(second)
    done = sync(store, tmp_path, times)
    assert [(change.action, change.name) for change in done.plan.changes] == [
        (Action.UPDATE, "one"), (Action.DELETE, "one#2"), (Action.DELETE, "one#3"),
    ]  # fmt: skip
    assert times.waits == pytest.approx(waits)
    row = PeriodicTask.objects.using(store.alias).get()
    # After a wait the plan is made again: rows count from the minute in which they are written.
    assert row.date_changed.replace(second=0, microsecond=0) == times.now.replace(second=0, microsecond=0)


def test_a_plan_shows_the_crontab_of_a_schedule_that_keeps_one_row(store: Store, tmp_path: Path) -> None:
    own_three(store)
    done = sync(store, tmp_path, Times(1))
    assert "crontab  * 8-17 * * 1-5 → 0 * * * *  (Every hour)" in "\n".join(render_plan(done.plan, applied=True))


def test_a_minute_that_ends_during_a_wait_for_the_lock_starts_the_sync_again(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own_three(store)
    times = Times(40)
    observe = store.observe
    calls: list[str] = []

    def observe_slowly(source: str, *scope: object) -> object:
        calls.append(source)
        if len(calls) == 2:  # under the lock
            times.now += timedelta(seconds=15)
        return observe(source, *scope)  # type: ignore[arg-type]

    monkeypatch.setattr(store, "observe", observe_slowly)
    assert sync(store, tmp_path, times).outcome is Outcome.APPLIED
    assert (times.waits, len(calls)) == ([6.0], 4)


def test_other_changes_of_such_a_schedule_do_not_wait(store: Store, tmp_path: Path) -> None:
    own_three(store)
    times = Times(58)
    removed = sync(store, tmp_path, times, HOURLY.replace("one", "other"))
    assert (removed.outcome, times.waits) == (Outcome.APPLIED, [])


EVERY = """\
windows:
  office: {days: mon-fri, from: "08:00", to: "18:00"}
schedules:
  one: {task: shop.tasks.bill, every: {office: 1m, otherwise: 15m}}
  plain: {task: shop.tasks.bill, interval: 1h}
"""


def rows(store: Store) -> dict[str, PeriodicTask]:
    return {row.name: row for row in PeriodicTask.objects.using(store.alias).all()}


def test_a_schedule_with_every_is_one_schedule_from_file_to_row_and_back(store: Store, tmp_path: Path) -> None:
    times = Times(10)
    first = sync(store, tmp_path, times, EVERY)
    assert {"one", "one#2", "one#3", "plain"} == rows(store).keys()
    assert summary_json(first.plan)["create"] == 2
    again = sync(store, tmp_path, times, EVERY)
    assert (again.outcome, again.plan.unchanged) == (Outcome.UNCHANGED, 2)
    key = rows(store)["one"].pk
    PeriodicTask.objects.using(store.alias).filter(pk=key).update(total_run_count=7)

    moved = sync(store, tmp_path, times, EVERY.replace("18:00", "19:00"))
    assert [(each.action, each.name, each.rows) for each in schedule_changes(moved.plan)] == [(Action.UPDATE, "one", 3)]
    assert moved.plan.unchanged == 1

    crontab = EVERY.replace("every: {office: 1m, otherwise: 15m}", 'crontab: "0 * * * *"')
    crontab = crontab[crontab.index("schedules") :]
    back = sync(store, tmp_path, times, crontab)
    assert [(each.action, each.name) for each in schedule_changes(back.plan)] == [(Action.UPDATE, "one")]
    assert (rows(store)["one"].pk, rows(store)["one"].total_run_count, len(rows(store))) == (key, 7, 2)
    there = sync(store, tmp_path, times, EVERY)
    assert (there.outcome, rows(store)["one"].pk, len(rows(store))) == (Outcome.APPLIED, key, 4)


def test_a_paused_schedule_stays_paused_and_a_renamed_one_keeps_its_rows(store: Store, tmp_path: Path) -> None:
    times = Times(10)
    sync(store, tmp_path, times, EVERY)
    one = PeriodicTask.objects.using(store.alias).filter(name__startswith="one")
    one.filter(name="one#2").update(enabled=False)
    assert schedule_conditions(sync(store, tmp_path, times, EVERY).plan) == [("one", Condition.PARTLY_PAUSED)]
    one.update(enabled=False)
    more = sync(store, tmp_path, times, EVERY.replace("08:00", "08:30"))
    assert schedule_conditions(more.plan) == [("one", Condition.PAUSED)]
    assert {row.enabled for row in one} == {False}
    keys = {name.removeprefix("one"): row.pk for name, row in rows(store).items() if name != "plain"}
    renamed = EVERY.replace("08:00", "08:30").replace("  one: {", "  new: {sync: {renamed_from: one}, ")
    done = sync(store, tmp_path, times, renamed)
    assert [(each.action, each.name) for each in schedule_changes(done.plan)] == [(Action.UPDATE, "new")]
    assert {name.removeprefix("new"): row.pk for name, row in rows(store).items() if name != "plain"} == keys
    gone = sync(
        store, tmp_path, times, EVERY[: EVERY.index("  one:")] + "  plain: {task: shop.tasks.bill, interval: 1h}\n"
    )
    assert (gone.outcome, [*rows(store)]) == (Outcome.APPLIED, ["plain"])
