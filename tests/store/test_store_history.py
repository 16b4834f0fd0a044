"""The history on each database: what is found, counted, named and masked."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from beatsync.models import SyncRecord
from beatsync.plan.history import Event
from beatsync.plan.observed import Suspension
from beatsync.store import Failure, Store
from beatsync.values import Actor
from tests.store.storing import LATER, NO_CHANGES, NOW, SOURCE, create, create_all, plan, record
from tests.store.test_store_apply import hourly


def test_entries_of_one_schedule_are_found_by_its_exact_name(store: Store) -> None:
    odd = [hourly()._replace(name=name) for name in ('a"_%\\ü', "a", "aa")]
    for number, spec in enumerate(odd):
        create_all(store, spec, now=NOW + timedelta(minutes=number))
    for spec in odd:
        (entry,) = store.history(None, 10, spec.name)
        assert [change["name"] for change in entry.changes] == [spec.name]
    assert store.history(None, 10, "task") == ()


def test_the_newest_are_first_and_the_limit_counts_after_the_search(store: Store) -> None:
    for number in range(45):
        name = "seldom" if number == 0 else f"other-{number}"
        create_all(store, hourly()._replace(name=name, description="seldom"), now=NOW + timedelta(minutes=number))
    assert [entry.changes[0]["name"] for entry in store.history(SOURCE, 1, "seldom")] == ["seldom"]
    ids = [entry.entry_id for entry in store.history(SOURCE, 100)]
    assert ids == sorted(ids, reverse=True)
    assert len(ids) == 45
    assert [entry.entry_id for entry in store.history(SOURCE, 3)] == ids[:3]
    assert store.history_entry(ids[7]) == store.history(SOURCE, 8)[7]
    assert store.history_entry(max(ids) + 1) is None


def test_since_counts_from_the_end_of_an_entry(store: Store) -> None:
    create_all(store, hourly())
    failure = Failure("failed", "no route", NOW, "ann")
    store.record_failure(SOURCE, failure)
    store.record_failure(SOURCE, replace(failure, at=LATER))
    assert [entry.outcome for entry in store.history(SOURCE, 5, since=LATER)] == ["failed"]
    assert store.history(SOURCE, 5, since=LATER + timedelta(microseconds=1)) == ()


def test_the_same_failure_again_is_counted_in_one_entry(store: Store) -> None:
    failure = Failure("failed", "no route", NOW, "ann", run_url="https://ci.example/1")
    for minutes in range(3):
        store.record_failure(SOURCE, replace(failure, at=NOW + timedelta(minutes=minutes)))
    store.record_failure(SOURCE, replace(failure, message="another", at=LATER))
    newest, counted = store.history(SOURCE, 5)
    assert (newest.count, counted.count, counted.actor, counted.run_url) == (1, 3, "ann", "https://ci.example/1")
    assert (counted.started_at, counted.finished_at) == (NOW, NOW + timedelta(minutes=2))


def test_a_suspension_and_its_end_are_entries(store: Store) -> None:
    create_all(store, hourly())
    store.suspend(SOURCE, Suspension("ann", "token=hunter2", NOW), Actor("ann", "https://ci.example/7"), NOW)
    store.suspend(SOURCE, None, Actor("bob"), LATER)
    resumed, suspended, _ = store.history(SOURCE, 5)
    assert (suspended.outcome, suspended.actor, suspended.run_url) == ("suspended", "ann", "https://ci.example/7")
    assert "suspended by ann since 2026-06-01 12:00 UTC" in suspended.message
    assert "hunter2" not in suspended.message
    assert (resumed.outcome, resumed.actor, resumed.started_at) == ("resumed", "bob", LATER)


def test_a_plan_that_is_no_sync_is_named_by_its_outcome(store: Store) -> None:
    with store.locked(SOURCE, 0, "the lock"):
        seen = store.observe(SOURCE)
        made = plan(create(hourly()), records=[record(hourly())])
        store.apply(made, seen, NO_CHANGES, NOW, event=Event(Actor("ann"), "released", "why"))
    (entry,) = store.history(SOURCE, 5)
    assert (entry.outcome, entry.actor, entry.message) == ("released", "ann", "why")


@pytest.mark.parametrize(
    ("changes", "summary"),
    [("{damaged", "{damaged"), ("null", "[1]"), ("[1, {}]", "{}"), ('[{"name": "hourly"}]', '{"create": "x"}')],
)
def test_a_damaged_entry_is_read_without_what_is_damaged(store: Store, changes: str, summary: str) -> None:
    create_all(store, hourly())
    SyncRecord.objects.using(store.alias).update(changes=changes, summary=summary)
    (entry,) = store.history(SOURCE, 5)
    assert (entry.outcome, entry.changes, dict(entry.summary)) == ("applied", (), {})


def test_a_change_of_a_later_release_is_left_out(store: Store) -> None:
    create_all(store, hourly())
    entry_row = SyncRecord.objects.using(store.alias).get()
    changes = json.loads(entry_row.changes)
    entry_row.changes = json.dumps([{**changes[0], "action": "move"}, *changes])
    entry_row.save()
    (entry,) = store.history(SOURCE, 5)
    assert [change["action"] for change in entry.changes] == ["create"]


def test_an_entry_of_the_release_before_is_read(store: Store) -> None:
    create_all(store, hourly())
    SyncRecord.objects.using(store.alias).update(run_url=None, repeats=None)
    (entry,) = store.history(SOURCE, 5)
    assert (entry.run_url, entry.count) == ("", 1)
