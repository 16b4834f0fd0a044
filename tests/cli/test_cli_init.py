"""`beatsync init`: creates a directory that validates, can be planned, and completes in an editor."""

from __future__ import annotations

import json
import re

import pytest
import yaml
from jsonschema import Draft202012Validator

from tests.cli.commanding import InProcess, Project, Shell


def test_a_new_directory_is_valid_and_can_be_planned(here: InProcess) -> None:
    created = here("init")
    assert created.code == 0
    assert created.out == "created schedules.d/schedules.yaml\ncreated schedules.d/_beatsync.schema.json\n"
    assert "`beatsync validate` and `beatsync plan`" in created.err
    assert here("validate").out == "1 file, 0 schedules: valid\n"
    planned = here("plan", "--detailed-exitcode")
    assert (planned.code, planned.out) == (0, "Nothing to do: 0 unchanged.\n")


def test_the_examples_in_the_new_file_are_valid(here: InProcess) -> None:
    here("init", "specs")
    path = here.path / "specs" / "schedules.yaml"
    # Uncomment the examples, as an editor does.
    text = re.sub(r"^  # ", "  ", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    path.write_text(text, encoding="utf-8")
    document = yaml.safe_load(text)
    assert sorted(document["schedules"]) == ["heartbeat", "nightly-invoices"]
    assert document["defaults"] == {"queue": "billing", "timezone": "Europe/Berlin"}
    assert here("validate", "specs").out == "1 file, 2 schedules: valid\n"


def test_the_default_directory_comes_from_the_settings_and_the_hint_names_only_another_one(here: InProcess) -> None:
    created = here("init", settings={"DIR": str(here.path / "specs")})
    assert created.out == "created specs/schedules.yaml\ncreated specs/_beatsync.schema.json\n"
    assert "`beatsync validate` and `beatsync plan`" in created.err
    assert "`beatsync validate other` and `beatsync plan other`" in here("init", "other").err


def test_the_spec_file_names_the_published_schema_beside_it(here: InProcess) -> None:
    here("init", "specs")
    text = (here.path / "specs" / "schedules.yaml").read_text(encoding="utf-8")
    assert text.startswith("# yaml-language-server: $schema=./_beatsync.schema.json\n")
    schema = json.loads((here.path / "specs" / "_beatsync.schema.json").read_text(encoding="utf-8"))
    assert schema == here("schema").json
    Draft202012Validator(schema).validate(yaml.safe_load(text))


@pytest.mark.parametrize("name", ["schedules.yaml", "_beatsync.schema.json"])
def test_an_existing_file_is_not_overwritten_and_nothing_is_written(here: InProcess, name: str) -> None:
    mine = here.spec("mine\n", f"schedules.d/{name}")
    result = here("init")
    assert (result.code, result.out) == (1, "")
    assert result.err == f"error: schedules.d/{name} already exists; nothing was written. Name another directory\n"
    assert [path.name for path in mine.parent.iterdir()] == [name]
    assert mine.read_text(encoding="utf-8") == "mine\n"


def test_a_directory_with_other_files_is_accepted(here: InProcess) -> None:
    here.spec("notes", "schedules.d/README.md")
    assert here("init").code == 0
    assert here("validate").code == 0


def test_a_file_instead_of_a_directory_is_reported(here: InProcess) -> None:
    here.spec("", "specs")
    result = here("init", "specs/below")
    assert (result.code, result.out) == (1, "")
    assert "specs/below cannot be written" in result.err
    result = here("init", "specs")
    assert (result.code, result.err) == (1, "error: specs is a file; name a directory, which may be new\n")


def test_the_schedules_of_the_application_and_of_the_database_are_offered(migrated: Project) -> None:
    migrated.append_settings('CELERY_BEAT_SCHEDULE = {"tick": {"task": "proj.note", "schedule": 30}}')
    make = "from django_celery_beat.models import *; i = IntervalSchedule.objects.create(every=1, period='hours')\n"
    make += "for name in ('tick', 'mine', 'celery.backend_cleanup'): PeriodicTask.objects.create(name=name, task='proj.note', interval=i)"
    assert migrated.manage("shell", "-c", make).code == 0
    created = migrated("init")
    assert created.code == 0
    hints = created.err.splitlines()
    beatsync = "manage.py beatsync"
    assert hints[:2] == [
        f"hint: beat_schedule has schedules (1): `{beatsync} import --out schedules.d --update` adds them to the files",
        f"hint: the database has rows without a source (1): `{beatsync} export --out schedules.d --update` adds them to the files",
    ]
    for command in ("import", "export"):
        assert migrated(command, "--out", "schedules.d", "--update").code == 0
    assert migrated("validate").out == "1 file, 2 schedules: valid\n"


def test_what_cannot_be_read_is_not_offered_and_no_database_is_created(shell: Shell, project: Project) -> None:
    created = project("init")
    assert (created.code, created.err.count("hint:")) == (0, 1)
    created = shell("init", "specs", "--app", "nowhere")
    assert (created.code, created.err.count("hint:")) == (0, 1)
    assert not list(shell.path.glob("*.sqlite3"))
