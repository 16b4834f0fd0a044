"""`beatsync export`: rows → spec files that a sync adopts without changing a row."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from django_celery_beat.models import ClockedSchedule, CrontabSchedule, IntervalSchedule, PeriodicTask, PeriodicTasks

from tests.cli.commanding import InProcess
from tests.cli.test_cli_release import rows

NOW = datetime.now(timezone.utc)
NIGHT = {"minute": "30", "hour": "2", "day_of_week": "mon-fri", "timezone": "Europe/Berlin"}


def make(name: str, **fields: Any) -> PeriodicTask:
    """Make a row as the admin does."""
    if not {"crontab", "clocked"} & fields.keys():
        fields["interval"] = IntervalSchedule.objects.get_or_create(every=30, period="seconds")[0]
    task: PeriodicTask = PeriodicTask.objects.create(name=name, **{"task": f"shop.tasks.{name}", **fields})
    return task


def night(**fields: str) -> CrontabSchedule:
    return CrontabSchedule.objects.get_or_create(**{**NIGHT, **fields})[0]


@pytest.fixture
def shop(here: InProcess) -> InProcess:
    """A database with rows of many kinds that no source owns."""
    make("bill", crontab=night(), queue="billing", kwargs='{"dry_run": false, "country": "no"}', expire_seconds=1800)
    make("zeit", crontab=night(hour="8", day_of_week="0,6"), task="crm.sync", description="Für Åsa 👋", priority=3)
    make("paused", enabled=False, last_run_at=None)
    make("secret", kwargs='{"url": "https://ann:hunter2@host/x", "api_token": "t0p"}', headers='{"X": "y"}')
    make("later", clocked=ClockedSchedule.objects.create(clocked_time=NOW + timedelta(days=9)), one_off=True)
    PeriodicTask.objects.update(date_changed=NOW - timedelta(days=3))
    PeriodicTask.objects.filter(name="bill").update(last_run_at=NOW - timedelta(hours=3), total_run_count=7)
    return here


FINISHED: dict[str, dict[str, Any]] = {
    "past": {"one_off": True, "clocked": NOW - timedelta(days=1)},
    "ran": {"one_off": True, "enabled": False},
    "running": {"one_off": True, "total_run_count": 1},
    "expired": {"expires": NOW - timedelta(days=1)},
    "celery.backend_cleanup": {},
}


def finish(name: str) -> PeriodicTask:
    fields = dict(FINISHED[name])
    if "clocked" in fields:
        fields["clocked"] = ClockedSchedule.objects.create(clocked_time=fields["clocked"])
    return make(name, **fields)


def test_the_files_read_as_if_a_person_wrote_them(shop: InProcess) -> None:
    PeriodicTask.objects.filter(name__in=["later", "secret"]).delete()
    result = shop("export")
    assert (result.code, result.err) == (0, "")
    assert (
        result.out
        == """\
version: 1
defaults:
  timezone: Europe/Berlin
schedules:
  bill:
    task: shop.tasks.bill
    crontab: "30 2 * * mon-fri"
    kwargs: {country: "no", dry_run: false}
    queue: billing
    expire_seconds: 30m
  paused:
    task: shop.tasks.paused
    interval: 30s
    enabled: false  # was disabled when exported
  zeit:
    task: crm.sync
    crontab: "30 8 * * sat,sun"
    priority: 3
    description: "Für Åsa 👋"
"""
    )


@pytest.mark.parametrize("split", ["none", "queue", "module"])
def test_adopting_the_files_changes_no_row_and_does_not_notify_beat(shop: InProcess, split: str) -> None:
    before, notice = rows(shop), PeriodicTasks.last_change()
    result = shop("export", "--out", "schedules.d", "--split", split, "--with-secrets")
    assert result.code == 0
    assert shop("validate").code == 0
    plan = shop("plan", "--adopt", "--format", "json").matching("plan")
    assert {change["action"] for change in plan["changes"]} == {"adopt"}
    assert not [field for change in plan["changes"] for field in change["fields"]]
    assert len(plan["changes"]) == 5
    assert shop("sync", "--adopt").code == 0
    assert rows(shop) == before
    assert PeriodicTasks.last_change() == notice
    assert shop("plan", "--detailed-exitcode").code == 0


def test_a_secret_is_a_placeholder_that_validate_refuses_until_it_is_filled_in(shop: InProcess) -> None:
    result = shop("export", "secret", "--out", "schedules.d")
    assert result.code == 0
    assert "warning: 'secret' has secrets in kwargs; fill them in\n" in result.err
    path = shop.path / "schedules.d" / "schedules.yaml"
    text = path.read_text(encoding="utf-8")
    assert '      api_token: "<fill-in:secret>"\n      url: "https://ann:<fill-in:secret>@host/x"\n' in text
    assert "hunter2" not in text + result.out + result.err
    refused = shop("validate")
    assert refused.code == 3
    assert refused.out.count("[value-placeholder]") == 2
    text = text.replace('"<fill-in:secret>"', "t0p").replace("<fill-in:secret>", "hunter2")
    path.write_text(text, encoding="utf-8")
    before = rows(shop)
    assert shop("sync", "--adopt").code == 0
    assert rows(shop) == before


@pytest.mark.parametrize("name", FINISHED)
def test_a_finished_row_is_left_out_and_listed(here: InProcess, name: str) -> None:
    finish(name)
    result = here("export")
    assert (result.code, result.out) == (0, "")
    assert f"hint: {name!r} is left out: " in result.err
    assert "there is nothing to write" in result.err


def test_what_no_file_can_say_is_listed_with_the_reason(here: InProcess) -> None:
    for name, fields in {
        "sunday": {"crontab": night(day_of_week="7")}, "array": {"args": "{}"}, "celery.own": {}, "none": {}, "fine": {},
    }.items():  # fmt: skip
        make(name, **fields)
    PeriodicTask.objects.filter(name="none").update(interval=None)
    result = here("export")
    assert result.code == 2
    assert list(result.out.splitlines())[2:] == ["  fine:", "    task: shop.tasks.fine", "    interval: 30s"]
    assert [line.partition(" is not written: ")[0] for line in result.err.splitlines()] == [
        "error: 'array'", "error: 'celery.own'", "error: 'none'", "error: 'sunday'",
    ]  # fmt: skip
    assert "its crontab is 30 2 * * 7, which celery does not run" in result.err


def test_rows_of_a_source_are_exported_only_if_they_are_asked_for(here: InProcess) -> None:
    here.spec(
        "schedules:\n  owned: {task: t, interval: 1h, enabled: true, sync: {protect: true}}\n  lit: {task: t, interval: 1h}\n"
    )
    assert here("sync").code == 0
    PeriodicTask.objects.filter(name="lit").update(enabled=False)
    make("free")
    assert "owned" not in here("export").out
    assert "owned" not in here("export", "--unowned").out
    text = here("export", "--all").out
    assert "  free:\n" in text
    assert "  lit:\n    task: t\n    interval: 1h\n    enabled: false  # was disabled when exported\n" in text
    assert text.endswith("  owned:\n    task: t\n    interval: 1h\n    enabled: true\n    sync: {protect: true}\n")
    assert here("export", "owned").out.endswith("enabled: true\n    sync: {protect: true}\n")
    assert here("export", "--task", "shop.*").out.endswith("  free:\n    task: shop.tasks.free\n    interval: 30s\n")
    assert here("export", "--task", "x?").out == ""


def test_the_rows_of_an_every_are_not_exported_as_schedules_of_their_own(here: InProcess) -> None:
    here.spec(
        "windows: {office: {days: mon-fri, from: '08:00', to: '18:00'}}\n"
        "schedules: {peaks: {task: t, every: {office: 1m, otherwise: 15m}}, plain: {task: t, interval: 1h}}\n"
    )
    assert here("sync").code == 0
    result = here("export", "--all")
    assert result.code == 2
    assert result.err.splitlines() == [
        "error: 'peaks' is not written: tasks.yaml declares it with `every`, and a row is only a part of it; copy it from there"
    ]
    assert "plain" in result.out
    assert "peaks" not in result.out
    assert here("export", "--all", "--out", "schedules.d", "--update").code == 0
    # The way back has each row: it runs when the schedule does.
    back = here("export", "--all", "--beat-schedule")
    entries: dict[str, Any] = {}
    exec(back.out, entries)
    assert back.code == 0
    made = {name: entry["schedule"] for name, entry in entries["beat_schedule"].items()}
    assert made == {row.name: row.schedule for row in PeriodicTask.objects.all()}


def test_update_adds_what_is_missing_and_changes_no_line(shop: InProcess) -> None:
    shop("export", "bill", "--out", "schedules.d")
    path = shop.path / "schedules.d" / "schedules.yaml"
    text = path.read_text(encoding="utf-8").replace("schedules:", "schedules:  # ours") + "    # last\n"
    path.write_text(text, encoding="utf-8")
    shop.spec("schedules:\n  zeit: {task: other, interval: 1h, only: [staging]}\n", "schedules.d/more.yaml")
    result = shop("export", "--out", "schedules.d", "--update", "--with-secrets")
    assert result.code == 0
    assert "updated schedules.d/schedules.yaml (3 schedules)" in result.out
    after = path.read_text(encoding="utf-8")
    assert after.startswith(text)
    assert "zeit" not in after
    assert shop("export", "--out", "schedules.d", "--update").out == ""
    assert path.read_text(encoding="utf-8") == after


def test_update_adds_to_files_whose_secrets_are_not_filled_in(shop: InProcess) -> None:
    shop("export", "secret", "--out", "schedules.d")
    result = shop("export", "--out", "schedules.d", "--update")
    assert (result.code, "secrets" in result.err) == (0, False)
    assert "updated schedules.d/schedules.yaml (4 schedules)" in result.out
    assert shop("validate").out.count("[value-placeholder]") == 2


def test_update_does_not_touch_an_invalid_file(shop: InProcess) -> None:
    path = shop.spec("schedules: {x: {}}\n", "schedules.d/schedules.yaml")
    result = shop("export", "--out", "schedules.d", "--update")
    assert result.code == 3
    assert "schedules.d/schedules.yaml is invalid; nothing was written" in result.err
    assert path.read_text(encoding="utf-8") == "schedules: {x: {}}\n"


def test_no_file_is_overwritten(shop: InProcess) -> None:
    shop.spec("schedules: {}\n", "schedules.d/shop.yaml")
    before = sorted((shop.path / "schedules.d").iterdir())
    result = shop("export", "--out", "schedules.d", "--split", "module")
    assert result.code == 1
    assert "schedules.d/shop.yaml already exists; nothing was written" in result.err
    assert sorted((shop.path / "schedules.d").iterdir()) == before


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["nope", "nor"], 1, "the database has no row named 'nope', 'nor'"),
        (["--update"], 64, "--update needs --out"),
        (["--beat-schedule", "--out", "x"], 64, "--beat-schedule prints one text: leave out --out"),
        (["--dir", "x", "--source", "y"], 64, "no file of a source is read: leave out --dir and --source"),
        (["--timezone", "UTC"], 64, "each schedule is written with its own zone: leave out --timezone"),
        (["--drifted", "--unowned", "--split", "none"], 64, "edit the files: leave out --unowned and --split"),
        (["--all", "--unowned"], 64, "exclude each other"),
        (["--split", "size"], 64, "'size' is not one of"),
    ],
)
def test_wrong_words_are_refused(shop: InProcess, words: list[str], code: int, message: str) -> None:
    result = shop("export", *words)
    assert (result.code, result.out) == (code, "")
    assert message in result.err


def test_rows_that_beat_writes_at_every_start_are_named(shop: InProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    from django.conf import settings

    monkeypatch.setattr(settings, "CELERY_BEAT_SCHEDULE", {"bill": {}, "zzz": {}}, raising=False)
    result = shop("export")
    assert "warning: beat_schedule has 'bill' as well, and beat writes its entries at every start" in result.err


def test_a_beat_schedule_is_the_way_back(shop: InProcess) -> None:
    result = shop("export", "bill", "paused", "secret", "--beat-schedule", "--timezone", "Europe/Berlin")
    assert result.code == 0
    assert (
        result.out
        == """\
from datetime import timedelta
from celery.schedules import crontab

beat_schedule = {
    "bill": {
        "task": "shop.tasks.bill",
        "schedule": crontab(minute="30", hour="2", day_of_week="1-5"),
        "kwargs": {"country": "no", "dry_run": False},
        "options": {"queue": "billing", "expire_seconds": 1800},
    },
    "paused": {
        "task": "shop.tasks.paused",
        "schedule": timedelta(seconds=30),
        "enabled": False,
    },
    "secret": {
        "task": "shop.tasks.secret",
        "schedule": timedelta(seconds=30),
        "kwargs": {"api_token": "<fill-in:secret>", "url": "https://ann:<fill-in:secret>@host/x"},
        "options": {"headers": {"X": "y"}},
    },
}
"""
    )
    utc = shop("export", "bill", "--beat-schedule")
    assert utc.code == 2
    assert "error: 'bill' is not written: its crontab is in Europe/Berlin" in utc.err


def test_an_empty_beat_schedule_is_python(here: InProcess) -> None:
    result = here("export", "--beat-schedule")
    assert (result.code, result.out) == (0, "beat_schedule = {}\n")
    assert result.err == "hint: there is nothing to write\n"


def test_several_files_are_documents_on_standard_output(shop: InProcess) -> None:
    text = shop("export", "--split", "queue").out
    assert text.startswith("# billing.yaml\nversion: 1\n")
    assert "---\n# schedules.yaml\nversion: 1\n" in text
