"""The rows of an imported `beat_schedule` are those that django-celery-beat makes of it, or the difference has a name."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from celery import Celery, _state
from celery.schedules import BaseSchedule, crontab
from django_celery_beat.schedulers import DatabaseScheduler

from beatsync.convert.entries import convert_entries
from beatsync.convert.files import split, texts
from beatsync.convert.python import beat_schedule_text
from beatsync.reconcile import Outcome, SyncOptions, sync
from beatsync.store import Store
from beatsync.values import TaskSpec
from tests.conftest import Backend, empty
from tests.convert.entries import DIFFERENCES, ENTRIES, FUTURE, NOT_WRITTEN

NOW = datetime(2026, 6, 1, tzinfo=timezone.utc)


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> Celery:
    """The application of the process, as for beat; it sets itself as the current one, which the first line undoes."""
    monkeypatch.setattr(_state._tls, "current_app", _state._tls.current_app)
    app = Celery("tests")
    app.conf.timezone = "Europe/Berlin"
    app.conf.beat_schedule = dict(ENTRIES)
    return app


def rows(store: Store) -> dict[str, TaskSpec]:
    observed = store.observe("")
    return {name: row.spec for name, row in observed.rows.items() if name != "celery.backend_cleanup"}


def test_there_are_entries_in_every_spelling() -> None:
    assert len(ENTRIES) >= 80
    assert {*DIFFERENCES, *NOT_WRITTEN} <= ENTRIES.keys()


def test_a_sync_of_the_import_makes_the_rows_that_django_celery_beat_makes(
    app: Celery, sqlite_backend: Backend, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = Store(sqlite_backend.alias, project_settings=False)
    with caplog.at_level(logging.CRITICAL):
        DatabaseScheduler(app=app)
    theirs = rows(store)
    assert theirs.keys() == ENTRIES.keys() - NOT_WRITTEN.keys()
    empty(sqlite_backend.alias)

    conversion = convert_entries(app.conf.beat_schedule, app, NOW)
    assert not conversion.refused
    assert not conversion.left_out
    for path, text in texts(split(conversion.entries, "none")).items():
        (tmp_path / path).write_text(text, encoding="utf-8")
    result = sync(tmp_path, store, SyncOptions())
    assert result.outcome is Outcome.APPLIED, result.plan.diagnostics
    ours = rows(store)
    assert ours.keys() == ENTRIES.keys()
    differences = {}
    for name, spec in theirs.items():
        their_fields, our_fields = spec.fields(), ours[name].fields()
        names = {key for key in (*their_fields, *our_fields) if their_fields.get(key) != our_fields.get(key)}
        if names:
            differences[name] = names
    assert differences == {name: names for name, (names, _) in DIFFERENCES.items()}


def test_a_printed_beat_schedule_makes_the_rows_it_was_made_from(app: Celery, sqlite_backend: Backend) -> None:
    """Entries → rows of a sync → Python → rows of django-celery-beat."""
    conversion = convert_entries(app.conf.beat_schedule, app, NOW)
    before = {entry.spec.name: entry.spec for entry in conversion.entries}
    text = beat_schedule_text(conversion, "Europe/Berlin")
    assert [name for name, _ in conversion.refused] == ["half-second", "milliseconds"]
    values: dict[str, Any] = {}
    exec(text, values)
    app.conf.beat_schedule = values["beat_schedule"]
    DatabaseScheduler(app=app)
    after = rows(Store(sqlite_backend.alias, project_settings=False))
    assert after == {name: spec for name, spec in before.items() if name not in {"half-second", "milliseconds"}}


def test_a_crontab_in_another_zone_is_no_entry(app: Celery) -> None:
    conversion = convert_entries({"x": {"task": "t", "schedule": crontab()}}, app, NOW)
    assert beat_schedule_text(conversion, "UTC") == "beat_schedule = {}"
    assert conversion.refused == [
        ("x", "its crontab is in Europe/Berlin, and those of a beat_schedule are in the zone of the application, UTC")
    ]


def test_what_is_dropped_is_noted_by_name(app: Celery) -> None:
    notes: dict[str, list[str]] = {}
    for name, text in convert_entries(app.conf.beat_schedule, app, NOW).notes:
        notes.setdefault(name, []).append(text)
    assert {name: [text.split(",")[0] for text in texts_] for name, texts_ in notes.items()} == {
        "countdown": ["loses the option countdown"],
        "serializer": ["loses the option compression", "loses the option serializer"],
        "relative": ["loses relative"],
        "schedule-relative": ["loses relative"],
        "nowfun": ["loses the nowfun of its schedule"],
        "queue-outside": ["loses its key queue"],
        "unknown-key": ["loses its key when"],
    }


class Lunar(BaseSchedule):  # type: ignore[misc]
    """A class of schedules of a project."""


class Late(crontab):  # type: ignore[misc]
    """A subclass, which may decide for itself when it is due."""


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ({"schedule": Lunar()}, "its schedule is of the class test_convert_entries.Lunar, which no row can hold"),
        ({"schedule": Late(minute=0)}, "test_convert_entries.Late"),
        ({"schedule": "1h"}, "its schedule '1h' is none"),
        ({"schedule": None}, "its schedule is of the class builtins.NoneType"),
        ({"schedule": 0}, "'0s' is zero"),
        ({"schedule": -1}, "has no sign"),
        ({"args": [object()]}, "its args cannot be stored as JSON"),
        ({"kwargs": {"at": NOW}}, "__type__"),
        ({"options": {"priority": "high"}}, "its option priority is 'high', which is no whole number"),
        ({"options": {"priority": 999}}, "999"),
        ({"options": {"expires": FUTURE, "expire_seconds": 3}}, "both expires and expire_seconds"),
        ({"start_time": "soon"}, "its start_time 'soon' is not an ISO 8601 time"),
        ({"start_time": 3}, "its start_time is 3, which is no time"),
        ({"task": "two words"}, "two words"),
    ],
)  # fmt: skip
def test_what_no_file_can_say_has_a_reason(app: Celery, content: dict[str, Any], reason: str) -> None:
    conversion = convert_entries({"x": {"task": "t", "schedule": 60, **content}}, app, NOW)
    assert not conversion.entries
    [(name, text)] = conversion.refused
    assert name == "x"
    assert reason in text


def test_an_entry_that_is_no_dict_with_a_task_and_a_schedule_is_refused(app: Celery) -> None:
    entries = {
        "a": [],
        "b": {"task": "t"},
        "c": {"task": None, "schedule": 1},
        "celery.x": {"task": "t", "schedule": 1},
    }
    conversion = convert_entries(entries, app, NOW)
    assert [remark.name for remark in conversion.refused] == ["a", "b", "c", "celery.x"]


def test_finished_and_beats_own_entries_are_left_out_and_a_local_time_is_noted(app: Celery) -> None:
    from django_celery_beat.clockedschedule import clocked

    naive = (FUTURE + timedelta(hours=1)).replace(tzinfo=None)
    entries = {
        "celery.backend_cleanup": {"task": "celery.backend_cleanup", "schedule": 60},
        "past": {"task": "t", "schedule": clocked(NOW)},
        "local": {"task": "t", "schedule": 60, "start_time": naive},
    }
    conversion = convert_entries(entries, app, NOW)
    assert [remark.name for remark in conversion.left_out] == ["celery.backend_cleanup", "past"]
    [entry] = conversion.entries
    assert entry.spec.start_time == FUTURE
    assert [text for _, text in conversion.notes] == [
        "has no zone in its start_time; it is read in Europe/Berlin, the zone of the application"
    ]
