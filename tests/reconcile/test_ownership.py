"""Who owns a row, who lets go of it, and who changed it meanwhile, on each real database."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from django.db import connections
from django_celery_beat.models import PeriodicTask

from beatsync.models import SyncRecord
from beatsync.plan.authors import RECURRING_DRIFT
from beatsync.plan.drift import states
from beatsync.plan.groups import count_actions
from beatsync.plan.model import Action, Condition
from beatsync.plan.observed import Suspension
from beatsync.plan.release import UnknownNames
from beatsync.plan.request import PlanOptions
from beatsync.reconcile import Outcome, Result, SyncOptions, plan, release, sync, utc_now
from beatsync.store import Store, StoreError
from beatsync.values import Actor
from tests.conftest import MakeTask

TWO = "schedules:\n  one: {task: t, interval: 1h}\n  two: {task: t, interval: 2h}\n"
BROKEN = "schedules:\n  two: {task: t, interval: 2 hours and a bit}\n"


def go(root: Path, store: Store, source: str = "default", **options: Any) -> Result:
    return sync(root, store, SyncOptions(source=source, plan=PlanOptions(**options)))


def folder(root: Path, **files: str) -> Path:
    root.mkdir(exist_ok=True)
    for name, text in files.items():
        (root / f"{name}.yaml").write_text(text, encoding="utf-8")
    return root


def names(store: Store) -> list[str]:
    return sorted(PeriodicTask.objects.using(store.alias).values_list("name", flat=True))


def test_a_released_row_stays_and_is_nobodys(store: Store, tmp_path: Path) -> None:
    root = folder(tmp_path / "a", a=TWO)
    go(root, store)
    before = store.sources()
    made = release(store, ["two"], SyncOptions())
    assert [(change.action, change.name) for change in made.changes] == [(Action.FORGET, "two")]
    assert names(store) == ["one", "two"]
    assert sorted(store.observe("default").inventory) == ["one"]
    assert [(s.revision, s.synced_at) for s in store.sources()] == [(s.revision, s.synced_at) for s in before]

    # Still declared, it is now a row of somebody else's; out of the files, it is left alone.
    blocked = go(root, store)
    assert [(b.code, b.names) for b in blocked.plan.blocked] == [("conflict", ("two",))]
    folder(root, a="schedules:\n  one: {task: t, interval: 1h}\n")
    assert go(root, store).outcome is Outcome.UNCHANGED
    assert names(store) == ["one", "two"]


def test_what_is_not_owned_cannot_be_released_and_nothing_is(store: Store, tmp_path: Path) -> None:
    go(folder(tmp_path / "a", a=TWO), store)
    go(folder(tmp_path / "b", b="schedules:\n  three: {task: t, interval: 1h}\n"), store, source="other")
    with pytest.raises(UnknownNames, match=r"'four', 'three' \(it belongs to the source 'other'\)"):
        release(store, ["one", "three", "four"], SyncOptions())
    assert sorted(store.observe("default").inventory) == ["one", "two"]
    assert SyncRecord.objects.using(store.alias).count() == 2


def test_rows_of_a_broken_file_are_frozen_and_status_says_so(store: Store, tmp_path: Path) -> None:
    root = folder(
        tmp_path / "a", a="schedules:\n  one: {task: t, interval: 1h}\n", b=BROKEN.replace(" hours and a bit", "h")
    )
    go(root, store)
    folder(root, a="schedules:\n  one: {task: t, interval: 3h}\n", b=BROKEN)
    assert go(root, store).outcome is Outcome.INVALID
    isolated = go(root, store, isolate=True)
    assert isolated.outcome is Outcome.APPLIED
    assert [change.name for change in isolated.plan.changes] == ["one"]
    assert isolated.plan.conditions == (("two", Condition.FROZEN),)
    assert [s.conditions for s in states(store.observe("default"), utc_now())] == [(), (Condition.FROZEN,)]
    assert go(root, store, isolate=True).outcome is Outcome.UNCHANGED

    folder(root, b=BROKEN.replace(" hours and a bit", "h"))
    go(root, store)
    assert [s.conditions for s in states(store.observe("default"), utc_now())] == [(), ()]
    assert go(root, store).outcome is Outcome.UNCHANGED


def test_a_row_cannot_have_two_owners(store: Store, tmp_path: Path) -> None:
    go(folder(tmp_path / "a", a=TWO), store)
    second = go(folder(tmp_path / "b", b=TWO), store, source="other", adopt=True)
    assert second.outcome is Outcome.BLOCKED
    assert {blocked.code for blocked in second.plan.blocked} == {"owned-elsewhere"}
    assert "'default'" in second.plan.blocked[0].message


def test_a_name_whose_row_is_gone_still_belongs_to_its_source(store: Store, tmp_path: Path) -> None:
    """Somebody deletes the row of one source, and another must not take its name before the first has made it anew."""
    mine = folder(tmp_path / "a", a=TWO)
    go(mine, store)
    PeriodicTask.objects.using(store.alias).filter(name="two").delete()
    taken = go(folder(tmp_path / "b", b="schedules:\n  two: {task: theirs, interval: 9h}\n"), store, source="other")
    assert [(b.code, b.names) for b in taken.plan.blocked] == [("owned-elsewhere", ("two",))]
    assert "b.yaml:2:3" in taken.plan.blocked[0].message
    assert "a.yaml" in taken.plan.blocked[0].message
    assert go(mine, store).outcome is Outcome.APPLIED
    assert names(store) == ["one", "two"]


def test_what_a_source_owned_that_somebody_deleted_by_hand_stays_out_of_reach_until_it_is_forgotten(
    store: Store, tmp_path: Path
) -> None:
    mine = folder(tmp_path / "a", a=TWO)
    go(mine, store)
    with connections[store.alias].cursor() as cursor:
        for table in ("beatsync_syncrecord", "beatsync_tombstone", "beatsync_source"):
            cursor.execute(f"DELETE FROM {table}")
    # The same name again is another source, since no key of theirs is given twice.
    blocked = go(mine, store, adopt=True)
    assert [(b.code, b.names) for b in blocked.plan.blocked] == [
        ("owned-elsewhere", (name,)) for name in ("one", "two")
    ]
    assert (
        "belongs to a source that was deleted by hand, which declared it in a.yaml" in blocked.plan.blocked[0].message
    )
    with pytest.raises(UnknownNames, match=r"'one' \(it belongs to a source that was deleted by hand\)"):
        release(store, ["one"], SyncOptions())
    assert states(store.observe("default"), utc_now()) == ()

    forget, _, _ = str(blocked.plan.blocked[0].hint).partition(" removes its entries")
    with connections[store.alias].cursor() as cursor:
        cursor.execute(forget)
    assert count_actions(go(mine, store, adopt=True).plan)[Action.ADOPT] == 2
    assert go(mine, store).outcome is Outcome.UNCHANGED


def test_a_row_that_somebody_renamed_still_belongs_to_its_source(store: Store, tmp_path: Path) -> None:
    theirs = folder(tmp_path / "a", a=TWO)
    go(theirs, store)
    rows = PeriodicTask.objects.using(store.alias)
    rows.filter(name="two").update(name="mine")
    mine = folder(tmp_path / "b", b="schedules:\n  mine: {task: t, interval: 5h}\n")
    blocked = go(mine, store, source="other", adopt=True)
    assert [(b.code, b.names) for b in blocked.plan.blocked] == [("owned-elsewhere", ("mine",))]
    assert "b.yaml:2:3" in blocked.plan.blocked[0].message
    assert "a.yaml" in blocked.plan.blocked[0].message
    assert go(theirs, store).outcome is Outcome.APPLIED
    assert go(mine, store, source="other").outcome is Outcome.APPLIED
    assert names(store) == ["mine", "one", "two"]


def test_what_another_source_took_over_is_not_buried(store: Store, tmp_path: Path, make_task: MakeTask) -> None:
    root = folder(tmp_path / "a", a=TWO)
    go(root, store)
    key = PeriodicTask.objects.using(store.alias).get(name="two").pk
    folder(root, a="schedules:\n  one: {task: t, interval: 1h}\n")
    go(root, store)
    make_task("two", pk=key, task="t")
    theirs = folder(tmp_path / "b", b="schedules:\n  two: {task: t, interval: 2h}\n")
    assert go(theirs, store, source="other", adopt=True).outcome is Outcome.APPLIED
    assert go(root, store).outcome is Outcome.UNCHANGED
    assert names(store) == ["one", "two"]


@pytest.mark.parametrize("name", ["two", "renamed"])
def test_a_row_that_was_renamed_is_known_by_both_names_when_beat_brings_it_back(
    store: Store, tmp_path: Path, make_task: MakeTask, name: str
) -> None:
    root = folder(tmp_path / "a", a=TWO)
    go(root, store)
    rows = PeriodicTask.objects.using(store.alias)
    key = rows.get(name="two").pk
    rows.filter(pk=key).update(name="renamed")
    folder(root, a="schedules:\n  one: {task: t, interval: 1h}\n")
    assert [(c.action, c.name) for c in go(root, store).plan.changes] == [(Action.DELETE, "two")]
    make_task(name, pk=key, enabled=False)
    assert [(c.action, c.name) for c in go(root, store).plan.changes] == [(Action.DELETE, name)]
    assert go(root, store).outcome is Outcome.UNCHANGED
    assert names(store) == ["one"]


def test_sources_whose_names_only_the_collation_takes_for_one(store: Store, tmp_path: Path) -> None:
    go(folder(tmp_path / "a", a=TWO), store, source="shop")
    other = folder(tmp_path / "b", b="schedules:\n  three: {task: t, interval: 1h}\n")
    if connections[store.alias].vendor != "mysql":
        assert go(other, store, source="Shop").outcome is Outcome.APPLIED
        return
    with pytest.raises(StoreError, match="'Shop' and the source 'shop' for one name"):
        go(other, store, source="Shop")
    with pytest.raises(StoreError, match="for one name"):
        store.suspend("Shop", Suspension("me", "why", utc_now()), Actor("me"), utc_now())
    assert names(store) == ["one", "two"]


def test_names_whose_letters_differ_in_accents_only(store: Store, tmp_path: Path, make_task: MakeTask) -> None:
    make_task("café")
    root = folder(tmp_path / "a", a="schedules:\n  Cafe: {task: t, interval: 1h}\n")
    collide = connections[store.alias].vendor == "mysql"
    assert [b.code for b in go(root, store).plan.blocked] == (["name-collision"] if collide else [])
    assert names(store) == (["café"] if collide else ["Cafe", "café"])


def test_two_sources_share_a_database_and_prune_only_their_own(
    store: Store, tmp_path: Path, make_task: MakeTask
) -> None:
    make_task("by hand")
    make_task("celery.backend_cleanup", task="celery.backend_cleanup")
    mine = folder(tmp_path / "a", a=TWO)
    go(mine, store)
    go(folder(tmp_path / "b", b="schedules:\n  three: {task: t, interval: 1h}\n"), store, source="other")
    folder(mine, a="schedules:\n  one: {task: t, interval: 1h}\n")
    go(mine, store)
    assert names(store) == ["by hand", "celery.backend_cleanup", "one", "three"]


def test_the_admins_log_names_who_drifted_a_row(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the log says is asked for the drifted row only, and stands in the plan and in the history."""
    root = folder(tmp_path / "a", a=TWO)
    go(root, store)
    row = PeriodicTask.objects.using(store.alias).get(name="two")
    PeriodicTask.objects.using(store.alias).filter(pk=row.pk).update(queue="slow")
    asked: list[list[int]] = []

    def authors(rows: list[int]) -> dict[int, str]:
        asked.append(list(rows))
        return dict.fromkeys(rows, "changed in the Django admin by alice, 2026-06-01 12:00 UTC")

    monkeypatch.setattr(store, "authors", authors)
    made = plan(root, store, SyncOptions())
    assert [change.note for change in made.plan.changes] == [
        "last changed in the Django admin by alice, 2026-06-01 12:00 UTC"
    ]
    go(root, store)
    assert asked == [[row.pk], [row.pk]]
    assert "alice" in store.history("default", 1)[0].changes[0]["note"]
    assert store.history("default", 1)[0].finished_at <= datetime.now(timezone.utc)  # type: ignore[operator]


def test_the_plan_names_who_changed_what_the_file_changed_too(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = folder(tmp_path / "a", a="schedules: {one: {task: t, interval: 1h, queue: a}}")
    go(root, store)
    PeriodicTask.objects.using(store.alias).update(queue="by hand")
    folder(root, a="schedules: {one: {task: t, interval: 2h, queue: b}}")
    monkeypatch.setattr(store, "authors", lambda rows: dict.fromkeys(rows, "changed by alice"))
    (change,) = plan(root, store, SyncOptions()).plan.changes
    assert [(f.field, f.before, f.after, f.cause.value) for f in change.fields] == [
        ("interval", "1h", "2h", "spec"),
        ("queue", "by hand", "b", "both"),
    ]
    assert (change.cause.value, change.note) == ("both", "last changed by alice")


def test_a_drift_that_comes_again_hints_at_the_beat_schedule(store: Store, tmp_path: Path) -> None:
    """If the application's settings cannot be read, beat writes the row at every start, always the same (docs/facts.md, 9)."""
    root = folder(tmp_path / "a", a=TWO)
    go(root, store)
    rows = PeriodicTask.objects.using(store.alias)

    def notes(**drift: Any) -> list[str | None]:
        rows.filter(name="two").update(**drift)
        return [change.note for change in go(root, store).plan.changes]

    assert notes(queue="slow", task="other") == [None]
    assert notes(queue="slow") == [None]
    assert notes(description="beat does not write this") == [None]
    assert notes(description="beat does not write this") == [None]
    assert notes(queue="slow", task="other") == [RECURRING_DRIFT]
    assert store.history("default", 1)[0].changes[0]["note"] == RECURRING_DRIFT


def test_a_spec_adopts_its_name_and_a_past_clocked_time_stops_nothing(
    store: Store, tmp_path: Path, make_task: MakeTask
) -> None:
    make_task("one")
    text = (
        "schedules:\n  one: {task: t, interval: 1h, sync: {adopt: true}}\n"
        "  forgotten: {task: t, clocked: 2001-01-01T00:00:00Z}\n  two: {task: t, interval: 2h}\n"
    )
    root = folder(tmp_path / "a", a=text)
    first = go(root, store)
    assert (first.outcome, [each.code for each in first.plan.diagnostics]) == (Outcome.APPLIED, ["clocked-past"])
    assert [(change.action, change.name) for change in first.plan.changes] == [
        (Action.ADOPT, "one"),
        (Action.CREATE, "two"),
    ]
    second = go(root, store)
    assert (second.outcome, [each.code for each in second.plan.diagnostics]) == (Outcome.UNCHANGED, ["clocked-past"])
    assert second.plan.conditions == (("forgotten", Condition.SKIPPED),)
    assert names(store) == ["one", "two"]


def test_a_clocked_time_moved_into_the_past_is_reported_on_every_sync(store: Store, tmp_path: Path) -> None:
    root = folder(tmp_path / "a", a="schedules:\n  once: {task: t, clocked: 2099-01-01T00:00:00Z}\n")
    go(root, store)
    folder(root, a="schedules:\n  once: {task: t, clocked: 2001-01-01T00:00:00Z}\n")
    for _ in range(3):
        result = go(root, store)
        assert (result.outcome, [each.code for each in result.plan.diagnostics]) == (
            Outcome.UNCHANGED,
            ["clocked-past"],
        )
    clocked = PeriodicTask.objects.using(store.alias).get().clocked
    assert clocked is not None
    assert clocked.clocked_time.year == 2099
