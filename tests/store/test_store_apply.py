"""Plans → rows, on every database."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from django.db import connections

from beatsync.plan.history import Event
from beatsync.plan.model import Action, Cause, Change, FieldChange, Plan
from beatsync.plan.observed import Observed
from beatsync.store import Failure, RetryableError, Store, StoreError, history, schedules
from beatsync.store.tables import INVENTORY
from beatsync.values import Actor, Clocked, Crontab, Interval, Policy, Schedule, Solar, TaskSpec
from tests.statements import writes
from tests.store.storing import (
    LATER,
    NO_CHANGES,
    NOW,
    apply,
    create,
    create_all,
    delete,
    dialect,
    disable,
    plan,
    queries,
    record,
    scalar,
    update,
)

HOURLY = Interval(1, "hours")
NIGHTLY = Crontab("30", "2", "*", "*", "1-5", "Europe/Berlin")
SUNRISE = Solar("sunrise", Decimal("52.520000"), Decimal("13.405000"))
ONCE = Clocked(datetime(2027, 1, 5, 2, 0, 0, 5, tzinfo=timezone.utc))
FULL = TaskSpec(
    name='volle Fülle 🥁 "quoted" \\ back',
    task="shop.tasks.bill",
    schedule=NIGHTLY,
    args='[1, "zwei\\n", null, 1.5]',
    kwargs=r'{"a": "\u00e4\\ \"", "b": {"c": [true]}}',
    headers='{"x": "100%"}',
    queue="billing",
    exchange="ex",
    routing_key="a.b.%s",
    priority=7,
    expires=datetime(2027, 3, 28, 1, 30, 0, 250000, tzinfo=timezone.utc),
    one_off=True,
    start_time=datetime(2026, 10, 25, 0, 30, tzinfo=timezone.utc),
    enabled=False,
    description="first line\nsecond 'line'; -- \\",
)


def hourly(name: str = "hourly", **fields: Any) -> TaskSpec:
    return TaskSpec(**{"name": name, "task": "shop.tasks.sweep", "schedule": HOURLY, **fields})


@pytest.mark.parametrize("schedule", [HOURLY, NIGHTLY, SUNRISE, ONCE], ids=lambda s: s.kind)
def test_what_is_created_is_what_is_observed(store: Store, schedule: Schedule) -> None:
    spec = FULL._replace(schedule=schedule)
    after = create_all(store, spec)
    row = after.rows[spec.name]
    assert row.spec == spec
    assert (row.last_run_at, row.total_run_count, row.date_changed) == (None, 0, NOW)
    assert after.inventory[spec.name].row_id == row.row_id
    assert after.inventory[spec.name].policy == Policy(protect=False)


def test_a_row_made_in_bulk_is_as_the_models_own_save_leaves_it(store: Store) -> None:
    from django_celery_beat.models import PeriodicTask

    create_all(store, hourly())
    task = PeriodicTask.objects.using(store.alias).get()
    assert (task.queue, task.exchange, task.routing_key, task.priority) == (None, None, None, None)
    assert (task.args, task.kwargs, task.headers, task.description) == ("[]", "{}", "{}", "")
    task.clean_fields()


def test_last_run_at_is_written_where_the_plan_says_so(store: Store) -> None:
    spec = hourly()
    after = apply(store, plan(create(spec, last_run_at=NOW), records=[record(spec)]))
    assert after.rows[spec.name].last_run_at == NOW


def test_only_the_named_columns_are_written(store: Store) -> None:
    """What beat or an admin wrote between our read and our write stays (docs/facts.md, 1)."""
    from django_celery_beat.models import PeriodicTask

    before = create_all(store, hourly()).rows["hourly"]
    ran = datetime(2026, 6, 1, 11, 0, tzinfo=timezone.utc)
    PeriodicTask.objects.using(store.alias).update(
        last_run_at=ran, total_run_count=41, description="by the admin", task="other.task"
    )
    after = apply(store, plan(update(before, hourly(args="[1]", queue="q"))), LATER).rows["hourly"]
    assert after.spec == hourly(args="[1]", queue="q", description="by the admin", task="other.task")
    assert (after.last_run_at, after.total_run_count) == (ran, 41)


@pytest.mark.parametrize(
    ("changed", "moves"),
    [
        ({"args": "[1]"}, False),
        ({"description": "x", "queue": "q", "priority": 1}, False),
        ({"expires": LATER}, False),
        ({"schedule": Interval(2, "hours")}, True),
        ({"schedule": NIGHTLY}, True),
        ({"start_time": LATER}, True),
        ({"enabled": False}, True),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else str(value),
)
def test_date_changed_moves_with_the_schedule_only(store: Store, changed: dict[str, Any], moves: bool) -> None:
    before = create_all(store, hourly()).rows["hourly"]
    after = apply(store, plan(update(before, hourly(**changed))), LATER).rows["hourly"]
    assert after.spec == hourly(**changed)
    assert after.date_changed == (LATER if moves else NOW)


def test_moving_last_run_at_with_a_change(store: Store) -> None:
    before = create_all(store, hourly()).rows["hourly"]
    after = apply(store, plan(update(before, hourly(schedule=NIGHTLY), last_run_at=LATER)), LATER).rows["hourly"]
    assert after.last_run_at == LATER


@pytest.mark.parametrize("old", [HOURLY, NIGHTLY, SUNRISE, ONCE], ids=lambda s: s.kind)
@pytest.mark.parametrize("new", [HOURLY, NIGHTLY, SUNRISE, ONCE], ids=lambda s: s.kind)
def test_a_schedule_of_another_kind_takes_the_place_of_the_old(store: Store, old: Schedule, new: Schedule) -> None:
    before = create_all(store, hourly(schedule=old)).rows["hourly"]
    after = apply(store, plan(update(before, hourly(schedule=new)))).rows["hourly"]
    assert after.spec.schedule == new
    columns = "interval_id IS NOT NULL, crontab_id IS NOT NULL, solar_id IS NOT NULL, clocked_id IS NOT NULL"
    kinds = " + ".join(f"CASE WHEN {column} THEN 1 ELSE 0 END" for column in columns.split(", "))
    assert scalar(store, f"SELECT {kinds} FROM django_celery_beat_periodictask") == 1


def test_a_schedule_row_is_shared_and_the_oldest_of_equals_is_taken(store: Store, make_task: Any) -> None:
    first, second = make_task("one"), make_task("two")
    assert first.interval_id < second.interval_id
    after = create_all(store, hourly("a"), hourly("b"))
    assert {after.rows[name].schedule_id for name in "ab"} == {first.interval_id}
    assert after.rows["two"].schedule_id == second.interval_id


def test_a_schedule_row_without_a_user_goes(store: Store) -> None:
    before = create_all(store, hourly("a"), hourly("b", schedule=NIGHTLY)).rows
    apply(store, plan(update(before["a"], hourly("a", schedule=NIGHTLY)), delete(before["b"])))
    assert scalar(store, "SELECT COUNT(*) FROM django_celery_beat_intervalschedule") == 0
    assert scalar(store, "SELECT COUNT(*) FROM django_celery_beat_crontabschedule") == 1


def test_a_schedule_row_that_another_task_took_meanwhile_stays_and_so_does_the_task(
    store: Store, make_task: Any
) -> None:
    before = create_all(store, hourly()).rows["hourly"]
    change = delete(before)
    from django_celery_beat.models import IntervalSchedule

    make_task("late", interval=IntervalSchedule.objects.using(store.alias).get(pk=before.schedule_id))
    after = apply(store, plan(change))
    assert set(after.rows) == {"late"}
    assert after.rows["late"].schedule_id == before.schedule_id


def test_a_schedule_row_that_no_task_used_before_is_left_alone(store: Store) -> None:
    from django_celery_beat.models import IntervalSchedule

    IntervalSchedule.objects.using(store.alias).bulk_create([IntervalSchedule(every=7, period="days")])
    before = create_all(store, hourly()).rows["hourly"]
    apply(store, plan(delete(before)))
    assert scalar(store, "SELECT every FROM django_celery_beat_intervalschedule") == 7


def test_delete_leaves_a_tombstone_and_no_entry(store: Store) -> None:
    before = create_all(store, hourly(), hourly("other")).rows
    after = apply(store, plan(delete(before["hourly"])))
    assert set(after.rows) == set(after.inventory) == {"other"}
    assert [(t.name, t.row_id) for t in after.tombstones] == [("hourly", before["hourly"].row_id)]


def test_a_tombstone_is_deleted_when_its_name_is_declared_or_after_a_week(store: Store) -> None:
    rows = create_all(store, hourly("a"), hourly("b"), hourly("c")).rows
    apply(store, plan(*(delete(rows[name]) for name in "abc")))
    after = create_all(store, hourly("a"), now=NOW + timedelta(days=6))
    assert [t.name for t in after.tombstones] == ["b", "c"]
    after = create_all(store, hourly("d"), now=NOW + timedelta(days=8))
    assert after.tombstones == ()


def test_a_row_that_beat_resurrected_is_deleted_again_and_its_tombstone_is_renewed(
    store: Store, make_task: Any
) -> None:
    row = create_all(store, hourly()).rows["hourly"]
    apply(store, plan(delete(row)))
    make_task("hourly", id=row.row_id, enabled=False)
    back = store.observe("shop").rows["hourly"]
    after = apply(store, plan(delete(back)), NOW + timedelta(days=5))
    assert after.rows == {}
    assert len(after.tombstones) == 1
    assert len(create_all(store, hourly("x"), now=NOW + timedelta(days=11)).tombstones) == 1


def test_disable_switches_off_and_keeps_the_entry(store: Store) -> None:
    row = create_all(store, hourly()).rows["hourly"]
    retired = record(hourly(), row.row_id, retired=True)
    after = apply(store, plan(disable(row), records=[retired]), LATER)
    assert after.rows["hourly"].spec == hourly(enabled=False)
    assert after.inventory["hourly"].retired


def test_forget_takes_the_entry_and_leaves_the_row(store: Store) -> None:
    row = create_all(store, hourly()).rows["hourly"]
    with queries(store) as log:
        after = apply(store, plan(Change(Action.FORGET, "hourly", Cause.SPEC, row_id=row.row_id)), LATER)
    assert set(after.rows) == {"hourly"}
    assert after.inventory == {}
    assert not any("periodictasks" in q["sql"] for q in log), "beat was not notified"


def test_adopt_without_a_change_writes_no_task_row(store: Store, make_task: Any) -> None:
    task = make_task("hourly", task="shop.tasks.sweep")
    row = store.observe("shop").rows["hourly"]
    after = apply(store, plan(update(row, row.spec, action=Action.ADOPT), records=[record(row.spec, task.pk)]))
    assert after.inventory["hourly"].row_id == task.pk
    assert scalar(store, "SELECT COUNT(*) FROM django_celery_beat_periodictasks") == 0


def test_rename_keeps_the_row_and_replaces_the_entry(store: Store) -> None:
    row = create_all(store, hourly("old")).rows["old"]
    change = update(row, hourly("new"))
    after = apply(store, plan(change, records=[record(hourly("new"), row.row_id, previous_name="old")]))
    assert after.rows["new"].row_id == row.row_id
    assert set(after.inventory) == {"new"}


def test_names_may_be_swapped_and_passed_on(store: Store) -> None:
    """Names are unique after each statement, so a swap needs a third name."""
    before = create_all(store, *(hourly(name, description=name) for name in "abcd"))
    moves = {"a": "b", "b": "a", "c": "d"}

    def swap(observed: Observed) -> Plan:
        changes = [update(observed.rows[old], observed.rows[old].spec._replace(name=new)) for old, new in moves.items()]
        records = [record(hourly(new), observed.rows[old].row_id, previous_name=old) for old, new in moves.items()]
        return plan(delete(observed.rows["d"]), *changes, create(hourly("c")), records=[*records, record(hourly("c"))])

    after = apply(store, swap)
    assert {name: row.spec.description for name, row in after.rows.items()} == {"b": "a", "a": "b", "d": "c", "c": ""}
    assert {name: entry.row_id for name, entry in after.inventory.items()} == {
        name: row.row_id for name, row in after.rows.items()
    }
    assert after.rows["b"].row_id == before.rows["a"].row_id


def test_rows_of_others_are_untouched(store: Store, make_task: Any) -> None:
    make_task("celery.backend_cleanup", task="celery.backend_cleanup", description="beat's own")
    create_all(store, hourly("theirs"), source="theirs")
    mine = create_all(store, hourly("mine"), hourly("mine too"))
    before = {name: mine.rows[name] for name in ("celery.backend_cleanup", "theirs")}
    after = apply(store, plan(delete(mine.rows["mine"]), update(mine.rows["mine too"], hourly("mine too", args="[2]"))))
    assert {name: after.rows[name] for name in before} == before
    assert {name: claim.source for name, claim in after.owners.items()} == {"theirs": "theirs"}


def test_a_row_that_another_application_refers_to_is_not_deleted(store: Store) -> None:
    from django.db import connections

    row = create_all(store, hourly(), hourly("free")).rows["hourly"]
    sql = (
        "CREATE TABLE other_app (id integer PRIMARY KEY, task_id integer NOT NULL,"
        " FOREIGN KEY (task_id) REFERENCES django_celery_beat_periodictask (id))"
    )
    with connections[store.alias].cursor() as cursor:
        cursor.execute(sql)
        try:
            cursor.execute(f"INSERT INTO other_app VALUES (1, {row.row_id})")
            with pytest.raises(StoreError, match=r"hourly cannot be deleted: .*other_app\.task_id.*on_remove: disable"):
                apply(store, plan(delete(row)))
            assert set(store.observe("shop").rows) == {"hourly", "free"}
        finally:
            cursor.execute("DROP TABLE other_app")


def test_a_name_that_was_taken_since_the_plan_needs_a_new_plan(store: Store, make_task: Any) -> None:
    from beatsync.store import RetryableError

    old = plan(create(hourly()), records=[record(hourly())])
    make_task("hourly")
    with pytest.raises(RetryableError):
        apply(store, old)
    assert store.observe("shop").inventory == {}


def test_a_sync_is_written_completely_or_not_at_all(store: Store) -> None:
    class Killed(Exception):  # noqa: N818
        pass

    def killed_after_the_last_write() -> None:
        with store.locked("shop", 0, "tests"):
            store.apply(plan(create(hourly()), records=[record(hourly())]), store.observe("shop"), NO_CHANGES, NOW)
            raise Killed

    with pytest.raises(Killed):
        killed_after_the_last_write()
    after = store.observe("shop")
    assert (after.rows, after.inventory, store.history("shop", 5)) == ({}, {}, ())


def test_history_and_sources_say_what_was_done_and_keep_secrets(store: Store) -> None:
    before = create_all(store, hourly(kwargs='{"password":"hunter2"}')).rows["hourly"]
    apply(store, plan(update(before, hourly(kwargs='{"password":"tr0ub4dor"}')), environment="production"), LATER)
    newest, oldest = store.history("shop", 5)
    assert (newest.outcome, newest.summary["update"], newest.environment, newest.actor) == (
        "applied",
        1,
        "production",
        "tests",
    )
    assert (oldest.started_at, oldest.summary["create"]) == (NOW, 1)
    assert newest.changes[0]["name"] == "hourly"
    assert "hunter2" not in str(newest.changes) + str(oldest.changes)
    (state,) = store.sources()
    assert (state.name, state.outcome, state.synced_at) == ("shop", "applied", LATER)
    assert state.revision is not None
    assert state.revision.git == "c0ffee"


def test_a_failure_is_noted_once_however_often_it_comes(store: Store) -> None:
    create_all(store, hourly())
    for minute in range(3):
        assert store.record_failure("shop", Failure("failed", "no route to host", LATER + timedelta(minutes=minute)))
    failure, success = store.history("shop", 5)
    assert (failure.outcome, failure.message, success.outcome) == ("failed", "no route to host", "applied")
    assert (failure.started_at, failure.finished_at) == (LATER, LATER + timedelta(minutes=2))
    assert store.sources()[0].outcome == "failed"


def test_the_history_of_a_source_does_not_grow_for_ever(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "MAX_ENTRIES", 3)
    assert store.record_failure("other", Failure("failed", "elsewhere", NOW))
    for minute in range(7):
        assert store.record_failure("shop", Failure("failed", f"reason {minute}", NOW + timedelta(minutes=minute)))
    assert [entry.message for entry in store.history("shop", 10)] == ["reason 6", "reason 5", "reason 4"]
    assert len(store.history("other", 10)) == 1


def test_a_plan_without_changes_writes_only_the_source(store: Store) -> None:
    create_all(store, hourly())
    with store.locked("shop", 0, "tests"), queries(store) as log:
        store.apply(plan(origin="git@example.org:shop.git//schedules.d"), Observed(), NO_CHANGES, LATER)
    assert len(log) == 1
    after = store.observe("shop")
    assert (after.origin, after.synced_at) == ("git@example.org:shop.git//schedules.d", LATER)
    assert len(store.history("shop", 5)) == 1
    apply(store, plan(), LATER)
    assert store.observe("shop").origin == after.origin, "an unknown origin does not replace a known one"


def test_a_release_leaves_the_last_sync_of_the_source(store: Store) -> None:
    seen = create_all(store, hourly())
    change = Change(Action.FORGET, "hourly", Cause.SPEC, row_id=seen.rows["hourly"].row_id)
    with store.locked("shop", 0, "tests"):
        store.apply(plan(change, environment="other"), seen, NO_CHANGES, LATER, event=Event(Actor("ann"), "released"))
    after = store.observe("shop")
    assert (after.inventory, after.synced_at, after.environment) == ({}, NOW, None)


def test_the_notice_is_the_last_statement_and_always_grows(store: Store) -> None:
    from django_celery_beat.models import PeriodicTasks

    rows = create_all(store, hourly()).rows
    notices = PeriodicTasks.objects.using(store.alias)
    assert notices.get(ident=1).last_update == NOW
    future = NOW + timedelta(days=400)
    notices.update(last_update=future)
    with queries(store) as log:
        apply(store, lambda seen: plan(update(seen.rows["hourly"], hourly(args="[3]"))))
    written = writes(log)
    assert "last_update" in written[-1]
    assert sum("last_update" in sql for sql in written) == 1
    assert notices.get(ident=1).last_update == future + timedelta(microseconds=1)
    assert rows["hourly"].spec.args == "[]"


def test_a_server_checks_foreign_keys_before_beat_is_notified(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the stamp to the commit all saves wait, so no slow statement may come after it."""
    monkeypatch.setattr(schedules, "ensure", lambda *_: {HOURLY: (2_000_000_000, None, None, None)})
    with queries(store) as log, pytest.raises(RetryableError):
        create_all(store, hourly())
    notified = any("django_celery_beat_periodictasks" in q["sql"] for q in log)
    assert notified == (connections[store.alias].vendor == "sqlite"), "SQLite has one lock for the whole file"


def test_a_plan_that_does_not_say_what_a_row_shall_be_is_a_bug(store: Store) -> None:
    row = create_all(store, hourly()).rows["hourly"]
    field = FieldChange("args", "[]", "[1]", Cause.SPEC)
    with pytest.raises(ValueError, match="hourly"):
        apply(store, plan(Change(Action.UPDATE, "hourly", Cause.SPEC, (field,), row_id=row.row_id)))


def test_apply_needs_the_lock(store: Store) -> None:
    with pytest.raises(RuntimeError, match=r"Store\.locked"):
        store.apply(plan(), Observed(), NO_CHANGES, NOW)


def test_texts_arrive_whole_whatever_a_backslash_means_to_the_session(store: Store) -> None:
    connection: Any = connections[store.alias]
    if connection.vendor != "mysql":
        pytest.skip("a backslash is one")
    texts = ["\\", "\\\\", "a\\", "\\'", "'", "\\n", '{"a": "\\"x\\" \\\\"}', "ü\\", "%s \\%"]
    rows = [(text, f"entry {number}", number, "delete") for number, text in enumerate(texts)]
    for mode in ("", ",NO_BACKSLASH_ESCAPES"):
        with connection.cursor() as cursor:
            cursor.execute(f"SET SESSION sql_mode = CONCAT(@@GLOBAL.sql_mode, '{mode}')")
        for cached in ("mysql_server_data", "sql_mode"):
            connection.__dict__.pop(cached, None)
        try:
            db = dialect(store)
            db.insert(INVENTORY, COLUMNS, [(*row, 1, *[""] * 3, 0, 0, 0) for row in rows])
            stored = db.fetch(f"SELECT applied FROM {INVENTORY.name} ORDER BY row_id")
        finally:
            dialect(store).execute(f"DELETE FROM {INVENTORY.name}")
            connection.close()
            for cached in ("mysql_server_data", "sql_mode"):
                connection.__dict__.pop(cached, None)
        assert [text for (text,) in stored] == texts


COLUMNS = (
    "applied", "name", "row_id", "on_remove", "source_id", "ignore", "sensitive", "path", "protect",
    "retired", "frozen",
)  # fmt: skip
