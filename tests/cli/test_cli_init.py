"""`beatsync init`: a new directory that validates, plans and completes in an editor."""

from __future__ import annotations

import json
import re

import pytest
import yaml
from jsonschema import Draft202012Validator

from tests.cli.commanding import Here, Shell


def test_a_new_directory_validates_and_can_be_planned_at_once(shell: Shell) -> None:
    made = shell("init")
    assert made.code == 0
    assert made.out == "created schedules.d/schedules.yaml\ncreated schedules.d/_beatsync.schema.json\n"
    assert "`beatsync validate` and `beatsync plan`" in made.err
    assert shell("validate").out == "1 file, 0 schedules: valid\n"
    planned = shell("plan", "--detailed-exitcode")
    assert (planned.code, planned.out) == (0, "Nothing to do: 0 unchanged.\n")


def test_what_it_says_to_write_is_valid(here: Here) -> None:
    here("init", "specs")
    path = here.path / "specs" / "schedules.yaml"
    # What the comment in it asks for, by the editor's own command.
    text = re.sub(r"^  # ", "  ", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    path.write_text(text, encoding="utf-8")
    document = yaml.safe_load(text)
    assert sorted(document["schedules"]) == ["heartbeat", "nightly-invoices"]
    assert document["defaults"] == {"queue": "billing", "timezone": "Europe/Berlin"}
    assert here("validate", "specs").out == "1 file, 2 schedules: valid\n"


def test_it_is_made_where_a_projects_settings_look_and_the_hint_says_no_more_than_is_needed(here: Here) -> None:
    made = here("init", settings={"DIR": str(here.path / "specs")})
    assert made.out == "created specs/schedules.yaml\ncreated specs/_beatsync.schema.json\n"
    assert "`beatsync validate` and `beatsync plan`" in made.err
    assert "`beatsync validate other` and `beatsync plan other`" in here("init", "other").err


def test_the_schema_beside_it_is_the_published_one_and_the_file_names_it(here: Here) -> None:
    here("init", "specs")
    text = (here.path / "specs" / "schedules.yaml").read_text(encoding="utf-8")
    assert text.startswith("# yaml-language-server: $schema=./_beatsync.schema.json\n")
    schema = json.loads((here.path / "specs" / "_beatsync.schema.json").read_text(encoding="utf-8"))
    assert schema == here("schema").json
    Draft202012Validator(schema).validate(yaml.safe_load(text))


@pytest.mark.parametrize("name", ["schedules.yaml", "_beatsync.schema.json"])
def test_nothing_is_overwritten_nor_half_made(here: Here, name: str) -> None:
    mine = here.spec("mine\n", f"schedules.d/{name}")
    answer = here("init")
    assert (answer.code, answer.out) == (1, "")
    assert answer.err == f"error: schedules.d/{name} already exists; nothing was written. Name another directory\n"
    assert [path.name for path in mine.parent.iterdir()] == [name]
    assert mine.read_text(encoding="utf-8") == "mine\n"


def test_a_directory_that_holds_other_files_is_taken(here: Here) -> None:
    here.spec("notes", "schedules.d/README.md")
    assert here("init").code == 0
    assert here("validate").code == 0


def test_a_file_in_the_way_is_told(here: Here) -> None:
    here.spec("", "specs")
    answer = here("init", "specs/below")
    assert (answer.code, answer.out) == (1, "")
    assert "specs/below cannot be written" in answer.err
    answer = here("init", "specs")
    assert (answer.code, answer.err) == (1, "error: specs is a file; name a directory, which may be new\n")
