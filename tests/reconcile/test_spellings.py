"""Names that only the collation of MariaDB and MySQL takes for one: another spelling takes the place of the one before, or is blocked."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import pytest
from django.db import connections
from django_celery_beat.models import PeriodicTask

from beatsync.plan.request import PlanOptions
from beatsync.reconcile import Outcome, Result, SyncOptions, release, sync
from beatsync.store import Store
from tests.conftest import MakeTask

OTHER = "  other: {task: t, interval: 3h}\n"
SPELLINGS = [("Job", "job"), ("job", "Jöb"), ("Jöb", "job")]


def go(root: Path, store: Store, *schedules: str, source: str = "default", **options: Any) -> Result:
    root.mkdir(exist_ok=True)
    (root / "a.yaml").write_text("schedules:\n" + "".join(schedules), encoding="utf-8")
    return sync(root, store, SyncOptions(source=source, plan=PlanOptions(**options)))


def schedule(name: str, policy: str = "") -> str:
    return f"  {name}: {{task: t, interval: 1h{policy and f', sync: {{{policy}}}'}}}\n"


def rows(store: Store) -> Any:
    return PeriodicTask.objects.using(store.alias)


def names(store: Store) -> list[str]:
    return sorted(rows(store).values_list("name", flat=True))


def collides(store: Store) -> bool:
    return connections[store.alias].vendor == "mysql"


def codes(result: Result) -> list[str]:
    return [blocked.code for blocked in result.plan.blocked]


@pytest.mark.parametrize(("old", "new"), SPELLINGS)
def test_the_new_spelling_takes_the_place_of_the_old_one(store: Store, tmp_path: Path, old: str, new: str) -> None:
    go(tmp_path, store, schedule(old), OTHER)
    done = go(tmp_path, store, schedule(new), OTHER)
    assert (done.outcome, names(store)) == (Outcome.APPLIED, sorted([new, "other"]))
    assert go(tmp_path, store, schedule(new), OTHER).outcome is Outcome.UNCHANGED
    assert go(tmp_path, store, schedule(old), OTHER).outcome is Outcome.APPLIED
    assert go(tmp_path, store, schedule(old), OTHER).outcome is Outcome.UNCHANGED


@pytest.mark.parametrize(("old", "new"), SPELLINGS)
def test_a_row_that_is_renamed_to_another_spelling_keeps_its_history(
    store: Store, tmp_path: Path, old: str, new: str
) -> None:
    go(tmp_path, store, schedule(old), OTHER)
    key = rows(store).get(name=old).pk
    renamed = schedule(new, f"renamed_from: {old}")
    assert go(tmp_path, store, renamed, OTHER).outcome is Outcome.APPLIED
    assert names(store) == sorted([new, "other"])
    assert rows(store).get(pk=key).name == new
    assert go(tmp_path, store, renamed, OTHER).outcome is Outcome.UNCHANGED


@pytest.mark.parametrize(("old", "new"), SPELLINGS)
@pytest.mark.parametrize("adopt", [False, True])
def test_a_row_that_was_spelled_otherwise_by_hand_is_spelled_back(
    store: Store, tmp_path: Path, old: str, new: str, adopt: bool
) -> None:
    go(tmp_path, store, schedule(old), OTHER)
    rows(store).filter(name=old).update(name=new)
    assert go(tmp_path, store, schedule(old), OTHER, adopt=adopt).outcome is Outcome.APPLIED
    assert names(store) == [old, "other"]
    assert go(tmp_path, store, schedule(old), OTHER).outcome is Outcome.UNCHANGED


@pytest.mark.parametrize(("old", "new"), SPELLINGS)
def test_one_that_was_spelled_otherwise_by_hand_and_in_the_files_keeps_its_history(
    store: Store, tmp_path: Path, old: str, new: str
) -> None:
    go(tmp_path, store, schedule(old), OTHER)
    key = rows(store).get(name=old).pk
    rows(store).filter(pk=key).update(name=new)
    assert go(tmp_path, store, schedule(new), OTHER).outcome is Outcome.APPLIED
    assert list(rows(store).exclude(name="other").values_list("pk", "name")) == [(key, new)]
    assert go(tmp_path, store, schedule(new), OTHER).outcome is Outcome.UNCHANGED


@pytest.mark.parametrize(("old", "new"), SPELLINGS)
@pytest.mark.parametrize("policy", ["protect: true", "on_remove: disable", "on_remove: keep", ""])
def test_an_entry_whose_row_has_another_name_by_hand_blocks_as_long_as_it_stays(
    store: Store, tmp_path: Path, old: str, new: str, policy: str
) -> None:
    go(tmp_path, store, schedule(old, policy), OTHER)
    rows(store).filter(name=old).update(name="elsewhere")
    blocks = collides(store) and policy in {"protect: true", "on_remove: disable"}
    done = go(tmp_path, store, schedule(new), OTHER)
    assert codes(done) == (["name-collision"] if blocks else [])
    if blocks:
        assert f"`beatsync release --source default {shlex.quote(old)}`" in str(done.plan.blocked[0].hint)
        release(store, [old], SyncOptions())
        assert go(tmp_path, store, schedule(new), OTHER).outcome is Outcome.APPLIED
        assert "elsewhere" in names(store)
    else:
        assert done.outcome is Outcome.APPLIED
        assert new in names(store)
        assert go(tmp_path, store, schedule(new), OTHER).outcome is Outcome.UNCHANGED


@pytest.mark.parametrize(("old", "new"), SPELLINGS)
@pytest.mark.parametrize("is_gone", [True, False])
def test_an_entry_of_another_source_blocks_also_where_its_row_has_no_such_name(
    store: Store, tmp_path: Path, old: str, new: str, is_gone: bool
) -> None:
    go(tmp_path / "a", store, schedule(old), OTHER)
    if is_gone:
        rows(store).filter(name=old).delete()
    else:
        rows(store).filter(name=old).update(name="elsewhere")
    done = go(tmp_path / "b", store, schedule(new), source="second")
    assert codes(done) == (["name-collision"] if collides(store) else [])
    assert all("belongs to the source 'default'" in blocked.message for blocked in done.plan.blocked)
    assert done.outcome is (Outcome.BLOCKED if collides(store) else Outcome.APPLIED)


def test_trailing_spaces_that_a_hand_left_are_no_other_name(store: Store, tmp_path: Path) -> None:
    go(tmp_path, store, schedule("job"), OTHER)
    rows(store).filter(name="job").update(name="job ")
    assert go(tmp_path, store, schedule("job"), OTHER).outcome is Outcome.APPLIED
    assert names(store) == ["job", "other"]


def test_rows_that_trade_names_but_for_their_spelling(store: Store, tmp_path: Path) -> None:
    go(tmp_path, store, schedule("Job"), schedule("Work"))
    keys = dict(rows(store).values_list("name", "pk"))
    done = go(tmp_path, store, schedule("job", "renamed_from: Work"), schedule("work", "renamed_from: Job"))
    assert done.outcome is Outcome.APPLIED
    assert dict(rows(store).values_list("name", "pk")) == {"job": keys["Work"], "work": keys["Job"]}


@pytest.mark.parametrize(("old", "new"), SPELLINGS)
def test_a_spelling_of_a_row_that_stays_is_blocked(
    store: Store, tmp_path: Path, make_task: MakeTask, old: str, new: str
) -> None:
    make_task(old)
    for adopt in (False, True):
        done = go(tmp_path, store, schedule(new), OTHER, adopt=adopt)
        if collides(store):
            assert codes(done) == ["name-collision"]
        else:
            assert new in names(store)


def test_a_row_deleted_under_two_spellings_leaves_tombstones_that_collide_with_nothing(
    store: Store, tmp_path: Path
) -> None:
    go(tmp_path, store, schedule("Job"), OTHER)
    rows(store).filter(name="Job").update(name="JOB")
    assert go(tmp_path, store, OTHER).outcome is Outcome.APPLIED
    assert names(store) == ["other"]
    assert go(tmp_path, store, schedule("job"), OTHER).outcome is Outcome.APPLIED
    assert go(tmp_path, store, schedule("job"), OTHER).outcome is Outcome.UNCHANGED
