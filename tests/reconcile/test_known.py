"""A sync parses and reads what is not as the last one left it, and nothing else; whatever somebody does meanwhile."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.db import connections
from django.test.utils import CaptureQueriesContext
from django_celery_beat.models import CrontabSchedule, PeriodicTask

from beatsync import workers
from beatsync.plan import digest
from beatsync.plan.observed import Observed
from beatsync.plan.request import PlanOptions
from beatsync.reconcile import Outcome, Result, SyncOptions, plan, sync
from beatsync.specfile import ParsedFile, ParseOptions, parse_file
from beatsync.store import Store
from beatsync.values import SourceFile
from tests.statements import writes

NAMES = ["five", "four", "one", "three", "two"]


def text(**tasks: str) -> str:
    bodies = ["# ours\ndefaults:\n  queue: q\nschedules:\n"]
    for name, task in tasks.items():
        bodies.append(f"  {name}:\n    task: {task}\n    crontab: 0 3 * * *\n    kwargs:\n      a: [1, two]\n")
    return "".join(bodies)


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The names in each file that was parsed."""
    found: list[list[str]] = []

    def noted(file: SourceFile, options: ParseOptions) -> ParsedFile:
        made = parse_file(file, options)
        found.append([name for name, _ in made.names])
        return made

    for module in (digest, workers):
        monkeypatch.setattr(module, "parse_file", noted)
    return found


@pytest.fixture
def folder(store: Store, tmp_path: Path) -> Path:
    (tmp_path / "a.yaml").write_text(text(one="t", two="t", three="t"), encoding="utf-8")
    (tmp_path / "b.yaml").write_text(text(four="t", five="t"), encoding="utf-8")
    assert go(tmp_path, store).outcome is Outcome.APPLIED
    return tmp_path


def go(folder: Path, store: Store, **options: Any) -> Result:
    return sync(folder, store, SyncOptions(plan=PlanOptions(**options)))


def rows(store: Store, **where: Any) -> Any:
    return PeriodicTask.objects.using(store.alias).filter(**where)


def test_a_sync_that_finds_nothing_parses_nothing_and_reads_no_row(
    folder: Path, store: Store, parsed: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    parsed.clear()
    monkeypatch.setattr(store, "observe", lambda *_: pytest.fail("all rows are read"))
    with CaptureQueriesContext(connections[store.alias]) as queries:
        result = go(folder, store)
    assert (result.outcome, result.plan.unchanged, parsed) == (Outcome.UNCHANGED, 5, [])
    assert writes(queries) == []
    assert len(queries) <= 5


def test_of_an_edit_only_what_changed_is_parsed(folder: Path, store: Store, parsed: list[list[str]]) -> None:
    (folder / "a.yaml").write_text(text(one="t", two="other", three="t", six="t"), encoding="utf-8")
    parsed.clear()
    result = go(folder, store)
    assert parsed == [["two", "six"]]
    assert [(change.action.value, str(change.location)) for change in result.plan.changes] == [
        ("create", "a.yaml:20:3"), ("update", "a.yaml:10:3"),
    ]  # fmt: skip
    assert result.plan.unchanged == 4
    parsed.clear()
    assert (go(folder, store).outcome, parsed) == (Outcome.UNCHANGED, [])


def test_what_left_the_files_goes_though_nothing_is_parsed(folder: Path, store: Store, parsed: list[list[str]]) -> None:
    (folder / "a.yaml").write_text(text(one="t", three="t"), encoding="utf-8")
    parsed.clear()
    assert go(folder, store).outcome is Outcome.APPLIED
    assert parsed == []
    assert not rows(store, name="two")
    (folder / "a.yaml").unlink()
    (folder / "b.yaml").unlink()
    refused = go(folder, store)
    assert [blocked.code for blocked in refused.plan.blocked] == ["empty", "max-deletes"]
    assert refused.plan.blocked[1].message.startswith("4 of the 4 schedules")


@pytest.mark.parametrize("how", ["row", "schedule", "gone"])
def test_what_somebody_did_is_found_and_healed(folder: Path, store: Store, parsed: list[list[str]], how: str) -> None:
    parsed.clear()
    if how == "row":
        rows(store, name="two").update(queue="elsewhere")
    elif how == "gone":
        rows(store, name="two").delete()
    else:
        CrontabSchedule.objects.using(store.alias).update(hour="4")
    healed = go(folder, store)
    assert healed.outcome is Outcome.APPLIED
    assert parsed == ([["one", "two", "three"], ["four", "five"]] if how == "schedule" else [["two"]])
    assert {change.cause.value for change in healed.plan.changes} == {"drift"}
    assert set(rows(store).values_list("queue", "crontab__hour")) == {("q", "3")}
    assert go(folder, store).outcome is Outcome.UNCHANGED


def test_a_pause_is_told_each_time(folder: Path, store: Store) -> None:
    rows(store, name="two").update(enabled=False)
    for _ in range(2):
        result = go(folder, store)
        assert (result.outcome, [name for name, _ in result.plan.conditions]) == (Outcome.UNCHANGED, ["two"])


def test_other_words_for_the_same_are_known_from_then_on(folder: Path, store: Store, parsed: list[list[str]]) -> None:
    (folder / "b.yaml").write_text(text(four="t", five="t").replace("task: t", "task: 't'  # a word"), encoding="utf-8")
    assert plan(folder, store, SyncOptions()).plan.changes == ()
    assert go(folder, store).outcome is Outcome.UNCHANGED
    parsed.clear()
    with CaptureQueriesContext(connections[store.alias]) as queries:
        assert go(folder, store).outcome is Outcome.UNCHANGED
    assert (parsed, writes(queries)) == ([], [])


def test_what_is_changed_between_two_looks_is_parsed_after_all(
    folder: Path, store: Store, parsed: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was known by its text is, under the lock, no more as it was."""
    (folder / "a.yaml").write_text(text(one="other", two="t", three="t"), encoding="utf-8")
    look, looks = store.observe_part, []

    def looked(*asked: Any, **how: Any) -> Observed:
        seen = look(*asked, **how)
        looks.append(asked)
        if len(looks) == 1:
            rows(store, name__in=["one", "five"]).update(priority=7)
        return seen

    monkeypatch.setattr(store, "observe_part", looked)
    parsed.clear()
    done = go(folder, store)
    assert [(change.name, sorted(f.field for f in change.fields)) for change in done.plan.changes] == [
        ("five", ["priority"]), ("one", ["priority", "task"]),
    ]  # fmt: skip
    assert parsed == [["one"], ["one", "two", "three"], ["four", "five"]]
    assert not rows(store, priority=7)


def test_where_much_is_to_be_looked_at_all_is_read(folder: Path, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("beatsync.applying.MOST", 1)
    rows(store, name__in=["one", "five"]).update(priority=7)
    (folder / "a.yaml").write_text(text(one="t", three="t"), encoding="utf-8")
    done = go(folder, store)
    assert [(change.action.value, change.name) for change in done.plan.changes] == [
        ("update", "five"), ("update", "one"), ("delete", "two"),
    ]  # fmt: skip
    assert done.plan.unchanged == 2
    assert go(folder, store).outcome is Outcome.UNCHANGED


def test_a_name_in_two_files_is_said_at_both_places(folder: Path, store: Store) -> None:
    (folder / "c.yaml").write_text(text(four="t"), encoding="utf-8")
    refused = go(folder, store)
    assert refused.outcome is Outcome.INVALID
    assert [(one.code, str(one.location)) for one in refused.plan.diagnostics] == [
        ("duplicate-name", "b.yaml:5:3"), ("duplicate-name", "c.yaml:5:3"),
    ]  # fmt: skip


@pytest.mark.parametrize(("first", "second"), [("cafe", "café"), ("café", "cafe")])
def test_of_two_names_that_the_database_takes_for_one_both_are_said(
    folder: Path, store: Store, first: str, second: str
) -> None:
    (folder / "c.yaml").write_text(text(**{first: "t"}), encoding="utf-8")
    assert go(folder, store).outcome is Outcome.APPLIED
    (folder / "c.yaml").write_text(text(**{first: "t", second: "t"}), encoding="utf-8")
    done = go(folder, store)
    if connections[store.alias].vendor == "mysql":
        assert [(one.code, one.names[0]) for one in done.plan.blocked] == [
            ("name-collision", name) for name in sorted([first, second])
        ]
    else:
        assert [change.name for change in done.plan.changes] == [second]


def test_a_broken_file_freezes_what_it_declared_last(folder: Path, store: Store) -> None:
    (folder / "b.yaml").write_text("schedules: [", encoding="utf-8")
    done = go(folder, store, isolate=True)
    assert sorted(name for name, _ in done.plan.conditions) == ["five", "four"]
    (folder / "b.yaml").write_text(text(four="t", five="t"), encoding="utf-8")
    assert go(folder, store).plan.changes == ()
    assert sorted(rows(store).values_list("name", flat=True)) == NAMES
    assert go(folder, store).outcome is Outcome.UNCHANGED


def test_what_is_undone_of_a_large_first_sync_is_repaired(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("beatsync.applying.MOST", 1)
    (tmp_path / "a.yaml").write_text(text(one="t", two="t", three="t"), encoding="utf-8")
    are_left = store.are_left
    asked: list[bool] = []

    def meddled(*of: Any) -> bool:
        if not asked:
            rows(store, name="two").update(task="other")
            rows(store, name="three").delete()
        asked.append(are_left(*of))
        return asked[-1]

    monkeypatch.setattr(store, "are_left", meddled)
    assert go(tmp_path, store).repairs == 2
    assert asked == [False, True]
    assert set(rows(store).values_list("name", "task")) == {("one", "t"), ("two", "t"), ("three", "t")}


def test_a_large_first_sync_that_stays_is_told_by_one_count(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("beatsync.applying.MOST", 1)
    (tmp_path / "a.yaml").write_text(text(one="t", two="t", three="t"), encoding="utf-8")
    monkeypatch.setattr(store, "told", lambda *_: None)
    with CaptureQueriesContext(connections[store.alias]) as queries:
        assert go(tmp_path, store).repairs == 0
    (*_, last) = (query["sql"] for query in queries if query["sql"] != "COMMIT")
    assert "COUNT(*)" in last
    assert store.are_left("default", 3)
    assert not store.are_left("default", 4)
    rows(store, name="one").update(enabled=False)
    assert not store.are_left("default", 0)


def test_what_differs_between_environments_is_known_in_the_one_it_was_synced_for(
    store: Store, tmp_path: Path, parsed: list[list[str]]
) -> None:
    staging = "    environments:\n      staging:\n        queue: other\n"
    (tmp_path / "a.yaml").write_text(text(one="t", two="t") + staging, encoding="utf-8")

    def queues(environment: str) -> dict[str, str]:
        parsed.clear()
        sync(tmp_path, store, SyncOptions(parse=ParseOptions(environment)))
        return dict(rows(store).values_list("name", "queue"))

    assert queues("staging") == {"one": "q", "two": "other"}
    assert parsed == [["one", "two"]]
    assert queues("staging") == {"one": "q", "two": "other"}
    assert parsed == []
    assert queues("production") == {"one": "q", "two": "q"}
    assert parsed == [["one", "two"]]
