"""`beatsync import`: the `beat_schedule` of an application → spec files."""

from __future__ import annotations

import pytest

from tests.cli.commanding import InProcess, Project, Shell, write

APP = """\
from celery import Celery
from celery.schedules import crontab, BaseSchedule

print("loading")
app = Celery("plain")
app.conf.timezone = "Europe/Berlin"
app.conf.beat_schedule = {
    "nightly": {"task": "shop.bill", "schedule": crontab(minute=30, hour=2, day_of_week="mon-fri"), "options": {"queue": "billing"}},
    "secret": {"task": "shop.call", "schedule": 60, "kwargs": {"token": "hunter2"}},
}

@app.task(name="shop.add")
def add(x, y): ...

@app.on_after_configure.connect
def early(sender, **_): sender.add_periodic_task(10.0, add.s(1, 2), name="early", expires=30)

@app.on_after_finalize.connect
def late(sender, **_): sender.add_periodic_task(crontab(minute="*/5"), add.s(3, 4), queue="slow")
"""
FILE = """\
version: 1
defaults:
  timezone: Europe/Berlin
schedules:
  early:
    task: shop.add
    interval: 10s
    args: [1, 2]
    expire_seconds: 30s
  nightly:
    task: shop.bill
    crontab: "30 2 * * mon-fri"
    queue: billing
  secret:
    task: shop.call
    interval: 1m
    kwargs: {token: "<fill-in:secret>"}
  "shop.add(3, 4)":
    task: shop.add
    crontab: "*/5 * * * *"
    args: [3, 4]
    queue: slow
"""


def test_an_application_without_a_project_is_imported_as_celery_finds_it(shell: Shell) -> None:
    write(shell.path / "plain.py", APP)
    result = shell("import", "--app", "plain:app")
    assert (result.code, result.out) == (0, FILE)
    assert result.err == "loading\nwarning: 'secret' has secrets in kwargs; fill them in\n"
    assert "token: hunter2" in shell("import", "--app", "plain:app", "--with-secrets").out


def test_files_are_written_once(shell: Shell) -> None:
    write(shell.path / "plain.py", APP)
    result = shell("import", "--app", "plain", "--out", "schedules.d", "--split", "queue")
    assert result.code == 0
    assert [line.split()[1] for line in result.out.splitlines()] == [
        "schedules.d/billing.yaml", "schedules.d/schedules.yaml", "schedules.d/slow.yaml",
    ]  # fmt: skip
    again = shell("import", "--app", "plain", "--out", "schedules.d", "--split", "queue")
    assert again.code == 1
    assert "already exists; nothing was written" in again.err
    assert shell("import", "--app", "plain", "--out", "schedules.d", "--update").out == ""


def test_the_projects_own_application_needs_no_flag_and_no_database(project: Project) -> None:
    project.append_settings('CELERY_BEAT_SCHEDULE = {"tick": {"task": "proj.note", "schedule": 30}}')
    for result in (project.manage("beatsync", "import"), project.beatsync("import")):
        assert result.code == 0
        assert result.out == "version: 1\nschedules:\n  tick:\n    task: proj.note\n    interval: 30s\n"
    assert not project.tables()


def test_a_class_that_no_row_can_hold_is_listed(shell: Shell) -> None:
    write(
        shell.path / "plain.py",
        APP + "class Lunar(BaseSchedule): ...\napp.conf.beat_schedule['moon'] = {'task': 't', 'schedule': Lunar()}\n",
    )
    result = shell("import", "--app", "plain")
    assert (result.code, result.out) == (2, FILE)
    assert "error: 'moon' is not written: its schedule is of the class plain.Lunar, which no row can hold" in result.err


def test_an_application_that_cannot_be_loaded_is_an_error(shell: Shell) -> None:
    result = shell("import", "--app", "nowhere")
    assert (result.code, result.out) == (1, "")
    assert "the celery application 'nowhere' cannot be loaded" in result.err
    write(shell.path / "ending.py", "raise SystemExit(3)\n")
    ending = shell("import", "--app", "ending")
    assert (ending.code, ending.out) == (1, "")
    assert "the celery application 'ending' cannot be loaded: SystemExit: 3" in ending.err
    missing = shell("import")
    assert (missing.code, missing.out) == (64, "")
    assert "name the celery application with --app" in missing.err


def test_a_file_of_another_scheduler(here: InProcess) -> None:
    write(
        here.path / "cron", "0 2 * * * celery -A shop call shop.bill\n@daily backup --password=hunter2\n@reboot warm\n"
    )
    result = here("import", "--from", "crontab", "cron", "--out", "schedules.d")
    assert result.code == 2
    assert "schedules without a time zone (2) are written with UTC; --timezone sets another zone" in result.err
    assert "error: 'warm' is not written: @reboot has no time" in result.err
    assert "hunter2" not in (here.path / "schedules.d" / "schedules.yaml").read_text(encoding="utf-8") + result.err
    refused = here("validate")
    assert refused.code == 3
    assert refused.out.count("[value-placeholder]") == 2
    assert "timezone: Asia/Tokyo" in here("import", "--from", "crontab", "cron", "--timezone", "Asia/Tokyo").out


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["--update"], 64, "--update needs --out"),
        (["file"], 64, "FILE and --from belong to each other"),
        (["--from", "crontab"], 64, "FILE and --from belong to each other"),
        (["--from", "anacron", "file"], 64, "'anacron' is not one of"),
        (["--from", "crontab", "file", "-A", "x", "--settings", "y"], 64, "leave out --app and --settings"),
        (["--timezone", "UTC"], 64, "without --from, the application's own zone applies: leave out --timezone"),
        (["--from", "crontab", "file"], 1, "file is not a file"),
        (["--from", "kubernetes", "broken"], 1, "broken cannot be read: "),
    ],
)
def test_wrong_words_are_refused(here: InProcess, words: list[str], code: int, message: str) -> None:
    write(here.path / "broken", "{")
    result = here("import", *words)
    assert (result.code, result.out) == (code, "")
    assert message in result.err
