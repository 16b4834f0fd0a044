"""A row that somebody renamed by hand, and one that two entries claim, on each real database: none is deleted for its new name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.db import connections
from django_celery_beat.models import PeriodicTask

from beatsync.plan.groups import count_actions
from beatsync.plan.model import Action, Cause
from beatsync.plan.request import PlanOptions
from beatsync.reconcile import Outcome, Result, SyncOptions, sync
from beatsync.store import Store
from tests.conftest import MakeTask

OLD = "  old: {task: t, interval: 1h}\n"
NEW = "  new: {task: t, interval: 1h}\n"
OTHER = "  other: {task: t, interval: 3h}\n"
OPTIONS = [{}, {"adopt": True}]


def go(root: Path, store: Store, *schedules: str, **options: Any) -> Result:
    (root / "a.yaml").write_text("schedules:\n" + "".join(schedules), encoding="utf-8")
    return sync(root, store, SyncOptions(plan=PlanOptions(**options)))


def rows(store: Store) -> Any:
    return PeriodicTask.objects.using(store.alias)


def renamed(store: Store, name: str, to: str) -> int:
    """Rename a row as a person does in the admin, after some runs; return its key."""
    assert rows(store).filter(name=name).update(name=to, total_run_count=7) == 1
    return int(rows(store).get(name=to).pk)


def runs(store: Store) -> dict[str, int]:
    return dict(rows(store).values_list("name", "total_run_count"))


def said(result: Result) -> list[tuple[Action, str]]:
    return [(change.action, change.name) for change in result.plan.changes]


def settled(root: Path, store: Store, *schedules: str, **options: Any) -> bool:
    """Whether nothing is left to do, and each entry is of the row of its name."""
    again = go(root, store, *schedules, **options)
    owned = {entry.name: entry.row_id for entry in store.observe("default").inventory.values()}
    return again.outcome is Outcome.UNCHANGED and owned == dict(rows(store).values_list("name", "pk"))


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize(
    "policy", ["", "sync: {protect: true}", "sync: {on_remove: keep}", "sync: {on_remove: disable}"]
)
def test_it_stays_under_the_name_that_the_files_now_say_too(
    store: Store, tmp_path: Path, policy: str, options: dict[str, Any]
) -> None:
    before = OLD.replace("1h", f"1h, {policy}") if policy else OLD
    go(tmp_path, store, before, OTHER)
    key = renamed(store, "old", "new")
    done = go(tmp_path, store, NEW, OTHER, max_deletes="0", **options)
    assert done.outcome is Outcome.APPLIED
    assert runs(store) == {"new": 7, "other": 0}
    assert rows(store).get(name="new").pk == key
    assert said(done) == []
    assert store.observe("default").tombstones == ()
    assert store.observe("default").inventory["new"].policy.protect is ("protect" in policy)
    assert settled(tmp_path, store, NEW, OTHER)


def test_a_row_that_was_renamed_and_edited_is_taken_over_only_with_adopt(store: Store, tmp_path: Path) -> None:
    go(tmp_path, store, OLD, OTHER)
    key = renamed(store, "old", "new")
    rows(store).filter(pk=key).update(queue="slow", enabled=False)
    assert [blocked.code for blocked in go(tmp_path, store, NEW, OTHER).plan.blocked] == ["conflict"]
    done = go(tmp_path, store, NEW, OTHER, adopt=True)
    assert said(done) == [(Action.ADOPT, "new"), (Action.FORGET, "old")]
    # Paused by hand, it stays so.
    assert list(rows(store).values_list("pk", "queue", "enabled").filter(name="new")) == [(key, None, False)]
    assert settled(tmp_path, store, NEW, OTHER)


@pytest.mark.parametrize("options", OPTIONS)
def test_where_both_names_are_declared_it_goes_back_and_the_other_is_made(
    store: Store, tmp_path: Path, options: dict[str, Any]
) -> None:
    go(tmp_path, store, OLD, OTHER)
    key = renamed(store, "old", "new")
    done = go(tmp_path, store, OLD, NEW, OTHER, **options)
    assert said(done) == [(Action.CREATE, "new"), (Action.UPDATE, "old")]
    assert runs(store) == {"old": 7, "new": 0, "other": 0}
    assert rows(store).get(name="old").pk == key
    assert settled(tmp_path, store, OLD, NEW, OTHER)


@pytest.mark.parametrize("options", OPTIONS)
def test_what_a_file_says_it_is_renamed_to_comes_before_the_name_by_hand(
    store: Store, tmp_path: Path, options: dict[str, Any]
) -> None:
    go(tmp_path, store, OLD, OTHER)
    key = renamed(store, "old", "new")
    third = "  third: {task: t, interval: 1h, sync: {renamed_from: old}}\n"
    done = go(tmp_path, store, third, NEW, OTHER, **options)
    assert said(done) == [(Action.CREATE, "new"), (Action.UPDATE, "third")]
    assert runs(store) == {"third": 7, "new": 0, "other": 0}
    assert rows(store).get(name="third").pk == key
    assert settled(tmp_path, store, third, NEW, OTHER)


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize(
    "policy", ["", "sync: {protect: true}", "sync: {on_remove: keep}", "sync: {on_remove: disable}"]
)
def test_put_in_the_place_of_a_row_that_is_gone_it_is_not_deleted_with_its_entry(
    store: Store, tmp_path: Path, policy: str, options: dict[str, Any]
) -> None:
    before = OLD.replace("1h", f"1h, {policy}") if policy else OLD
    go(tmp_path, store, before, NEW, OTHER)
    rows(store).filter(name="new").delete()
    key = renamed(store, "old", "new")
    done = go(tmp_path, store, NEW, OTHER, max_deletes="0", **options)
    assert said(done) == [(Action.FORGET, "old")]
    assert done.plan.changes[0].note == "its row was renamed to new"
    assert runs(store) == {"new": 7, "other": 0}
    assert rows(store).get(name="new").pk == key
    assert store.observe("default").tombstones == ()
    assert settled(tmp_path, store, NEW, OTHER)


def test_put_in_the_place_of_a_row_that_is_gone_it_goes_back_where_it_is_declared(store: Store, tmp_path: Path) -> None:
    go(tmp_path, store, OLD, NEW, OTHER)
    rows(store).filter(name="new").delete()
    key = renamed(store, "old", "new")
    done = go(tmp_path, store, OLD, NEW, OTHER)
    assert said(done) == [(Action.CREATE, "new"), (Action.UPDATE, "old")]
    assert runs(store) == {"old": 7, "new": 0, "other": 0}
    assert rows(store).get(name="old").pk == key
    assert settled(tmp_path, store, OLD, NEW, OTHER)


@pytest.mark.parametrize("schedules", [(OTHER,), (OLD, OTHER)], ids=["old gone", "old declared"])
def test_an_old_name_that_a_row_of_ours_has_by_hand_is_no_strangers(
    store: Store, tmp_path: Path, schedules: tuple[str, ...]
) -> None:
    go(tmp_path, store, OLD, OTHER)
    key = renamed(store, "old", "before")
    new = NEW.replace("1h", "1h, sync: {renamed_from: before}")
    done = go(tmp_path, store, new, *schedules, adopt=True)
    assert count_actions(done.plan)[Action.DELETE] == 0
    assert runs(store) == ({"old": 7, "new": 0, "other": 0} if OLD in schedules else {"new": 7, "other": 0})
    assert rows(store).get(total_run_count=7).pk == key
    assert settled(tmp_path, store, new, *schedules)


@pytest.mark.parametrize("by_hand", [True, False])
def test_a_row_whose_new_name_is_refused_is_not_deleted_for_its_old_one(
    store: Store, tmp_path: Path, by_hand: bool
) -> None:
    """A finding about one schedule is an error, and `--on-invalid isolate` goes on with the others."""
    go(tmp_path, store, OLD, OTHER)
    key = renamed(store, "old", "new" if by_hand else "old")
    refused = NEW.replace("1h", "1h, one_off: true" + (", enabled: true" if by_hand else ", sync: {renamed_from: old}"))
    done = go(tmp_path, store, refused, OTHER.replace("3h", "4h"), isolate=True)
    assert [diagnostic.code for diagnostic in done.plan.diagnostics] == ["one-off-ran"]
    assert said(done) == [(Action.UPDATE, "other")]
    assert rows(store).get(pk=key).total_run_count == 7


def test_what_was_brought_back_and_taken_up_is_not_buried_under_its_old_name(
    store: Store, tmp_path: Path, make_task: MakeTask
) -> None:
    go(tmp_path, store, OLD, OTHER)
    key = rows(store).get(name="old").pk
    go(tmp_path, store, OTHER)
    make_task("old", pk=key, task="t")
    new = NEW.replace("1h", "1h, sync: {renamed_from: old}")
    assert said(go(tmp_path, store, new, OTHER, adopt=True)) == [(Action.ADOPT, "new")]
    renamed(store, "new", "old")
    assert said(go(tmp_path, store, new, OTHER)) == [(Action.UPDATE, "new")]
    assert runs(store) == {"new": 7, "other": 0}
    assert settled(tmp_path, store, new, OTHER)


def test_what_a_broken_file_declared_last_is_frozen_under_whatever_name(store: Store, tmp_path: Path) -> None:
    broken = tmp_path / "b.yaml"
    broken.write_text("schedules:\n" + OLD, encoding="utf-8")
    go(tmp_path, store, OTHER)
    renamed(store, "old", "new")
    broken.write_text("schedules:\n  old: {task: t, interval: nonsense}\n", encoding="utf-8")
    for schedules in ([NEW], [NEW, OLD], [NEW, "  third: {task: t, interval: 1h, sync: {renamed_from: old}}\n"]):
        done = go(tmp_path, store, *schedules, OTHER, isolate=True)
        assert (done.outcome, said(done)) in [(Outcome.APPLIED, []), (Outcome.UNCHANGED, [])]
        assert runs(store) == {"new": 7, "other": 0}
    broken.unlink()
    go(tmp_path, store, NEW, OTHER)
    assert runs(store) == {"new": 7, "other": 0}
    assert settled(tmp_path, store, NEW, OTHER)


@pytest.mark.parametrize("row_is", ["old", "new", "elsewhere"])
@pytest.mark.parametrize("schedules", [(OLD, NEW), (OLD,), (NEW,), ()], ids=["both", "old", "new", "none"])
def test_one_sync_settles_two_entries_of_one_row(
    store: Store, tmp_path: Path, schedules: tuple[str, ...], row_is: str
) -> None:
    """No BeatSync leaves that, but a database may be restored, or written by hand."""
    go(tmp_path, store, OLD, NEW, OTHER)
    shared, gone = ("new", "old") if row_is == "new" else ("old", "new")
    rows(store).filter(name=gone).delete()
    key = renamed(store, shared, row_is)
    with connections[store.alias].cursor() as cursor:
        cursor.execute("UPDATE beatsync_inventoryentry SET row_id = %s WHERE name = %s", [key, gone])
    done = go(tmp_path, store, *schedules, OTHER)
    assert done.outcome is Outcome.APPLIED
    assert sum(action is Action.DELETE for action, _ in said(done)) == (not schedules)
    assert sum(runs(store).values()) == (7 if schedules else 0)
    assert settled(tmp_path, store, *schedules, OTHER)


@pytest.mark.parametrize("names", [["old", "other"], ["old", "other", "new"]], ids=["two", "in a ring"])
def test_rows_whose_names_somebody_swapped_get_them_back(store: Store, tmp_path: Path, names: list[str]) -> None:
    go(tmp_path, store, OLD, OTHER, NEW)
    before = dict(rows(store).values_list("name", "pk"))
    renamed(store, names[-1], "aside")
    for name, to in zip(reversed(names[:-1]), reversed(names[1:]), strict=True):
        renamed(store, name, to)
    renamed(store, "aside", names[0])
    done = go(tmp_path, store, OLD, OTHER, NEW, max_deletes="0")
    assert done.outcome is Outcome.APPLIED
    assert said(done) == [(Action.UPDATE, name) for name in sorted(names)]
    assert {change.cause for change in done.plan.changes} == {Cause.DRIFT}
    assert dict(rows(store).values_list("name", "pk")) == before
    assert {name: runs(store)[name] for name in names} == dict.fromkeys(names, 7)
    assert settled(tmp_path, store, OLD, OTHER, NEW)
