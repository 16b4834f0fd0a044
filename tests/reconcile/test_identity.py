"""A key alone proves nothing: rows with re-used keys, duplicate names and damaged inventory entries, on each real database."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from django.db import connections
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from beatsync.plan.drift import states
from beatsync.plan.groups import count_actions
from beatsync.plan.model import Action, Condition, Plan
from beatsync.plan.request import PlanOptions
from beatsync.reconcile import Outcome, Result, SyncOptions, plan, release, sync, utc_now
from beatsync.report import markdown, text
from beatsync.store import Store
from beatsync.values import Diagnostic, Severity
from tests.conftest import Backend, MakeTask, add_alias

A = "  a: {task: t.a, interval: 1h}\n"
B = "  b: {task: t.b, interval: 2h}\n"
C = "  c: {task: t.c, interval: 3h}\n"
D = "  d: {task: t.d, interval: 4h}\n"
Write = Any


def declare(root: Path, *schedules: str) -> None:
    (root / "a.yaml").write_text("schedules:\n" + "".join(schedules) if schedules else "schedules: {}\n")


def go(root: Path, store: Store, *schedules: str, **options: Any) -> Result:
    """Sync, after a look at the plan with and without fingerprints: they are the same."""
    declare(root, *schedules)
    now = utc_now()
    scoped, full = (
        plan(root, store, SyncOptions(plan=PlanOptions(**options), fingerprints=on), clock=lambda: now).plan
        for on in (True, False)
    )
    assert scoped == full
    return sync(root, store, SyncOptions(plan=PlanOptions(**options)))


def rows(store: Store) -> Any:
    return PeriodicTask.objects.using(store.alias)


def keys(store: Store) -> dict[str, int]:
    return dict(rows(store).values_list("name", "pk"))


def replace_row(store: Store, make_task: MakeTask, name: str, new_name: str, **fields: Any) -> int:
    """Put another person's row under the key of the row `name`; return the key."""
    key = keys(store)[name]
    rows(store).filter(pk=key).delete()
    make_task(new_name, pk=key, **fields)
    return key


def restart_keys(store: Store, key: int) -> None:
    """Let the database use `key`, which is larger than every present one, for the next row."""
    table, connection = PeriodicTask._meta.db_table, connections[store.alias]
    statement = {
        "sqlite": f"UPDATE sqlite_sequence SET seq = {key - 1} WHERE name = '{table}'",
        "postgresql": f"ALTER SEQUENCE {table}_id_seq RESTART WITH {key}",
        "mysql": f"ALTER TABLE {table} AUTO_INCREMENT = {key}",
    }[connection.vendor]
    with connection.cursor() as cursor:
        cursor.execute(statement)


def changes(result: Result) -> list[tuple[Action, str, str | None]]:
    return [(change.action, change.name, change.note) for change in result.plan.changes]


def codes(result: Result) -> list[str]:
    return [blocked.code for blocked in result.plan.blocked]


def warnings(plan: Plan) -> list[Diagnostic]:
    return [diagnostic for diagnostic in plan.diagnostics if diagnostic.severity is Severity.WARNING]


def gone(name: str, key: int) -> str:
    return f"the row is gone: its key {key} now belongs to the row {name}, which is not changed"


class TestReusedKey:
    @pytest.mark.parametrize("adopt", [False, True])
    def test_a_row_with_the_key_of_ours_is_not_changed_and_ours_is_created_again(
        self, store: Store, tmp_path: Path, make_task: MakeTask, adopt: bool
    ) -> None:
        go(tmp_path, store, A, B)
        key = replace_row(store, make_task, "a", "fixture", task="fix.task", total_run_count=5)
        theirs = rows(store).filter(pk=key).values().get()
        state, _ = states(store.observe("default"), utc_now())
        assert (state.name, state.missing) == ("a", True)
        done = go(tmp_path, store, A, B, adopt=adopt)
        assert changes(done) == [(Action.CREATE, "a", gone("fixture", key))]
        assert rows(store).filter(pk=key).values().get() == theirs
        assert keys(store).keys() == {"a", "b", "fixture"}
        assert go(tmp_path, store, A, B).outcome is Outcome.UNCHANGED
        assert store.observe("default").inventory["a"].row_id == keys(store)["a"] != key

    def test_a_restarted_sequence_gives_the_key_of_ours_to_another_row(
        self, store: Store, tmp_path: Path, make_task: MakeTask
    ) -> None:
        go(tmp_path, store, A, B)
        key = keys(store)["b"]
        rows(store).filter(name="b").delete()
        restart_keys(store, key)
        assert make_task("fixture", task="fix.task").pk == key  # the database chose it
        theirs = rows(store).filter(pk=key).values().get()
        assert changes(go(tmp_path, store, A, B)) == [(Action.CREATE, "b", gone("fixture", key))]
        assert store.observe("default").inventory["b"].row_id == keys(store)["b"] == key + 1
        rows(store).filter(name="b").delete()
        restart_keys(store, key + 1)
        assert make_task("second").pk == key + 1
        assert changes(go(tmp_path, store, A)) == [(Action.FORGET, "b", gone("second", key + 1))]
        assert rows(store).filter(pk=key).values().get() == theirs
        assert keys(store).keys() == {"a", "fixture", "second"}
        assert go(tmp_path, store, A).outcome is Outcome.UNCHANGED

    def test_the_row_with_the_key_of_ours_is_not_deleted_with_our_schedule(
        self, store: Store, tmp_path: Path, make_task: MakeTask
    ) -> None:
        go(tmp_path, store, A, B)
        key = replace_row(store, make_task, "a", "fixture")
        done = go(tmp_path, store, B)
        assert changes(done) == [(Action.FORGET, "a", gone("fixture", key))]
        assert keys(store).keys() == {"b", "fixture"}
        assert store.observe("default").tombstones == ()
        assert go(tmp_path, store, B).outcome is Outcome.UNCHANGED

    @pytest.mark.parametrize("policy", ["on_remove: disable", "protect: true", "on_remove: keep"])
    def test_whatever_happens_to_a_removed_schedule_does_not_happen_to_it(
        self, store: Store, tmp_path: Path, make_task: MakeTask, policy: str
    ) -> None:
        go(tmp_path, store, A.replace("1h", f"1h, sync: {{{policy}}}"), B)
        key = replace_row(store, make_task, "a", "fixture")
        theirs = rows(store).filter(pk=key).values().get()
        assert changes(go(tmp_path, store, B)) == [(Action.FORGET, "a", gone("fixture", key))]
        assert rows(store).filter(pk=key).values().get() == theirs

    def test_it_does_not_become_ours_because_a_schedule_has_its_name(
        self, store: Store, tmp_path: Path, make_task: MakeTask
    ) -> None:
        go(tmp_path, store, A, B)
        replace_row(store, make_task, "a", "fixture")
        fixture = "  fixture: {task: t.x, interval: 9h}\n"
        assert codes(go(tmp_path, store, B, fixture)) == ["conflict"]
        assert rows(store).get(name="fixture").task == "other.task"
        renamed = "  new: {task: t.x, interval: 9h, sync: {renamed_from: a}}\n"
        assert [action for action, *_ in changes(go(tmp_path, store, B, renamed))] == [Action.FORGET, Action.CREATE]
        assert rows(store).get(name="fixture").task == "other.task"

    def test_many_of_them_look_like_a_restored_table_and_block_until_they_are_adopted(
        self, store: Store, tmp_path: Path, make_task: MakeTask
    ) -> None:
        go(tmp_path, store, A, B)
        for number, name in enumerate(["a", "b"], 1):
            replace_row(store, make_task, name, f"people-{number}", task=f"people.{number}")
        before = list(rows(store).order_by("pk").values())
        blocked = go(tmp_path, store, A, B)
        assert codes(blocked) == ["rows-replaced"]
        (reason,) = blocked.plan.blocked
        assert reason.message.startswith(
            "the rows of 2 of the 2 schedules that this source owns are gone, and other rows have their keys"
        )
        assert "'people-1', not 'a'" in reason.message
        assert "restored" in reason.message
        assert "--adopt" in str(reason.hint)
        assert "release" in str(reason.hint)
        assert list(rows(store).order_by("pk").values()) == before
        assert count_actions(go(tmp_path, store, A, B, adopt=True).plan)[Action.CREATE] == 2
        assert list(rows(store).filter(name__startswith="people").order_by("pk").values()) == before
        assert go(tmp_path, store, A, B).outcome is Outcome.UNCHANGED

    def test_a_release_of_them_ends_the_block(self, store: Store, tmp_path: Path, make_task: MakeTask) -> None:
        go(tmp_path, store, A, B)
        for number, name in enumerate(["a", "b"], 1):
            replace_row(store, make_task, name, f"people-{number}")
        assert codes(go(tmp_path, store, A, B)) == ["rows-replaced"]
        release(store, ["a", "b"], SyncOptions())
        assert [change[:2] for change in changes(go(tmp_path, store, A, B))] == [
            (Action.CREATE, "a"), (Action.CREATE, "b"),
        ]  # fmt: skip

    def test_many_missing_rows_are_one_warning_and_are_created_again(self, store: Store, tmp_path: Path) -> None:
        go(tmp_path, store, A, B, C, D)
        rows(store).all().delete()
        done = go(tmp_path, store, A, B, C, D)
        assert done.outcome is Outcome.APPLIED
        assert [warning.code for warning in warnings(done.plan)] == ["rows-missing"]
        assert warnings(done.plan)[0].message.startswith("the rows of 4 of the 4 schedules")
        assert go(tmp_path, store, A, B, C, D).plan.diagnostics == ()

    def test_a_few_missing_rows_are_drift(self, store: Store, tmp_path: Path) -> None:
        go(tmp_path, store, A, B, C, D)
        rows(store).filter(name__in=["a", "b", "c"]).delete()
        done = go(tmp_path, store, A, B, C, D)
        assert (count_actions(done.plan)[Action.CREATE], done.plan.diagnostics) == (3, ())


class TestRenamedRow:
    """The key with the values that were last applied is ours under whatever name, and every plan names it."""

    def test_its_removal_shows_the_name_that_it_has_now(self, store: Store, tmp_path: Path) -> None:
        go(tmp_path, store, A, B)
        rows(store).filter(name="a").update(name="x", enabled=False)
        done = go(tmp_path, store, B)
        assert changes(done) == [(Action.DELETE, "a", "row now named x")]
        assert "- a (row now named x)" in "\n".join(text.render_plan(done.plan, applied=True))
        assert "- a (row now named x)" in markdown.render_plan(done.plan, applied=True)
        assert store.history("default", 1)[0].changes[0]["note"] == "row now named x"
        assert keys(store).keys() == {"b"}

    def test_so_does_one_that_is_disabled_or_kept(self, store: Store, tmp_path: Path) -> None:
        first, second = (
            text.replace("h}", f"h, sync: {{on_remove: {policy}}}}}") for text, policy in ((A, "disable"), (B, "keep"))
        )
        go(tmp_path, store, first, second, C)
        rows(store).filter(name="a").update(name="x")
        rows(store).filter(name="b").update(name="y")
        assert changes(go(tmp_path, store, C)) == [
            (Action.DISABLE, "a", "removed from the files (on_remove: disable); row now named x"),
            (Action.FORGET, "b", "the row is kept (on_remove: keep); row now named y"),
        ]

    def test_its_update_shows_the_name_that_it_has_now(self, store: Store, tmp_path: Path) -> None:
        go(tmp_path, store, A, B)
        key = keys(store)["a"]
        rows(store).filter(name="a").update(name="x", enabled=False, total_run_count=3)
        assert changes(go(tmp_path, store, A.replace("1h", "5h"), B)) == [(Action.UPDATE, "a", "row now named x")]
        assert list(rows(store).filter(name="a").values_list("pk", "enabled", "total_run_count")) == [(key, False, 3)]
        rows(store).filter(name="a").update(name="x")
        new = "  new: {task: t.a, interval: 5h, sync: {renamed_from: a}}\n"
        assert changes(go(tmp_path, store, new, B)) == [(Action.UPDATE, "new", "renamed from a; row now named x")]
        assert keys(store)["new"] == key

    def test_a_field_that_the_operator_owns_does_not_count(self, store: Store, tmp_path: Path) -> None:
        ignoring = A.replace("1h", "1h, sync: {ignore: [queue]}")
        go(tmp_path, store, ignoring, B)
        rows(store).filter(name="a").update(name="x", queue="slow")
        assert changes(go(tmp_path, store, ignoring, B)) == [(Action.UPDATE, "a", "row now named x")]
        assert rows(store).get(name="a").queue == "slow"

    @pytest.mark.parametrize("change", [{"queue": "q"}, {"task": "other"}, {"args": "[1]"}, {"interval": None}])
    def test_a_row_that_was_renamed_and_edited_is_no_longer_ours(
        self, store: Store, tmp_path: Path, change: dict[str, Any]
    ) -> None:
        go(tmp_path, store, A, B)
        key = keys(store)["a"]
        rows(store).filter(name="a").update(name="x", **change)
        assert changes(go(tmp_path, store, A, B)) == [(Action.CREATE, "a", gone("x", key))]
        assert keys(store)["x"] == key


class TestRowOfOurNameWithAnotherKey:
    def test_one_with_the_values_last_applied_is_the_row_created_again(self, store: Store, tmp_path: Path) -> None:
        go(tmp_path, store, A, B)
        row = rows(store).get(name="a")
        rows(store).filter(pk=row.pk).delete()
        row.pk = row.pk + 1000
        rows(store).bulk_create([row])
        done = go(tmp_path, store, A.replace("1h", "5h"), B)
        assert changes(done) == [(Action.UPDATE, "a", "the row was deleted, and a new row was created with its name")]
        assert keys(store)["a"] == row.pk
        assert go(tmp_path, store, A.replace("1h", "5h"), B).outcome is Outcome.UNCHANGED

    def test_one_with_other_values_blocks_until_it_is_adopted(
        self, store: Store, tmp_path: Path, make_task: MakeTask
    ) -> None:
        go(tmp_path, store, A, B)
        key = keys(store)["a"]
        rows(store).filter(pk=key).delete()
        make_task("a", pk=key + 1000, total_run_count=4)
        blocked = go(tmp_path, store, A, B)
        (reason,) = blocked.plan.blocked
        assert (reason.code, reason.names) == ("conflict", ("a",))
        assert f"(key {key}) is gone" in reason.message
        assert f"(key {key + 1000})" in reason.message
        assert "--adopt" in str(reason.hint)
        assert "`beatsync release --source default a`" in str(reason.hint)
        assert rows(store).get(name="a").task == "other.task"
        assert go(tmp_path, store, A, B, adopt=True).outcome is Outcome.APPLIED
        assert list(rows(store).filter(name="a").values_list("pk", "task", "total_run_count")) == [
            (key + 1000, "t.a", 4)
        ]
        assert go(tmp_path, store, A, B).outcome is Outcome.UNCHANGED

    def test_it_is_not_deleted_when_our_schedule_leaves_the_files(
        self, store: Store, tmp_path: Path, make_task: MakeTask
    ) -> None:
        go(tmp_path, store, A, B)
        key = keys(store)["a"]
        rows(store).filter(pk=key).delete()
        make_task("a", pk=key + 1000)
        assert changes(go(tmp_path, store, B)) == [(Action.FORGET, "a", "the row was deleted")]
        assert keys(store)["a"] == key + 1000

    def test_an_unowned_row_that_is_renamed_to_it_blocks(
        self, store: Store, tmp_path: Path, make_task: MakeTask
    ) -> None:
        make_task("theirs")
        go(tmp_path, store, A, B)
        rows(store).filter(name="a").delete()
        rows(store).filter(name="theirs").update(name="a")
        assert codes(go(tmp_path, store, A, B)) == ["conflict"]
        assert rows(store).get(name="a").task == "other.task"

    def test_a_row_under_our_key_and_name_is_ours_whatever_its_values_are(
        self, store: Store, tmp_path: Path, make_task: MakeTask
    ) -> None:
        go(tmp_path, store, A, B)
        key = replace_row(store, make_task, "a", "a")
        assert [change[:2] for change in changes(go(tmp_path, store, A, B))] == [(Action.UPDATE, "a")]
        assert keys(store)["a"] == key


@pytest.fixture
def loose_store(bare_url: str, sqlite_backend: Backend) -> Iterator[Store]:  # noqa: ARG001  django-celery-beat's signals use it
    """A store of a database of each kind whose table of tasks has lost the unique index on names."""
    add_alias("loose", bare_url)
    store = Store("loose", project_settings=False)
    store.migrate(with_beat=True)
    connection = connections["loose"]
    table = PeriodicTask._meta.db_table
    with connection.cursor() as cursor:
        constraints = connection.introspection.get_constraints(cursor, table)
        (unique,) = (name for name, each in constraints.items() if each["unique"] and each["columns"] == ["name"])
        if connection.vendor == "mysql":
            cursor.execute(f"DROP INDEX {unique} ON {table}")
        if connection.vendor == "postgresql":
            cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT {unique}")
    connection.close()
    if connection.vendor == "sqlite":
        with closing(sqlite3.connect(bare_url.removeprefix("sqlite:///"))) as session:
            session.executescript(
                "PRAGMA writable_schema = 1;"
                " UPDATE sqlite_master SET sql = replace(sql, 'varchar(200) NOT NULL UNIQUE', 'varchar(200) NOT NULL')"
                f" WHERE name = '{table}';"
                f" DELETE FROM sqlite_master WHERE name = 'sqlite_autoindex_{table}_1';"
            )
    yield store
    connection.close()


class TestDuplicateNames:
    @pytest.mark.parametrize("schedules", [(A, B), (A.replace("1h", "5h"), B), (B,)], ids=["same", "edited", "removed"])
    def test_two_rows_of_an_owned_name_block_with_both_keys(
        self, loose_store: Store, tmp_path: Path, schedules: tuple[str, ...]
    ) -> None:
        store = loose_store
        go(tmp_path, store, A, B)
        first = rows(store).get(name="a")
        row = rows(store).get(name="a")
        row.pk = None
        rows(store).bulk_create([row])
        before = list(rows(store).order_by("pk").values())
        blocked = go(tmp_path, store, *schedules, adopt=True)
        (reason,) = blocked.plan.blocked
        assert (reason.code, reason.names) == ("duplicate-rows", ("a",))
        last = rows(store).filter(name="a").order_by("pk").last()
        assert f"2 rows are named 'a' (keys {first.pk} and {last.pk})" in reason.message
        assert changes(blocked) == []
        assert list(rows(store).order_by("pk").values()) == before
        state = states(store.observe("default"), utc_now())[0]
        assert (state.missing, state.drift) == (False, ())
        rows(store).filter(pk=last.pk).delete()
        assert go(tmp_path, store, *schedules).outcome in {Outcome.APPLIED, Outcome.UNCHANGED}

    def test_our_row_is_found_if_the_other_one_has_the_smaller_key(self, loose_store: Store, tmp_path: Path) -> None:
        store = loose_store
        every = IntervalSchedule.objects.using(store.alias).create(every=1, period="hours")
        rows(store).bulk_create([PeriodicTask(name="x", task="theirs", interval=every)])
        go(tmp_path, store, A, B)
        rows(store).filter(name="x").update(name="a")
        assert codes(go(tmp_path, store, A, B)) == ["duplicate-rows"]
        assert store.observe("default").rows["a"].spec.task == "t.a"

    def test_duplicates_of_names_that_nobody_declares_are_left_alone(self, loose_store: Store, tmp_path: Path) -> None:
        store = loose_store
        every = IntervalSchedule.objects.using(store.alias).create(every=1, period="hours")
        rows(store).bulk_create([PeriodicTask(name="x", task="theirs", interval=every) for _ in range(2)])
        assert go(tmp_path, store, A, B).outcome is Outcome.APPLIED
        assert go(tmp_path, store, A).outcome is Outcome.APPLIED
        assert rows(store).filter(name="x").count() == 2
        assert codes(go(tmp_path, store, A, "  x: {task: t, interval: 1h}\n", adopt=True)) == ["duplicate-rows"]

    def test_a_row_of_ours_that_was_renamed_to_another_rows_name_is_one_of_them(
        self, loose_store: Store, tmp_path: Path
    ) -> None:
        store = loose_store
        every = IntervalSchedule.objects.using(store.alias).create(every=1, period="hours")
        rows(store).bulk_create([PeriodicTask(name="x", task="theirs", interval=every)])
        go(tmp_path, store, A, B)
        rows(store).filter(name="a").update(name="x")
        assert codes(go(tmp_path, store, A, B)) == ["duplicate-rows"]
        assert codes(go(tmp_path, store, B)) == ["duplicate-rows"]
        assert rows(store).filter(name="x").count() == 2


GARBAGE = {
    "on_remove": ["null!", "", "DELETE"],
    "ignore": ["null!", "null", '"queue"', "[1]", "{}", "[" * 20_000],
    "sensitive": ["null!", "7", "[null]"],
    "applied": ["null!", "null", "[]", "", '{"name": {}}', '{"task": ["t"]}', '{"queue": "\\ud800"}', "[" * 20_000],
}
"""By column: texts that BeatSync does not write."""
CELLS = [(column, value) for column, values in GARBAGE.items() for value in values]


def write_cell(store: Store, column: str, value: Any, name: str = "a") -> None:
    connection = connections[store.alias]
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE beatsync_inventoryentry SET {connection.ops.quote_name(column)} = %s WHERE name = %s",
            [value, name],
        )


class TestDamagedEntry:
    @pytest.mark.parametrize(("column", "value"), CELLS)
    def test_a_declared_schedule_is_warned_about_and_the_sync_writes_its_entry_again(
        self, store: Store, tmp_path: Path, column: str, value: str
    ) -> None:
        go(tmp_path, store, A, B)
        healthy = store.observe("default").inventory["a"]._replace(entry_id=0)
        write_cell(store, column, value[:10] if column == "on_remove" else value)
        entry = store.observe("default").inventory["a"]
        state = states(store.observe("default"), utc_now())[0]
        assert (state.conditions, state.missing) == ((Condition.DAMAGED,), False)
        done = go(tmp_path, store, A, B)
        assert (done.outcome, changes(done)) == (Outcome.APPLIED, [])
        (warning,) = warnings(done.plan)
        assert warning.code == "inventory-damaged"
        assert f"entry {entry.entry_id} of 'a' is damaged: {column} " in warning.message
        assert str(warning.location).startswith("a.yaml:2")
        assert store.observe("default").inventory["a"]._replace(entry_id=0) == healthy
        assert go(tmp_path, store, A, B).plan.diagnostics == ()

    @pytest.mark.parametrize(("column", "value"), [(column, values[0]) for column, values in GARBAGE.items()])
    def test_the_row_of_one_that_no_file_declares_is_not_touched_until_it_is_released(
        self, store: Store, tmp_path: Path, column: str, value: str
    ) -> None:
        go(tmp_path, store, A, B)
        write_cell(store, column, value)
        blocked = go(tmp_path, store, B)
        (reason,) = blocked.plan.blocked
        assert (reason.code, reason.names) == ("inventory-damaged", ("a",))
        assert "`beatsync release --source default a`" in str(reason.hint)
        assert keys(store).keys() == {"a", "b"}
        release(store, ["a"], SyncOptions())
        assert go(tmp_path, store, B).outcome is Outcome.UNCHANGED
        assert keys(store).keys() == {"a", "b"}

    def test_its_row_is_compared_with_the_file_alone(self, store: Store, tmp_path: Path) -> None:
        go(tmp_path, store, A, B)
        write_cell(store, "applied", "null!")
        rows(store).filter(name="a").update(queue="slow", enabled=False)
        done = go(tmp_path, store, A, B)
        assert [field.field for change in done.plan.changes for field in change.fields] == ["queue"]
        assert rows(store).get(name="a").enabled is False
        assert go(tmp_path, store, A, B).outcome is Outcome.UNCHANGED

    def test_a_row_that_was_renamed_too_cannot_be_proved_ours(self, store: Store, tmp_path: Path) -> None:
        go(tmp_path, store, A, B)
        key = keys(store)["a"]
        write_cell(store, "applied", "null!")
        rows(store).filter(name="a").update(name="x")
        done = go(tmp_path, store, A, B)
        assert changes(done) == [(Action.CREATE, "a", gone("x", key))]
        assert [warning.code for warning in warnings(done.plan)] == ["inventory-damaged"]
        assert go(tmp_path, store, A, B).outcome is Outcome.UNCHANGED

    @pytest.mark.parametrize("row_id", [0, 999_999, -1])
    def test_a_key_of_no_row_finds_the_row_of_its_name(self, store: Store, tmp_path: Path, row_id: int) -> None:
        go(tmp_path, store, A, B)
        key = keys(store)["a"]
        write_cell(store, "row_id", row_id)
        done = go(tmp_path, store, A.replace("1h", "5h"), B)
        assert [change[:2] for change in changes(done)] == [(Action.UPDATE, "a")]
        assert keys(store)["a"] == key
        assert go(tmp_path, store, A.replace("1h", "5h"), B).outcome is Outcome.UNCHANGED

    def test_an_empty_path_is_written_again(self, store: Store, tmp_path: Path) -> None:
        go(tmp_path, store, A, B)
        write_cell(store, "path", "")
        assert go(tmp_path, store, A, B).outcome is Outcome.APPLIED
        assert store.observe("default").inventory["a"].path == "a.yaml"

    def test_a_frozen_row_keeps_its_damaged_entry(self, store: Store, tmp_path: Path) -> None:
        """Written again without its file it would look healthy, with a policy that no file declares."""
        go(tmp_path, store, B)
        (tmp_path / "b.yaml").write_text("schedules:\n" + A)
        assert sync(tmp_path, store, SyncOptions()).outcome is Outcome.APPLIED
        write_cell(store, "on_remove", "null!")
        (tmp_path / "b.yaml").write_text("schedules: [")
        isolated = sync(tmp_path, store, SyncOptions(plan=PlanOptions(isolate=True)))
        assert isolated.plan.conditions == (("a", Condition.FROZEN),)
        assert store.observe("default").inventory["a"].damage == ("on_remove",)
        assert keys(store).keys() == {"a", "b"}

    def test_sqlite_stores_words_as_keys(self, sqlite_backend: Backend, tmp_path: Path) -> None:
        store = Store(sqlite_backend.alias, project_settings=False)
        go(tmp_path, store, A, B)
        key = keys(store)["a"]
        write_cell(store, "row_id", "null!")
        (state, _) = states(store.observe("default"), utc_now())
        assert (state.name, state.missing, state.conditions) == ("a", True, (Condition.DAMAGED,))
        done = go(tmp_path, store, A, B)
        assert [warning.code for warning in warnings(done.plan)] == ["inventory-damaged"]
        entry = store.observe("default").inventory["a"]
        assert (entry.row_id, entry.damage) == (key, ())
