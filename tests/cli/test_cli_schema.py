"""`beatsync schema`: prints the published JSON Schemas."""

from __future__ import annotations

import json

import pytest
from jsonschema import Draft202012Validator

from tests.cli.commanding import ROOT, Here

PUBLISHED = sorted((ROOT / "schemas").glob("*.schema.json"))


@pytest.mark.parametrize("path", PUBLISHED, ids=lambda path: path.name)
def test_each_published_schema_is_printed_as_it_is(here: Here, path: object) -> None:
    from pathlib import Path

    assert isinstance(path, Path)
    answer = here("schema", path.name.partition(".")[0])
    assert (answer.code, answer.err) == (0, "")
    assert answer.json == json.loads(path.read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(answer.json)


def test_without_a_name_it_is_that_of_spec_files(here: Here) -> None:
    assert here("schema").json == here("schema", "beatsync").json


def test_a_name_that_there_is_not_is_wrong_usage_and_the_names_are_told(here: Here) -> None:
    answer = here("schema", "plans")
    assert (answer.code, answer.out) == (64, "")
    for path in PUBLISHED:
        assert repr(path.name.partition(".")[0]) in answer.err
