"""`beatsync schema`: prints the published JSON Schemas."""

from __future__ import annotations

import json

import pytest
from jsonschema import Draft202012Validator

from tests.cli.commanding import ROOT, InProcess

PUBLISHED = sorted((ROOT / "schemas").glob("*.schema.json"))


@pytest.mark.parametrize("path", PUBLISHED, ids=lambda path: path.name)
def test_each_published_schema_is_printed_unchanged(here: InProcess, path: object) -> None:
    from pathlib import Path

    assert isinstance(path, Path)
    result = here("schema", path.name.partition(".")[0])
    assert (result.code, result.err) == (0, "")
    assert result.json == json.loads(path.read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(result.json)


def test_the_default_is_the_schema_of_spec_files(here: InProcess) -> None:
    assert here("schema").json == here("schema", "beatsync").json


def test_an_unknown_name_is_wrong_usage_and_the_names_are_listed(here: InProcess) -> None:
    result = here("schema", "plans")
    assert (result.code, result.out) == (64, "")
    for path in PUBLISHED:
        assert repr(path.name.partition(".")[0]) in result.err
