"""A sync parses and reads only what changed since the last one, and yet does what it would do if it read everything."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connections
from django.test.utils import CaptureQueriesContext
from django_celery_beat.models import CrontabSchedule, PeriodicTask

from beatsync.fingerprint import Scope, memory, scope
from beatsync.plan.observed import LateRuns, Observed
from beatsync.plan.request import PlanOptions
from beatsync.reconcile import Outcome, Result, SyncOptions, plan, sync
from beatsync.specfile.combine import CROSS_LINTS, SourceFacts
from beatsync.specfile.every.inputs import Inputs
from beatsync.specfile.interpret import Interpretation
from beatsync.specfile.lints import LINTS
from beatsync.specfile.parse import ParsedFile, ParseOptions, parse_file
from beatsync.specfile.problems import Problem
from beatsync.store import Store
from beatsync.store.application import Application
from beatsync.values import Diagnostic, Location, Severity, SourceFile
from tests.builders import NOW
from tests.statements import writes

NAMES = ["five", "four", "one", "three", "two"]


def text(**tasks: str) -> str:
    bodies = ["# ours\ndefaults:\n  queue: q\nschedules:\n"]
    for name, task in tasks.items():
        bodies.append(f"  {name}:\n    task: {task}\n    crontab: 0 3 * * *\n    kwargs:\n      a: [1, two]\n")
    return "".join(bodies)


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The paths of the files that were parsed, in order."""
    paths: list[str] = []

    def recorded(file: SourceFile, options: ParseOptions, inputs: Inputs) -> ParsedFile:
        paths.append(file.path)
        return parse_file(file, options, inputs)

    monkeypatch.setattr(scope, "parse_file", recorded)
    return paths


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


def test_a_sync_that_finds_no_change_parses_nothing_and_reads_no_row(
    folder: Path, store: Store, parsed: list[str]
) -> None:
    parsed.clear()
    with CaptureQueriesContext(connections[store.alias]) as queries:
        result = go(folder, store)
    assert (result.outcome, result.plan.unchanged, parsed) == (Outcome.UNCHANGED, 5, [])
    assert writes(queries) == []
    assert len(queries) <= 12


def test_only_an_edited_file_is_parsed(folder: Path, store: Store, parsed: list[str]) -> None:
    (folder / "a.yaml").write_text(text(one="t", two="other", three="t", six="t"), encoding="utf-8")
    parsed.clear()
    result = go(folder, store)
    assert parsed == ["a.yaml"]
    assert [(change.action.value, str(change.location)) for change in result.plan.changes] == [
        ("create", "a.yaml:20:3"), ("update", "a.yaml:10:3"),
    ]  # fmt: skip
    assert result.plan.unchanged == 4
    parsed.clear()
    assert (go(folder, store).outcome, parsed) == (Outcome.UNCHANGED, [])


def test_a_schedule_that_left_the_files_is_deleted(folder: Path, store: Store, parsed: list[str]) -> None:
    (folder / "a.yaml").write_text(text(one="t", three="t"), encoding="utf-8")
    parsed.clear()
    assert go(folder, store).outcome is Outcome.APPLIED
    assert parsed == ["a.yaml"]
    assert not rows(store, name="two")
    (folder / "a.yaml").unlink()
    (folder / "b.yaml").unlink()
    refused = go(folder, store)
    assert [blocked.code for blocked in refused.plan.blocked] == ["empty", "max-deletes"]
    assert refused.plan.blocked[1].message.startswith("4 of the 4 schedules")


@pytest.mark.parametrize("edit", ["row", "schedule", "deleted"])
def test_a_changed_row_is_found_and_healed(folder: Path, store: Store, parsed: list[str], edit: str) -> None:
    parsed.clear()
    if edit == "row":
        rows(store, name="two").update(queue="elsewhere")
    elif edit == "deleted":
        rows(store, name="two").delete()
    else:
        CrontabSchedule.objects.using(store.alias).update(hour="4")
    healed = go(folder, store)
    assert healed.outcome is Outcome.APPLIED
    assert parsed == (["a.yaml", "b.yaml"] if edit == "schedule" else ["a.yaml"])
    assert {change.cause.value for change in healed.plan.changes} == {"drift"}
    assert set(rows(store).values_list("queue", "crontab__hour")) == {("q", "3")}
    assert go(folder, store).outcome is Outcome.UNCHANGED


def test_a_paused_row_is_reported_by_every_sync(folder: Path, store: Store) -> None:
    rows(store, name="two").update(enabled=False)
    for _ in range(2):
        with CaptureQueriesContext(connections[store.alias]) as queries:
            result = go(folder, store)
        assert (result.outcome, [name for name, _ in result.plan.conditions]) == (Outcome.UNCHANGED, ["two"])
        assert writes(queries) == []


def test_a_rewritten_file_with_the_same_meaning_is_recorded_once(folder: Path, store: Store, parsed: list[str]) -> None:
    (folder / "b.yaml").write_text(text(four="t", five="t").replace("task: t", "task: 't'  # a word"), encoding="utf-8")
    assert plan(folder, store, SyncOptions()).plan.changes == ()
    assert go(folder, store).outcome is Outcome.UNCHANGED
    parsed.clear()
    with CaptureQueriesContext(connections[store.alias]) as queries:
        assert go(folder, store).outcome is Outcome.UNCHANGED
    assert (parsed, writes(queries)) == ([], [])


def test_a_row_in_scope_that_changes_before_the_lock_is_planned_again(
    folder: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "a.yaml").write_text(text(one="other", two="t", three="t"), encoding="utf-8")
    observe, scopes = store.observe, []

    def observe_then_edit(source: str, scope: Scope) -> Observed:
        observed = observe(source, scope)
        scopes.append(scope)
        if len(scopes) == 1:
            rows(store, name__in=["one", "five"]).update(priority=7)
        return observed

    monkeypatch.setattr(store, "observe", observe_then_edit)
    first = go(folder, store)
    assert [(change.name, sorted(f.field for f in change.fields)) for change in first.plan.changes] == [
        ("one", ["priority", "task"]),
    ]  # fmt: skip
    # The row out of scope changed after its digest was read: the next sync finds it.
    assert [change.name for change in go(folder, store).plan.changes] == ["five"]
    assert not rows(store, priority=7)


def test_the_road_starts_again_if_the_source_was_synced_meanwhile(
    folder: Path, store: Store, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path_factory.mktemp("other")
    (other / "a.yaml").write_text(text(one="t", two="theirs", three="t"), encoding="utf-8")
    (other / "b.yaml").write_text(text(four="theirs", five="t"), encoding="utf-8")
    (folder / "a.yaml").write_text(text(one="ours", two="t", three="t"), encoding="utf-8")
    observe = store.observe
    is_synced: list[bool] = []

    def observe_then_sync(source: str, scope: Scope) -> Observed:
        observed = observe(source, scope)
        if not is_synced:
            is_synced.append(True)
            assert go(other, Store(store.alias, project_settings=False)).outcome is Outcome.APPLIED
        return observed

    monkeypatch.setattr(store, "observe", observe_then_sync)
    assert go(folder, store).outcome is Outcome.APPLIED
    assert set(rows(store).values_list("name", "task")) == {
        ("one", "ours"), ("two", "t"), ("three", "t"), ("four", "t"), ("five", "t"),
    }  # fmt: skip


def test_above_a_number_of_names_everything_is_read(
    folder: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scope, "MAX_NAMES", 1)
    rows(store, name__in=["one", "five"]).update(priority=7)
    (folder / "a.yaml").write_text(text(one="t", three="t"), encoding="utf-8")
    done = go(folder, store)
    assert [(change.action.value, change.name) for change in done.plan.changes] == [
        ("update", "five"), ("update", "one"), ("delete", "two"),
    ]  # fmt: skip
    assert done.plan.unchanged == 2
    assert go(folder, store).outcome is Outcome.UNCHANGED


def test_a_name_in_an_edited_and_an_unchanged_file_is_an_error_at_both_places(folder: Path, store: Store) -> None:
    (folder / "c.yaml").write_text(text(four="t"), encoding="utf-8")
    refused = go(folder, store)
    assert refused.outcome is Outcome.INVALID
    assert [(one.code, str(one.location)) for one in refused.plan.diagnostics] == [
        ("duplicate-name", "b.yaml:5:3"), ("duplicate-name", "c.yaml:5:3"),
    ]  # fmt: skip


@pytest.mark.parametrize(("first", "second"), [("cafe", "café"), ("café", "cafe")])
def test_names_that_the_collation_compares_equal_block_once(
    folder: Path, store: Store, first: str, second: str
) -> None:
    (folder / "c.yaml").write_text(text(**{first: "t"}), encoding="utf-8")
    assert go(folder, store).outcome is Outcome.APPLIED
    (folder / "d.yaml").write_text(text(**{second: "t"}), encoding="utf-8")
    scoped, full = (
        plan(folder, store, SyncOptions(fingerprints=fingerprints), clock=lambda: NOW).plan
        for fingerprints in (True, False)
    )
    assert scoped == full
    done = go(folder, store)
    if connections[store.alias].vendor == "mysql":
        assert [(one.code, {*one.names}) for one in done.plan.blocked] == [("name-collision", {first, second})]
    else:
        assert [change.name for change in done.plan.changes] == [second]


def test_the_rows_of_an_invalid_file_are_frozen(folder: Path, store: Store) -> None:
    (folder / "b.yaml").write_text("schedules: [", encoding="utf-8")
    done = go(folder, store, isolate=True)
    assert sorted(name for name, _ in done.plan.conditions) == ["five", "four"]
    (folder / "b.yaml").write_text(text(four="t", five="t"), encoding="utf-8")
    assert go(folder, store).plan.changes == ()
    assert sorted(rows(store).values_list("name", flat=True)) == NAMES
    assert go(folder, store).outcome is Outcome.UNCHANGED


def test_the_environment_is_part_of_the_fingerprint(store: Store, tmp_path: Path, parsed: list[str]) -> None:
    staging = "    environments:\n      staging:\n        queue: other\n"
    (tmp_path / "a.yaml").write_text(text(one="t", two="t") + staging, encoding="utf-8")

    def queues(environment: str) -> dict[str, str]:
        parsed.clear()
        sync(tmp_path, store, SyncOptions(parse=ParseOptions(environment)))
        return dict(rows(store).values_list("name", "queue"))

    assert queues("staging") == {"one": "q", "two": "other"}
    assert parsed == ["a.yaml"]
    assert queues("staging") == {"one": "q", "two": "other"}
    assert parsed == []
    assert queues("production") == {"one": "q", "two": "q"}
    assert parsed == ["a.yaml"]


def test_a_warning_is_reported_by_every_sync(store: Store, tmp_path: Path, parsed: list[str]) -> None:
    (tmp_path / "a.yaml").write_text("schedules: {one: {task: t, crontab: '0 3 1 * mon'}}", encoding="utf-8")
    for number in range(3):
        parsed.clear()
        result = go(tmp_path, store)
        assert [one.code for one in result.plan.diagnostics] == ["crontab-and"]
        assert parsed == ([] if number else ["a.yaml"])


def test_a_renamed_file_is_parsed_under_its_new_path(folder: Path, store: Store, parsed: list[str]) -> None:
    (folder / "a.yaml").rename(folder / "z.yaml")
    parsed.clear()
    assert go(folder, store).plan.changes == ()
    assert parsed == ["z.yaml"]
    assert {entry.path for entry in store.observe("default").inventory.values()} == {"b.yaml", "z.yaml"}
    parsed.clear()
    assert (go(folder, store).outcome, parsed) == (Outcome.UNCHANGED, [])


def too_many_names(source: SourceFacts) -> Iterator[Diagnostic]:
    if len(source.names) > 1:
        yield Diagnostic(Severity.WARNING, "made-up-names", "too many names", Location(source.files[0].path))


def no_description(schedule: Interpretation) -> Iterator[Problem]:
    if not schedule.spec.description:
        yield schedule.warning("description", "made-up-description", "there is no description")


@pytest.mark.parametrize("environments", ["", "    environments: {staging: {queue: other}}\n"])
def test_a_lint_needs_one_place_and_is_reported_before_and_after_a_sync(
    store: Store, tmp_path: Path, environments: str
) -> None:
    (tmp_path / "a.yaml").write_text(text(one="t", two="t") + environments, encoding="utf-8")
    LINTS.append(no_description)
    CROSS_LINTS.append(too_many_names)
    try:
        for _ in range(3):
            codes = {one.code for one in go(tmp_path, store).plan.diagnostics}
            assert codes == {"made-up-names", "made-up-description"}
    finally:
        LINTS.remove(no_description)
        CROSS_LINTS.remove(too_many_names)


def settles(folder: Path, store: Store) -> None:
    """Assert that one more sync finds nothing to do and writes nothing."""
    with CaptureQueriesContext(connections[store.alias]) as queries:
        assert go(folder, store).outcome is Outcome.UNCHANGED
    assert writes(queries) == []


@pytest.mark.parametrize("rename", ["renamed_from", "in the admin"])
def test_a_renamed_row_with_an_ignored_drift_is_recorded_at_once(store: Store, tmp_path: Path, rename: str) -> None:
    spec = "schedules: {%s: {task: t, interval: 1h, sync: {ignore: [queue]%s}}, other: {task: t, interval: 1h}}"
    (tmp_path / "a.yaml").write_text(spec % ("before", ""), encoding="utf-8")
    go(tmp_path, store)
    rows(store, name="before").update(queue="by hand")
    if rename == "renamed_from":
        (tmp_path / "a.yaml").write_text(spec % ("after", ", renamed_from: before"), encoding="utf-8")
    else:
        rows(store, name="before").update(name="by hand")
    assert go(tmp_path, store).outcome is Outcome.APPLIED
    settles(tmp_path, store)


def test_a_disabled_row_that_expires_is_reported_as_completed(store: Store, tmp_path: Path) -> None:
    body = "task: t, interval: 1h, enabled: true, expires: 2026-06-01T13:00:00Z, sync: {ignore: [enabled]}"
    (tmp_path / "a.yaml").write_text(f"schedules: {{a: {{{body}}}}}", encoding="utf-8")
    sync(tmp_path, store, SyncOptions(), clock=lambda: NOW)
    rows(store, name="a").update(enabled=False)
    sync(tmp_path, store, SyncOptions(), clock=lambda: NOW)
    later = plan(tmp_path, store, SyncOptions(), clock=lambda: NOW + timedelta(hours=2)).plan
    assert [(name, condition.value) for name, condition in later.conditions] == [("a", "completed")]


@pytest.mark.parametrize("facts", ['[2,["one"],[1],[13],[0],["t"],{},[],[],[]]', "", "[" * 100_000])
def test_edited_facts_delete_no_row(folder: Path, store: Store, facts: str) -> None:
    with connections[store.alias].cursor() as cursor:
        cursor.execute("UPDATE beatsync_filerecord SET facts = %s, row_digests = %s", [facts, facts or "[" * 100_000])
    assert go(folder, store).plan.changes == ()
    settles(folder, store)


@pytest.mark.parametrize("column", ["path", "path_digest"])
@pytest.mark.parametrize("edit", ["change", "delete"])
def test_an_edited_path_of_a_record_settles(folder: Path, store: Store, column: str, edit: str) -> None:
    with connections[store.alias].cursor() as cursor:
        cursor.execute(f"UPDATE beatsync_filerecord SET {column} = 'junk' WHERE path = 'a.yaml'")
    if edit == "change":
        (folder / "a.yaml").write_text(text(one="other", two="t", three="t"), encoding="utf-8")
    else:
        (folder / "a.yaml").unlink()
    go(folder, store, max_deletes="100%")
    go(folder, store, max_deletes="100%")
    settles(folder, store)
    with connections[store.alias].cursor() as cursor:
        cursor.execute("SELECT COUNT(*) FROM beatsync_filerecord")
        assert cursor.fetchone() == (len(list(folder.iterdir())),)


def test_a_file_that_is_too_large_for_a_record_is_parsed_every_time(
    folder: Path, store: Store, parsed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "MAX_RECORDED", 2)
    go(folder, store)
    (folder / "a.yaml").write_text(text(one="other", two="t", three="t"), encoding="utf-8")
    assert go(folder, store).outcome is Outcome.APPLIED
    parsed.clear()
    settles(folder, store)
    assert parsed == ["a.yaml"]


def test_an_acknowledged_warning_stays_so_in_an_unchanged_file(store: Store, tmp_path: Path, parsed: list[str]) -> None:
    spec = tmp_path / "a.yaml"
    warned = 'schedules:\n  friday: {task: t, crontab: "0 0 13 * fri"}'
    spec.write_text(f"{warned} # beatsync: ignore[crontab-and] Friday the 13th\n", encoding="utf-8")
    options = SyncOptions(strict=True)
    first = sync(tmp_path, store, options)
    assert (first.outcome, first.plan.diagnostics, first.plan.acknowledged) == (Outcome.APPLIED, (), 1)
    parsed.clear()
    second = sync(tmp_path, store, options)
    assert (second.outcome, second.plan.diagnostics, second.plan.acknowledged, parsed) == (Outcome.UNCHANGED, (), 1, [])
    spec.write_text(f"{warned}\n", encoding="utf-8")
    assert sync(tmp_path, store, options).outcome is Outcome.INVALID
    assert sync(tmp_path, store, SyncOptions()).outcome is not Outcome.INVALID
    assert sync(tmp_path, store, options).outcome is Outcome.INVALID


def test_a_warning_of_the_plan_is_acknowledged_in_an_unchanged_file_too(
    store: Store, tmp_path: Path, parsed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    late = LateRuns("it does not set the deadline", "write it")
    monkeypatch.setattr(store, "_application", Application(late_runs=late))
    windows = "windows: {noon: {from: '12:00', to: '13:00'}}\nschedules:\n"
    every = "{task: t, every: {noon: 15m, otherwise: never}}"
    spec = tmp_path / "a.yaml"
    spec.write_text(f"{windows}  # beatsync: ignore[window-deadline] harmless\n  a: {every}\n  b: {every}\n", "utf-8")
    for names in (["a.yaml"], []):  # at the first sync, and without parsing
        parsed.clear()
        result = sync(tmp_path, store, SyncOptions())
        (warning,) = result.plan.diagnostics
        assert (warning.code, warning.location.line, result.plan.acknowledged, parsed) == (
            "window-deadline",
            5,
            1,
            names,
        )
    spec.write_text(f"{windows}  a: {every} # beatsync: ignore[window-deadline] harmless\n", "utf-8")
    for _ in range(2):
        result = sync(tmp_path, store, SyncOptions(plan=PlanOptions(max_deletes="9")))
        assert (result.plan.diagnostics, result.plan.acknowledged) == ((), 1)
    spec.write_text(f"{windows}  new: {every} # beatsync: ignore[window-deadline, rename-possible] another\n", "utf-8")
    assert (plan(tmp_path, store, SyncOptions()).plan.diagnostics) == ()
    spec.write_text(f"{windows}  new: {every} # beatsync: ignore[window-deadline] harmless\n", "utf-8")
    assert [each.code for each in plan(tmp_path, store, SyncOptions()).plan.diagnostics] == ["rename-possible"]
