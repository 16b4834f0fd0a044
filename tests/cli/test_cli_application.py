"""The celery application of a project: what BeatSync reads of it, and where its output goes."""

from __future__ import annotations

import json

import celery
import pytest

from beatsync.cli import exits
from tests.cli.commanding import Project

NIGHTLY = 'schedules:\n  nightly: {task: proj.note, crontab: "30 2 * * *"}\n'
ZONE = "\napp.conf.timezone = 'Asia/Kolkata'\n"
PERIODIC = """
@app.on_after_finalize.connect
def add_tasks(sender, **_):
    sender.add_periodic_task(60.0, note.s(), name="nightly")
"""
NOISY = "\nimport os\nprint('from python')\nos.write(1, b'from a file descriptor\\n')\n"


def append(project: Project, python: str, module: str = "celery.py") -> None:
    with (project.path / "proj" / module).open("a", encoding="utf-8") as file:
        file.write(python)


def forget_application(project: Project) -> None:
    """Remove the import of the application from the package of the settings."""
    (project.path / "proj" / "__init__.py").write_text("", encoding="utf-8")


def zone_of_plan(project: Project, *words: str) -> str:
    (change,) = json.loads(project.beatsync("plan", "--format", "json", *words).out)["changes"]
    return next(str(field["after"]) for field in change["fields"] if field["field"] == "timezone")


@pytest.mark.skipif(celery.VERSION < (5, 5), reason="before celery 5.5, settings overrule code")
@pytest.mark.parametrize("is_imported", [True, False])
def test_the_zone_that_the_application_sets_applies(migrated: Project, is_imported: bool) -> None:
    migrated.spec(NIGHTLY)
    append(migrated, ZONE)
    if not is_imported:
        forget_application(migrated)
    assert zone_of_plan(migrated) == "Asia/Kolkata"
    assert zone_of_plan(migrated, "--timezone", "Europe/Paris") == "Europe/Paris"


def test_a_name_that_add_periodic_task_writes_blocks_the_sync(migrated: Project) -> None:
    migrated.spec(NIGHTLY)
    append(migrated, PERIODIC)
    forget_application(migrated)
    planned = migrated("plan")
    assert planned.code == 4
    assert "[beat-schedule]" in planned.out


@pytest.mark.parametrize("name", ["--app=proj.other", "BEATSYNC_APP", "APP"])
def test_another_application_can_be_named(migrated: Project, name: str) -> None:
    migrated.spec(NIGHTLY)
    other = "from celery import Celery\napp = Celery('other')\napp.conf.timezone = 'Asia/Tokyo'\n"
    append(migrated, other, "other.py")
    if name == "APP":
        migrated.append_settings("BEATSYNC['APP'] = 'proj.other'")
    words = [name] if name.startswith("--") else []
    env = {name: "proj.other"} if name.startswith("BEATSYNC") else {}
    planned = migrated.beatsync("plan", *words, env=env)
    assert planned.code == 0, planned.err
    assert "Asia/Tokyo" in planned.out


def test_an_application_without_a_project_is_loaded_if_it_is_named(migrated: Project) -> None:
    migrated.spec(NIGHTLY)
    append(migrated, "from celery import Celery\napp = Celery('other')\napp.conf.timezone = 'Asia/Tokyo'\n", "other.py")
    forget_application(migrated)
    words = ("-m", "beatsync", "plan", "--database-url", "sqlite:///db.sqlite3")
    assert "Asia/Tokyo" in migrated.run(*words, "--app", "proj.other").out
    assert "UTC" in migrated.run(*words).out


def test_an_unregistered_task_is_a_warning_on_every_run(migrated: Project) -> None:
    migrated.spec(NIGHTLY.replace("proj.note", "proj.nite"))
    for command in ("plan", "sync", "sync"):
        reported = migrated(command)
        assert reported.code == 0
        assert "tasks.yaml:2:3: warning: the task 'proj.nite' is not registered" in reported.out
        assert "did you mean proj.note?" in reported.out
    assert "proj.nite" not in migrated("validate").out


@pytest.mark.parametrize(
    "python", ["import missing_module\n", "1 / 0\n", "app.autodiscover_tasks(['proj.broken'], None)\n"]
)
def test_an_application_that_cannot_be_loaded_is_a_warning_and_with_app_an_error(
    migrated: Project, python: str
) -> None:
    migrated.spec(NIGHTLY)
    append(migrated, python)
    append(migrated, "raise RuntimeError('no broker')\n", "broken.py")
    forget_application(migrated)
    planned = migrated("plan")
    assert planned.code == 0
    assert planned.err.count("warning: ") == 1
    assert "cannot be loaded: " in planned.err
    failed = migrated("plan", "--app", "proj.celery")
    assert failed.code == 1
    assert "the celery application 'proj.celery' cannot be loaded: " in failed.err
    assert "Traceback" not in failed.err


def test_a_project_without_an_application_is_a_hint(migrated: Project) -> None:
    migrated.spec(NIGHTLY)
    forget_application(migrated)
    (migrated.path / "proj" / "celery.py").unlink()
    planned = migrated("plan")
    assert planned.code == 0
    assert planned.err.count("hint: the project has no celery application") == 1


@pytest.mark.parametrize("module", ["settings.py", "celery.py"])
def test_what_settings_and_application_print_is_not_in_the_result(migrated: Project, module: str) -> None:
    migrated.spec(NIGHTLY)
    append(migrated, NOISY, module)
    planned = migrated.beatsync("plan", "--format", "json")
    assert planned.code == 0
    assert [change["name"] for change in planned.json["changes"]] == ["nightly"]
    assert "from python" in planned.err
    assert "from a file descriptor" in planned.err


def test_what_a_log_handler_of_the_settings_writes_is_not_in_the_result(migrated: Project) -> None:
    migrated.spec(NIGHTLY)
    handler = "{'class': 'logging.StreamHandler', 'stream': 'ext://sys.stdout'}"
    migrated.append_settings(
        f"LOGGING = {{'version': 1, 'handlers': {{'out': {handler}}}, 'root': {{'handlers': ['out'], 'level': 'DEBUG'}}}}"
    )
    append(migrated, "import logging\nlogging.warning('from a logger')\n")
    planned = migrated.beatsync("plan", "--format", "json")
    assert planned.json["changes"]
    assert "from a logger" in planned.err


def test_validate_loads_no_application(migrated: Project) -> None:
    migrated.spec(NIGHTLY)
    append(migrated, "raise RuntimeError\n")
    assert migrated.beatsync("validate").code == 0
    assert migrated.beatsync("validate", "--app", "proj").code == exits.USAGE
